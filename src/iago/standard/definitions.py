"""Named case definitions and window sets: what a rate counts, and when."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from iago.errors import DefinitionError

_Named = TypeVar("_Named")


@dataclass(frozen=True)
class Window:
    """Days from infusion, both ends included; no last day means open."""

    first_day: int
    last_day: int | None

    @property
    def label(self) -> str:
        """Such as ``0-30`` or ``366+``."""
        return (
            f"{self.first_day}+" if self.last_day is None else f"{self.first_day}-{self.last_day}"
        )


@dataclass(frozen=True)
class WindowSet:
    """Named windows with the source that uses them."""

    name: str
    label_en: str
    label_de: str
    source: str
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class CaseDefinition:
    """Which episodes count, as a predicate over the episode and its five-level severity."""

    name: str
    label_en: str
    label_de: str
    predicate: str
    source: str
    status: str
    doubt: str


@cache
def load_window_sets() -> dict[str, WindowSet]:
    """All window sets by name."""
    return {entry["name"]: _window_set(entry) for entry in _entries("windows.toml", "set")}


@cache
def load_case_definitions() -> dict[str, CaseDefinition]:
    """All case definitions by name."""
    return {
        entry["name"]: CaseDefinition(
            name=entry["name"],
            label_en=entry["label"]["en"],
            label_de=entry["label"]["de"],
            predicate=entry["predicate"],
            source=entry["source"],
            status=entry["status"],
            doubt=entry.get("doubt", ""),
        )
        for entry in _entries("case_definitions.toml", "definition")
    }


def load_window_set(name: str) -> WindowSet:
    """Window set by name.

    Raises
    ------
    DefinitionError
        No such set.
    """
    return _named(load_window_sets(), name, "window set")


def load_case_definition(name: str) -> CaseDefinition:
    """Case definition by name.

    Raises
    ------
    DefinitionError
        No such definition.
    """
    return _named(load_case_definitions(), name, "case definition")


def _named(known: dict[str, _Named], name: str, kind: str) -> _Named:
    if name not in known:
        raise DefinitionError(f"No {kind} named {name!r}. Known: {', '.join(known)}.")
    return known[name]


def _entries(file_name: str, key: str) -> list[dict[str, Any]]:
    text = files("iago.standard").joinpath(file_name).read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)[key]
    return entries


def _window_set(entry: dict[str, Any]) -> WindowSet:
    windows = tuple(
        Window(window["first_day"], window.get("last_day")) for window in entry["windows"]
    )
    return WindowSet(
        entry["name"], entry["label"]["en"], entry["label"]["de"], entry["source"], windows
    )
