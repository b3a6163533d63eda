"""Rows of a CSV file as dictionary-encoded columns, each row with its line in the file.

Two parsers share the work. A UTF-8 file whose quotation marks, if it has any, stay within a line,
so that a line is always a row, goes through Arrow at a million rows a second. All others, and
files in which Arrow meets an uneven row, go through the csv module of the standard library, which
knows the line it is on. A test holds that both give the same.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from iago.exchange.csv.dialect import (
    Dialect,
    UnreadableFileError,
    broken_quotes,
    not_text,
    too_long,
)
from iago.exchange.csv.quotes import has_plain_quotes

_BATCH = 100_000
_TAIL = 4096
_TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass
class Rows:
    """Cells by position, lines, and the rows that are longer or shorter than the header.

    ``uneven`` holds the line and the number of cells of such a row. A longer row is cut and a
    shorter one is filled, so that its other cells can be checked.
    """

    cells: list[pa.DictionaryArray]
    lines: npt.NDArray[np.int64]
    uneven: list[tuple[int, int]] = field(default_factory=list)


def read_rows(path: Path, dialect: Dialect) -> Rows:
    """Read all rows after the header; rows without any text are left out.

    Raises
    ------
    UnreadableFileError
        Quotation marks that do not pair, or a cell of extreme length.
    """
    rows = None
    if dialect.encoding == "utf-8-sig" and (
        not dialect.quoted or has_plain_quotes(path, dialect.delimiter)
    ):
        rows = _read_even_rows(path, dialect)
    return _without_blank_rows(rows or _read_any_rows(path, dialect))


def _read_even_rows(path: Path, dialect: Dialect) -> Rows | None:
    """All rows through Arrow; None where a row has more or fewer cells than the header."""
    names = [str(position) for position in range(len(dialect.header))]
    end = _end_of_text(path)
    if end <= dialect.data_offset:
        return Rows([_encode([]) for _ in names], np.zeros(0, dtype=np.int64))
    with pa.memory_map(str(path)) as mapped:
        mapped.seek(dialect.data_offset)
        buffer = mapped.read_buffer(end - dialect.data_offset)
        try:
            table = _parse_buffer(buffer, dialect, names)
        except pa.ArrowInvalid:
            return None
    lines = np.arange(table.num_rows, dtype=np.int64) + dialect.data_line
    return Rows([_one_chunk(column) for column in table.columns], lines)


def _end_of_text(path: Path) -> int:
    """Bytes of the file without the line ends at its end."""
    end = path.stat().st_size
    with path.open("rb") as stream:
        while end > 0:
            start = max(0, end - _TAIL)
            stream.seek(start)
            text = stream.read(end - start).rstrip(b"\r\n")
            if text:
                return start + len(text)
            end = start
    return 0


def _parse_buffer(buffer: pa.Buffer, dialect: Dialect, names: list[str]) -> pa.Table:
    return pyarrow.csv.read_csv(
        pa.BufferReader(buffer),
        read_options=pyarrow.csv.ReadOptions(column_names=names),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char='"' if dialect.quoted else False,
            ignore_empty_lines=False,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, _TEXT), null_values=[], strings_can_be_null=False
        ),
    )


def _read_any_rows(path: Path, dialect: Dialect) -> Rows:
    """All rows through the csv module, in batches so that memory stays small."""
    width = len(dialect.header)
    chunks: list[list[pa.DictionaryArray]] = [[] for _ in range(width)]
    lines: list[npt.NDArray[np.int64]] = []
    uneven: list[tuple[int, int]] = []
    for batch_lines, batch in _batches(path, dialect, uneven):
        lines.append(np.array(batch_lines, dtype=np.int64))
        for position, column in enumerate(zip(*batch, strict=True)):
            chunks[position].append(_encode(column))
    if not lines:
        return Rows([_encode([]) for _ in range(width)], np.zeros(0, dtype=np.int64), uneven)
    columns = [_one_chunk(pa.chunked_array(parts)) for parts in chunks]
    return Rows(columns, np.concatenate(lines), uneven)


def _batches(
    path: Path, dialect: Dialect, uneven: list[tuple[int, int]]
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Rows of the width of the header with their lines; notes the rows that were not."""
    width = len(dialect.header)
    lines: list[int] = []
    rows: list[list[str]] = []
    with path.open(encoding=dialect.encoding, newline="") as stream:
        for _ in range(dialect.data_line - 1):
            stream.readline()
        reader = csv.reader(stream, delimiter=dialect.delimiter, strict=True)
        lines_read = 0
        try:
            for row in reader:
                line, lines_read = dialect.data_line + lines_read, reader.line_num
                if len(row) == width:
                    rows.append(row)
                elif any(cell.strip() for cell in row):
                    rows.append(_evened(row, width, line, uneven))
                else:
                    continue
                lines.append(line)
                if len(rows) == _BATCH:
                    yield lines, rows
                    lines, rows = [], []
        except csv.Error as error:
            line = dialect.data_line + lines_read
            long = "field limit" in str(error)
            found = too_long(path.name, line) if long else broken_quotes(path.name, line)
            raise UnreadableFileError(found) from error
        except UnicodeError as error:
            raise UnreadableFileError(not_text(path.name)) from error
    if rows:
        yield lines, rows


def _evened(row: list[str], width: int, line: int, uneven: list[tuple[int, int]]) -> list[str]:
    # Empty cells beyond the header are delimiters that a spreadsheet left behind.
    if len(row) < width or any(cell.strip() for cell in row[width:]):
        uneven.append((line, len(row)))
    return [*row[:width], *[""] * (width - len(row))]


def _encode(column: Any) -> pa.DictionaryArray:
    return pa.array(column, pa.string()).dictionary_encode()


def _one_chunk(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.unify_dictionaries().combine_chunks()


def _without_blank_rows(rows: Rows) -> Rows:
    blank = np.ones(len(rows.lines), dtype=bool)
    for column in rows.cells:
        texts = column.dictionary
        empty = pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False)
        if not empty.any():
            return rows
        blank &= empty[column.indices.to_numpy()]
    if not blank.any():
        return rows
    keep = pa.array(~blank)
    return Rows([column.filter(keep) for column in rows.cells], rows.lines[~blank], rows.uneven)
