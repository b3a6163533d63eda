"""Groups of a dossier as a reader tells them apart: by colour, line style and mark together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from iago.dossier.content import Dossier
from iago.dossier.figures.drawing import LegendEntry
from iago.dossier.wording import ALL, level_label

# Okabe and Ito's colours, darkened for light paper and lightened for dark, are set in dossier.css.
_COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6", "c8", "c9")
_DASHES: tuple[tuple[int, ...], ...] = (
    (),
    (7, 3),
    (2, 2),
    (9, 3, 2, 3),
    (12, 3),
    (4, 2, 1, 2),
    (5, 2),
    (10, 2, 2, 2, 2, 2),
)
_SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "hexagon",
    "star",
)
MAXIMUM_TOGETHER = len(_COLOURS)


@dataclass(frozen=True)
class Level:
    """One group with its look."""

    code: str
    label: str
    colour: str
    dash: tuple[int, ...] = ()
    shape: str = "circle"

    def legend(self, mark: str) -> LegendEntry:
        """Entry of a legend for this group."""
        return LegendEntry(self.label, self.colour, mark, self.dash, self.shape)


def everybody(dossier: Dossier) -> Level:
    """All courses together, in the colour of the text."""
    return Level(ALL, level_label(dossier, ALL), "var(--all)", (), "circle")


def reference(dossier: Dossier) -> Level:
    """All courses together as the dotted line that one group is read against."""
    return replace(everybody(dossier), dash=(1, 3))


def levels_in(rows: Iterable[dict[str, Any]], dossier: Dossier) -> tuple[Level, ...]:
    """Groups that occur in these rows, in the order of the dossier, without ``all``."""
    found = {row.get("level") for row in rows}
    known = [code for code in dossier.levels if code != ALL]
    return tuple(
        Level(
            code,
            level_label(dossier, code),
            f"var(--{_COLOURS[index % len(_COLOURS)]})",
            _DASHES[index % len(_DASHES)],
            _SHAPES[index % len(_SHAPES)],
        )
        for index, code in enumerate(known)
        if code in found
    )


def compared_levels(rows: Sequence[dict[str, Any]], dossier: Dossier) -> tuple[Level, ...]:
    """Groups to draw: those of the dossier, or everybody where it is not split."""
    return levels_in(rows, dossier) or (everybody(dossier),)


def of_level(rows: Iterable[dict[str, Any]], level: Level) -> list[dict[str, Any]]:
    """Rows of one group."""
    return [row for row in rows if row.get("level") == level.code]
