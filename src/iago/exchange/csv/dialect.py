"""How a CSV file is written: its encoding, its delimiter and its header.

Files come from Excel, databases and statistics programs: UTF-8 with or without a mark,
Windows-1252, UTF-16; commas, semicolons or tabs; empty lines before the header and the line
``sep=;`` that Excel understands.
"""

import codecs
import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from iago.exchange.csv.findings import Finding, finding

# Two gibibytes hold some 50 million laboratory rows; more is not one centre's export.
MAX_FILE_BYTES = 2 * 1024**3
MAX_HEADER_CHARACTERS = 100_000
MAX_COLUMNS = 2_000
DELIMITERS = (",", ";", "\t")
_BLOCK = 8 * 1024**2
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
_QUOTED_TEXT = re.compile(r'"[^"]*"')
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableFileError(Exception):
    """The file cannot be read, or not to its end; carries the finding."""

    def __init__(self, found: Finding) -> None:
        super().__init__(found.code)
        self.finding = found


@dataclass(frozen=True)
class Dialect:
    """How one file is written.

    Attributes
    ----------
    encoding : str
        Name of the codec; ``utf-8-sig`` reads UTF-8 with and without its mark.
    quoted : bool
        Whether a quotation mark occurs anywhere.
    delimiter : str
        One of ``, ; tab``.
    header : tuple of str
        Cells of the header as written, without blanks around them.
    header_line : int
        Line on which the header starts, counted from 1.
    data_line : int
        Line after the header.
    data_offset : int
        Bytes before that line; right for UTF-8 only.
    """

    encoding: str
    quoted: bool
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    data_line: int
    data_offset: int


def read_dialect(path: Path, columns: Collection[str] | None) -> Dialect:
    """Find out how a file is written.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    columns : collection of str or None
        Columns that the header may name; they settle the delimiter. With None, the delimiter
        that gives the most cells is taken.

    Raises
    ------
    UnreadableFileError
        Empty, too large, not text, or without a header.
    """
    _check_size(path)
    encoding, quoted = _scan(path)
    try:
        lines, delimiter = _read_lead(path, encoding)
    except UnicodeError as error:
        raise UnreadableFileError(not_text(path.name)) from error
    delimiter = delimiter or _detect_delimiter(lines[-1], columns)
    header, header_lines = _read_header(path, encoding, len(lines), delimiter)
    if len(header) > MAX_COLUMNS:
        found, expected = f"a header of {len(header):,} cells", f"at most {MAX_COLUMNS:,}"
        raise UnreadableFileError(finding("IAGO-E112", path.name, found, expected, row=len(lines)))
    if columns is not None and not any(cell.casefold() in columns for cell in header):
        raise UnreadableFileError(_no_header(path, columns, len(lines)))
    return Dialect(
        encoding=encoding,
        quoted=quoted,
        delimiter=delimiter,
        header=header,
        header_line=len(lines),
        data_line=len(lines) + header_lines,
        data_offset=_mark_length(path) + sum(len(line.encode()) for line in lines),
    )


def not_text(file: str) -> Finding:
    """Finding for a file that is not text."""
    return finding("IAGO-E108", file, "bytes that are not text", "a CSV file")


def too_long(file: str, row: int) -> Finding:
    """Finding for a cell or line beyond any reasonable length."""
    limit = csv.field_size_limit()
    return finding(
        "IAGO-E112", file, "a cell or line of extreme length", f"at most {limit:,} signs", row=row
    )


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFileError(
            finding("IAGO-E106", path.name, "a file of 0 bytes", "a header and rows")
        )
    if size > MAX_FILE_BYTES:
        found = f"a file of {size / 1024**2:,.1f} MiB"
        expected = f"at most {MAX_FILE_BYTES / 1024**2:,.1f} MiB"
        raise UnreadableFileError(finding("IAGO-E107", path.name, found, expected))


def _scan(path: Path) -> tuple[str, bool]:
    with path.open("rb") as stream:
        if stream.read(2) in _UTF16_MARKS:
            return "utf-16", True
    quoted = False
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            quoted = quoted or b'"' in block
            if b"\0" in block:
                raise UnreadableFileError(not_text(path.name))
    # Windows-1252 leaves five bytes undefined; Latin-1 maps every byte and is the last resort.
    for encoding in ("utf-8-sig", "cp1252"):
        if _decodes(path, encoding):
            return encoding, quoted
    return "latin-1", quoted


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _read_lead(path: Path, encoding: str) -> tuple[list[str], str]:
    """Lines up to the first that holds the header, and the delimiter if a line names it."""
    lines: list[str] = []
    delimiter = ""
    with path.open(encoding=encoding, newline="") as stream:
        while line := stream.readline(MAX_HEADER_CHARACTERS + 1):
            lines.append(line)
            if len(line) > MAX_HEADER_CHARACTERS:
                raise UnreadableFileError(too_long(path.name, len(lines)))
            separator = _SEPARATOR_LINE.fullmatch(line) if len(lines) == 1 else None
            if separator:
                delimiter = separator[1]
            elif line.strip():
                return lines, delimiter
    raise UnreadableFileError(
        finding("IAGO-E106", path.name, "a file without any text", "a header and rows")
    )


def _detect_delimiter(header_line: str, columns: Collection[str] | None) -> str:
    """The delimiter that gives the most known columns, then the most cells."""
    outside_quotes = _QUOTED_TEXT.sub("", header_line)

    def score(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip().strip('"').casefold() for cell in header_line.split(delimiter)]
        known = 0 if columns is None else sum(cell in columns for cell in cells)
        return known, outside_quotes.count(delimiter)

    return max(DELIMITERS, key=score)


def _read_header(
    path: Path, encoding: str, header_line: int, delimiter: str
) -> tuple[tuple[str, ...], int]:
    with path.open(encoding=encoding, newline="") as stream:
        for _ in range(header_line - 1):
            stream.readline()
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            cells = next(reader)
        except csv.Error as error:
            raise UnreadableFileError(broken_quotes(path.name, header_line)) from error
    return tuple(cell.strip() for cell in cells), reader.line_num


def broken_quotes(file: str, row: int) -> Finding:
    """Finding for a row whose cells cannot be told apart."""
    return finding(
        "IAGO-E109",
        file,
        "a quotation mark that does not pair",
        "cells that are quoted whole or not at all",
        row=row,
    )


def _no_header(path: Path, columns: Collection[str], row: int) -> Finding:
    return finding(
        "IAGO-E110",
        path.name,
        "a first line that names no column of the table",
        f"columns such as {', '.join(list(columns)[:3])}, with commas, semicolons or tabs between",
        row=row,
    )


def _mark_length(path: Path) -> int:
    with path.open("rb") as stream:
        return len(codecs.BOM_UTF8) if stream.read(3) == codecs.BOM_UTF8 else 0
