"""Forest plots: cohorts as squares with intervals, pooled values as diamonds, numbers beside them.

Every plot of a page has the same axis and the same scale of squares, so that plots compare.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt
from markupsafe import Markup

from iago.dossier.figures import drawing
from iago.dossier.wording import shorten

RowKind: TypeAlias = Literal["heading", "cohort", "common", "random", "prediction"]

LAST_PERCENT = 30
_TICKS = (0, 5, 10, 15, 20, 25, 30)
# Areas in square pixels: of the largest cohort, and the least that is still seen as a square.
_LARGEST_SQUARE = 300.0
_SMALLEST_SQUARE = 20.0
_COHORT_COLOUR = "var(--c1)"


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot; shares from 0 to 1, the other fields are its words.

    ``prediction`` adds a thin line. ``strong`` prints label and value in bold, ``stress`` the
    follow-up.
    """

    kind: RowKind
    label: str
    detail: str = ""
    follow_up: str = ""
    count: str = ""
    value: str = ""
    estimate: float | None = None
    lower: float = math.nan
    upper: float = math.nan
    prediction: tuple[float, float] | None = None
    patients: int = 0
    strong: bool = False
    stress: bool = False


@dataclass(frozen=True)
class ForestHeadings:
    """Words over the columns of the wide drawing, and under the axis."""

    label: str
    detail: str
    follow_up: str = "Months"
    count: str = "Deaths / patients"
    value: str = "% (95% CI)"
    axis: str = "Crude non-relapse mortality, %"


@dataclass(frozen=True)
class _Geometry:
    use: Literal["wide", "narrow"]

    @property
    def wide(self) -> bool:
        return self.use == "wide"

    @property
    def width(self) -> int:
        return drawing.WIDE if self.wide else drawing.NARROW

    @property
    def first(self) -> int:
        return 318 if self.wide else 8

    @property
    def last(self) -> int:
        return 514 if self.wide else self.width - 10

    @property
    def step(self) -> int:
        return 18 if self.wide else 35

    @property
    def drop(self) -> int:
        """How far below its words a row is drawn."""
        return 0 if self.wide else 15


# Columns of the wide drawing: left edge, or right edge of numbers.
_DETAIL, _FOLLOW_UP, _COUNT = 158, 306, 622


@dataclass(frozen=True)
class _Placed:
    row: ForestRow
    y: float


@dataclass(frozen=True)
class _Plot:
    geometry: _Geometry
    rows: tuple[_Placed, ...]
    height: int
    scale_patients: int

    def of(self, *kinds: str) -> list[_Placed]:
        return [placed for placed in self.rows if placed.row.kind in kinds]

    def at(self, placed: _Placed) -> float:
        """Height of the mark of a row."""
        return placed.y + self.geometry.drop

    def x(self, field: str, axis: Any = alt.Undefined) -> alt.X:
        # Left undefined rather than None: one layer without an axis takes it from all others.
        scale = alt.Scale(
            domain=[0, LAST_PERCENT],
            range=[self.geometry.first, self.geometry.last],
            nice=False,
        )
        return alt.X(field, type="quantitative", axis=axis, scale=scale)

    def y(self, field: str = "y") -> alt.Y:
        return drawing.pixel_y(field, self.height)


def draw_forest(
    rows: Sequence[ForestRow],
    headings: ForestHeadings,
    key: str,
    title: str,
    *,
    scale_patients: int,
) -> tuple[drawing.Panel, ...]:
    """Wide and narrow drawing of the same rows.

    Parameters
    ----------
    rows : sequence of ForestRow
        From top to bottom.
    headings : ForestHeadings
        Words over the columns.
    key, title : str
        Start of the element ids, and the name of the figure.
    scale_patients : int
        Patients of the cohort whose square is the largest of the page.
    """
    return tuple(
        drawing.Panel(_draw(rows, headings, _Geometry(use), key, title, scale_patients), use)
        for use in ("wide", "narrow")
    )


