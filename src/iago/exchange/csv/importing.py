"""Import of a folder of CSV files: all is checked, and nothing or everything is written."""

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pyarrow as pa

from iago.errors import InvalidInputError, SnapshotError
from iago.exchange.csv.checking import Progress, Reader, check_sources
from iago.exchange.csv.columns import table_columns
from iago.exchange.csv.dataset import read_dataset
from iago.exchange.csv.findings import (
    Finding,
    column_in_file,
    finding,
    write_findings,
)
from iago.exchange.csv.mapped import read_mapped_folder
from iago.exchange.csv.mapping import load_mapping
from iago.exchange.csv.reading import read_source
from iago.exchange.csv.sources import SourceTable
from iago.standard.records import RecordType, load_records
from iago.tables.snapshot import (
    Dataset,
    Snapshot,
    SnapshotWriter,
    is_snapshot,
    open_snapshot,
    snapshot_writer,
)

FINDINGS_FILE = "findings.csv"


class FindingsError(InvalidInputError):
    """An import with errors: nothing was written; ``findings`` lists all that was noticed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [entry for entry in self.findings if entry.severity == "error"]
        files = ", ".join(dict.fromkeys(entry.file for entry in errors))
        noun = "error" if len(errors) == 1 else "errors"
        super().__init__(
            f"{len(errors):,} {noun} in {files}; nothing was imported. "
            f"The first: {errors[0].sentence}"
        )


@dataclass(frozen=True)
class ValidationResult:
    """What an import would do.

    Attributes
    ----------
    findings : tuple of Finding
        Errors, then warnings, then notes, each by file, row and column.
    tables : mapping of str to pyarrow.Table, or None
        Tables of the snapshot; None where there is an error.
    dataset : Dataset
        Title, clock and notes.
    """

    findings: tuple[Finding, ...]
    tables: Mapping[str, pa.Table] | None
    dataset: Dataset

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that block the import."""
        return tuple(entry for entry in self.findings if entry.severity == "error")


def validate_folder(
    folder: Path,
    *,
    today: dt.date | None = None,
    mapping: Path | None = None,
    progress: Progress | None = None,
) -> ValidationResult:
    """Check a folder of CSV files without writing anything.

    Parameters
    ----------
    folder : pathlib.Path
        Holds one ``<table>.csv`` for each table of the standard; ``patients.csv`` and
        ``courses.csv`` must be there, other tables may be absent. ``dataset.toml`` may give
        title, clock and notes.
    today : datetime.date, optional
        Dates after it are errors; the day of the call by default.
    mapping : pathlib.Path, optional
        A mapping file by which foreign CSV files of the folder become tables of the standard.
    progress : callable, optional
        Called with what is being done, the steps done and the steps in all.

    Raises
    ------
    InvalidInputError
        There is no such folder, or it cannot be read.
    DefinitionError
        The mapping file does not follow its format.
    """
    if not folder.is_dir():
        raise InvalidInputError(
            f"There is no folder {folder}. Name the folder that holds patients.csv, courses.csv "
            "and the other tables; nothing was imported."
        )
    report = progress or _no_progress
    findings: list[Finding]
    readers: dict[str, Reader]
    if mapping is None:
        readers, findings = _folder_readers(folder)
        dataset, found = read_dataset(folder)
        findings += found
    else:
        rules = load_mapping(mapping)
        dataset = rules.dataset
        report("reading and mapping", 0, 1)
        sources, findings = read_mapped_folder(folder, rules)
        readers = {name: partial(_take, sources, name) for name in sources}
    tables, found = check_sources(readers, today or dt.datetime.now().astimezone().date(), report)
    findings += found
    refused = any(entry.severity == "error" for entry in findings)
    return ValidationResult(tuple(_in_order(findings)), None if refused else tables, dataset)


