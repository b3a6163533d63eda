"""One CSV file as a source table, with findings about the file, its header and its rows."""

from collections import Counter
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iago.exchange.csv.dialect import Dialect, UnreadableFileError, read_dialect
from iago.exchange.csv.findings import Finding, column_in_file, finding
from iago.exchange.csv.rows import Rows, read_rows
from iago.exchange.csv.sources import SourceTable


def read_source(
    path: Path, table: str, columns: Sequence[str] | None, required: Collection[str] = ()
) -> tuple[SourceTable | None, list[Finding]]:
    """Read one CSV file as text.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    table : str
        Table of the standard, or name of a foreign source.
    columns : sequence of str or None
        Columns that the table has, in lower case; upper and lower case of the header are the
        same, and any other column is an error. None takes a foreign file as it is.
    required : collection of str
        Columns that must be there.

    Returns
    -------
    SourceTable or None, list of Finding
        None where the file could not be read to its end.
    """
    findings: list[Finding] = []
    try:
        dialect = read_dialect(path, columns)
        findings += _encoding_findings(path.name, dialect)
        rows = read_rows(path, dialect)
    except UnreadableFileError as unreadable:
        return None, [*findings, unreadable.finding]
    except OSError as error:
        found = f"an error of the operating system ({error.strerror})"
        return None, [finding("IAGO-E116", path.name, found, "a file that can be read")]
    header = dialect.header
    if columns is not None:
        header = tuple(cell.casefold() for cell in header)
        findings += _header_findings(path.name, header, columns, required, dialect.header_line)
    findings += _nameless_findings(path.name, header, rows, dialect.header_line)
    findings += _twice_findings(path.name, header, dialect.header_line)
    findings += _uneven_findings(path.name, rows, len(header))
    return _source(path.name, table, header, columns, rows, dialect), findings


def _source(
    file: str,
    table: str,
    header: Sequence[str],
    columns: Sequence[str] | None,
    rows: Rows,
    dialect: Dialect,
) -> SourceTable:
    cells: dict[str, pa.DictionaryArray] = {}
    for name, column in zip(header, rows.cells, strict=True):
        if name and name not in cells and (columns is None or name in columns):
            cells[name] = column
    return SourceTable(table, cells, rows.lines, (file,), decimal_comma=dialect.delimiter != ",")


def _encoding_findings(file: str, dialect: Dialect) -> list[Finding]:
    if dialect.encoding == "utf-16":
        return [finding("IAGO-N122", file, "text in UTF-16", "UTF-8")]
    if dialect.encoding != "utf-8-sig":
        return [finding("IAGO-N121", file, "bytes that are not UTF-8", "UTF-8")]
    return []


def _header_findings(
    file: str,
    header: Sequence[str],
    columns: Sequence[str],
    required: Collection[str],
    line: int,
) -> list[Finding]:
    findings = [
        finding(
            "IAGO-E101",
            file,
            "a column that the table does not have",
            _nearest(name, columns),
            row=line,
            column=column_in_file(name),
        )
        for name in dict.fromkeys(header)
        if name and name not in columns
    ]
    findings += [
        finding(
            "IAGO-E102",
            file,
            "no such column in the header",
            f"the column {name}",
            row=line,
            column=name,
        )
        for name in columns
        if name in required and name not in header
    ]
    return findings


def _nearest(name: str, columns: Sequence[str]) -> str:
    nearest = get_close_matches(name, columns, n=1, cutoff=0.6)
    if nearest:
        return f"a column of the table, perhaps {nearest[0]}"
    return f"one of {', '.join(columns)}"


def _twice_findings(file: str, header: Sequence[str], line: int) -> list[Finding]:
    return [
        finding(
            "IAGO-E103",
            file,
            f"{count} columns of this name",
            "one",
            row=line,
            column=column_in_file(name),
        )
        for name, count in Counter(header).items()
        if name and count > 1
    ]


def _nameless_findings(file: str, header: Sequence[str], rows: Rows, line: int) -> list[Finding]:
    return [
        finding(
            "IAGO-E115",
            file,
            f"filled cells in column {position}, which has no name",
            "a name for every column that is filled",
            row=line,
        )
        for position, (name, column) in enumerate(zip(header, rows.cells, strict=True), start=1)
        if not name and _is_filled(column)
    ]


def _is_filled(column: pa.DictionaryArray) -> bool:
    texts = pc.utf8_trim_whitespace(column.dictionary)
    filled = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    used = np.unique(column.indices.to_numpy())
    return bool(filled[used].any())


def _uneven_findings(file: str, rows: Rows, width: int) -> list[Finding]:
    return [
        finding(
            "IAGO-E104" if cells > width else "IAGO-E105",
            file,
            f"{cells} cells",
            f"{width} cells, as in the header",
            row=line,
        )
        for line, cells in rows.uneven
    ]
