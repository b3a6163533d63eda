"""Identifiers: each row once, and no reference to a row that is not there."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from iago.exchange.csv.columns import ParsedColumn, ParsedTable
from iago.exchange.csv.findings import LISTED_PER_KIND, Finding, row_findings


def check_keys(table: ParsedTable) -> list[Finding]:
    """Find rows that repeat the key of an earlier row; the finding names both rows.

    Returns
    -------
    list of Finding
        One for each repeating row; rows with an unreadable key are left out.
    """
    key = table.record.key
    if not key or not table.rows:
        return []
    columns = [table.columns[name] for name in key]
    readable = ~np.logical_or.reduce([column.is_wrong() for column in columns])
    rows = np.flatnonzero(readable)
    combined = np.zeros(len(rows), dtype=np.int64)
    for column in columns:
        codes, size = _value_codes(column)
        # Codes are made dense again after each column, so the product cannot overflow.
        combined = combined * size + codes[rows]
        combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    _, first, group = np.unique(combined, return_index=True, return_inverse=True)
    first_of_row = rows[first[group]]
    repeats = first_of_row != rows
    later, earlier = rows[repeats], first_of_row[repeats][:LISTED_PER_KIND]
    found = [
        f"the same {' and '.join(key)} as in row {line}" for _, line in table.source.places(earlier)
    ]
    return row_findings(
        "IAGO-E301", table.source, later, key[0], found, f"one row for each {' and '.join(key)}"
    )


def check_references(table: ParsedTable, tables: Mapping[str, ParsedTable]) -> list[Finding]:
    """Find identifiers that do not stand in the table to which they refer.

    A table that could not be read is not looked up, for it already has a finding.
    """
    findings: list[Finding] = []
    for element in table.record.elements:
        target = tables.get(element.references)
        if target is None:
            continue
        column = table.columns[element.name]
        ids = pa.array(target.columns[target.record.key[0]].values, pa.string())
        texts = pa.array(column.values, pa.string())
        known = pc.is_in(texts, value_set=ids.drop_null()).to_numpy(zero_copy_only=False)
        given = texts.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero((given & ~known)[column.codes])
        findings += row_findings(
            "IAGO-E302",
            table.source,
            rows,
            element.name,
            f"an identifier that {target.source.file} does not hold",
            f"an identifier of {target.source.file}",
        )
    return findings


def _value_codes(column: ParsedColumn) -> tuple[npt.NDArray[np.int64], int]:
    """Codes by row that are equal where values are equal, however they were written."""
    index: dict[object, int] = {}
    of_text = [index.setdefault(value, len(index)) for value in column.values]
    return np.array(of_text, dtype=np.int64)[column.codes], len(index)
