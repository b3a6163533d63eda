"""Snapshots: immutable Parquet tables with a manifest that names and hashes each of them.

The same records give the same bytes, so a result that names its snapshot can be derived again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iago.errors import SnapshotError
from iago.standard import STANDARD_VERSION
from iago.tables.folders import replaced_folder
from iago.tables.schema import snapshot_schemas

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Dataset:
    """What a data set is, in the words of those who hold it.

    ``clock`` says what day 0 is; it is carried into every dossier.
    """

    title: str = "Untitled data set"
    clock: str = "day 0 = infusion"
    synthetic: bool = False
    notes: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A checked snapshot on disk."""

    folder: Path
    snapshot_id: str
    standard_version: str
    dataset: Dataset
    rows: Mapping[str, int] = field(default_factory=dict)

    def path(self, table: str) -> Path:
        """Parquet file of a table."""
        return self.folder / f"{table}.parquet"


@contextmanager
def snapshot_writer(folder: Path, dataset: Dataset) -> Iterator["SnapshotWriter"]:
    """Write a snapshot whole or not at all: a failure leaves nothing behind.

    Raises
    ------
    SnapshotError
        The folder exists and holds something other than a snapshot.
    """
    _check_replaceable(folder)
    with replaced_folder(folder) as staging:
        writer = SnapshotWriter(staging)
        yield writer
        writer.finish(dataset)


class SnapshotWriter:
    """Collects tables, in one piece or in batches, and closes with a manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}

    def write(self, table: str, rows: pa.Table) -> None:
        """Append rows to a table; columns must be those of the schema."""
        schema = snapshot_schemas()[table]
        if table not in self._writers:
            self._writers[table] = pq.ParquetWriter(
                self.folder / f"{table}.parquet", schema, compression="zstd"
            )
        self._writers[table].write_table(rows.select(schema.names).cast(schema))

    def finish(self, dataset: Dataset) -> None:
        """Write the tables that got no rows, then the manifest."""
        for table, schema in snapshot_schemas().items():
            if table not in self._writers:
                self.write(table, schema.empty_table())
        for writer in self._writers.values():
            writer.close()
        manifest = _manifest(self.folder, dataset)
        text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True)
        (self.folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def open_snapshot(folder: Path, *, verify: bool = True) -> Snapshot:
    """Open a snapshot and check that each table is what the manifest says.

    Raises
    ------
    SnapshotError
        No manifest, a table missing, or bytes that changed since the snapshot was written.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SnapshotError(
            f"{folder} holds no snapshot (no {MANIFEST}). Make one with "
            "'iago import csv DIR --out SNAPSHOT' or 'iago synth --out SNAPSHOT'."
        )
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if verify:
        _check_tables(folder, manifest)
    return Snapshot(
        folder=folder,
        snapshot_id=manifest["snapshot_id"],
        standard_version=manifest["standard_version"],
        dataset=Dataset(**manifest["dataset"]),
        rows={name: entry["rows"] for name, entry in manifest["tables"].items()},
    )


def is_snapshot(folder: Path) -> bool:
    """Whether a folder holds a snapshot."""
    return (folder / MANIFEST).is_file()


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and not is_snapshot(folder) and any(folder.iterdir()):
        raise SnapshotError(
            f"{folder} exists, is not empty and is not a snapshot. Name another folder; "
            "nothing was written."
        )


def _manifest(folder: Path, dataset: Dataset) -> dict[str, Any]:
    tables = {
        name: {
            "rows": pq.read_metadata(folder / f"{name}.parquet").num_rows,
            "sha256": _sha256(folder / f"{name}.parquet"),
        }
        for name in sorted(snapshot_schemas())
    }
    content = {
        "standard_version": STANDARD_VERSION,
        "dataset": asdict(dataset),
        "tables": tables,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {**content, "snapshot_id": digest[:16]}


def _check_tables(folder: Path, manifest: dict[str, Any]) -> None:
    for name, entry in manifest["tables"].items():
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise SnapshotError(
                f"{folder} lacks {path.name}, which its manifest names. Restore it."
            )
        if _sha256(path) != entry["sha256"]:
            raise SnapshotError(
                f"{path.name} in {folder} changed since the snapshot was written (its hash "
                "differs from the manifest). Make the snapshot again from its source."
            )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
