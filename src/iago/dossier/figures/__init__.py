"""Figures of a dossier: which table is drawn how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iago.dossier.content import Dossier
from iago.dossier.figures.comparison import draw_balance, draw_comparison
from iago.dossier.figures.competing_events import draw_competing_events, is_the_toxicity
from iago.dossier.figures.curves import KINDS, draw_curves
from iago.dossier.figures.drawing import Figure
from iago.dossier.figures.heat_map import draw_heat_maps
from iago.dossier.figures.prophylaxis import draw_prophylaxis
from iago.dossier.figures.rates import draw_rates
from iago.dossier.figures.severity import draw_causality, draw_severity
from iago.dossier.released import Row, released_rows

_CURVE_COLUMNS = ("level", "day", "estimate")


@dataclass(frozen=True)
class _Family:
    """Figures of one table, and the columns without which it cannot be drawn."""

    columns: tuple[str, ...]
    draw: Callable[[Sequence[Row], Dossier], tuple[Figure, ...]]


def _cumulative_incidence(rows: Sequence[Row], dossier: Dossier) -> tuple[Figure, ...]:
    competing: list[Row] = []
    for entry in dossier.tables:
        if entry.name == "competing_events" and "cause" in entry.table.column_names:
            competing = [
                row
                for row in released_rows(entry.table)
                if not is_the_toxicity(row["cause"], dossier)
            ]
    return draw_curves(KINDS["cumulative_incidence"], rows, dossier, competing)


def _rates(rows: Sequence[Row], dossier: Dossier) -> tuple[Figure, ...]:
    return draw_rates(rows, dossier) + draw_heat_maps(rows, dossier)


_FAMILIES: Mapping[str, _Family] = {
    "density": _Family(("level", "window", "stratum", "rate_per_100_days"), _rates),
    "cumulative_incidence": _Family(_CURVE_COLUMNS, _cumulative_incidence),
    "competing_events": _Family((*_CURVE_COLUMNS, "cause"), draw_competing_events),
    "mean_cumulative_count": _Family(
        _CURVE_COLUMNS,
        lambda rows, dossier: draw_curves(KINDS["mean_cumulative_count"], rows, dossier),
    ),
    "persistence": _Family(
        _CURVE_COLUMNS, lambda rows, dossier: draw_curves(KINDS["persistence"], rows, dossier)
    ),
    "severity": _Family(("level", "system", "label", "lowest", "status", "share"), draw_severity),
    "causality": _Family(("level", "method", "category", "share"), draw_causality),
    "comparison": _Family(("method", "estimand", "contrast", "estimate"), draw_comparison),
    "balance": _Family(("contrast", "covariate", "standardised_difference_before"), draw_balance),
    "prophylaxis": _Family(("guidance", "exposure_class", "status", "share"), draw_prophylaxis),
}


def draw_figures(
    name: str, rows: Sequence[Row], columns: Sequence[str], dossier: Dossier
) -> tuple[Figure, ...]:
    """Draw all figures of one table; none where there is nothing to draw.

    Parameters
    ----------
    name : str
        Name of the dossier table.
    rows : sequence of dict
        Its released rows.
    columns : sequence of str
        Its columns.
    """
    family = _FAMILIES.get(name)
    if family is None or not rows or not set(family.columns) <= set(columns):
        return ()
    return family.draw(rows, dossier)
