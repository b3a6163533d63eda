"""The records of the standard: which tables there are, and which elements each holds.

One TOML file a record in ``records/``. From these come the typed models, the JSON Schema, the
CSV templates, the checks on import and the columns of the analysis tables.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from iago.errors import DefinitionError

# The order in which tables are read: a referenced table comes before the one that refers to it.
RECORD_ORDER = (
    "patient",
    "course",
    "exposure",
    "lab",
    "episode",
    "organism",
    "contact",
    "event",
    "death",
    "evidence",
)
ELEMENT_TYPES = (
    "identifier",
    "reference",
    "code",
    "date",
    "moment",
    "integer",
    "number",
    "yes_no",
    "unit",
    "name",
)


@dataclass(frozen=True)
class Element:
    """One question of a record.

    A ``moment`` is a point in time that may be written as a calendar date (``<name>_date``,
    whole or partial) or as a day from infusion (``<name>_day``, day 0 = infusion).
    """

    name: str
    type: str
    label_en: str
    label_de: str
    required: bool = False
    codelist: str = ""
    references: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    default: str = ""
    guide_en: str = ""
    guide_de: str = ""
    asks: str = ""
    source: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the element in a CSV file."""
        if self.type == "moment":
            return (f"{self.name}_date", f"{self.name}_day")
        return (self.name,)


@dataclass(frozen=True)
class RecordType:
    """One table of the standard."""

    name: str
    table: str
    model_name: str
    label_en: str
    label_de: str
    key: tuple[str, ...]
    elements: tuple[Element, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV file, in order."""
        return tuple(column for element in self.elements for column in element.columns)

    def element(self, name: str) -> Element:
        """Element by its name.

        Raises
        ------
        DefinitionError
            The record has no such element.
        """
        for element in self.elements:
            if element.name == name:
                return element
        raise DefinitionError(f"Record {self.name} has no element {name!r}.")


@cache
def load_records() -> tuple[RecordType, ...]:
    """All records of the standard, referenced tables first."""
    return tuple(_load(name) for name in RECORD_ORDER)


def load_record(table: str) -> RecordType:
    """Record type of a table, such as ``episodes``.

    Raises
    ------
    DefinitionError
        The standard has no such table.
    """
    for record in load_records():
        if record.table == table:
            return record
    known = ", ".join(record.table for record in load_records())
    raise DefinitionError(f"No table {table!r} in the standard. Its tables: {known}.")


def _load(name: str) -> RecordType:
    path = files("iago.standard").joinpath("records", f"{name}.toml")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return RecordType(
            name=name,
            table=content["table"],
            model_name=content["record"],
            label_en=content["label"]["en"],
            label_de=content["label"]["de"],
            key=tuple(content["key"]),
            elements=tuple(_element(entry) for entry in content["element"]),
        )
    except (KeyError, TypeError) as error:
        raise DefinitionError(f"records/{name}.toml: {error}") from error


def _element(entry: dict[str, Any]) -> Element:
    content = dict(entry)
    label = content.pop("label")
    guide = content.pop("guide", {})
    if content["type"] not in ELEMENT_TYPES:
        raise DefinitionError(f"Element {content['name']}: unknown type {content['type']!r}.")
    return Element(
        label_en=label["en"],
        label_de=label["de"],
        guide_en=guide.get("en", ""),
        guide_de=guide.get("de", ""),
        **content,
    )
