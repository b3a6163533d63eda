"""Fixtures that every tier may use."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import Dataset, Snapshot, open_snapshot, snapshot_writer

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Root of the checkout."""
    return _ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real input that is not part of the project; skips where it is absent."""
    folder = Path(os.environ.get("IAGO_SHARED_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set IAGO_SHARED_DATA to its folder)")
    return folder


@pytest.fixture
def make_snapshot(tmp_path: Path) -> Callable[..., Snapshot]:
    """Build a snapshot from rows: ``make_snapshot(courses=[{...}], episodes=[{...}])``.

    A column that a row does not name is null; ``onset_day=5`` also fills its earliest and latest.
    """

    def build(**tables: list[dict[str, Any]]) -> Snapshot:
        folder = tmp_path / "snapshot"
        with snapshot_writer(folder, Dataset(title="Test data")) as writer:
            for name, rows in tables.items():
                schema = snapshot_schemas()[name]
                whole = [_complete(row, set(schema.names)) for row in rows]
                writer.write(name, pa.Table.from_pylist(whole, schema=schema))
        return open_snapshot(folder)

    return build


def _complete(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    unknown = set(row) - names
    if unknown:
        raise KeyError(f"no such columns: {sorted(unknown)}")
    bounds = {
        f"{name}_{end}": value
        for name, value in row.items()
        for end in ("earliest", "latest")
        if f"{name}_{end}" in names
    }
    return {**dict.fromkeys(names), **bounds, **row}
