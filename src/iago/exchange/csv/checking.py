"""All checks on the tables of an import, in the order in which they can be made.

The same checks serve files of the standard and foreign files that were mapped to it.
"""

import datetime as dt
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from iago.exchange.csv.columns import ParsedTable, parse_table
from iago.exchange.csv.consistency import check_consistency
from iago.exchange.csv.findings import Finding, finding
from iago.exchange.csv.moments import Clock, course_clock, course_rows
from iago.exchange.csv.references import check_keys, check_references
from iago.exchange.csv.sources import SourceTable, empty_source
from iago.exchange.csv.tables import derive_absences, derive_analysis_table
from iago.standard.records import RecordType, load_records

REQUIRED_TABLES = ("patients", "courses")
# Called with what is being done, the steps done and the steps in all.
Progress = Callable[[str, int, int], None]
# Gives a table, or None where it could not be read to its end, and what was noticed on the way.
Reader = Callable[[], tuple[SourceTable | None, list[Finding]]]


def check_sources(
    readers: Mapping[str, Reader], today: dt.date, progress: Progress
) -> tuple[dict[str, pa.Table], list[Finding]]:
    """Check all tables and derive those of the snapshot.

    The text of one table at a time is in memory; what stays of it are its columns in the snapshot.

    Parameters
    ----------
    readers : mapping of str to callable
        Reads a table; no key for a table that is absent.
    today : datetime.date
        Dates after it are errors.
    progress : callable
        Called with what is being done, the steps done and the steps in all.

    Returns
    -------
    dict of str to pyarrow.Table, list of Finding
        The tables, ``absences`` among them, are whole only where no finding is an error.
    """
    records = load_records()
    steps = len(records) + 1
    findings: list[Finding] = []
    parsed: dict[str, ParsedTable] = {}
    tables: dict[str, pa.Table] = {}
    absences = []
    for step, record in enumerate(records):
        progress(f"checking {record.table}", step, steps)
        source, found = _read(record, readers.get(record.table))
        findings += found
        if source is None:
            continue
        table, found = parse_table(record, source, today)
        findings += [*found, *check_keys(table)]
        findings += check_references(table, {**parsed, record.table: table})
        clock = _clock(table, parsed.get("courses"))
        tables[record.table], found = derive_analysis_table(table, clock, today)
        findings += found
        absences.append(derive_absences(table))
        parsed[record.table] = table.reduced()
    progress("comparing records", len(records), steps)
    if len(parsed) == len(records):
        wrong = any(entry.severity == "error" for entry in findings)
        findings += check_consistency(tables, parsed, errors_only=wrong)
        tables["absences"] = pa.concat_tables(absences).combine_chunks()
    progress("done", steps, steps)
    return tables, findings


def _read(record: RecordType, reader: Reader | None) -> tuple[SourceTable | None, list[Finding]]:
    """Read a table; an absent one that is not required has no rows."""
    name = f"{record.table}.csv"
    required = record.table in REQUIRED_TABLES
    if reader is None and required:
        return None, [finding("IAGO-E111", name, "no such file", f"a file {name}")]
    if reader is None:
        found = finding("IAGO-N124", name, "nothing for this table")
        return empty_source(record.table), [found]
    source, findings = reader()
    if source is not None and not source.rows:
        expected = "at least one row" if required else ""
        code = "IAGO-E120" if required else "IAGO-N125"
        findings.append(finding(code, source.file, "no rows", expected))
    return source, findings


def _clock(table: ParsedTable, courses: ParsedTable | None) -> Clock | None:
    if "course_id" not in table.columns:
        return None
    if courses is None:
        # Every row is unsettled: the missing courses already have a finding.
        nothing = np.zeros(table.rows, dtype=bool)
        zeros = np.zeros(table.rows, dtype=np.int32)
        return Clock(zeros, zeros, nothing, nothing)
    clock = course_clock(courses)
    if table.record.table == "courses":
        return clock
    return clock.take(course_rows(table, courses))
