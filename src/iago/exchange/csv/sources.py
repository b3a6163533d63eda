"""A table as it was written: text cells and the place of each row in its file."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class SourceTable:
    """Text cells by column, each column as codes into its distinct texts.

    Attributes
    ----------
    table : str
        Table of the standard, or name of a foreign source.
    cells : mapping of str to pyarrow.DictionaryArray
        One array a column, all of the same length; empty text where a cell is empty.
    lines : int64 array
        Line of each row in its file, the header being line 1.
    files : tuple of str
        Files that the rows come from.
    file_of_row : int32 array or None
        Index into ``files`` by row; None where there is one file.
    decimal_comma : bool
        Whether a comma inside a number may be the decimal sign.
    """

    table: str
    cells: Mapping[str, pa.DictionaryArray]
    lines: npt.NDArray[np.int64]
    files: tuple[str, ...]
    file_of_row: npt.NDArray[np.int32] | None = None
    decimal_comma: bool = False

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.lines)

    @property
    def file(self) -> str:
        """All file names, for findings about the whole table."""
        return " and ".join(dict.fromkeys(self.files))

    def places(self, rows: npt.NDArray[np.int64]) -> list[tuple[str, int]]:
        """File and line of rows."""
        lines = self.lines[rows].tolist()
        if self.file_of_row is None:
            return [(self.files[0], line) for line in lines]
        files = [self.files[index] for index in self.file_of_row[rows].tolist()]
        return list(zip(files, lines, strict=True))


def empty_source(table: str) -> SourceTable:
    """A table for which there is no file."""
    return SourceTable(table, {}, np.zeros(0, dtype=np.int64), (f"{table}.csv",))


def concatenate_sources(table: str, parts: list[SourceTable]) -> SourceTable:
    """Rows of several sources below each other; a column that a part lacks is empty there."""
    if len(parts) == 1:
        return parts[0]
    names = list(dict.fromkeys(name for part in parts for name in part.cells))
    cells = {
        name: pa.chunked_array([_cells_or_empty(part, name) for part in parts])
        .unify_dictionaries()
        .combine_chunks()
        for name in names
    }
    return SourceTable(
        table=table,
        cells=cells,
        lines=np.concatenate([part.lines for part in parts]),
        files=tuple(part.file for part in parts),
        file_of_row=np.repeat(np.arange(len(parts), dtype=np.int32), [part.rows for part in parts]),
        decimal_comma=any(part.decimal_comma for part in parts),
    )


def _cells_or_empty(part: SourceTable, name: str) -> pa.DictionaryArray:
    if name in part.cells:
        return part.cells[name]
    return empty_cells(part.rows)


def empty_cells(rows: int) -> pa.DictionaryArray:
    """A column of empty cells."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, dtype=np.int32)), pa.array([""], pa.string())
    )
