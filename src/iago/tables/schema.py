"""Columns of the analysis tables, derived from the records of the standard.

A snapshot holds no calendar date: a moment becomes three columns in days from infusion
(``<name>_day`` and its ``_earliest`` and ``_latest`` possible value), a date becomes its year.
A null stands for any absent value; why it is absent stands in the table ``absences``.
"""

from functools import cache

import pyarrow as pa

from iago.standard.records import Element, RecordType, load_records

_SIMPLE = {
    "identifier": pa.string(),
    "reference": pa.string(),
    "code": pa.string(),
    "name": pa.string(),
    "unit": pa.string(),
    "integer": pa.int32(),
    "number": pa.float64(),
    "yes_no": pa.bool_(),
}

ABSENCES = pa.schema(
    [
        ("table", pa.string()),
        ("row", pa.int64()),
        ("element", pa.string()),
        ("null_flavour", pa.string()),
    ]
)


def analysis_fields(element: Element) -> list[pa.Field]:
    """Columns that an element takes in its analysis table."""
    if element.type == "moment":
        names = (
            f"{element.name}_day",
            f"{element.name}_day_earliest",
            f"{element.name}_day_latest",
        )
        return [pa.field(name, pa.int32()) for name in names]
    if element.type == "date":
        return [pa.field(element.name.replace("_date", "_year"), pa.int32())]
    return [pa.field(element.name, _SIMPLE[element.type], nullable=not element.required)]


def table_schema(record: RecordType) -> pa.Schema:
    """Arrow schema of the analysis table of a record."""
    return pa.schema([field for element in record.elements for field in analysis_fields(element)])


@cache
def snapshot_schemas() -> dict[str, pa.Schema]:
    """Schemas of all tables of a snapshot by table name."""
    schemas = {record.table: table_schema(record) for record in load_records()}
    return {**schemas, "absences": ABSENCES}