def import_folder(
    folder: Path,
    snapshot_folder: Path,
    *,
    mapping: Path | None = None,
    today: dt.date | None = None,
    progress: Progress | None = None,
) -> tuple[Snapshot, tuple[Finding, ...]]:
    """Import a folder of CSV files into a snapshot, whole or not at all.

    Warnings and notes go into ``findings.csv`` beside the tables of the snapshot. Where the
    snapshot folder already holds the same tables, it is left untouched.

    Parameters
    ----------
    folder, mapping, today, progress
        As for :func:`validate_folder`.
    snapshot_folder : pathlib.Path
        Where the snapshot goes; an older snapshot there is replaced.

    Raises
    ------
    FindingsError
        At least one error; carries all findings.
    SnapshotError
        The snapshot folder holds something other than a snapshot.
    """
    result = validate_folder(folder, today=today, mapping=mapping, progress=progress)
    if result.tables is None:
        raise FindingsError(result.findings)
    if is_snapshot(snapshot_folder):
        with tempfile.TemporaryDirectory(prefix=".iago-", dir=snapshot_folder.parent) as scratch:
            new = _write(result, Path(scratch) / "snapshot")
        same = _open_same(snapshot_folder, new.snapshot_id)
        if same is not None:
            return same, result.findings
    return _write(result, snapshot_folder), result.findings


def _open_same(folder: Path, snapshot_id: str) -> Snapshot | None:
    """The snapshot in a folder if it is whole and has this identifier."""
    try:
        snapshot = open_snapshot(folder)
    except SnapshotError:
        return None
    return snapshot if snapshot.snapshot_id == snapshot_id else None


def _write(result: ValidationResult, folder: Path) -> Snapshot:
    writer: SnapshotWriter
    with snapshot_writer(folder, result.dataset) as writer:
        for name, table in (result.tables or {}).items():
            writer.write(name, table)
        write_findings(result.findings, writer.folder / FINDINGS_FILE)
    return open_snapshot(folder, verify=False)


def _folder_readers(folder: Path) -> tuple[dict[str, Reader], list[Finding]]:
    records = load_records()
    paths, findings = _locate(folder, records)
    readers: dict[str, Reader] = {
        record.table: partial(
            read_source,
            paths[record.table],
            record.table,
            table_columns(record),
            {element.name for element in record.elements if element.required},
        )
        for record in records
        if record.table in paths
    }
    return readers, findings


def _take(
    sources: dict[str, SourceTable | None], name: str
) -> tuple[SourceTable | None, list[Finding]]:
    """Give a mapped table away, so that its text does not stay in memory."""
    return sources.pop(name), []


def _locate(folder: Path, records: Sequence[RecordType]) -> tuple[dict[str, Path], list[Finding]]:
    """Files of the tables by name, whatever the case of their letters."""
    names = {f"{record.table}.csv": record.table for record in records}
    paths: dict[str, Path] = {}
    findings: list[Finding] = []
    for path in _entries(folder):
        name = path.name.casefold()
        if path.suffix.casefold() != ".csv" or not path.is_file() or name == FINDINGS_FILE:
            continue
        if name not in names:
            findings.append(_stray(path.name, name, list(names)))
        elif names[name] in paths:
            other = paths[names[name]].name
            findings.append(finding("IAGO-E114", path.name, f"a second file beside {other}", name))
        else:
            paths[names[name]] = path
    return paths, findings


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InvalidInputError(
            f"The folder {folder} cannot be read ({error.strerror}). Check who may read it; "
            "nothing was imported."
        ) from error


def _stray(shown: str, name: str, names: list[str]) -> Finding:
    nearest = get_close_matches(name, names, n=1, cutoff=0.6)
    expected = f"the name of a table, perhaps {nearest[0]}" if nearest else "the name of a table"
    return finding("IAGO-W117", column_in_file(shown), "a file of another name", expected)


def _in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first, then by file in the order of the standard, by row and by column."""
    severities = ("error", "warning", "note")
    files = {entry.file: place for place, entry in reversed(list(enumerate(findings)))}
    ranks = {record.table: rank for rank, record in enumerate(load_records())}

    def place(entry: Finding) -> tuple[int, int, int, int, str, str]:
        rank = ranks.get(entry.file.casefold().removesuffix(".csv"), len(ranks))
        severity = severities.index(entry.severity)
        return severity, rank, files[entry.file], entry.row or 0, entry.column, entry.code

    return sorted(findings, key=place)


def _no_progress(_doing: str, _done: int, _steps: int) -> None:
    """Report nothing."""
