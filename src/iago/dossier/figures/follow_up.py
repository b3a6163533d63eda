"""Crude mortality of cohorts against their median follow-up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from iago.dossier.figures import drawing

_MONTHS = (3, 6, 12, 24, 48)
_FIRST_MONTH, _LAST_MONTH = 2.6, 75
_PERCENTS = (0, 5, 10, 15, 20, 25)


@dataclass(frozen=True)
class CohortPoint:
    """One cohort: months of follow-up, crude share, patients, and its look."""

    label: str
    months: float
    share: float
    patients: int
    colour: str
    shape: str
    named: bool = False


def draw_follow_up(
    points: Sequence[CohortPoint], key: str, title: str, *, scale_patients: int
) -> tuple[drawing.Panel, ...]:
    """Wide and narrow drawing; areas follow the number of patients.

    Parameters
    ----------
    points : sequence of CohortPoint
        Cohorts with known follow-up; ``named`` ones carry their label in the wide drawing.
    key, title : str
        Start of the element ids, and the name of the figure.
    scale_patients : int
        Patients of the cohort that is drawn largest.
    """
    canvases = {
        "wide": drawing.Canvas(drawing.WIDE, 300, left=52, right=16, top=12, bottom=44),
        "narrow": drawing.Canvas(drawing.NARROW, 240, left=40, right=8, top=12, bottom=44),
    }
    return tuple(
        drawing.Panel(_draw(points, canvas, f"{key}-{use}", title, scale_patients), use)
        for use, canvas in canvases.items()
    )


def _x(field: str, axis: Any = alt.Undefined) -> alt.X:
    scale = alt.Scale(type="log", domain=[_FIRST_MONTH, _LAST_MONTH], nice=False)
    return alt.X(field, type="quantitative", axis=axis, scale=scale)


def _y(field: str, axis: Any = alt.Undefined) -> alt.Y:
    scale = alt.Scale(domain=[0, _PERCENTS[-1]], nice=False)
    return alt.Y(field, type="quantitative", axis=axis, scale=scale)


def _draw(
    points: Sequence[CohortPoint],
    canvas: drawing.Canvas,
    key: str,
    title: str,
    scale_patients: int,
) -> Markup:
    wide = canvas.width == drawing.WIDE
    values = [
        {
            "months": point.months,
            "percent": 100 * point.share,
            "area": max(24.0, 700 * point.patients / scale_patients),
            "colour": point.colour,
            "shape": point.shape,
        }
        for point in sorted(points, key=lambda point: -point.patients)
    ]
    axis_x = alt.Axis(values=list(_MONTHS), title=None, tickSize=4, grid=True, format="d")
    axis_y = alt.Axis(values=list(_PERCENTS), title=None, ticks=False, domain=False)
    marks = (
        alt.Chart(drawing.rows_data(values))
        .mark_point(strokeWidth=1.6, opacity=1, fillOpacity=0.22)
        .encode(
            x=_x("months", axis_x),
            y=_y("percent", axis_y),
            size=alt.Size("area", type="quantitative", scale=None),
            stroke=drawing.raw(alt.Stroke, "colour"),
            fill=drawing.raw(alt.Fill, "colour"),
            shape=drawing.raw(alt.Shape, "shape"),
        )
    )
    layers = [marks, *_titles(canvas)]
    if wide:
        layers += _names(points)
    return drawing.draw(layers, canvas, key, title, _about(points))


def _titles(canvas: drawing.Canvas) -> list[alt.Chart]:
    return [
        drawing.one_text(
            "Median follow-up, months (log scale)",
            canvas.plot_width / 2,
            canvas.plot_height + 33,
            align="center",
            color=drawing.MUTED,
        ),
        drawing.one_text(
            "Crude non-relapse mortality, %",
            14 - canvas.left,
            canvas.plot_height / 2,
            align="center",
            angle=270,
            color=drawing.MUTED,
        ),
    ]


def _names(points: Sequence[CohortPoint]) -> list[alt.Chart]:
    """Names above their marks; below where a neighbour above needs the room."""
    named = [point for point in points if point.named]
    layers = []
    for below in (False, True):
        rows = [
            {"text": point.label, "months": point.months, "percent": 100 * point.share}
            for point in named
            if _has_neighbour_above(point, named) == below
        ]
        layers.append(
            drawing.text_layer(
                rows,
                _x("months"),
                _y("percent"),
                align="center",
                dy=19 if below else -18,
                fontSize=11,
            )
        )
    return layers


def _has_neighbour_above(point: CohortPoint, named: Sequence[CohortPoint]) -> bool:
    return any(
        0 < other.share - point.share < 0.06 and abs(math.log(other.months / point.months)) < 0.35
        for other in named
    )


def _about(points: Sequence[CohortPoint]) -> str:
    ordered = sorted(points, key=lambda point: point.months)
    return "; ".join(
        f"{point.label}, {point.months:g} months: {100 * point.share:.1f}%" for point in ordered
    )
