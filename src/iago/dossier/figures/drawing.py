"""From Vega-Lite layers to a small, themeable, accessible SVG.

All drawing is Vega-Lite's. This module fixes what would otherwise depend on the machine: every
chart has a stated size and padding, so no font measured here moves anything, and the same
dossier gives the same bytes. Colours are names of CSS variables, so that one SVG serves light,
dark and print.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert
from markupsafe import Markup, escape

INK = "var(--ink)"
MUTED = "var(--muted)"
GRID = "var(--grid)"
AXIS = "var(--axis)"
PAPER = "var(--paper)"

FONT_SIZE = 12
WIDE = 760
NARROW = 340
PANEL = 300

_DROPPED_ATTRIBUTES = frozenset(
    {"class", "role", "pointer-events", "font-family", "aria-hidden", "aria-roledescription"}
)
_UNDRAWN = frozenset({"background", "foreground"})
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_NAMESPACES = re.compile(r' xmlns(:\w+)?="[^"]*"')


# Marks that Vega does not name, as paths in a square from -1 to 1.
_PATHS = {
    "hexagon": "M-0.5,-0.87L0.5,-0.87L1,0L0.5,0.87L-0.5,0.87L-1,0Z",
    "star": "M0,-1.2L0.35,-0.35L1.2,0L0.35,0.35L0,1.2L-0.35,0.35L-1.2,0L-0.35,-0.35Z",
}


def symbol(shape: str) -> str:
    """Shape as Vega takes it: one of its names, or a path."""
    return _PATHS.get(shape, shape)


@dataclass(frozen=True)
class Canvas:
    """Size of one drawing in CSS pixels: the plot and the space around it."""

    width: int
    plot_height: int
    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    @property
    def plot_width(self) -> int:
        """Width of the plot without its margins."""
        return self.width - self.left - self.right

    @property
    def height(self) -> int:
        """Height of the whole drawing."""
        return self.plot_height + self.top + self.bottom


@dataclass(frozen=True)
class LegendEntry:
    """One entry of a legend, drawn beside its label by the page.

    ``mark`` is ``line``, ``area``, ``point``, ``hollow-point`` or ``guide``.
    """

    label: str
    colour: str
    mark: str = "area"
    dash: tuple[int, ...] = ()
    shape: str = "circle"


@dataclass(frozen=True)
class Panel:
    """One SVG of a figure. ``use`` is ``wide`` or ``narrow`` (one of them shows), or ``panel``."""

    svg: Markup
    use: str
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """What a reader sees as one figure, with the words that belong to it."""

    key: str
    caption: str
    panels: tuple[Panel, ...]
    reading: str = ""
    legend: tuple[LegendEntry, ...] = ()
    caveat: str = ""
    provisional: str = ""


def rows_data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    """Rows as the data of a layer.

    Handed over as text: Altair copies and validates structures again at every step, which for
    daily curves takes longer than drawing them.
    """
    text = json.dumps(list(rows), ensure_ascii=False, allow_nan=False)
    return alt.InlineData(values=text, format={"type": "json"})


def text_layer(rows: Sequence[dict[str, Any]], x: Any, y: Any, **mark: Any) -> alt.Chart:
    """Texts of the column ``text`` at the given places."""
    mark.setdefault("fontSize", FONT_SIZE)
    mark.setdefault("color", INK)
    mark.setdefault("baseline", "middle")
    chart: alt.Chart = (
        alt.Chart(rows_data(rows))
        .mark_text(**mark)
        .encode(x=x, y=y, text=alt.Text("text", type="nominal"))
    )
    return chart


# An axis is drawn by the one layer that states it. A layer that said `None` would take it away.
NO_AXIS = alt.Undefined


def axis_at(
    values: Sequence[float], *, percent: bool = False, sign: str = "", **options: Any
) -> alt.Axis:
    """Axis with a labelled tick at every one of these values; shares are labelled as percent.

    Vega leaves ticks out where it thinks them too many, and pads labels with zeros.
    """
    number = "100 * datum.value" if percent else "datum.value"
    return alt.Axis(
        values=list(values),
        tickCount=1000,
        title=None,
        labelExpr=f"replace(format({number}, '.12~g'), '-', '\u2212') + '{sign}'",
        **options,
    )


def pixel_y(field: str, height: int) -> alt.Y:
    """Height in the plot as the data say it, in pixels from its top."""
    scale = alt.Scale(domain=[0, height], range=[0, height], nice=False, zero=False)
    return alt.Y(field, type="quantitative", axis=None, scale=scale)


def fixed(channel: Any, pixels: float) -> Any:
    """One place in the plot for every mark of a layer, in pixels."""
    return channel(pixels)


def raw(channel: type[Any], field: str) -> Any:
    """Colour, fill, stroke or shape as the data say it."""
    return channel(field, type="nominal", scale=None)


def one_text(text: str, x: float, y: float, **mark: Any) -> alt.Chart:
    """One text at a place given in pixels of the plot; it begins there unless told otherwise."""
    mark.setdefault("align", "left")
    return text_layer([{"text": text}], fixed(alt.XValue, x), fixed(alt.YValue, y), **mark)


def draw(layers: Sequence[alt.Chart], canvas: Canvas, key: str, title: str, about: str) -> Markup:
    """Draw layers and return an SVG element that names itself.

    Parameters
    ----------
    key : str
        Start of the element ids; unique in the page.
    title, about : str
        What the figure is, and what it shows, for readers who do not see it.
    """
    chart = (
        alt.layer(*layers)
        .properties(
            width=canvas.plot_width,
            height=canvas.plot_height,
            autosize=alt.AutoSizeParams(type="none"),
            padding={
                "left": canvas.left,
                "right": canvas.right,
                "top": canvas.top,
                "bottom": canvas.bottom,
            },
        )
        .configure(background="transparent", aria=False, view=alt.ViewConfig(stroke=None))
        .configure_axis(
            labelColor=MUTED,
            labelFontSize=FONT_SIZE - 0.5,
            titleColor=MUTED,
            titleFontSize=FONT_SIZE - 0.5,
            titleFontWeight="normal",
            gridColor=GRID,
            domainColor=AXIS,
            tickColor=AXIS,
            labelFlush=False,
            labelOverlap=False,
        )
    )
    # No address is allowed: a drawing never asks the network for anything.
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), allowed_base_urls=[])
    return _accessible(svg, canvas, key, title, about)


def _accessible(svg: str, canvas: Canvas, key: str, title: str, about: str) -> Markup:
    root = ET.fromstring(_NAMESPACES.sub("", svg))  # noqa: S314 -- written by vl_convert just above
    content = "".join(ET.tostring(child, encoding="unicode") for child in _cleaned(root))
    head = (
        f'<svg role="img" aria-labelledby="{key}-title {key}-desc" '
        f'viewBox="0 0 {canvas.width} {canvas.height}" width="{canvas.width}" '
        f'height="{canvas.height}"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(about)}</desc>'
    )
    return Markup(head + content + "</svg>")  # noqa: S704 -- parts are escaped here or by ET


def _cleaned(element: ET.Element) -> list[ET.Element]:
    """Children without what nobody sees; groups that say nothing give way to their content."""
    kept: list[ET.Element] = []
    for child in element:
        if set(child.get("class", "").split()) & _UNDRAWN or child.get("fill") == "transparent":
            continue
        inner = _cleaned(child)
        _shorten_attributes(child)
        if child.tag == "g":
            if inner and not child.attrib:
                kept.extend(inner)
            elif inner:
                child[:] = inner
                kept.append(child)
            continue
        kept.append(child)
    return kept


def _shorten_attributes(element: ET.Element) -> None:
    for name in [name for name in element.attrib if name in _DROPPED_ATTRIBUTES]:
        del element.attrib[name]
    if element.get("opacity") == "1":
        del element.attrib["opacity"]
    for name in ("d", "transform", "x2", "y2"):
        if name in element.attrib:
            element.set(name, _LONG_NUMBER.sub(_one_decimal, element.attrib[name]))
    if element.get("transform") == "translate(0,0)":
        del element.attrib["transform"]


def _one_decimal(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