def _draw(
    rows: Sequence[ForestRow],
    headings: ForestHeadings,
    geometry: _Geometry,
    key: str,
    title: str,
    scale_patients: int,
) -> Markup:
    placed, height = _place(rows, geometry)
    plot = _Plot(geometry, placed, height, scale_patients)
    layers = [
        _frame(plot),
        *_reference(plot),
        *_intervals(plot),
        *_squares(plot),
        *_diamonds(plot),
        *(_wide_texts(plot, headings) if geometry.wide else _narrow_texts(plot)),
        drawing.one_text(
            headings.axis,
            (geometry.first + geometry.last) / 2,
            height + 32,
            align="center",
            color=drawing.MUTED,
        ),
    ]
    canvas = drawing.Canvas(geometry.width, height, bottom=42)
    return drawing.draw(layers, canvas, f"{key}-{geometry.use}", title, _about(rows))


def _place(rows: Sequence[ForestRow], geometry: _Geometry) -> tuple[tuple[_Placed, ...], int]:
    placed: list[_Placed] = []
    y = 30.0 if geometry.wide else 8.0
    before = ""
    for row in rows:
        if placed and (row.kind == "heading" or (row.kind == "common" and before == "cohort")):
            y += 8
        placed.append(_Placed(row, y))
        y += 20 if row.kind == "heading" else geometry.step
        before = row.kind
    return tuple(placed), round(y)


def _frame(plot: _Plot) -> alt.Chart:
    shown = alt.Axis(values=list(_TICKS), title=None, tickSize=4, grid=True)
    frame: alt.Chart = (
        alt.Chart(drawing.rows_data([{"at": 0, "y": 0, "to": plot.height}]))
        .mark_rule(color=drawing.AXIS, strokeWidth=1.2)
        .encode(x=plot.x("at", shown), y=plot.y(), y2=alt.Y2("to"))
    )
    return frame


def _reference(plot: _Plot) -> list[alt.Chart]:
    """Dashed line at the random-effects value; in the narrow drawing it would cross words."""
    pooled, cohorts = plot.of("random"), plot.of("cohort")
    if len(pooled) != 1 or not cohorts or not plot.geometry.wide:
        return []
    estimate = 100 * (pooled[0].row.estimate or 0.0)
    values = [{"at": estimate, "y": plot.at(cohorts[0]) - 9, "to": plot.at(pooled[0])}]
    return [
        alt.Chart(drawing.rows_data(values))
        .mark_rule(color=drawing.MUTED, strokeWidth=1, strokeDash=[3, 3])
        .encode(x=plot.x("at"), y=plot.y(), y2=alt.Y2("to"))
    ]


def _intervals(plot: _Plot) -> list[alt.Chart]:
    """Lines of cohorts and of prediction intervals, with arrow heads beyond the axis."""
    cohorts = [
        _span(placed.row.lower, placed.row.upper, plot.at(placed)) for placed in plot.of("cohort")
    ]
    predictions = [
        _span(*placed.row.prediction, plot.at(placed))
        for placed in plot.rows
        if placed.row.prediction is not None
    ]
    layers = [
        alt.Chart(drawing.rows_data(values))
        .mark_rule(strokeWidth=width, color=colour)
        .encode(x=plot.x("from"), x2=alt.X2("to"), y=plot.y())
        for values, width, colour in (
            (cohorts, 1.4, drawing.INK),
            (predictions, 1.2, "var(--c2)"),
        )
        if values
    ]
    for values, colour in ((cohorts, drawing.INK), (predictions, "var(--c2)")):
        beyond = [value for value in values if value["beyond"]]
        if beyond:
            layers.append(
                alt.Chart(drawing.rows_data(beyond))
                .mark_point(shape="triangle-right", size=50, filled=True, color=colour, opacity=1)
                .encode(x=plot.x("to"), y=plot.y())
            )
    return layers


def _span(lower: float, upper: float, y: float) -> dict[str, Any]:
    return {
        "from": 100 * lower,
        "to": min(100 * upper, LAST_PERCENT),
        "beyond": 100 * upper > LAST_PERCENT,
        "y": y,
    }


def _squares(plot: _Plot) -> list[alt.Chart]:
    """Cohorts; the area follows the number of patients, and one without deaths is hollow."""
    values = [
        {
            "at": 100 * placed.row.estimate,
            "y": plot.at(placed),
            "area": max(
                _SMALLEST_SQUARE, _LARGEST_SQUARE * placed.row.patients / plot.scale_patients
            ),
            "fill": drawing.PAPER if placed.row.estimate == 0 else _COHORT_COLOUR,
        }
        for placed in plot.of("cohort")
        if placed.row.estimate is not None
    ]
    if not values:
        return []
    return [
        alt.Chart(drawing.rows_data(values))
        .mark_point(shape="square", strokeWidth=1, stroke=_COHORT_COLOUR, opacity=1)
        .encode(
            x=plot.x("at"),
            y=plot.y(),
            size=alt.Size("area", type="quantitative", scale=None),
            fill=drawing.raw(alt.Fill, "fill"),
        )
    ]


