"""Shares that add up to the whole, as horizontal bars: severity, prophylaxis, causality."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from iago.dossier.figures import drawing
from iago.dossier.number_format import SUPPRESSED, format_count, format_percent, is_number
from iago.dossier.released import Row, is_suppressed
from iago.dossier.wording import shorten, shorten_middle

_SMALLEST_LABELLED = {"wide": 0.055, "narrow": 0.13}


@dataclass(frozen=True)
class Kind:
    """One kind of segment: its fill, and the colour of a text on it."""

    label: str
    fill: str
    text: str
    written: bool = True

    def legend(self) -> drawing.LegendEntry:
        """Entry of the legend."""
        return drawing.LegendEntry(self.label, self.fill, "area")


NO_EPISODE = "no episode"


def bar_words(rows: Sequence[Row]) -> tuple[str, str]:
    """Total of a bar in words, and what an empty bar means: withheld, or no episode."""
    if any(is_suppressed(row) for row in rows):
        return "some suppressed", SUPPRESSED
    counts = [row.get("episodes") for row in rows]
    known = [count for count in counts if is_number(count)]
    if len(known) < len(counts):
        return "", "not known"
    return format_count(sum(known)), NO_EPISODE


@dataclass(frozen=True)
class BarRow:
    """One bar: shares in the order of the kinds, None where there is none to show."""

    group: str
    label: str
    shares: tuple[tuple[Kind, float | None], ...]
    total: str = ""
    empty: str = NO_EPISODE


@dataclass(frozen=True)
class _Geometry:
    use: str

    @property
    def wide(self) -> bool:
        return self.use == "wide"

    @property
    def start(self) -> int:
        return 170 if self.wide else 0

    @property
    def end(self) -> int:
        return self.width - (90 if self.wide else 0)

    @property
    def step(self) -> int:
        return 26 if self.wide else 42

    @property
    def width(self) -> int:
        return drawing.WIDE if self.wide else drawing.NARROW

    @property
    def bar(self) -> int:
        return 18 if self.wide else 20

    @property
    def offset(self) -> int:
        """From the top of a row to the top of its bar."""
        return 3 if self.wide else 15

    @property
    def indent(self) -> int:
        return 12 if self.wide else 0


def draw_bars(
    rows: Sequence[BarRow], key: str, title: str, total_heading: str
) -> tuple[drawing.Panel, ...]:
    """Wide and narrow drawing of the same bars."""
    return tuple(
        drawing.Panel(_draw(rows, _Geometry(use), key, title, total_heading), use)
        for use in ("wide", "narrow")
    )


def _draw(
    rows: Sequence[BarRow], geometry: _Geometry, key: str, title: str, total_heading: str
) -> Markup:
    headings, tops, height = _places(rows, geometry)
    plot = _Plot(geometry, height)
    segments = [
        {**segment, "y": top + geometry.offset, "to_y": top + geometry.offset + geometry.bar}
        for row, top in zip(rows, tops, strict=True)
        for segment in _segments(row)
    ]
    layers = [plot.frame(), *_labels(rows, headings, tops, plot, total_heading)]
    if segments:
        layers += [_rectangles(segments, plot), *_shares(segments, plot)]
    canvas = drawing.Canvas(geometry.width, height, bottom=24)
    return drawing.draw(layers, canvas, f"{key}-{geometry.use}", title, _about(rows))


def _places(
    rows: Sequence[BarRow], geometry: _Geometry
) -> tuple[list[dict[str, Any]], list[float], int]:
    """Where the headings of groups and the rows stand, and the height of the plot."""
    headings: list[dict[str, Any]] = []
    tops: list[float] = []
    y = 20.0 if geometry.wide else 2.0
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            y += 8 if tops else 0
            headings.append({"text": shorten(group, 60), "y": y + 8})
            y += 20
        tops.append(y)
        y += geometry.step
    return headings, tops, round(y)


@dataclass(frozen=True)
class _Plot:
    geometry: _Geometry
    height: int

    def x(self, field: str, axis: Any = drawing.NO_AXIS) -> alt.X:
        ends = [self.geometry.start, self.geometry.end]
        scale = alt.Scale(domain=[0, 1], range=ends, nice=False)
        return alt.X(field, type="quantitative", axis=axis, scale=scale)

    def y(self, field: str = "y") -> alt.Y:
        return drawing.pixel_y(field, self.height)

    def frame(self) -> alt.Chart:
        axis = drawing.axis_at(
            [0, 0.25, 0.5, 0.75, 1],
            percent=True,
            sign="%",
            grid=False,
            domain=False,
            tickSize=4,
            # The outermost labels stay inside the drawing.
            labelAlign={
                "expr": "datum.value == 0 ? 'left' : datum.value == 1 ? 'right' : 'center'"
            },
        )
        chart: alt.Chart = (
            alt.Chart(drawing.rows_data([{"share": 0, "y": 0}]))
            .mark_point(opacity=0)
            .encode(x=self.x("share", axis), y=self.y())
        )
        return chart


def _labels(
    rows: Sequence[BarRow],
    headings: Sequence[dict[str, Any]],
    tops: Sequence[float],
    plot: _Plot,
    total_heading: str,
) -> list[alt.Chart]:
    geometry, y = plot.geometry, plot.y()
    middle = 12 if geometry.wide else 6
    limit = 24 if geometry.wide else 34
    placed = list(zip(rows, tops, strict=True))
    labels = [{"text": shorten_middle(row.label, limit), "y": top + middle} for row, top in placed]
    indent = geometry.indent if headings else 0
    totals = [{"text": row.total, "y": top + middle} for row, top in placed]
    if geometry.wide:
        totals.append({"text": total_heading, "y": 8})
    empty = [
        {
            "text": row.empty,
            "y": top + geometry.offset + geometry.bar / 2,
        }
        for row, top in placed
        if not _segments(row)
    ]
    right, inside = (
        drawing.fixed(alt.XValue, geometry.width),
        drawing.fixed(alt.XValue, geometry.start + 6),
    )
    muted = drawing.MUTED
    return [
        drawing.text_layer(
            headings, drawing.fixed(alt.XValue, 0), y, align="left", fontWeight="bold"
        ),
        drawing.text_layer(labels, drawing.fixed(alt.XValue, indent), y, align="left"),
        drawing.text_layer(totals, right, y, align="right", color=muted),
        drawing.text_layer(empty, inside, y, align="left", color=muted),
    ]


def _segments(row: BarRow) -> list[dict[str, Any]]:
    segments: list[dict[str, Any]] = []
    start = 0.0
    for kind, share in row.shares:
        if share:
            segments.append(
                {
                    "from": start,
                    "to": start + share,
                    "middle": start + share / 2,
                    "share": share,
                    "fill": kind.fill,
                    "colour": kind.text,
                    "text": format_percent(share) if kind.written else "",
                }
            )
        start += share or 0.0
    return segments


def _rectangles(segments: Sequence[dict[str, Any]], plot: _Plot) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(segments))
        .mark_rect(stroke=drawing.PAPER, strokeWidth=1)
        .encode(
            x=plot.x("from"),
            x2=alt.X2("to"),
            y=plot.y(),
            y2=alt.Y2("to_y"),
            fill=drawing.raw(alt.Fill, "fill"),
        )
    )
    return chart


def _shares(segments: Sequence[dict[str, Any]], plot: _Plot) -> list[alt.Chart]:
    """Percentages inside the segments that are wide enough for them."""
    smallest = _SMALLEST_LABELLED[plot.geometry.use]
    shown = [
        {**segment, "y": (segment["y"] + segment["to_y"]) / 2 + 0.5}
        for segment in segments
        if segment["share"] >= smallest
    ]
    if not shown:
        return []
    layer = drawing.text_layer(
        shown, plot.x("middle"), plot.y(), align="center", fontSize=drawing.FONT_SIZE - 1
    )
    return [layer.encode(color=drawing.raw(alt.Color, "colour"))]


def _about(rows: Sequence[BarRow]) -> str:
    parts = []
    for row in rows:
        shares = ", ".join(
            f"{kind.label} {format_percent(share)}" for kind, share in row.shares if share
        )
        name = f"{row.group}, {row.label}" if row.group else row.label
        parts.append(f"{name}: {shares or 'none shown'}")
    return "; ".join(parts) + "."
