"""What a dossier holds, before anybody draws it.

A dossier is its header, its definition and its tables. HTML, JSON and CSV are three views of
this one content; nothing in it depends on the clock of the machine, so the same snapshot and
the same options give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

CHAPTERS = ("cohort", "identification", "attribution", "grading", "optimization", "provenance")


@dataclass(frozen=True)
class DossierTable:
    """One table with the definition that its numbers carry.

    Attributes
    ----------
    name : str
        File name without extension, such as ``density``.
    chapter : str
        One of :data:`CHAPTERS`.
    title, definition : str
        Heading, and what the numbers mean: case, denominator, censoring, interval method.
    table : pyarrow.Table
        The numbers, in the stable columns of the machine-readable side.
    sources : tuple of str
        Citations that the table rests on.
    """

    name: str
    chapter: str
    title: str
    definition: str
    table: pa.Table
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definition:
    """How infections were counted; travels with every number of the dossier."""

    toxicity: str
    case_definition: str
    case_definition_text: str
    case_definition_status: str
    case_definition_doubt: str
    window_set: str
    windows: tuple[str, ...]
    clock: str
    denominator: str
    ends_of_risk: tuple[str, ...]
    strategy: str
    capture_methods: Mapping[str, int]
    partial_onsets: str
    guidance: str
    confidence: float


@dataclass(frozen=True)
class Notice:
    """Something the reader must know: ``level`` is ``warning`` or ``note``."""

    level: str
    chapter: str
    text: str


@dataclass(frozen=True)
class Provenance:
    """What the dossier was derived from."""

    snapshot_id: str
    dataset_title: str
    dataset_notes: str
    synthetic: bool
    standard_version: str
    software_version: str
    rule_versions: Mapping[str, str]
    command: str


@dataclass(frozen=True)
class Dossier:
    """One toxicity in four chapters."""

    title: str
    by: str
    levels: tuple[str, ...]
    level_labels: Mapping[str, str]
    headline: Mapping[str, float | int | None]
    definition: Definition
    tables: tuple[DossierTable, ...]
    provenance: Provenance
    notices: tuple[Notice, ...] = ()
    audience: str = "internal"
    texts: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> pa.Table:
        """Table by its name.

        Raises
        ------
        KeyError
            The dossier has no such table.
        """
        for entry in self.tables:
            if entry.name == name:
                return entry.table
        raise KeyError(name)
