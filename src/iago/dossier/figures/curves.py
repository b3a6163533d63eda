"""Step curves over days from infusion, with bands and numbers at risk.

Cumulative incidence, mean cumulative count and persistence look alike: an estimate by day and
group with pointwise limits. Up to six groups share one plot; more get a small plot each, with
all courses as the dotted reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.levels import (
    MAXIMUM_TOGETHER,
    Level,
    compared_levels,
    of_level,
    reference,
)
from iago.dossier.figures.scales import INVISIBLE_PX, day_ticks, largest, nice_ticks, thin_steps
from iago.dossier.number_format import (
    MISSING,
    format_count,
    format_interval,
    format_percent,
    format_plain,
    is_number,
)

_ROW_HEIGHT = 16
# Characters that fit beside the sample of the line in a narrow margin.
_SHORT_NAME = 12


@dataclass(frozen=True)
class CurveKind:
    """What a family of curves shows."""

    key: str
    caption: str
    axis: str
    reading: str
    percent: bool


@dataclass(frozen=True)
class RiskRows:
    """Rows of numbers under a plot: a heading, and for each group one text a day."""

    heading: str
    text: Callable[[Level, int], str]


KINDS: Mapping[str, CurveKind] = {
    "cumulative_incidence": CurveKind(
        "cumulative-incidence",
        "Cumulative incidence of a first episode",
        "Patients with a first episode, %",
        "The curve is the share of patients who have had at least one episode by each day. "
        "A competing event ends the time at risk without being counted as censoring. The band "
        "is pointwise: it holds for one day at a time, not for the whole curve.",
        percent=True,
    ),
    "mean_cumulative_count": CurveKind(
        "mean-cumulative-count",
        "Mean cumulative count of episodes per patient",
        "Episodes per patient",
        "The curve is the mean number of episodes that a patient has had by each day, repeated "
        "episodes included. It may exceed 1. The band is pointwise.",
        percent=False,
    ),
    "persistence": CurveKind(
        "persistence",
        "Probability of an active episode by day",
        "Patients with an active episode, %",
        "The curve is the share of patients at risk who have an unresolved episode on that day: "
        "it rises with onsets and falls with resolutions. The band is pointwise.",
        percent=True,
    ),
}


def draw_curves(
    kind: CurveKind,
    rows: Sequence[dict[str, Any]],
    dossier: Dossier,
    competing: Sequence[dict[str, Any]] = (),
) -> tuple[drawing.Figure, ...]:
    """Figure of one family of curves; none where no estimate may be shown."""
    drawable = [row for row in rows if is_number(row.get("estimate"))]
    if not drawable:
        return ()
    levels = compared_levels(drawable, dossier)
    if len(levels) > MAXIMUM_TOGETHER:
        panels = tuple(_small_plot(kind, drawable, level, dossier) for level in levels)
        legend: tuple[drawing.LegendEntry, ...] = (reference(dossier).legend("line"),)
    else:
        risk = _rows_below(drawable, competing)
        panels = tuple(
            drawing.Panel(_overlay(kind, drawable, levels, risk, dossier, use), use)
            for use in ("wide", "narrow")
        )
        legend = tuple(level.legend("line") for level in levels)
    return (drawing.Figure(kind.key, kind.caption, panels, kind.reading, legend),)


def _rows_below(
    rows: Sequence[dict[str, Any]], competing: Sequence[dict[str, Any]]
) -> tuple[RiskRows, ...]:
    at_risk = _by_day(rows, "at_risk")
    below = [RiskRows("Number at risk", lambda level, day: _count(at_risk, level, day))]
    if competing:
        total = _summed_by_day(competing)
        below.append(
            RiskRows(
                "Any competing event by then, %", lambda level, day: _percent(total, level, day)
            )
        )
    return tuple(below)


def _by_day(rows: Sequence[dict[str, Any]], column: str) -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = {}
    for row in rows:
        found.setdefault(str(row["level"]), {})[row["day"]] = row.get(column)
    return found


def _summed_by_day(rows: Sequence[dict[str, Any]]) -> dict[str, dict[int, float | None]]:
    """Sum over causes; None where one of them is withheld, because the sum would be too low."""
    total: dict[str, dict[int, float | None]] = {}
    for row in rows:
        days = total.setdefault(str(row["level"]), {})
        before, value = days.get(row["day"], 0.0), row.get("estimate")
        days[row["day"]] = None
        if before is not None and is_number(value):
            days[row["day"]] = before + value
    return total


def value_on(days: Mapping[int, Any], day: int) -> Any:
    """Value of a step curve on a day: that of the last day at or before it."""
    earlier = [known for known in days if known <= day]
    return days[max(earlier)] if earlier else None


def _count(found: Mapping[str, Mapping[int, Any]], level: Level, day: int) -> str:
    value = value_on(found.get(level.code, {}), day)
    return format_count(value) if is_number(value) else MISSING


def _percent(found: Mapping[str, Mapping[int, Any]], level: Level, day: int) -> str:
    value = value_on(found.get(level.code, {}), day)
    return format_percent(value, sign="") if is_number(value) else MISSING


def _overlay(
    kind: CurveKind,
    rows: Sequence[dict[str, Any]],
    levels: Sequence[Level],
    below: Sequence[RiskRows],
    dossier: Dossier,
    use: str,
) -> Markup:
    wide = use == "wide"
    row_height = _ROW_HEIGHT if wide else 2 * _ROW_HEIGHT + 1
    rows_height = (26 + row_height * len(levels)) * len(below)
    canvas = drawing.Canvas(
        width=drawing.WIDE if wide else drawing.NARROW,
        plot_height=300 if wide else 240,
        left=_margin(levels) if wide else 34,
        right=20 if wide else 16,
        top=26,
        bottom=46 + rows_height,
    )
    last_day = int(largest(row["day"] for row in rows))
    ticks = day_ticks(last_day, canvas.plot_width)
    plot = _Plot(canvas, last_day, ticks, _tops(kind, rows))
    layers = [_frame(kind, plot)]
    layers += [
        layer
        for level in levels
        for layer in _curve(of_level(rows, level), level, plot, _band_opacity(levels))
    ]
    layers.append(drawing.one_text(kind.axis, 0 if wide else -26, -14, color=drawing.MUTED))
    layers.append(_axis_name(plot))
    layers += _risk_layers(levels, below, plot, in_margin=wide)
    about = _summary(kind, rows, levels, ticks, dossier)
    return drawing.draw(layers, canvas, f"{kind.key}-{use}", kind.caption, about)


def _margin(levels: Sequence[Level]) -> int:
    """Room left of the plot for the names of the groups."""
    return 128 if max(len(level.label) for level in levels) <= _SHORT_NAME else 200


def _small_plot(
    kind: CurveKind, rows: Sequence[dict[str, Any]], level: Level, dossier: Dossier
) -> drawing.Panel:
    canvas = drawing.Canvas(drawing.PANEL, 150, left=34, right=16, top=24, bottom=60)
    last_day = int(largest(row["day"] for row in rows))
    plot = _Plot(canvas, last_day, day_ticks(last_day, canvas.plot_width), _tops(kind, rows))
    everyone = reference(dossier)
    own = Level(level.code, level.label, "var(--c1)")
    layers = [_frame(kind, plot), _line(of_level(rows, everyone), everyone, plot)]
    layers += _curve(of_level(rows, level), own, plot, _band_opacity((level,)))
    layers.append(drawing.one_text(kind.axis, -26, -13, color=drawing.MUTED))
    layers.append(_axis_name(plot))
    at_risk = _by_day(rows, "at_risk")
    numbers = [{"day": day, "text": _count(at_risk, level, day)} for day in plot.ticks]
    below = canvas.plot_height + 32
    layers.append(drawing.one_text("At risk", -26, below, color=drawing.MUTED))
    layers.append(
        drawing.text_layer(numbers, plot.x(), drawing.fixed(alt.YValue, below + 17), align="center")
    )
    about = _summary(kind, rows, (level,), plot.ticks, dossier)
    key = f"{kind.key}-{_index(level, dossier)}"
    title = f"{kind.caption}: {level.label}"
    return drawing.Panel(drawing.draw(layers, canvas, key, title, about), "panel", level.label)


def _index(level: Level, dossier: Dossier) -> int:
    return dossier.levels.index(level.code) if level.code in dossier.levels else 0


@dataclass(frozen=True)
class _Plot:
    canvas: drawing.Canvas
    last_day: int
    ticks: Sequence[int]
    tops: Sequence[float]

    @property
    def top(self) -> float:
        return self.tops[-1]

    def x(self, axis: Any = drawing.NO_AXIS) -> alt.X:
        return alt.X(
            "day",
            type="quantitative",
            axis=axis,
            scale=alt.Scale(domain=[0, max(self.last_day, 1)], nice=False),
        )

    def y(self, field: str, axis: Any = drawing.NO_AXIS) -> alt.Y:
        return alt.Y(
            field,
            type="quantitative",
            axis=axis,
            scale=alt.Scale(domain=[0, self.top], nice=False),
        )

    def thin(self, points: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
        return thin_steps(points, INVISIBLE_PX * self.top / self.canvas.plot_height)


def _tops(kind: CurveKind, rows: Sequence[dict[str, Any]]) -> list[float]:
    highest = largest((row[name] for row in rows for name in ("estimate", "upper")), 0.1)
    ticks = nice_ticks(highest)
    return [tick for tick in ticks if tick <= 1.0] if kind.percent else ticks


def _frame(kind: CurveKind, plot: _Plot) -> alt.Chart:
    x_axis = drawing.axis_at(plot.ticks, tickSize=4, labelPadding=4)
    y_axis = drawing.axis_at(
        plot.tops,
        percent=kind.percent,
        ticks=False,
        domain=False,
        labelPadding=6,
    )
    corner = [{"day": 0, "value": 0}]
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(corner))
        .mark_point(opacity=0)
        .encode(x=plot.x(x_axis), y=plot.y("value", y_axis))
    )
    return chart


def _axis_name(plot: _Plot) -> alt.Chart:
    return drawing.one_text(
        "Days from infusion",
        plot.canvas.plot_width,
        plot.canvas.plot_height + 32,
        align="right",
        color=drawing.MUTED,
    )


def _band_opacity(levels: Sequence[Level]) -> float:
    """Bands of many groups lie on each other, so that each is fainter."""
    return 0.14 if len(levels) <= 5 else 0.08


def _curve(
    rows: Sequence[dict[str, Any]], level: Level, plot: _Plot, opacity: float
) -> list[alt.Chart]:
    bounded = [
        (float(row["day"]), row["lower"], min(row["upper"], plot.top))
        for row in rows
        if is_number(row.get("lower")) and is_number(row.get("upper"))
    ]
    band = [dict(zip(("day", "low", "high"), point, strict=True)) for point in plot.thin(bounded)]
    layers = []
    if band:
        layers.append(
            alt.Chart(drawing.rows_data(band))
            .mark_area(interpolate="step-after", color=level.colour, fillOpacity=opacity)
            .encode(x=plot.x(), y=plot.y("low"), y2=alt.Y2("high"))
        )
    return [*layers, _line(rows, level, plot)]


def _line(rows: Sequence[dict[str, Any]], level: Level, plot: _Plot) -> alt.Chart:
    points = plot.thin([(float(row["day"]), row["estimate"]) for row in rows])
    values = [{"day": day, "value": value} for day, value in points]
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(values))
        .mark_line(
            interpolate="step-after",
            color=level.colour,
            strokeDash=list(level.dash) or [1, 0],
            strokeWidth=2,
            strokeJoin="round",
        )
        .encode(x=plot.x(), y=plot.y("value"))
    )
    return chart


def _risk_layers(
    levels: Sequence[Level], below: Sequence[RiskRows], plot: _Plot, *, in_margin: bool
) -> list[alt.Chart]:
    layers: list[alt.Chart] = []
    left = -plot.canvas.left if in_margin else -plot.canvas.left + 8
    # Without a margin, the name of a group stands above its numbers, close to them.
    step = _ROW_HEIGHT if in_margin else _ROW_HEIGHT + 4
    y = plot.canvas.plot_height + 58.0
    for block in below:
        layers.append(drawing.one_text(block.heading, left, y, fontWeight="bold"))
        for level in levels:
            y += step
            layers += _row_name(level, left, y)
            if not in_margin:
                y += _ROW_HEIGHT - 3
            texts = [{"day": day, "text": block.text(level, day)} for day in plot.ticks]
            layers.append(
                drawing.text_layer(texts, plot.x(), drawing.fixed(alt.YValue, y), align="center")
            )
        y += 26
    return layers


def _row_name(level: Level, left: float, y: float) -> list[alt.Chart]:
    sample = [{"from": left, "to": left + 16}]
    rule = (
        alt.Chart(drawing.rows_data(sample))
        .mark_rule(color=level.colour, strokeWidth=2, strokeDash=list(level.dash) or [1, 0])
        .encode(
            x=drawing.fixed(alt.XValue, left),
            x2=drawing.fixed(alt.X2Value, left + 16),
            y=drawing.fixed(alt.YValue, y),
        )
    )
    return [rule, drawing.one_text(level.label, left + 22, y)]


def _summary(
    kind: CurveKind,
    rows: Sequence[dict[str, Any]],
    levels: Sequence[Level],
    days: Sequence[int],
    dossier: Dossier,
) -> str:
    """Estimates on the days of the axis in words, for readers who do not see the curves."""
    parts = []
    for level in levels:
        by_day = {row["day"]: row for row in of_level(rows, level)}
        found = [(day, value_on(by_day, day)) for day in days if day > 0]
        style = "percent" if kind.percent else "rate"
        texts = [
            f"day {day}: {format_interval(row['estimate'], row['lower'], row['upper'], style)}"  # type: ignore[arg-type]  # both are styles
            for day, row in found
            if row is not None
        ]
        parts.append(f"{level.label}: {', '.join(texts)}")
    limits = f"{format_plain(100 * dossier.definition.confidence)}% limits in brackets"
    return f"{kind.axis}, {limits}. " + "; ".join(parts) + "."
