"""mapping.toml: how the CSV files of another system become tables of the standard.

A mapping names its source files, and for each table of the standard the source, the rows and
one expression a column. Expressions are SQL from the closed vocabulary of the standard
(``iago.standard.expressions``) over the columns of the source; they are read, never run as
code.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from iago.errors import DefinitionError
from iago.exchange.csv.columns import table_columns
from iago.exchange.csv.dataset import parse_dataset
from iago.standard.records import load_records
from iago.tables.snapshot import Dataset

# How a foreign file may write its dates, and the pattern by which Python reads them.
DATE_FORMATS = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYYMMDD": "%Y%m%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD.MM.YY": "%d.%m.%y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}
_TABLE_KEYS = ("table", "from", "where", "one_row_per", "columns", "values", "dates")
_SOURCE_KEYS = ("file", "missing")
_MAX_MAPPING_BYTES = 1024**2


@dataclass(frozen=True)
class ForeignFile:
    """A source: its file and the texts that mean a missing value, beside the empty cell."""

    name: str
    file: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableRule:
    """How rows of a source become rows of one table.

    Attributes
    ----------
    table, source : str
        Table of the standard and name of the source.
    where : str
        Predicate over the source that selects its rows; empty for all.
    one_row_per : tuple of str
        Columns of the source; one row is made for each combination of their values. ``min`` and
        ``max`` go over the rows of the combination, all else is taken from its first row.
    columns : mapping of str to str
        Expression by column of the standard.
    values : mapping of str to mapping
        Written value by foreign value, by column of the standard.
    dates : mapping of str to str
        Format of the dates, by column of the standard.
    place : str
        File, line and table, for messages.
    lines : mapping of str to int
        Line of each entry in the mapping file, where it can be told.
    """

    table: str
    source: str
    where: str
    one_row_per: tuple[str, ...]
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    dates: Mapping[str, str]
    place: str
    lines: Mapping[str, int]

    def at(self, entry: str) -> str:
        """Place of one entry, for messages."""
        line = self.lines.get(entry)
        return f"{self.place}, {entry}" + (f" (line {line})" if line else "")


@dataclass(frozen=True)
class ImportMapping:
    """A mapping file that follows its format."""

    file: str
    dataset: Dataset
    sources: Mapping[str, ForeignFile]
    tables: tuple[TableRule, ...]


def load_mapping(path: Path) -> ImportMapping:
    """Read a mapping file and check its format; expressions are checked once the files are read.

    Raises
    ------
    DefinitionError
        Names every mistake with its place.
    """
    content, text = _read_toml(path)
    mistakes = _Mistakes(path.name)
    mistakes.unknown(content, ("dataset", "source", "table"), path.name)
    dataset = _dataset(content.get("dataset", {}), mistakes)
    sources = _sources(content.get("source", {}), mistakes)
    blocks = content.get("table", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        mistakes.add(path.name, "'table' is not a list; write [[table]] in double brackets")
        blocks = []
    if not blocks:
        mistakes.add(path.name, "there is no [[table]]; a mapping makes at least one table")
    starts = _table_starts(text, len(blocks))
    rules = [
        _table_rule(block, number, text, starts, mistakes)
        for number, block in enumerate(blocks, start=1)
    ]
    mistakes.raise_if_any()
    return ImportMapping(path.name, dataset, sources, tuple(rules))


class _Mistakes:
    """Collects mistakes so that all are told at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.messages: list[str] = []
        # All that the file names, also those with a mistake of their own.
        self.source_names: list[str] = []

    def add(self, place: str, message: str) -> None:
        self.messages.append(f"{place}: {message}.")

    def unknown(self, content: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
        for key in content:
            if key not in known:
                nearest = get_close_matches(key, known, n=1)
                hint = f"perhaps {nearest[0]!r}" if nearest else f"known are {', '.join(known)}"
                self.add(place, f"{key!r} is not known; {hint}")

    def raise_if_any(self) -> None:
        raise_mistakes(self.file, self.messages)


def raise_mistakes(file: str, messages: list[str]) -> None:
    """Raise one error that lists all mistakes of a mapping; do nothing where there is none.

    Raises
    ------
    DefinitionError
        There is a mistake.
    """
    if len(messages) == 1:
        raise DefinitionError(f"{messages[0]} Nothing was imported.")
    if messages:
        listed = "".join(f"\n- {message}" for message in messages)
        raise DefinitionError(f"{file} has {len(messages)} mistakes; nothing was imported.{listed}")


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    if not path.is_file():
        raise DefinitionError(f"There is no mapping file {path}. Name a file such as mapping.toml.")
    if path.stat().st_size > _MAX_MAPPING_BYTES:
        raise DefinitionError(
            f"{path.name} is larger than 1 MiB, which no mapping is. Name the mapping file."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path.name} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(
            f"{path.name} is not TOML: {error}. Texts stand in quotation marks, and a quotation "
            'mark inside a text is written \\".'
        ) from error


def _dataset(content: Any, mistakes: _Mistakes) -> Dataset:
    if not isinstance(content, dict):
        mistakes.add(mistakes.file, "'dataset' is not a table; write [dataset]")
        return Dataset()
    dataset, findings = parse_dataset(content, mistakes.file)
    for entry in findings:
        name = f" {entry.column}" if entry.column else ""
        mistakes.add(
            f"{mistakes.file}, [dataset]{name}", f"{entry.found}; expected {entry.expected}"
        )
    return dataset


def _sources(content: Any, mistakes: _Mistakes) -> dict[str, ForeignFile]:
    if not isinstance(content, dict) or not content:
        mistakes.add(mistakes.file, "there is no [source.NAME] with a file")
        return {}
    mistakes.source_names = list(content)
    sources = {}
    for name, entry in content.items():
        place = f"{mistakes.file}, [source.{name}]"
        if not isinstance(entry, dict):
            mistakes.add(place, 'not a table; write [source.NAME] and below it file = "…"')
            continue
        mistakes.unknown(entry, _SOURCE_KEYS, place)
        file, missing = entry.get("file"), entry.get("missing", [])
        if not isinstance(file, str) or not file or Path(file).name != file:
            mistakes.add(place, "'file' is the name of a file in the folder, without a path")
        elif not _is_text_list(missing):
            mistakes.add(place, '\'missing\' is a list of texts, such as ["NA", "."]')
        else:
            sources[name] = ForeignFile(name, file, tuple(missing))
    return sources


def _table_rule(
    block: dict[str, Any],
    number: int,
    text: str,
    starts: list[int],
    mistakes: _Mistakes,
) -> TableRule:
    start = starts[number - 1] if starts else 0
    place = f"{mistakes.file}, [[table]] {number}" + (f" from line {start}" if start else "")
    table = block.get("table", "")
    place += f" ({table})" if isinstance(table, str) and table else ""
    mistakes.unknown(block, _TABLE_KEYS, place)
    _check_names(block, place, mistakes)
    one_row_per = block.get("one_row_per", [])
    if not _is_text_list(one_row_per):
        mistakes.add(place, "'one_row_per' is a list of columns of the source")
        one_row_per = []
    if not isinstance(block.get("where", ""), str):
        mistakes.add(place, "'where' is a text with a condition")
    columns = _texts_by_column(block, "columns", table, place, mistakes)
    _check_required(table, block.get("columns", {}), place, mistakes)
    return TableRule(
        table=table,
        source=block.get("from", ""),
        where=block.get("where", ""),
        one_row_per=tuple(one_row_per),
        columns=columns,
        values=_values(block, columns, place, mistakes),
        dates=_dates(block, columns, place, mistakes),
        place=place,
        lines=_entry_lines(text, start, (*columns, "where", "one_row_per")),
    )


def _check_names(block: dict[str, Any], place: str, mistakes: _Mistakes) -> None:
    tables = [record.table for record in load_records()]
    if block.get("table") not in tables:
        mistakes.add(
            place, f"'table' names no table of the standard; known are {', '.join(tables)}"
        )
    if block.get("from") not in mistakes.source_names:
        known = ", ".join(mistakes.source_names) or "none"
        mistakes.add(place, f"'from' names no source of this file; known are {known}")


def _check_required(
    table: str, columns: Mapping[str, Any], place: str, mistakes: _Mistakes
) -> None:
    for record in load_records():
        if record.table == table:
            missing = [
                element.name
                for element in record.elements
                if element.required and element.name not in columns
            ]
            if missing:
                mistakes.add(
                    place, f"[table.columns] lacks {', '.join(missing)}, which every row must have"
                )


def _texts_by_column(
    block: dict[str, Any], key: str, table: str, place: str, mistakes: _Mistakes
) -> dict[str, str]:
    content = block.get(key, {})
    if not isinstance(content, dict):
        mistakes.add(place, f"'{key}' is not a table; write [table.{key}]")
        return {}
    known = next(
        (table_columns(record) for record in load_records() if record.table == table), None
    )
    if known is not None:
        mistakes.unknown(content, known, f"{place}, [table.{key}]")
    for column, expression in content.items():
        if not isinstance(expression, str):
            mistakes.add(f"{place}, {column}", "an expression is a text in quotation marks")
    return {name: value for name, value in content.items() if isinstance(value, str)}


def _values(
    block: dict[str, Any], columns: Mapping[str, str], place: str, mistakes: _Mistakes
) -> dict[str, dict[str, str]]:
    content = block.get("values", {})
    if not isinstance(content, dict):
        mistakes.add(place, "'values' is not a table; write [table.values.COLUMN]")
        return {}
    values = {}
    for column, pairs in content.items():
        where = f"{place}, [table.values.{column}]"
        if column not in columns:
            mistakes.add(where, "[table.columns] has no such column")
        elif not isinstance(pairs, dict) or not all(isinstance(to, str) for to in pairs.values()):
            mistakes.add(where, 'write one line for each value, such as "foreign" = "code"')
        else:
            values[column] = pairs
    return values


def _dates(
    block: dict[str, Any], columns: Mapping[str, str], place: str, mistakes: _Mistakes
) -> dict[str, str]:
    content = block.get("dates", {})
    if not isinstance(content, dict):
        mistakes.add(place, "'dates' is not a table; write [table.dates]")
        return {}
    for column, written in content.items():
        where = f"{place}, [table.dates] {column}"
        if column not in columns:
            mistakes.add(where, "[table.columns] has no such column")
        if written not in list(DATE_FORMATS):
            mistakes.add(where, f"a date format is one of {', '.join(DATE_FORMATS)}")
    return {name: written for name, written in content.items() if written in list(DATE_FORMATS)}


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _table_starts(text: str, blocks: int) -> list[int]:
    """Lines of the ``[[table]]`` headings; empty where they cannot be told."""
    starts = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"\s*\[\[\s*table\s*\]\]", line)
    ]
    return starts if len(starts) == blocks else []


def _entry_lines(text: str, start: int, entries: tuple[str, ...]) -> dict[str, int]:
    lines = text.splitlines()
    found: dict[str, int] = {}
    if not start:
        return found
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.lstrip().startswith("[["):
            break
        entry = line.split("=", 1)[0].strip().strip("\"'")
        if "=" in line and entry in entries:
            found.setdefault(entry, number)
    return found
