"""Groups compared: the same contrast by each method, and whether covariates are balanced."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.interval_rows import (
    IntervalAxis,
    IntervalRow,
    difference_axis,
    draw_interval_rows,
    ratio_axis,
)
from iago.dossier.figures.rates import number_or_none
from iago.dossier.figures.scales import nice_ticks
from iago.dossier.number_format import SUPPRESSED, format_interval, format_rate, is_number
from iago.dossier.released import Row, is_suppressed
from iago.dossier.wording import (
    confidence_label,
    humanise,
    label_code,
    sentence_case,
    shorten_middle,
)

_LOOKS = (("var(--all)", "circle"), ("var(--c1)", "square"), ("var(--c2)", "diamond"))
_THRESHOLD = 0.1
_MOST_COVARIATES = 14


def draw_comparison(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """One figure an estimand; ratios on a log axis."""
    figures = []
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    for number, estimand in enumerate(dict.fromkeys(str(row["estimand"]) for row in rows)):
        own = _by_contrast([row for row in rows if row["estimand"] == estimand])
        drawn = [_interval_row(row, methods) for row in own]
        axis = _axis(drawn, estimand, dossier)
        key = f"comparison-{number}"
        caption = f"{sentence_case(label_code(estimand))}: groups compared, by method"
        figures.append(
            drawing.Figure(
                key,
                caption,
                draw_interval_rows(drawn, axis, key, caption),
                "The vertical line is no difference. Where the methods of one contrast "
                "disagree, the groups differ in what the crude method ignores.",
                tuple(_legend(method, methods) for method in methods),
            )
        )
    return tuple(figures)


def _by_contrast(rows: Sequence[Row]) -> list[Row]:
    """Rows of one contrast together, in the order in which contrasts first occur."""
    contrasts = list(dict.fromkeys(row["contrast"] for row in rows))
    return sorted(rows, key=lambda row: contrasts.index(row["contrast"]))


def _look(method: str, methods: Sequence[str]) -> tuple[str, str]:
    return _LOOKS[methods.index(method) % len(_LOOKS)]


def _legend(method: str, methods: Sequence[str]) -> drawing.LegendEntry:
    colour, shape = _look(method, methods)
    return drawing.LegendEntry(sentence_case(label_code(method)), colour, "point", (), shape)


def _interval_row(row: Row, methods: Sequence[str]) -> IntervalRow:
    colour, shape = _look(str(row["method"]), methods)
    text = format_interval(row.get("estimate"), row.get("lower"), row.get("upper"), "ratio")
    return IntervalRow(
        group=str(row["contrast"]),
        label=sentence_case(label_code(row["method"])),
        estimate=number_or_none(row.get("estimate")),
        lower=number_or_none(row.get("lower")),
        upper=number_or_none(row.get("upper")),
        value=SUPPRESSED if is_suppressed(row) else text,
        colour=colour,
        shape=shape,
    )


def _axis(rows: Sequence[IntervalRow], estimand: str, dossier: Dossier) -> IntervalAxis:
    heading = f"Estimate ({confidence_label(dossier)})"
    title = sentence_case(label_code(estimand))
    positive = all(row.estimate is None or row.estimate >= 0 for row in rows)
    if "ratio" in estimand.lower() and positive:
        return ratio_axis(rows, f"{title}, log scale", heading)
    return difference_axis(rows, title, heading)


def draw_balance(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """Love plot, one panel a contrast."""
    del dossier
    shown = [row for row in rows if is_number(row.get("standardised_difference_before"))]
    if not shown:
        return ()
    values = [
        abs(row[name])
        for row in shown
        for name in ("standardised_difference_before", "standardised_difference_after")
        if is_number(row.get(name))
    ]
    right = nice_ticks(max([*values, 0.2]), 3)
    ticks = [-tick for tick in reversed(right[1:])] + right
    panels = tuple(
        _panel(
            _most_different([row for row in shown if row["contrast"] == contrast]),
            ticks,
            f"balance-{i}",
        )
        for i, contrast in enumerate(dict.fromkeys(str(row["contrast"]) for row in shown))
    )
    legend = (
        drawing.LegendEntry("Before weighting", "var(--c2)", "hollow-point"),
        drawing.LegendEntry("After weighting", "var(--c1)", "point"),
        drawing.LegendEntry(f"±{_THRESHOLD}", drawing.AXIS, "guide"),
    )
    reading = (
        "Standardised difference of each covariate between the two groups. A difference below "
        f"{_THRESHOLD} either way is commonly taken as balanced; covariates that were not "
        f"recorded cannot be shown. At most {_MOST_COVARIATES} a contrast are drawn, the most "
        "different first; the table has all."
    )
    caption = "Balance of covariates before and after weighting"
    return (drawing.Figure("balance", caption, panels, reading, legend),)


def _most_different(rows: Sequence[Row]) -> list[Row]:
    """The covariates that differed most before weighting, the largest difference first."""
    differing = sorted(rows, key=lambda row: -abs(row["standardised_difference_before"]))
    return differing[:_MOST_COVARIATES]


def _covariate(name: str) -> str:
    """Covariate in words: ``ecog=0`` as ``ECOG: 0``."""
    covariate, separator, value = name.partition("=")
    words = sentence_case(humanise(covariate))
    return f"{words}: {label_code(value)}" if separator else words


def _panel(rows: Sequence[Row], ticks: Sequence[float], key: str) -> drawing.Panel:
    step = 18
    canvas = drawing.Canvas(drawing.PANEL, step * len(rows) + 6, left=124, right=12, bottom=40)
    placed = [
        {
            "y": step * (i + 0.5) + 3,
            "text": shorten_middle(_covariate(str(row["covariate"])), 19),
            "before": row["standardised_difference_before"],
            "after": row.get("standardised_difference_after"),
        }
        for i, row in enumerate(rows)
    ]
    both = [entry for entry in placed if is_number(entry["after"])]
    y = drawing.pixel_y("y", canvas.plot_height)
    layers = [
        *_guides(canvas, ticks),
        drawing.text_layer(placed, drawing.fixed(alt.XValue, -124), y, align="left"),
        _ties(both, ticks, canvas),
        _points(placed, "before", ticks, canvas),
        _points(both, "after", ticks, canvas),
        drawing.one_text(
            "Standardised difference",
            canvas.plot_width / 2,
            canvas.plot_height + 30,
            align="center",
            color=drawing.MUTED,
        ),
    ]
    contrast = str(rows[0]["contrast"])
    about = "; ".join(
        f"{entry['text']}: before {format_rate(entry['before'])}"
        + (f", after {format_rate(entry['after'])}" if is_number(entry["after"]) else "")
        for entry in placed
    )
    svg = drawing.draw(layers, canvas, key, f"Balance of covariates, {contrast}", f"{about}.")
    return drawing.Panel(svg, "panel", contrast)


def _x(field: str, ticks: Sequence[float], axis: Any = drawing.NO_AXIS) -> alt.X:
    scale = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, zero=False)
    return alt.X(field, type="quantitative", axis=axis, scale=scale)


def _guides(canvas: drawing.Canvas, ticks: Sequence[float]) -> list[alt.Chart]:
    axis = drawing.axis_at(
        ticks,
        tickSize=4,
    )
    height = canvas.plot_height
    y = drawing.pixel_y("y", height)
    limits = [{"at": at, "y": 0, "to": height} for at in (-_THRESHOLD, _THRESHOLD)]
    return [
        alt.Chart(drawing.rows_data([{"at": 0, "y": 0, "to": height}]))
        .mark_rule(color=drawing.AXIS)
        .encode(x=_x("at", ticks, axis), y=y, y2=alt.Y2("to")),
        alt.Chart(drawing.rows_data(limits))
        .mark_rule(color=drawing.AXIS, strokeDash=[3, 3])
        .encode(x=_x("at", ticks), y=y, y2=alt.Y2("to")),
    ]


def _ties(
    rows: Sequence[dict[str, Any]], ticks: Sequence[float], canvas: drawing.Canvas
) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(rows))
        .mark_rule(color=drawing.AXIS, strokeWidth=1)
        .encode(
            x=_x("before", ticks), x2=alt.X2("after"), y=drawing.pixel_y("y", canvas.plot_height)
        )
    )
    return chart


def _points(
    rows: Sequence[dict[str, Any]], field: str, ticks: Sequence[float], canvas: drawing.Canvas
) -> alt.Chart:
    before = field == "before"
    colour = "var(--c2)" if before else "var(--c1)"
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(rows))
        .mark_point(
            size=42,
            strokeWidth=1.6,
            opacity=1,
            stroke=colour,
            fill=drawing.PAPER if before else colour,
        )
        .encode(x=_x(field, ticks), y=drawing.pixel_y("y", canvas.plot_height))
    )
    return chart
