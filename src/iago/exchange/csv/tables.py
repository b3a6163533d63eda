"""Analysis tables from typed columns, and the table of reasons for absent values."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from iago.exchange.csv.columns import ParsedColumn, ParsedTable, accepted_columns
from iago.exchange.csv.findings import Finding
from iago.exchange.csv.laboratory import derive_canonical_labs
from iago.exchange.csv.moments import Clock, derive_moment
from iago.standard.null_flavours import NullFlavour
from iago.standard.records import Element
from iago.tables.schema import ABSENCES, analysis_fields, table_schema


def derive_analysis_table(
    table: ParsedTable, clock: Clock | None, today: dt.date
) -> tuple[pa.Table, list[Finding]]:
    """Columns of the snapshot from the cells of a CSV file.

    Parameters
    ----------
    clock : Clock or None
        Infusion of the course of each row; None for a table without moments.
    today : datetime.date
        A moment after it is an error.
    """
    columns: dict[str, pa.Array] = {}
    findings: list[Finding] = []
    if table.record.table == "labs":
        columns, findings = derive_canonical_labs(table)
    for element in table.record.elements:
        names = [field.name for field in analysis_fields(element)]
        if element.type == "moment" and clock is not None:
            moment, found = derive_moment(table, element, clock, today)
            columns.update(zip(names, moment.to_arrow(), strict=True))
            findings += found
        elif names[0] not in columns:
            columns[names[0]] = _simple_column(table, element)
    return pa.table(columns, schema=_nullable(table_schema(table.record))), findings


def derive_absences(table: ParsedTable) -> pa.Table:
    """Why values are absent: one row a cell with a null flavour other than NI.

    An element with a value in one of its columns is not absent, whatever the others say.
    """
    parts = [
        _element_absences(table, element)
        for element in table.record.elements
        if any(any(table.columns[column].flavours) for column in accepted_columns(element))
    ]
    return pa.concat_tables([ABSENCES.empty_table(), *parts])


def _simple_column(table: ParsedTable, element: Element) -> pa.Array:
    column = table.columns[element.columns[0]]
    if element.type == "date":
        years = [None if value is None else value.earliest.year for value in column.values]
        return pa.array(years, pa.int32()).take(pa.array(column.codes))
    return column.to_arrow(analysis_fields(element)[0].type)


def _element_absences(table: ParsedTable, element: Element) -> pa.Table:
    columns = [table.columns[name] for name in accepted_columns(element)]
    given = np.logical_or.reduce([column.is_given() for column in columns])
    flavours = np.full(table.rows, "", dtype=object)
    for column in reversed(columns):
        by_row = _flavour_of_row(column)
        flavours = np.where(by_row == "", flavours, by_row)
    rows = np.flatnonzero((flavours != "") & ~given)
    return pa.table(
        {
            "table": pa.array([table.record.table] * len(rows), pa.string()),
            "row": pa.array(rows, pa.int64()),
            "element": pa.array([element.name] * len(rows), pa.string()),
            "null_flavour": pa.array(flavours[rows].tolist(), pa.string()),
        },
        schema=ABSENCES,
    )


def _flavour_of_row(column: ParsedColumn) -> npt.NDArray[np.object_]:
    # NI is what an empty cell means, so a written NI says nothing more.
    flavours = ["" if flavour == NullFlavour.NI else flavour for flavour in column.flavours]
    return np.array(flavours, dtype=object)[column.codes]


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(nullable=True) for field in schema])
