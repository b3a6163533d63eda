"""Empty CSV files to fill, with a guide and a small invented example that imports as it is."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from iago.exchange.csv.dataset import DATASET_FILE, render_dataset
from iago.exchange.csv.example import EXAMPLE_DATASET, EXAMPLE_ROWS
from iago.exchange.csv.export import check_writable
from iago.exchange.csv.guide import check_language, render_guide
from iago.standard.records import RecordType, load_records
from iago.tables.snapshot import Dataset

GUIDE_FILE = "GUIDE.html"
EXAMPLE_FOLDER = "example"
# German Excel opens a file in columns only where semicolons delimit it.
_DELIMITERS = {"en": ",", "de": ";"}


def write_templates(folder: Path, language: str = "en") -> list[Path]:
    """Write an empty CSV file for each table, a guide to print, and a worked example.

    Parameters
    ----------
    folder : pathlib.Path
        Where the files go; made if it is not there.
    language : {"en", "de"}
        Language of the guide; the German files are delimited by semicolons, as German Excel
        expects.

    Returns
    -------
    list of pathlib.Path
        Files written.

    Raises
    ------
    InvalidInputError
        Another language, or a file is there already and is not empty.
    """
    check_language(language)
    example = folder / EXAMPLE_FOLDER
    empty = {folder / f"{record.table}.csv": record for record in load_records()}
    filled = {example / f"{record.table}.csv": record for record in load_records()}
    guide, about = folder / GUIDE_FILE, (folder / DATASET_FILE, example / DATASET_FILE)
    paths = [guide, *about, *empty, *filled]
    check_writable(paths)
    example.mkdir(parents=True, exist_ok=True)
    for path, record in empty.items():
        _write_rows(path, record, (), _DELIMITERS[language])
    for path, record in filled.items():
        _write_rows(path, record, EXAMPLE_ROWS[record.table], _DELIMITERS[language])
    about[0].write_text(render_dataset(Dataset()), encoding="utf-8")
    about[1].write_text(render_dataset(EXAMPLE_DATASET), encoding="utf-8")
    guide.write_text(render_guide(language), encoding="utf-8")
    return paths


def _write_rows(
    path: Path, record: RecordType, rows: Sequence[Mapping[str, str]], delimiter: str
) -> None:
    # The mark at the start makes Excel read the file as UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, record.columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
