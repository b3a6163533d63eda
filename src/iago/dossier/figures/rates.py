"""Incidence densities: by window and group, by class of organism, setting and severity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.interval_rows import IntervalRow, draw_interval_rows, rate_axis
from iago.dossier.figures.levels import (
    MAXIMUM_TOGETHER,
    Level,
    compared_levels,
    everybody,
    levels_in,
    of_level,
)
from iago.dossier.figures.scales import axis_reach, nice_ticks
from iago.dossier.number_format import (
    SUPPRESSED,
    format_count,
    format_interval,
    format_rate,
    is_number,
)
from iago.dossier.released import Row, is_suppressed
from iago.dossier.wording import (
    ALL,
    confidence_label,
    label_code,
    sentence_case,
    short_window,
    stratum_label,
    window_label,
)

UNIT = "Episodes per 100 patient-days"
_READING = (
    "Points are rates, lines their intervals. A hollow point is a rate of zero: no episode was "
    "seen, and the line reaches the largest rate that the time at risk leaves plausible. An "
    "arrow head marks an interval that goes on beyond the axis."
)
# Dimensions that answer the questions of every comparison; others are in the heat maps.
_PANELLED = ("organism_class", "setting_at_onset", "severity")


def draw_rates(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """Interval plot over windows and groups, then one figure a dimension of interest."""
    figures = _by_window(rows, dossier)
    for dimension in _PANELLED:
        figures += _by_dimension(rows, dossier, dimension)
    return figures


def windows_in(rows: Sequence[Row], dossier: Dossier) -> list[str]:
    """Windows that occur, in the order of the definition."""
    found = list(dict.fromkeys(str(row["window"]) for row in rows))
    known = [window for window in dossier.definition.windows if window in found]
    return known + [window for window in found if window not in known]


def rate_text(row: Row) -> str:
    """Rate with its interval in words."""
    if is_suppressed(row):
        return SUPPRESSED
    return format_interval(row.get("rate_per_100_days"), row.get("lower"), row.get("upper"), "rate")


def number_or_none(value: Any) -> float | None:
    """Finite number, or None."""
    return float(value) if is_number(value) else None


def _by_window(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    of_all = [row for row in rows if row.get("stratum") == ALL]
    levels = (*levels_in(of_all, dossier), everybody(dossier))
    drawn = [
        _interval_row(row, level, window)
        for window in windows_in(of_all, dossier)
        for level in levels
        for row in of_level(of_all, level)
        if row["window"] == window
    ]
    if not drawn:
        return ()
    axis = rate_axis(drawn, UNIT, f"Rate ({confidence_label(dossier)})", "Episodes / patient-days")
    caption = "Incidence density by window from infusion"
    panels = draw_interval_rows(drawn, axis, "density", caption)
    return (drawing.Figure("density", caption, panels, _READING),)


def _interval_row(row: Row, level: Level, window: str) -> IntervalRow:
    episodes, days = row.get("episodes"), row.get("person_days")
    count = ""
    if is_number(episodes) and is_number(days):
        count = f"{format_count(episodes)} / {format_count(days)}"
    return IntervalRow(
        group=window_label(window),
        label=level.label,
        estimate=number_or_none(row.get("rate_per_100_days")),
        lower=number_or_none(row.get("lower")),
        upper=number_or_none(row.get("upper")),
        value=rate_text(row),
        count=count,
        colour=level.colour,
        shape=level.shape,
    )


def _by_dimension(
    rows: Sequence[Row], dossier: Dossier, dimension: str
) -> tuple[drawing.Figure, ...]:
    inside = [
        row
        for row in rows
        if str(row.get("stratum")).startswith(f"{dimension}=")
        and row["window"] != ALL
        and is_number(row.get("rate_per_100_days"))
    ]
    if not inside:
        return ()
    levels = compared_levels(inside, dossier)
    together = ""
    if len(levels) > MAXIMUM_TOGETHER:
        levels = (everybody(dossier),)
        together = " There are too many groups for one plot: all courses are shown together."
    windows = windows_in(inside, dossier)
    strata = dict.fromkeys(str(row["stratum"]) for row in inside)
    panels = tuple(
        _panel(
            [row for row in inside if row["stratum"] == stratum],
            levels,
            windows,
            f"{dimension}-{i}",
        )
        for i, stratum in enumerate(strata)
    )
    name = dimension.replace("_", " ")
    return (
        drawing.Figure(
            f"density-{dimension}",
            f"Incidence density by {name}, window and group",
            panels,
            f"{UNIT}. The vertical axes differ between the plots.{together} {_READING}",
            tuple(level.legend("point") for level in levels),
        ),
    )


@dataclass(frozen=True)
class _Place:
    """One estimate with its position in pixels."""

    row: Row
    level: Level
    x: float


def _panel(
    rows: Sequence[Row], levels: Sequence[Level], windows: Sequence[str], key: str
) -> drawing.Panel:
    canvas = drawing.Canvas(drawing.PANEL, 132, left=50, right=6, top=14, bottom=26)
    slot = canvas.plot_width / len(windows)
    places = [
        _Place(row, level, slot * (w + 0.14 + 0.72 * (i + 0.5) / len(levels)))
        for i, level in enumerate(levels)
        for row in of_level(rows, level)
        for w, window in enumerate(windows)
        if row["window"] == window
    ]
    estimates = [place.row["rate_per_100_days"] for place in places]
    uppers = [place.row["upper"] for place in places if is_number(place.row.get("upper"))]
    ticks = nice_ticks(axis_reach(estimates, uppers), 4)
    plot = _PanelPlot(canvas, ticks)
    layers = [
        plot.frame(windows, slot),
        plot.rules(places),
        *plot.arrows(places),
        plot.points(places),
    ]
    stratum = str(rows[0]["stratum"])
    title = sentence_case(label_code(stratum.partition("=")[2], stratum.partition("=")[0]))
    about = "; ".join(
        f"{place.level.label}, {window_label(place.row['window'])}: {rate_text(place.row)}"
        for place in places
    )
    heading = f"{UNIT}. {stratum_label(stratum)}"
    labels = plot.window_names(windows, slot)
    svg = drawing.draw([*layers, labels], canvas, f"density-{key}", heading, f"{about}.")
    return drawing.Panel(svg, "panel", title)


@dataclass(frozen=True)
class _PanelPlot:
    canvas: drawing.Canvas
    ticks: Sequence[float]

    def x(self, field: str = "x") -> alt.X:
        width = self.canvas.plot_width
        scale = alt.Scale(domain=[0, width], range=[0, width], nice=False)
        return alt.X(field, type="quantitative", axis=None, scale=scale)

    def y(self, field: str, axis: Any = drawing.NO_AXIS) -> alt.Y:
        scale = alt.Scale(domain=[0, self.ticks[-1]], nice=False)
        return alt.Y(field, type="quantitative", axis=axis, scale=scale)

    def frame(self, windows: Sequence[str], slot: float) -> alt.Chart:
        """Axis of the rates, and the lines between windows."""
        axis = drawing.axis_at(
            self.ticks,
            ticks=False,
            domain=False,
            labelPadding=6,
        )
        lines = [{"x": slot * i, "low": 0, "high": self.ticks[-1]} for i in range(1, len(windows))]
        chart: alt.Chart = (
            alt.Chart(drawing.rows_data([*lines, {"x": 0, "low": 0, "high": 0}]))
            .mark_rule(color=drawing.GRID)
            .encode(x=self.x(), y=self.y("low", axis), y2=alt.Y2("high"))
        )
        return chart

    def window_names(self, windows: Sequence[str], slot: float) -> alt.Chart:
        """Names of the windows under the plot."""
        names = [
            {"text": short_window(window), "x": slot * (i + 0.5)}
            for i, window in enumerate(windows)
        ]
        place = drawing.fixed(alt.YValue, self.canvas.plot_height + 15)
        return drawing.text_layer(names, self.x(), place, align="center", color=drawing.MUTED)

    def rules(self, places: Sequence[_Place]) -> alt.Chart:
        """Intervals."""
        values = [
            {
                "x": place.x,
                "low": place.row["lower"],
                "high": min(place.row["upper"], self.ticks[-1]),
                "colour": place.level.colour,
            }
            for place in places
            if is_number(place.row.get("lower")) and is_number(place.row.get("upper"))
        ]
        chart: alt.Chart = (
            alt.Chart(drawing.rows_data(values))
            .mark_rule(strokeWidth=1.6)
            .encode(
                x=self.x(),
                y=self.y("low"),
                y2=alt.Y2("high"),
                color=drawing.raw(alt.Color, "colour"),
            )
        )
        return chart

    def arrows(self, places: Sequence[_Place]) -> list[alt.Chart]:
        """Arrow heads of intervals that go on above the axis."""
        top = self.ticks[-1]
        values = [
            {"x": place.x, "at": top, "colour": place.level.colour}
            for place in places
            if is_number(place.row.get("upper")) and place.row["upper"] > top
        ]
        if not values:
            return []
        return [
            alt.Chart(drawing.rows_data(values))
            .mark_point(shape="triangle-up", size=36, filled=True, opacity=1)
            .encode(x=self.x(), y=self.y("at"), color=drawing.raw(alt.Color, "colour"))
        ]

    def points(self, places: Sequence[_Place]) -> alt.Chart:
        """Rates; one that is zero is drawn hollow."""
        values = [
            {
                "x": place.x,
                "rate": place.row["rate_per_100_days"],
                "colour": place.level.colour,
                "fill": (
                    drawing.PAPER if place.row["rate_per_100_days"] == 0 else place.level.colour
                ),
                "shape": drawing.symbol(place.level.shape),
            }
            for place in places
        ]
        chart: alt.Chart = (
            alt.Chart(drawing.rows_data(values))
            .mark_point(size=34, strokeWidth=1.4, opacity=1)
            .encode(
                x=self.x(),
                y=self.y("rate"),
                stroke=drawing.raw(alt.Stroke, "colour"),
                fill=drawing.raw(alt.Fill, "fill"),
                shape=drawing.raw(alt.Shape, "shape"),
            )
        )
        return chart


def short_rate(row: Row) -> str:
    """Rate alone; ``0`` for no episode."""
    rate = row.get("rate_per_100_days")
    return "0" if rate == 0 else format_rate(float(rate or 0.0))
