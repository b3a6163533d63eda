"""A snapshot as CSV files: one for each table, all times in days from infusion.

Importing the files again gives the same tables. No calendar date leaves: of the infusion date
the year alone, as in the snapshot. Null flavours stand in their cells, and no cell can be taken
for a formula by a spreadsheet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from iago.errors import InvalidInputError
from iago.exchange.csv.cells import GUARD, GUARDED
from iago.exchange.csv.dataset import DATASET_FILE, render_dataset
from iago.standard.null_flavours import NullFlavour
from iago.standard.records import Element, RecordType, load_records
from iago.tables.schema import analysis_fields
from iago.tables.snapshot import Snapshot

_BATCH = 100_000
_MARK = b"\xef\xbb\xbf"
_LINE_END = "\r\n"
# Row numbers and null flavours of one element, in the order of the rows.
_Absences = dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]]


def write_csv(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write the tables of a snapshot as CSV files (UTF-8 with mark, commas, decimal points).

    A moment is written as ``<name>_day``; where it is known to a month or a year only, as
    ``<name>_day_earliest`` and ``<name>_day_latest``.

    Parameters
    ----------
    snapshot : Snapshot
        The tables.
    folder : pathlib.Path
        Where the files go; made if it is not there.

    Returns
    -------
    list of pathlib.Path
        Files written, ``dataset.toml`` last.

    Raises
    ------
    InvalidInputError
        One of the files is there already and is not empty.
    """
    targets = [folder / f"{record.table}.csv" for record in load_records()]
    targets.append(folder / DATASET_FILE)
    check_writable(targets)
    folder.mkdir(parents=True, exist_ok=True)
    absences = pq.read_table(snapshot.path("absences"))
    for record, path in zip(load_records(), targets, strict=False):
        _write_whole(path, snapshot, record, _absences_of(absences, record.table))
    targets[-1].write_text(render_dataset(snapshot.dataset), encoding="utf-8")
    return targets


def check_writable(paths: list[Path]) -> None:
    """Check that nothing would be lost by writing these files.

    Raises
    ------
    InvalidInputError
        A file is there and is not empty.
    """
    filled = [path.name for path in paths if path.exists() and path.stat().st_size]
    if filled:
        raise InvalidInputError(
            f"{paths[0].parent} already holds {', '.join(filled)}. Files with content are not "
            "overwritten: name another folder or move them; nothing was written."
        )


def _write_whole(path: Path, snapshot: Snapshot, record: RecordType, absences: _Absences) -> None:
    """Write a file under another name first, so that a broken write leaves no half file."""
    part = path.with_suffix(".csv.part")
    try:
        with part.open("wb") as stream:
            _write_table(stream, snapshot.path(record.table), record, absences)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_table(stream: IO[bytes], parquet: Path, record: RecordType, absences: _Absences) -> None:
    partial = _partial_moments(parquet, record)
    stream.write(_MARK + ",".join(_columns(record, partial)).encode() + _LINE_END.encode())
    first_row = 0
    with pq.ParquetFile(parquet) as file:
        for batch in file.iter_batches(_BATCH):
            columns = [
                column
                for element in record.elements
                for column in _element_texts(
                    batch,
                    element,
                    _slice(absences.get(element.name), first_row, len(batch)),
                    with_span=element.name in partial,
                )
            ]
            lines = pc.binary_join_element_wise(*columns, ",").to_pylist()
            stream.writelines(f"{line}{_LINE_END}".encode() for line in lines)
            first_row += len(batch)


def _columns(record: RecordType, partial: set[str]) -> Iterator[str]:
    for element in record.elements:
        if element.type != "moment":
            yield element.name
            continue
        yield f"{element.name}_day"
        if element.name in partial:
            yield f"{element.name}_day_earliest"
            yield f"{element.name}_day_latest"


def _partial_moments(parquet: Path, record: RecordType) -> set[str]:
    """Moments of which some row is known to a span of days only."""
    partial = set()
    for element in record.elements:
        if element.type == "moment":
            names = [field.name for field in analysis_fields(element)]
            days = pq.read_table(parquet, columns=names)
            differing = pc.not_equal(days.column(names[1]), days.column(names[2]))
            if pc.any(differing).as_py():
                partial.add(element.name)
    return partial


def _element_texts(
    batch: pa.RecordBatch,
    element: Element,
    absences: tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]],
    *,
    with_span: bool,
) -> list[pa.Array]:
    names = [field.name for field in analysis_fields(element)]
    if element.type != "moment":
        texts = _texts(batch.column(names[0]), element)
        return [_with_flavours(texts, element, absences)]
    day, earliest, latest = (batch.column(name) for name in names)
    span = pc.fill_null(pc.not_equal(earliest, latest), fill_value=False)
    nothing = pa.scalar(None, pa.int32())
    texts = _texts(pc.if_else(span, nothing, day), element)
    columns = [texts]
    if with_span:
        columns += [_texts(pc.if_else(span, end, nothing), element) for end in (earliest, latest)]
        columns[1:] = [pc.fill_null(column, "") for column in columns[1:]]
    return [_with_flavours(texts, element, absences), *columns[1:]]


def _texts(column: pa.Array, element: Element) -> pa.Array:
    """Cells of a column, null where there is no value."""
    if element.type == "yes_no":
        return pc.if_else(column, "yes", "no")
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    guard = pc.match_substring_regex(column, GUARDED)
    column = pc.if_else(guard, pc.binary_join_element_wise(GUARD, column, ""), column)
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(column, '[",\r\n]'), quoted, column)


def _with_flavours(
    texts: pa.Array,
    element: Element,
    absences: tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]],
) -> pa.Array:
    # An empty cell would take the default of the element, so its absence is written out.
    texts = pc.fill_null(texts, NullFlavour.NI.value if element.default else "")
    rows, flavours = absences
    if not len(rows):
        return texts
    mask = np.zeros(len(texts), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(flavours, pa.string()))


def _absences_of(absences: pa.Table, table: str) -> _Absences:
    rows = absences.filter(pc.equal(absences.column("table"), table)).sort_by("row")
    result: _Absences = {}
    for name in pc.unique(rows.column("element")).to_pylist():
        of_element = rows.filter(pc.equal(rows.column("element"), name))
        result[name] = (
            of_element.column("row").to_numpy(),
            of_element.column("null_flavour").to_numpy(),
        )
    return result


def _slice(
    absences: tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]] | None, first: int, rows: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Absences of a batch of rows, with rows counted from the first of the batch."""
    if absences is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    start, stop = np.searchsorted(absences[0], [first, first + rows])
    return absences[0][start:stop] - first, absences[1][start:stop]