def _diamonds(plot: _Plot) -> list[alt.Chart]:
    """Pooled values: the common effect hollow, random effects filled."""
    layers = []
    for kind, fill in (("common", drawing.PAPER), ("random", drawing.INK)):
        values = [
            corner
            for number, placed in enumerate(plot.of(kind))
            for corner in _corners(placed.row, plot.at(placed), number)
        ]
        if values:
            layers.append(
                alt.Chart(drawing.rows_data(values))
                .mark_area(fill=fill, stroke=drawing.INK, strokeWidth=1.2, opacity=1)
                .encode(
                    x=plot.x("at"),
                    y=plot.y(),
                    y2=alt.Y2("to"),
                    detail=alt.Detail("number", type="nominal"),
                )
            )
    return layers


def _corners(row: ForestRow, y: float, number: int) -> list[dict[str, Any]]:
    """Left, middle and right of a diamond as upper and lower edge."""
    parts = ((row.lower, 0.0), (row.estimate or 0.0, 5.5), (row.upper, 0.0))
    return [
        {"at": 100 * value, "y": y - half, "to": y + half, "number": number}
        for value, half in parts
    ]


def _wide_texts(plot: _Plot, headings: ForestHeadings) -> list[alt.Chart]:
    columns = (
        ("label", 0, "left", headings.label),
        ("detail", _DETAIL, "left", headings.detail),
        ("follow_up", _FOLLOW_UP, "right", headings.follow_up),
        ("count", _COUNT, "right", headings.count),
        ("value", plot.geometry.width, "right", headings.value),
    )
    layers = []
    for field, x, align, heading in columns:
        for bold in (False, True):
            words = [
                {"text": _words(placed.row, field), "y": placed.y}
                for placed in plot.rows
                if getattr(placed.row, field) and _is_bold(placed.row, field) == bold
            ]
            if words:
                weight = "bold" if bold else "normal"
                layers.append(
                    drawing.text_layer(
                        words, alt.value(x), plot.y(), align=align, fontWeight=weight
                    )
                )
        layers.append(drawing.one_text(heading, x, 8, align=align, color=drawing.MUTED))
    return layers


def _words(row: ForestRow, field: str) -> str:
    text: str = getattr(row, field)
    return shorten(text, 24) if field in {"label", "detail"} and row.kind != "heading" else text


def _is_bold(row: ForestRow, field: str) -> bool:
    if field == "follow_up":
        return row.stress
    return row.kind == "heading" or (row.strong and field in {"label", "value"})


def _narrow_texts(plot: _Plot) -> list[alt.Chart]:
    """Words above each row: label, detail and follow-up left, value right."""
    layers = []
    for bold in (False, True):
        chosen = [placed for placed in plot.rows if _is_bold(placed.row, "label") == bold]
        weight = "bold" if bold else "normal"
        left = [{"text": _narrow_label(placed.row), "y": placed.y} for placed in chosen]
        right = [{"text": placed.row.value, "y": placed.y} for placed in chosen if placed.row.value]
        for words, x, align in ((left, 0, "left"), (right, plot.geometry.width, "right")):
            if words:
                layers.append(
                    drawing.text_layer(
                        words,
                        alt.value(x),
                        plot.y(),
                        align=align,
                        fontWeight=weight,
                        fontSize=drawing.FONT_SIZE - 1,
                    )
                )
    return layers


def _narrow_label(row: ForestRow) -> str:
    """Label with what there is room for: the follow-up before the detail."""
    follow_up = f"{row.follow_up} mo" if row.follow_up[:1].isdigit() else row.follow_up
    detail = row.detail if row.kind == "cohort" else ""
    return shorten(", ".join(part for part in (row.label, detail, follow_up) if part), 42)


def _about(rows: Sequence[ForestRow]) -> str:
    parts = []
    for row in rows:
        if row.kind == "heading":
            continue
        names = ", ".join(part for part in (row.label, row.detail) if part)
        follow_up = f", follow-up {row.follow_up} months" if row.follow_up else ""
        parts.append(f"{names}{follow_up}: {row.value}")
    return "; ".join(parts) + "."
