"""Checks between records, run over the analysis tables of an import."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa

from iago.exchange.csv.columns import ParsedTable
from iago.exchange.csv.contradictions import RULES, Rule
from iago.exchange.csv.finding_codes import FINDING_CODES
from iago.exchange.csv.findings import LISTED_PER_KIND, Finding, row_findings
from iago.standard.codelists import load_codelist
from iago.tables.engine import MEMORY_LIMIT, fetch

_FOLLOW_UP_ENDS = """
    create temp view follow_up_ends as
    select course_id, max(event_day_latest) as last_day
    from events where kind in (select kind from end_kinds) and event_day is not null
    group by course_id
"""


def check_consistency(
    tables: Mapping[str, pa.Table],
    parsed: Mapping[str, ParsedTable],
    *,
    errors_only: bool = False,
) -> list[Finding]:
    """Find contradictions and improbable things between records.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        Analysis tables of the standard, all of them.
    parsed : mapping of str to ParsedTable
        The same tables as they were read, for the place of each row.
    errors_only : bool
        Leave out what a value that could not be read might explain.

    Returns
    -------
    list of Finding
        Errors for what makes an analysis impossible in every reading of a partial date,
        warnings for the rest; see ``contradictions``.
    """
    findings: list[Finding] = []
    with _database(tables) as database:
        for rule in RULES:
            wanted = not errors_only or FINDING_CODES[rule.code].severity == "error"
            if wanted and tables[rule.table].num_rows:
                findings += _apply(rule, database, parsed[rule.table])
    return findings


def _apply(rule: Rule, database: duckdb.DuckDBPyConnection, table: ParsedTable) -> list[Finding]:
    caught = fetch(database, f"select * from ({rule.query}) order by row_index")
    rows = caught.column("row_index").to_numpy()
    if not len(rows):
        return []
    found: str | list[str] = rule.found
    if "other_row" in caught.column_names:
        others = caught.column("other_row").to_numpy()[:LISTED_PER_KIND]
        found = [rule.found.format(row=line) for _, line in table.source.places(others)]
    column = table.column_shown(table.record.element(rule.element))
    return row_findings(rule.code, table.source, rows, column, found, rule.expected)


@contextmanager
def _database(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="iago-") as spill:
        database = duckdb.connect(
            config={
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": spill,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            for name, table in tables.items():
                row_index = pa.array(np.arange(table.num_rows, dtype=np.int64))
                database.register(name, table.append_column("row_index", row_index))
            for name, table in _lookups().items():
                database.register(name, table)
            database.execute(_FOLLOW_UP_ENDS)
            yield database
        finally:
            database.close()


def _lookups() -> dict[str, pa.Table]:
    roles = load_codelist("event_kinds").attribute("role")
    ends = [kind for kind, role in roles.items() if role == "censoring"]
    classes = load_codelist("organisms").attribute("organism_class")
    analytes = load_codelist("analytes")
    lowest = analytes.attribute("plausible_minimum")
    highest = analytes.attribute("plausible_maximum")
    return {
        "end_kinds": pa.table({"kind": pa.array(ends, pa.string())}),
        "organism_classes": pa.table(
            {
                "code": pa.array(classes, pa.string()),
                "organism_class": pa.array(classes.values(), pa.string()),
            }
        ),
        "plausible_ranges": pa.table(
            {
                "analyte": pa.array(analytes.codes, pa.string()),
                "lowest": pa.array([lowest.get(code) for code in analytes.codes], pa.float64()),
                "highest": pa.array([highest.get(code) for code in analytes.codes], pa.float64()),
            }
        ),
    }
