"""Findings of an import: where, what kind of thing was found, what was expected, what to do.

A finding never holds a value of a patient. It names the file, the row and the column, so that
whoever holds the file can look.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iago.exchange.csv.cells import guard_formula
from iago.exchange.csv.finding_codes import FINDING_CODES, Severity
from iago.exchange.csv.sources import SourceTable

# Beyond this many findings of one kind in one column the reason is one, not many, and a
# hostile file could otherwise fill the memory with its own error report.
LISTED_PER_KIND = 100_000
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an import noticed.

    Attributes
    ----------
    code : str
        Stable code, explained in ``FINDING_CODES``.
    severity : {"error", "warning", "note"}
        An error blocks the import.
    file : str
        File name; for a mapped file also the table that it was mapped to.
    row : int or None
        Line of the file as an editor shows it (the header is line 1); None for the whole file.
    column : str
        Column of the file; empty where the whole row or file is meant.
    found, expected : str
        The kind of thing that was found, and what belongs there.
    action : str
        What to do, as a sentence.
    """

    code: str
    severity: Severity
    file: str
    row: int | None
    column: str
    found: str
    expected: str
    action: str

    @property
    def sentence(self) -> str:
        """The finding as one line for people."""
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        expected = f"; expected {self.expected}" if self.expected else ""
        return f"{place}: found {self.found}{expected}. {self.action} [{self.code}]"


def finding(
    code: str,
    file: str,
    found: str,
    expected: str = "",
    *,
    row: int | None = None,
    column: str = "",
    action: str = "",
) -> Finding:
    """Make one finding; severity and action come from its code."""
    entry = FINDING_CODES[code]
    return Finding(code, entry.severity, file, row, column, found, expected, action or entry.action)


def row_findings(
    code: str,
    source: SourceTable,
    rows: npt.NDArray[np.int64],
    column: str,
    found: str | Sequence[str],
    expected: str = "",
) -> list[Finding]:
    """One finding a row of a table, up to ``LISTED_PER_KIND`` and then one that counts the rest.

    Parameters
    ----------
    rows : int64 array
        Indices of rows in the table, counted from 0.
    found : str or sequence of str
        One text for all rows, or one for each.
    """
    entry = FINDING_CODES[code]
    listed = rows[:LISTED_PER_KIND]
    places = source.places(listed)
    texts = [found] * len(listed) if isinstance(found, str) else found
    findings = [
        Finding(code, entry.severity, file, line, column, text, expected, entry.action)
        for (file, line), text in zip(places, texts, strict=False)
    ]
    if len(rows) > len(listed):
        findings.append(
            finding(
                "IAGO-N901",
                source.file,
                f"{len(rows) - len(listed):,} further rows with {code}",
                column=column,
            )
        )
    return findings


def column_in_file(column: str) -> str:
    """A column name of a foreign file, made safe to show: printable and short."""
    printable = "".join(sign if sign.isprintable() else " " for sign in column).strip()
    if len(printable) > _LONGEST_NAME:
        return printable[:_LONGEST_NAME] + "…"
    return printable


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Write findings to a CSV file that a spreadsheet opens: one row a finding.

    Cells that a spreadsheet would run as a formula are guarded.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([field.name for field in fields(Finding)])
        for entry in findings:
            writer.writerow(
                guard_formula(cell) if isinstance(cell, str) else cell for cell in astuple(entry)
            )
