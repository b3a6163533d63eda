"""Snapshots: whole or not at all, the same bytes for the same rows, changes show."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iago.errors import SnapshotError
from iago.tables.engine import connect, fetch_row
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import (
    MANIFEST,
    Dataset,
    Snapshot,
    is_snapshot,
    open_snapshot,
    snapshot_writer,
)

PATIENT = pa.Table.from_pylist(
    [{"patient_id": "A1", "birth_year": 1960, "sex": "female"}],
    schema=snapshot_schemas()["patients"],
)


def write(folder: Path) -> Snapshot:
    with snapshot_writer(folder, Dataset(title="Test")) as writer:
        writer.write("patients", PATIENT)
    return open_snapshot(folder)


def test_the_same_rows_give_the_same_snapshot(tmp_path: Path) -> None:
    """Two snapshots of the same rows have the same id and the same bytes."""
    first, second = write(tmp_path / "a"), write(tmp_path / "b")
    assert first.snapshot_id == second.snapshot_id
    assert first.path("patients").read_bytes() == second.path("patients").read_bytes()


def test_every_table_exists_and_can_be_queried(tmp_path: Path) -> None:
    """Tables without rows are there too, with the columns of the standard."""
    with connect(write(tmp_path / "a")) as connection:
        assert fetch_row(connection, "select count(*) from patients") == (1,)
        for table in snapshot_schemas():
            connection.execute(f"select * from {table}").fetchall()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """An error while writing leaves neither a snapshot nor a stray folder."""

    def fail() -> None:
        with snapshot_writer(tmp_path / "a", Dataset()) as writer:
            writer.write("patients", PATIENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_earlier_snapshot(tmp_path: Path) -> None:
    """Rewriting a snapshot that fails leaves the old one untouched."""
    before = write(tmp_path / "a")

    def fail() -> None:
        with snapshot_writer(tmp_path / "a", Dataset()):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert open_snapshot(tmp_path / "a").snapshot_id == before.snapshot_id


def test_a_foreign_folder_is_not_overwritten(tmp_path: Path) -> None:
    """A folder that holds something else is refused and keeps its content."""
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(SnapshotError, match="not a snapshot"):
        write(tmp_path)
    assert (tmp_path / "thesis.docx").exists()


def test_changed_bytes_show(tmp_path: Path) -> None:
    """A table that changed since the snapshot was written is refused by name."""
    snapshot = write(tmp_path / "a")
    changed = PATIENT.set_column(1, "birth_year", pa.array([1961], pa.int32()))
    pq.write_table(changed, snapshot.path("patients"))
    with pytest.raises(SnapshotError, match=r"patients\.parquet .* changed"):
        open_snapshot(tmp_path / "a")


def test_a_missing_table_shows(tmp_path: Path) -> None:
    """A snapshot without one of its tables is refused by name."""
    snapshot = write(tmp_path / "a")
    snapshot.path("labs").unlink()
    with pytest.raises(SnapshotError, match=r"labs\.parquet"):
        open_snapshot(tmp_path / "a")


def test_a_folder_without_manifest_is_no_snapshot(tmp_path: Path) -> None:
    """The error says how a snapshot is made."""
    assert not is_snapshot(tmp_path)
    with pytest.raises(SnapshotError, match="iago import csv"):
        open_snapshot(tmp_path)


def test_the_manifest_names_the_standard_and_every_table(tmp_path: Path) -> None:
    """The manifest holds the version of the standard, rows and hashes, and no time of day."""
    write(tmp_path / "a")
    manifest = json.loads((tmp_path / "a" / MANIFEST).read_text(encoding="utf-8"))
    assert set(manifest) == {"standard_version", "dataset", "tables", "snapshot_id"}
    assert set(manifest["tables"]) == set(snapshot_schemas())
    assert manifest["tables"]["patients"]["rows"] == 1


def test_a_table_of_another_shape_is_refused(make_snapshot: Callable[..., Snapshot]) -> None:
    """A row with a column that the standard does not know never gets into a snapshot."""
    with pytest.raises(KeyError, match="shoe_size"):
        make_snapshot(patients=[{"patient_id": "A1", "shoe_size": 44}])
