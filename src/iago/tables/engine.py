"""The query engine: DuckDB over the Parquet files of one snapshot.

SQL in this project is composed from identifiers of the standard and from checked expressions
only; values travel as parameters or stand in small tables.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from iago.errors import DefinitionError
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import Snapshot

Connection = duckdb.DuckDBPyConnection
Parameters = list[object] | dict[str, object] | None
# Leaves room for Arrow tables and figures within the 4 GB that a million patients may take.
MEMORY_LIMIT = "2GB"


@contextmanager
def connect(snapshot: Snapshot) -> Iterator[Connection]:
    """Open a database in which each table of the snapshot is a view of that name."""
    with tempfile.TemporaryDirectory(prefix="iago-") as spill:
        connection = duckdb.connect(
            config={
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": spill,
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            for table in snapshot_schemas():
                path = str(snapshot.path(table)).replace("'", "''")
                connection.execute(f"create view {table} as select * from read_parquet('{path}')")
            yield connection
        finally:
            connection.close()


def fetch(connection: Connection, query: str, parameters: Parameters = None) -> pa.Table:
    """Run a query and give the rows as an Arrow table."""
    return connection.sql(query, params=parameters or None).to_arrow_table()


def fetch_row(connection: Connection, query: str, parameters: Parameters = None) -> tuple[Any, ...]:
    """Run a query that gives exactly one row."""
    (row,) = connection.execute(query, parameters or []).fetchall()
    return tuple(row)


def check_columns(connection: Connection, table: str, schema: pa.Schema) -> None:
    """Check that a derived table has at least its declared columns.

    Raises
    ------
    DefinitionError
        A column is missing: a step of the analysis broke its contract.
    """
    described = connection.execute(f"describe {table}").fetchall()
    missing = sorted(set(schema.names) - {row[0] for row in described})
    if missing:
        raise DefinitionError(f"Derived table {table} lacks {', '.join(missing)}.")
