"""Rows of a table as they may be shown: what is suppressed is gone before anything is drawn.

Page, JSON and CSV all read tables through this module, so that a suppressed number cannot
appear in one of them by oversight.
"""

from typing import Any, TypeAlias

import pyarrow as pa

Row: TypeAlias = dict[str, Any]

SUPPRESSED_COLUMN = "suppressed"
# Numbers that name a row, or the denominator that disclosure control leaves standing.
KEY_NUMBERS = frozenset({"day", "lowest", "highest", "person_days"})
_NOT_SUPPRESSED = ("", "false", "no", "0", "none")


def is_suppressed(row: Row) -> bool:
    """Tell whether disclosure control withholds the numbers of this row."""
    value = row.get(SUPPRESSED_COLUMN)
    return value is not None and str(value).strip().lower() not in _NOT_SUPPRESSED


def is_measure(column: pa.Field) -> bool:
    """Tell whether a column counts or measures something, rather than naming the row."""
    numeric = (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
    )
    return numeric and column.name not in KEY_NUMBERS


def released_rows(table: pa.Table) -> list[Row]:
    """Rows as dictionaries; every measure of a suppressed row is None.

    Parameters
    ----------
    table : pyarrow.Table
        A dossier table. Where it has a column ``suppressed``, any value other than null, an
        empty string or ``false`` withholds the row.
    """
    rows: list[Row] = table.to_pylist()
    if SUPPRESSED_COLUMN not in table.column_names:
        return rows
    measures = [column.name for column in table.schema if is_measure(column)]
    for row in rows:
        if is_suppressed(row):
            row.update(dict.fromkeys(measures))
    return rows
