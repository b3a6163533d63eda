"""Rates by window and class, one coloured cell each, the rate printed in it."""

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.levels import everybody, levels_in, of_level
from iago.dossier.figures.rates import UNIT, rate_text, short_rate, windows_in
from iago.dossier.number_format import MISSING, format_rate, is_number
from iago.dossier.released import Row, is_suppressed
from iago.dossier.wording import (
    ALL,
    humanise,
    label_code,
    sentence_case,
    short_window,
    shorten,
    window_label,
)

_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_SHADES = 6
_LABELS = 104
_LABEL_CHARACTERS = 16
_CELL = 30
_READING = (
    "The stronger the colour, the more frequent; the printed number is the rate. A cell with 0 "
    "had no episode: the number below it is the upper limit of its interval, which is not zero."
)


def draw_heat_maps(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """Organism classes for all courses and each group; other dimensions for all courses."""
    return _organisms(rows, dossier) + _other_dimensions(rows, dossier)


def _organisms(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    inside = _of_dimension(rows, "organism_class")
    if not inside:
        return ()
    bounds = _bounds(inside)
    levels = (everybody(dossier), *levels_in(inside, dossier))
    panels = tuple(
        _panel(of_level(inside, level), dossier, bounds, f"organisms-{i}", level.label)
        for i, level in enumerate(levels)
        if of_level(inside, level)
    )
    caption = "Incidence density by window and class of organism"
    return (_figure("heat-organisms", caption, panels, bounds),)


def _other_dimensions(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    of_all = [row for row in rows if row.get("level") == ALL]
    dimensions = dict.fromkeys(str(row.get("stratum")).partition("=")[0] for row in of_all)
    found = {
        name: _of_dimension(of_all, name)
        for name in dimensions
        if name not in (ALL, "organism_class")
    }
    found = {name: inside for name, inside in found.items() if inside}
    if not found:
        return ()
    bounds = _bounds([row for inside in found.values() for row in inside])
    panels = tuple(
        _panel(inside, dossier, bounds, f"other-{i}", sentence_case(humanise(name)))
        for i, (name, inside) in enumerate(found.items())
    )
    names = [humanise(name) for name in found]
    caption = f"Incidence density by window and {_enumerate(names)}, all courses"
    return (_figure("heat-other", caption, panels, bounds),)


def _enumerate(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _figure(
    key: str, caption: str, panels: tuple[drawing.Panel, ...], bounds: Sequence[float]
) -> drawing.Figure:
    legend = [drawing.LegendEntry("0", "var(--h0)")]
    legend += [
        drawing.LegendEntry(f"up to {bound:g}", f"var(--h{index})")
        for index, bound in enumerate(bounds, start=1)
    ]
    return drawing.Figure(key, caption, panels, f"{UNIT}. {_READING}", tuple(legend))


def _of_dimension(rows: Sequence[Row], dimension: str) -> list[Row]:
    return [
        row
        for row in rows
        if str(row.get("stratum")).startswith(f"{dimension}=") and row["window"] != ALL
    ]


def _bounds(rows: Sequence[Row]) -> tuple[float, ...]:
    """Round upper bounds of the shades, the last one at or above the highest rate."""
    rates = [row["rate_per_100_days"] for row in rows if is_number(row.get("rate_per_100_days"))]
    highest = max(rates, default=0.0)
    last = next((i for i, bound in enumerate(_BOUNDS) if bound >= highest), len(_BOUNDS) - 1)
    last = max(last, _SHADES - 1)
    return _BOUNDS[last - _SHADES + 1 : last + 1]


def _panel(
    rows: Sequence[Row], dossier: Dossier, bounds: Sequence[float], key: str, title: str
) -> drawing.Panel:
    windows = windows_in(rows, dossier)
    strata = list(dict.fromkeys(str(row["stratum"]) for row in rows))
    canvas = drawing.Canvas(drawing.PANEL, _CELL * len(strata), top=22, bottom=2)
    width = (canvas.width - _LABELS) / len(windows)
    by_place = {(row["stratum"], row["window"]): row for row in rows}
    cells = [
        _cell(
            by_place.get((stratum, window)), bounds, _LABELS + width * column, _CELL * line, width
        )
        for line, stratum in enumerate(strata)
        for column, window in enumerate(windows)
    ]
    names = [
        {"text": text, "y": _CELL * (line + 0.5) + shift}
        for line, stratum in enumerate(strata)
        for text, shift in _two_lines(_stratum_name(stratum))
    ]
    heads = [
        {"text": short_window(window), "x": _LABELS + width * (column + 0.5)}
        for column, window in enumerate(windows)
    ]
    y = drawing.pixel_y("y", canvas.plot_height)
    layers = [
        _fills(cells, canvas),
        *_numbers(cells, canvas),
        drawing.text_layer(
            names, drawing.fixed(alt.XValue, 0), y, align="left", fontSize=drawing.FONT_SIZE - 1
        ),
        drawing.text_layer(
            heads,
            _x("x", canvas),
            drawing.fixed(alt.YValue, -10),
            align="center",
            color=drawing.MUTED,
            fontSize=drawing.FONT_SIZE - 1.5,
        ),
    ]
    about = "; ".join(
        f"{_stratum_name(str(row['stratum']))}, {window_label(row['window'])}: {rate_text(row)}"
        for row in rows
    )
    svg = drawing.draw(layers, canvas, f"heat-{key}", f"{UNIT}: {title}", f"{about}.")
    return drawing.Panel(svg, "panel", title)


def _stratum_name(stratum: str) -> str:
    dimension, _, code = stratum.partition("=")
    return sentence_case(label_code(code, dimension))


def _two_lines(name: str) -> list[tuple[str, float]]:
    """Name on one line or two, each with its shift from the middle of the cell."""
    first, *more = textwrap.wrap(name, _LABEL_CHARACTERS, break_long_words=True)
    if not more:
        return [(first, 0.0)]
    return [(first, -6.5), (shorten(" ".join(more), _LABEL_CHARACTERS), 6.5)]


def _cell(
    row: Row | None, bounds: Sequence[float], x: float, y: float, width: float
) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "x": x,
        "to": x + width,
        "middle": x + width / 2,
        "y": y,
        "to_y": y + _CELL,
        "fill": "var(--wash)",
        "colour": drawing.MUTED,
        "text": MISSING,
        "below": "",
    }
    if row is None:
        return cell
    rate = row.get("rate_per_100_days")
    if not is_number(rate):
        return {**cell, "text": "suppr." if is_suppressed(row) else MISSING}
    shade = 0 if rate == 0 else 1 + sum(rate > bound for bound in bounds[:-1])
    cell |= {"fill": f"var(--h{shade})", "colour": f"var(--on-h{shade})", "text": short_rate(row)}
    if rate == 0 and is_number(row.get("upper")):
        cell["below"] = f"\u2264{format_rate(row['upper'])}"
    return cell


def _x(field: str, canvas: drawing.Canvas) -> alt.X:
    scale = alt.Scale(domain=[0, canvas.width], range=[0, canvas.width], nice=False, zero=False)
    return alt.X(field, type="quantitative", axis=None, scale=scale)


def _fills(cells: Sequence[dict[str, Any]], canvas: drawing.Canvas) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(drawing.rows_data(cells))
        .mark_rect(stroke=drawing.PAPER, strokeWidth=2)
        .encode(
            x=_x("x", canvas),
            x2=alt.X2("to"),
            y=drawing.pixel_y("y", canvas.plot_height),
            y2=alt.Y2("to_y"),
            fill=drawing.raw(alt.Fill, "fill"),
        )
    )
    return chart


def _numbers(cells: Sequence[dict[str, Any]], canvas: drawing.Canvas) -> list[alt.Chart]:
    y = drawing.pixel_y("y", canvas.plot_height)
    upper = [{**cell, "y": cell["y"] + (10 if cell["below"] else _CELL / 2)} for cell in cells]
    lower = [
        {**cell, "text": cell["below"], "y": cell["y"] + 22} for cell in cells if cell["below"]
    ]
    colour = drawing.raw(alt.Color, "colour")
    x = _x("middle", canvas)
    layers = [
        drawing.text_layer(upper, x, y, align="center", fontSize=drawing.FONT_SIZE - 1).encode(
            color=colour
        )
    ]
    if lower:
        small = drawing.text_layer(lower, x, y, align="center", fontSize=drawing.FONT_SIZE - 2.5)
        layers.append(small.encode(color=colour))
    return layers
