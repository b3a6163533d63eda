"""Prophylaxis at onset: on, off though indicated, off and not indicated, unknown."""

from collections.abc import Sequence

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.interval_rows import IntervalRow, draw_interval_rows, rate_axis
from iago.dossier.figures.rates import UNIT, number_or_none, rate_text
from iago.dossier.figures.stacked_bars import BarRow, Kind, bar_words, draw_bars
from iago.dossier.number_format import format_count, is_number
from iago.dossier.released import Row, is_suppressed
from iago.dossier.wording import confidence_label, label_code, sentence_case

_KINDS = {
    "on": Kind("On prophylaxis", "var(--c1)", "var(--on-c1)"),
    "off-indicated": Kind("Off though indicated", "var(--c2)", "var(--on-c2)"),
    "off-not-indicated": Kind("Off, not indicated", "var(--c7)", "var(--on-c7)"),
    "unknown": Kind("Unknown", "url(#hatch)", "var(--ink)", written=False),
}
_LOOKS = {
    "on": ("var(--c1)", "circle"),
    "off-indicated": ("var(--c2)", "triangle-up"),
    "off-not-indicated": ("var(--muted)", "square"),
}
CAVEAT = (
    "These rates do not show whether prophylaxis works. It is given to patients at higher risk "
    "and stopped in those who recover, so patients on and off it differ in more than the drug. "
    "Only a design that deals with this confounding can answer the question."
)


def draw_prophylaxis(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """Shares of episodes by status under each guidance set; rates on and off."""
    return _shares(rows) + _rates(rows, dossier)


def _shares(rows: Sequence[Row]) -> tuple[drawing.Figure, ...]:
    pairs = dict.fromkeys((str(row["exposure_class"]), str(row["guidance"])) for row in rows)
    classes = dict.fromkeys(exposure_class for exposure_class, _ in pairs)
    bars = [
        _bar(rows, exposure_class, guidance)
        for exposure_class in classes
        for found, guidance in pairs
        if found == exposure_class
    ]
    if not bars:
        return ()
    caption = "Episodes by prophylaxis at onset, class of drug and guidance set"
    statuses = {str(row["status"]) for row in rows}
    return (
        drawing.Figure(
            "prophylaxis-shares",
            caption,
            draw_bars(bars, "prophylaxis-shares", caption, "Episodes"),
            "Each bar is all episodes by an organism that the class of drug is directed "
            "against. Whether it was indicated depends on the guidance set; whether it was "
            "given does not.",
            tuple(kind.legend() for status, kind in _KINDS.items() if status in statuses),
        ),
    )


def _bar(rows: Sequence[Row], exposure_class: str, guidance: str) -> BarRow:
    own = {
        str(row["status"]): row
        for row in rows
        if row["exposure_class"] == exposure_class and row["guidance"] == guidance
    }
    shares = tuple(
        (kind, number_or_none(own[status].get("share")))
        for status, kind in _KINDS.items()
        if status in own
    )
    return BarRow(
        _class_name(exposure_class), label_code(guidance), shares, *bar_words(tuple(own.values()))
    )


def _class_name(exposure_class: str) -> str:
    return sentence_case(label_code(exposure_class, "exposure_class"))


def _rates(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    chosen = dossier.definition.guidance
    inside = [row for row in rows if row["guidance"] == chosen] or list(rows)
    shown = [
        row
        for row in inside
        if row["status"] in _LOOKS
        and (is_number(row.get("rate_per_100_days")) or is_suppressed(row))
    ]
    if not shown:
        return ()
    order = list(_LOOKS)
    places = list(dict.fromkeys((row["exposure_class"], row["guidance"]) for row in shown))
    shown.sort(
        key=lambda row: (
            places.index((row["exposure_class"], row["guidance"])),
            order.index(row["status"]),
        )
    )
    several = len({row["guidance"] for row in shown}) > 1
    drawn = [_interval_row(row, several=several) for row in shown]
    axis = rate_axis(drawn, UNIT, f"Rate ({confidence_label(dossier)})", "Episodes / patient-days")
    caption = "Incidence density on and off prophylaxis"
    if not several:
        caption += f", by the guidance set {label_code(shown[0]['guidance'])}"
    panels = draw_interval_rows(drawn, axis, "prophylaxis-rates", caption)
    return (drawing.Figure("prophylaxis-rates", caption, panels, caveat=CAVEAT),)


def _interval_row(row: Row, *, several: bool) -> IntervalRow:
    status = str(row["status"])
    episodes, days = row.get("episodes"), row.get("person_days")
    count = ""
    if is_number(episodes) and is_number(days):
        count = f"{format_count(episodes)} / {format_count(days)}"
    colour, shape = _LOOKS[status]
    group = _class_name(str(row["exposure_class"]))
    if several:
        group = f"{group}, {label_code(row['guidance'])}"
    return IntervalRow(
        group=group,
        label=_KINDS[status].label,
        estimate=number_or_none(row.get("rate_per_100_days")),
        lower=number_or_none(row.get("lower")),
        upper=number_or_none(row.get("upper")),
        value=rate_text(row),
        count=count,
        colour=colour,
        shape=shape,
    )
