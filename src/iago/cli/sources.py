"""Where a command reads from: a snapshot as it is, or CSV files imported on the way."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from iago.errors import InvalidInputError
from iago.exchange.csv.findings import Finding
from iago.exchange.csv.importing import import_folder
from iago.tables.snapshot import Snapshot, is_snapshot, open_snapshot


@contextmanager
def data_snapshot(folder: Path) -> Iterator[tuple[Snapshot, Sequence[Finding]]]:
    """Open a snapshot, or import a folder of CSV files for the time of the command.

    Raises
    ------
    InvalidInputError
        The folder does not exist, or its CSV files have errors.
    SnapshotError
        The snapshot is damaged.
    """
    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder} is not a folder; expected a snapshot or a folder of CSV files."
        )
    if is_snapshot(folder):
        yield open_snapshot(folder), ()
        return
    with tempfile.TemporaryDirectory(prefix="iago-") as temporary:
        yield import_folder(folder, Path(temporary) / "snapshot")
