"""Estimates with intervals, one row each, the numbers printed beside them.

Serves rates, on a linear axis that starts at zero, and ratios, on a log axis around 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from iago.dossier.figures import drawing
from iago.dossier.figures.scales import axis_reach, log_ticks, nice_ticks
from iago.dossier.wording import shorten, shorten_middle

# Right edge of the column of counts in the wide drawing.
_COUNT_EDGE = 584


@dataclass(frozen=True)
class IntervalRow:
    """One estimate; ``count`` and ``value`` are its numbers in words."""

    group: str
    label: str
    estimate: float | None
    lower: float | None
    upper: float | None
    value: str
    count: str = ""
    colour: str = drawing.INK
    shape: str = "circle"


@dataclass(frozen=True)
class IntervalAxis:
    """Axis of the estimates: its words and how far it reaches."""

    title: str
    ticks: tuple[float, ...]
    log: bool = False
    reference: float | None = None
    value_heading: str = ""
    count_heading: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """First and last value of the axis."""
        return self.ticks[0], self.ticks[-1]


def rate_axis(
    rows: Sequence[IntervalRow], title: str, value_heading: str, count_heading: str
) -> IntervalAxis:
    """Linear axis from zero. An interval far beyond all estimates does not squeeze the rest."""
    estimates = [row.estimate for row in rows if row.estimate is not None]
    uppers = [row.upper for row in rows if row.upper is not None]
    ticks = nice_ticks(axis_reach(estimates, uppers))
    return IntervalAxis(
        title, tuple(ticks), value_heading=value_heading, count_heading=count_heading
    )


def ratio_axis(rows: Sequence[IntervalRow], title: str, value_heading: str) -> IntervalAxis:
    """Log axis around 1; at most 30-fold either way of the estimates, arrows beyond."""
    estimates = [row.estimate for row in rows if row.estimate]
    limits = [value for row in rows for value in (row.lower, row.upper) if value]
    low = max(min([*limits, *estimates], default=0.5), min(estimates, default=0.5) / 30)
    high = min(max([*limits, *estimates], default=2.0), max(estimates, default=2.0) * 30)
    ticks = tuple(log_ticks(low, high))
    return IntervalAxis(title, ticks, log=True, reference=1.0, value_heading=value_heading)


def difference_axis(rows: Sequence[IntervalRow], title: str, value_heading: str) -> IntervalAxis:
    """Linear axis around 0, as far to the left as to the right."""
    values = [
        abs(value)
        for row in rows
        for value in (row.estimate, row.lower, row.upper)
        if value is not None
    ]
    right = nice_ticks(max(values, default=1.0), 3)
    ticks = tuple([-tick for tick in reversed(right[1:])] + right)
    return IntervalAxis(title, ticks, reference=0.0, value_heading=value_heading)


@dataclass(frozen=True)
class _Geometry:
    use: str
    counts: bool

    @property
    def wide(self) -> bool:
        return self.use == "wide"

    @property
    def width(self) -> int:
        return drawing.WIDE if self.wide else drawing.NARROW

    @property
    def start(self) -> int:
        return 180 if self.wide else 8

    @property
    def end(self) -> int:
        if not self.wide:
            return self.width - 18
        return 436 if self.counts else 590

    @property
    def step(self) -> int:
        return 20 if self.wide else 36

    @property
    def indent(self) -> int:
        return 12 if self.wide else 0


def draw_interval_rows(
    rows: Sequence[IntervalRow], axis: IntervalAxis, key: str, title: str
) -> tuple[drawing.Panel, ...]:
    """Wide and narrow drawing of the same rows."""
    counts = any(row.count for row in rows)
    return tuple(
        drawing.Panel(_draw(rows, axis, _Geometry(use, counts), key, title), use)
        for use in ("wide", "narrow")
    )


def _draw(
    rows: Sequence[IntervalRow], axis: IntervalAxis, geometry: _Geometry, key: str, title: str
) -> Markup:
    headings, places, height = _places(rows, geometry)
    plot = _Plot(axis, geometry, height)
    layers = [plot.frame(), *_texts(rows, headings, places, plot)]
    drawn = [
        (row, y if geometry.wide else y + 15)
        for row, y in zip(rows, places, strict=True)
        if row.estimate is not None and axis.ends[0] <= row.estimate <= axis.ends[1]
    ]
    if drawn:
        layers += [_rules(drawn, plot), *_arrows(drawn, plot), _points(drawn, plot)]
    canvas = drawing.Canvas(geometry.width, height, bottom=42)
    return drawing.draw(layers, canvas, f"{key}-{geometry.use}", title, _about(rows))


def _places(
    rows: Sequence[IntervalRow], geometry: _Geometry
) -> tuple[list[dict[str, Any]], list[float], int]:
    """Where the headings of groups and the rows stand, and the height of the plot."""
    headings: list[dict[str, Any]] = []
    places: list[float] = []
    y = 26.0 if geometry.wide else 8.0
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            y += 8 if places else 0
            headings.append({"text": shorten(group, 60), "y": y + 2})
            y += 22
        places.append(y)
        y += geometry.step
    return headings, places, round(y)


@dataclass(frozen=True)
class _Plot:
    axis: IntervalAxis
    geometry: _Geometry
    height: int

    def x(self, field: str, shown: Any = drawing.NO_AXIS) -> alt.X:
        scale = alt.Scale(
            type="log" if self.axis.log else "linear",
            domain=list(self.axis.ends),
            range=[self.geometry.start, self.geometry.end],
            nice=False,
            zero=False,
        )
        return alt.X(field, type="quantitative", axis=shown, scale=scale)

    def y(self) -> alt.Y:
        return drawing.pixel_y("y", self.height)

    def frame(self) -> alt.Chart:
        """Axis, grid and the line that estimates are read against."""
        shown = drawing.axis_at(
            self.axis.ticks,
            tickSize=4,
            grid=True,
        )
        reference = self.axis.reference
        at = reference if reference is not None else self.axis.ticks[0]
        values = [{"at": at, "y": 0, "to": self.height}]
        chart: alt.Chart = (
            alt.Chart(drawing.rows_data(values))
            .mark_rule(color=drawing.AXIS, strokeWidth=1.2)
            .encode(x=self.x("at", shown), y=self.y(), y2=alt.Y2("to"))
        )
        return chart


def _texts(
    rows: Sequence[IntervalRow],
    headings: Sequence[dict[str, Any]],
    places: Sequence[float],
    plot: _Plot,
) -> list[alt.Chart]:
    geometry, y = plot.geometry, plot.y()
    limit = 24 if geometry.wide else 26
    labels = [{"text": shorten_middle(row.label, limit), "y": at} for row, at in _zip(rows, places)]
    values = [{"text": row.value, "y": at} for row, at in _zip(rows, places)]
    right = drawing.fixed(alt.XValue, geometry.width)
    layers = [
        _grounds([*headings, *([] if geometry.wide else labels)], plot),
        drawing.text_layer(
            headings, drawing.fixed(alt.XValue, 0), y, align="left", fontWeight="bold"
        ),
        drawing.text_layer(labels, drawing.fixed(alt.XValue, geometry.indent), y, align="left"),
        drawing.text_layer(values, right, y, align="right"),
        _axis_title(plot),
    ]
    if geometry.wide:
        heading = [{"text": plot.axis.value_heading, "y": 8}]
        layers.append(drawing.text_layer(heading, right, y, align="right", color=drawing.MUTED))
    if geometry.wide and geometry.counts:
        counts = [{"text": row.count, "y": at} for row, at in _zip(rows, places)]
        counts.append({"text": plot.axis.count_heading, "y": 8})
        place = drawing.fixed(alt.XValue, _COUNT_EDGE)
        layers.append(drawing.text_layer(counts, place, y, align="right", color=drawing.MUTED))
    return layers


def _grounds(texts: Sequence[dict[str, Any]], plot: _Plot) -> alt.Chart:
    """Paper behind texts, so that no line of the grid runs through their words."""
    grounds = [{"y": text["y"] - 9, "to": text["y"] + 8} for text in texts]
    if plot.geometry.wide:
        grounds.append({"y": 0, "to": 18})
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(grounds))
        .mark_rect(color=drawing.PAPER)
        .encode(
            x=drawing.fixed(alt.XValue, 0),
            x2=drawing.fixed(alt.X2Value, plot.geometry.end + 4),
            y=plot.y(),
            y2=alt.Y2("to"),
        )
    )
    return chart


def _zip(rows: Sequence[IntervalRow], places: Sequence[float]) -> list[tuple[IntervalRow, float]]:
    return list(zip(rows, places, strict=True))


def _axis_title(plot: _Plot) -> alt.Chart:
    middle = (plot.geometry.start + plot.geometry.end) / 2
    return drawing.one_text(
        plot.axis.title, middle, plot.height + 32, align="center", color=drawing.MUTED
    )


def _rules(drawn: Sequence[tuple[IntervalRow, float]], plot: _Plot) -> alt.Chart:
    first, last = plot.axis.ends
    values = [
        {"from": max(row.lower, first), "to": min(row.upper, last), "y": y, "colour": row.colour}
        for row, y in drawn
        if row.lower is not None and row.upper is not None
    ]
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(values))
        .mark_rule(strokeWidth=1.8)
        .encode(
            x=plot.x("from"), x2=alt.X2("to"), y=plot.y(), color=drawing.raw(alt.Color, "colour")
        )
    )
    return chart


def _arrows(drawn: Sequence[tuple[IntervalRow, float]], plot: _Plot) -> list[alt.Chart]:
    """Arrow heads where an interval goes on beyond the axis."""
    first, last = plot.axis.ends
    ends = {
        "triangle-right": [
            {"at": last, "y": y, "colour": row.colour}
            for row, y in drawn
            if row.upper is not None and row.upper > last
        ],
        "triangle-left": [
            {"at": first, "y": y, "colour": row.colour}
            for row, y in drawn
            if row.lower is not None and row.lower < first
        ],
    }
    return [
        alt.Chart(drawing.rows_data(values))
        .mark_point(shape=shape, size=60, filled=True, opacity=1)
        .encode(x=plot.x("at"), y=plot.y(), color=drawing.raw(alt.Color, "colour"))
        for shape, values in ends.items()
        if values
    ]


def _points(drawn: Sequence[tuple[IntervalRow, float]], plot: _Plot) -> alt.Chart:
    """Estimates; one that is zero is drawn hollow."""
    values = [
        {
            "at": row.estimate,
            "y": y,
            "colour": row.colour,
            "fill": drawing.PAPER if row.estimate == 0 else row.colour,
            "shape": drawing.symbol(row.shape),
        }
        for row, y in drawn
    ]
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(values))
        .mark_point(size=46, strokeWidth=1.6, opacity=1)
        .encode(
            x=plot.x("at"),
            y=plot.y(),
            stroke=drawing.raw(alt.Stroke, "colour"),
            fill=drawing.raw(alt.Fill, "fill"),
            shape=drawing.raw(alt.Shape, "shape"),
        )
    )
    return chart


def _about(rows: Sequence[IntervalRow]) -> str:
    names = [f"{row.group}, {row.label}" if row.group else row.label for row in rows]
    parts = [f"{name}: {row.value}" for name, row in zip(names, rows, strict=True)]
    return "; ".join(parts) + "."
