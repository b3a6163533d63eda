"""Tables that are turned for reading: groups side by side, chosen days side by side."""

from collections.abc import Iterable, Sequence

from iago.dossier.content import Dossier
from iago.dossier.number_format import (
    MISSING,
    SUPPRESSED,
    Style,
    format_count,
    format_interval,
    format_percent,
    format_plain,
    is_number,
)
from iago.dossier.released import Row, is_suppressed
from iago.dossier.table_views import PERCENT_TABLES, Cell, TableRow, TableView
from iago.dossier.wording import (
    ALL,
    confidence_label,
    humanise,
    label_code,
    level_label,
    sentence_case,
    stratum_label,
)

_CURVES = PERCENT_TABLES | {"mean_cumulative_count"}
_SUMMARY_DAYS = (30, 100, 180, 365, 730, 1095, 1825)
_DURATION = ("median_days", "lower_quartile_days", "upper_quartile_days")
_QUARTILES = ("median", "lower quartile", "upper quartile")


def summary_table(
    name: str, title: str, columns: Sequence[str], rows: Sequence[Row], dossier: Dossier
) -> TableView | None:
    """Turned table for reading; none where the table has no such form."""
    if name == "cohort" and {"level", "characteristic", "category"} <= set(columns):
        return _cohort(rows, dossier)
    if name in _CURVES and "cause" not in columns and {"level", "day", "estimate"} <= set(columns):
        return _curve(name, title, rows, dossier)
    if name == "duration" and {"level", "stratum", *_DURATION} <= set(columns):
        return _duration(title, rows, dossier)
    return None


def _duration(title: str, rows: Sequence[Row], dossier: Dossier) -> TableView:
    levels = _levels(rows, dossier)
    by_place = {(row["level"], row["stratum"]): row for row in rows}
    lines: list[TableRow] = []
    dimension = ""
    for stratum in dict.fromkeys(str(row["stratum"]) for row in rows):
        name, separator, code = stratum.partition("=")
        if separator and name != dimension:
            dimension = name
            lines.append(TableRow(sentence_case(humanise(name)), (), heading=True))
        label = sentence_case(label_code(code, name)) if separator else stratum_label(stratum)
        cells = tuple(_quartiles(by_place.get((level, stratum))) for level in levels)
        lines.append(TableRow(label, cells))
    return TableView(
        f"{title}: median days (lower to upper quartile)",
        ("Stratum", *(level_label(dossier, level) for level in levels)),
        (False, *(True for _ in levels)),
        tuple(lines),
    )


def _quartiles(row: Row | None) -> Cell:
    if row is None:
        return Cell(MISSING, "missing")
    if is_suppressed(row):
        return Cell(SUPPRESSED, "suppressed")
    values = [row[name] for name in _DURATION]
    if not is_number(values[0]):
        return Cell("not reached", "missing")
    parts = [format_plain(value) if is_number(value) else "not reached" for value in values]
    return Cell(f"{parts[0]} ({parts[1]} to {parts[2]})", "number")


def _levels(rows: Iterable[Row], dossier: Dossier) -> list[str]:
    found = {str(row["level"]) for row in rows}
    return [level for level in (ALL, *dossier.levels) if level in found]


def _curve(name: str, title: str, rows: Sequence[Row], dossier: Dossier) -> TableView:
    last = max(row["day"] for row in rows)
    present = {row["day"] for row in rows}
    days = [day for day in _SUMMARY_DAYS if day in present] or [last]
    by_place = {(row["level"], row["day"]): row for row in rows}
    style: Style = "percent" if name in PERCENT_TABLES else "rate"
    unit = " in %" if style == "percent" else ""
    lines = tuple(
        TableRow(
            level_label(dossier, level),
            tuple(_estimate(by_place.get((level, day)), style) for day in days),
        )
        for level in _levels(rows, dossier)
    )
    return TableView(
        f"{title} on selected days: estimate{unit} ({confidence_label(dossier)})",
        ("Group", *(f"Day {day}" for day in days)),
        (False, *(True for _ in days)),
        lines,
    )


def _estimate(row: Row | None, style: Style) -> Cell:
    if row is None:
        return Cell(MISSING, "missing")
    if is_suppressed(row):
        return Cell(SUPPRESSED, "suppressed")
    text = format_interval(row.get("estimate"), row.get("lower"), row.get("upper"), style)
    return Cell(text, "number")


def _cohort(rows: Sequence[Row], dossier: Dossier) -> TableView:
    levels = _levels(rows, dossier)
    by_place = {
        (row["level"], row["characteristic"], _category(row["category"])): row for row in rows
    }
    lines: list[TableRow] = []
    for characteristic in dict.fromkeys(row["characteristic"] for row in rows):
        categories = dict.fromkeys(
            _category(row["category"]) for row in rows if row["characteristic"] == characteristic
        )
        lines.append(TableRow(sentence_case(humanise(str(characteristic))), (), heading=True))
        if set(_QUARTILES) <= set(categories):
            lines.append(
                TableRow(
                    "Median (quartiles)",
                    tuple(_median(by_place, level, characteristic) for level in levels),
                )
            )
        lines += [
            TableRow(
                sentence_case(label_code(category, str(characteristic))),
                tuple(_count(by_place.get((level, characteristic, category))) for level in levels),
            )
            for category in categories
            if not (set(_QUARTILES) <= set(categories) and category in _QUARTILES)
        ]
    return TableView(
        "Characteristics by group: number (share in %), or median (quartiles)",
        ("Characteristic", *(level_label(dossier, level) for level in levels)),
        (False, *(True for _ in levels)),
        tuple(lines),
    )


def _category(value: object) -> str:
    """Category without the difference between ``lower_quartile`` and ``lower quartile``."""
    text = str(value)
    return text.replace("_", " ") if text.replace("_", " ") in _QUARTILES else text


def _median(by_place: dict[tuple[str, str, str], Row], level: str, characteristic: str) -> Cell:
    found = [by_place.get((level, characteristic, part)) for part in _QUARTILES]
    if any(row is not None and is_suppressed(row) for row in found):
        return Cell(SUPPRESSED, "suppressed")
    values = [None if row is None else row.get("value") for row in found]
    if not is_number(values[0]):
        return Cell(MISSING, "missing")
    return Cell(format_interval(values[0], values[1], values[2], "plain"), "number")


def _count(row: Row | None) -> Cell:
    if row is None:
        return Cell(MISSING, "missing")
    if is_suppressed(row):
        return Cell(SUPPRESSED, "suppressed")
    number, share, value = row.get("n"), row.get("share"), row.get("value")
    if is_number(number) and is_number(share):
        return Cell(f"{format_count(number)} ({format_percent(share, sign='')})", "number")
    if is_number(number):
        return Cell(format_count(number), "number")
    if is_number(value):
        return Cell(format_plain(value), "number")
    return Cell(MISSING, "missing")
