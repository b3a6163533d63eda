"""Arrays as tables of the database for the length of a query; small mappings as SQL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from iago.tables.engine import Connection

_NAME = "arrays_in_sql"


@contextmanager
def registered_arrays(connection: Connection, arrays: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    """Name of a table that holds arrays of one length as columns."""
    connection.register(_NAME, pa.table(dict(arrays)))
    try:
        yield _NAME
    finally:
        connection.unregister(_NAME)


def insert_arrays(
    connection: Connection,
    table: str,
    arrays: Mapping[str, NDArray[Any]],
    constants: Mapping[str, str] | None = None,
) -> None:
    """Append arrays of one length as rows; constants are texts of the standard."""
    if all(values.size == 0 for values in arrays.values()):
        return
    with registered_arrays(connection, arrays) as name:
        texts = "".join(f", '{text}' as {column}" for column, text in (constants or {}).items())
        connection.execute(f"insert into {table} by name select *{texts} from {name}")


def sql_case(column: str, texts: Mapping[int, str]) -> str:
    """SQL expression that turns numbers into texts of the standard, and any other into null."""
    branches = " ".join(f"when {number} then '{text}'" for number, text in texts.items())
    return f"case {column} {branches} end"
