"""Dossier files: the page, the same content as JSON, and every table as CSV.

All three are written whole or not at all, and the same dossier gives the same bytes.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from iago.dossier.content import Dossier, DossierTable
from iago.dossier.csv_text import csv_text
from iago.dossier.released import released_rows
from iago.dossier.render import render_html
from iago.errors import InvalidInputError
from iago.tables.folders import replaced_folder

SCHEMA_VERSION = "1.0"
HTML_FILE, JSON_FILE, TABLES_FOLDER = "dossier.html", "dossier.json", "tables"
_TABLE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def dossier_json(dossier: Dossier) -> dict[str, Any]:
    """Whole content of a dossier in plain values, for other programs.

    Returns
    -------
    dict
        ``schema_version``, ``header``, ``definition``, ``notices``, ``provenance`` and
        ``tables``: by name, each with ``title``, ``chapter``, ``definition``, ``sources``,
        ``columns`` and ``rows``. Missing, suppressed and non-finite numbers are null.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "header": {
            "title": dossier.title,
            "by": dossier.by,
            "levels": list(dossier.levels),
            "level_labels": dict(dossier.level_labels),
            "audience": dossier.audience,
            "headline": {key: _plain(value) for key, value in dossier.headline.items()},
            "texts": dict(dossier.texts),
        },
        "definition": _plain(asdict(dossier.definition)),
        "notices": [_plain(asdict(notice)) for notice in dossier.notices],
        "provenance": _plain(asdict(dossier.provenance)),
        "tables": {entry.name: _table_json(entry) for entry in dossier.tables},
    }


def _table_json(entry: DossierTable) -> dict[str, Any]:
    rows = released_rows(entry.table)
    columns = entry.table.column_names
    return {
        "title": entry.title,
        "chapter": entry.chapter,
        "definition": entry.definition,
        "sources": list(entry.sources),
        "columns": columns,
        "rows": [[_plain(row[column]) for column in columns] for row in rows],
    }


def _plain(value: Any) -> Any:
    """Value as JSON knows it: floats to ten significant digits, none of them infinite."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def write_dossier(dossier: Dossier, folder: Path) -> None:
    """Write ``dossier.html``, ``dossier.json`` and ``tables/<name>.csv`` into a folder.

    A folder that holds an earlier dossier and nothing else is replaced. Nothing is left half
    written: the files are made aside and moved into place together.

    Raises
    ------
    InvalidInputError
        The folder holds something else, or a table has a name that is no file name.
    """
    folder = Path(folder).resolve()
    _check_names(dossier)
    _check_folder(folder)
    with replaced_folder(folder) as staged:
        _write_files(dossier, staged)


def _write_files(dossier: Dossier, folder: Path) -> None:
    tables = folder / TABLES_FOLDER
    tables.mkdir()
    for entry in dossier.tables:
        text = csv_text(entry.table.column_names, released_rows(entry.table))
        _write(tables / f"{entry.name}.csv", text)
    content = json.dumps(dossier_json(dossier), ensure_ascii=False, allow_nan=False, indent=1)
    _write(folder / JSON_FILE, f"{content}\n")
    _write(folder / HTML_FILE, render_html(dossier))


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def _check_names(dossier: Dossier) -> None:
    names = [entry.name for entry in dossier.tables]
    if len(set(names)) != len(names):
        raise InvalidInputError(
            "Two tables of the dossier have the same name; expected one file a table. Rename one."
        )
    unusable = sum(not _TABLE_NAME.fullmatch(name) for name in names)
    if unusable:
        raise InvalidInputError(
            f"{unusable} table(s) of the dossier have a name that is no file name; expected small "
            "letters, digits, hyphens and underscores. Rename them."
        )


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder.name} is a file; expected a folder for the dossier. Choose another name."
        )
    others = _other_entries(folder)
    if others:
        raise InvalidInputError(
            f"The folder {folder.name} holds other things than a dossier ({len(others)} of them); "
            "expected a new or empty folder, or an earlier dossier. Choose another folder."
        )


def _other_entries(folder: Path) -> list[Path]:
    """Whatever in the folder was not written by an earlier call."""
    entries = list(folder.iterdir())
    if not entries:
        return []
    known = _tables_of_earlier(folder / JSON_FILE)
    if known is None:
        return entries
    own = {folder / HTML_FILE, folder / JSON_FILE, folder / TABLES_FOLDER}
    tables = folder / TABLES_FOLDER
    inside: Iterable[Path] = tables.iterdir() if tables.is_dir() else ()
    expected = {tables / f"{name}.csv" for name in known}
    return [entry for entry in entries if entry not in own] + [
        entry for entry in inside if entry not in expected
    ]


def _tables_of_earlier(path: Path) -> set[str] | None:
    """Table names that an earlier dossier lists; None where there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return set(content["tables"]) if "schema_version" in content else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
