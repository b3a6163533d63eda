"""What happened first: stacked cumulative incidences of the episode and its competing events."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.curves import value_on
from iago.dossier.figures.levels import Level, everybody, levels_in, of_level
from iago.dossier.figures.scales import INVISIBLE_PX, day_ticks, largest, nice_ticks, thin_steps
from iago.dossier.number_format import format_percent, is_number
from iago.dossier.wording import label_code, sentence_case

_KEY = "competing-events"
_CAPTION = "First event: an episode, or what ended the time at risk before one"
_READING = (
    "Each colour is the share of patients for whom this was the first event; the height of all "
    "colours together is the share who have had any. The empty space above is the share still "
    "at risk without an event."
)
_COLOURS = ("c1", "c2", "c4", "c5", "c3", "c6")


def draw_competing_events(
    rows: Sequence[dict[str, Any]], dossier: Dossier
) -> tuple[drawing.Figure, ...]:
    """One panel a group, all courses first; none where no estimate may be shown."""
    drawable = [row for row in rows if is_number(row.get("estimate"))]
    if not drawable:
        return ()
    causes = _causes(drawable, dossier)
    colours = {cause: f"var(--{_COLOURS[i % len(_COLOURS)]})" for i, cause in enumerate(causes)}
    levels = [everybody(dossier), *levels_in(drawable, dossier)]
    stacks = {level.code: _stack(of_level(drawable, level), causes) for level in levels}
    top = largest(point[-1] for points in stacks.values() for point in points)
    ticks = [tick for tick in nice_ticks(top, 4) if tick <= 1.0] or [0.0, 1.0]
    panels = tuple(
        _panel(level, index, stacks[level.code], colours, ticks)
        for index, level in enumerate(levels)
        if stacks[level.code]
    )
    legend = tuple(
        drawing.LegendEntry(sentence_case(label_code(cause, "cause")), colours[cause])
        for cause in causes
    )
    return (drawing.Figure(_KEY, _CAPTION, panels, _READING, legend),)


def _causes(rows: Sequence[dict[str, Any]], dossier: Dossier) -> list[str]:
    found = list(dict.fromkeys(str(row["cause"]) for row in rows))
    own = [cause for cause in found if is_the_toxicity(cause, dossier)]
    return own + [cause for cause in found if cause not in own]


def is_the_toxicity(cause: object, dossier: Dossier) -> bool:
    """Tell the episodes that are counted from the events that compete with them."""
    return cause in ("episode", dossier.definition.toxicity)


def _stack(rows: Sequence[dict[str, Any]], causes: Sequence[str]) -> list[tuple[float, ...]]:
    """Day, then the running total over causes: one tuple a day."""
    by_cause: dict[str, dict[int, float]] = {cause: {} for cause in causes}
    for row in rows:
        by_cause[str(row["cause"])][row["day"]] = row["estimate"]
    days = sorted({day for series in by_cause.values() for day in series})
    last = dict.fromkeys(causes, 0.0)
    stacked = []
    for day in days:
        total, point = 0.0, [float(day)]
        for cause in causes:
            last[cause] = by_cause[cause].get(day, last[cause])
            total += last[cause]
            point.append(total)
        stacked.append(tuple(point))
    return stacked


def _panel(
    level: Level,
    index: int,
    stack: Sequence[tuple[float, ...]],
    colours: dict[str, str],
    ticks: Sequence[float],
) -> drawing.Panel:
    canvas = drawing.Canvas(drawing.PANEL, 160, left=36, right=14, top=24, bottom=42)
    last_day = max(1, int(stack[-1][0]))
    points = thin_steps(stack, INVISIBLE_PX * ticks[-1] / canvas.plot_height)
    layers = [_frame(canvas, last_day, ticks)]
    for place, colour in enumerate(colours.values(), start=1):
        layers.append(_area(points, place, colour, last_day, ticks[-1]))
    layers.append(drawing.one_text("Patients, %", -28, -13, color=drawing.MUTED))
    layers.append(
        drawing.one_text(
            "Days from infusion", canvas.plot_width, 192, align="right", color=drawing.MUTED
        )
    )
    title = f"{_CAPTION}: {level.label}"
    svg = drawing.draw(layers, canvas, f"{_KEY}-{index}", title, _about(stack, list(colours)))
    return drawing.Panel(svg, "panel", level.label)


def _frame(canvas: drawing.Canvas, last_day: int, ticks: Sequence[float]) -> alt.Chart:
    days = drawing.axis_at(day_ticks(last_day, canvas.plot_width), tickSize=4, grid=False)
    shares = drawing.axis_at(
        ticks,
        percent=True,
        ticks=False,
        domain=False,
        labelPadding=6,
    )
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data([{"day": 0, "to": 0}]))
        .mark_point(opacity=0)
        .encode(x=_x(last_day, days), y=_y("to", ticks[-1], shares))
    )
    return chart


def _x(last_day: int, axis: Any = drawing.NO_AXIS) -> alt.X:
    scale = alt.Scale(domain=[0, last_day], nice=False)
    return alt.X("day", type="quantitative", axis=axis, scale=scale)


def _y(field: str, top: float, axis: Any = drawing.NO_AXIS) -> alt.Y:
    scale = alt.Scale(domain=[0, top], nice=False)
    return alt.Y(field, type="quantitative", axis=axis, scale=scale)


def _area(
    points: Sequence[tuple[float, ...]], place: int, colour: str, last_day: int, top: float
) -> alt.Chart:
    values = [
        {"day": point[0], "from": point[place - 1] if place > 1 else 0.0, "to": point[place]}
        for point in points
    ]
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(values))
        .mark_area(interpolate="step-after", color=colour)
        .encode(x=_x(last_day), y=_y("from", top), y2=alt.Y2("to"))
    )
    return chart


def _about(stack: Sequence[tuple[float, ...]], causes: Sequence[str]) -> str:
    by_day = {int(point[0]): point for point in stack}
    last = max(by_day)
    parts = []
    for day in sorted({min(100, last), last}):
        point = value_on(by_day, day)
        if point is None:
            continue
        shares = [upper - lower for lower, upper in zip((0.0, *point[1:]), point[1:], strict=False)]
        texts = [
            f"{label_code(cause, 'cause')} {format_percent(max(share, 0.0))}"
            for cause, share in zip(causes, shares, strict=True)
        ]
        parts.append(f"By day {day}: {', '.join(texts)}")
    return ". ".join(parts) + "."
