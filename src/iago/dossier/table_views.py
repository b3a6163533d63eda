"""Tables as a reader sees them: labels for codes, intervals in one cell, sensible digits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyarrow as pa

from iago.dossier.content import Dossier
from iago.dossier.number_format import (
    MISSING,
    NOT_ESTIMABLE,
    SUPPRESSED,
    Style,
    format_count,
    format_interval,
    format_number,
    is_number,
)
from iago.dossier.released import SUPPRESSED_COLUMN, Row, is_measure, is_suppressed
from iago.dossier.wording import (
    column_title,
    confidence_label,
    label_code,
    level_label,
    sentence_case,
    short_window,
    stratum_label,
)

CellKind: TypeAlias = Literal["text", "prose", "number", "suppressed", "missing"]

# A longer table is shown in part: the page stays readable, and the CSV holds every row.
MOST_ROWS = 300
LANDMARK_DAYS = (0, 14, 30, 60, 90, 100, 180, 270, 365, 545, 730, 1095, 1825, 3650, 5475)

PERCENT_TABLES = frozenset({"cumulative_incidence", "competing_events", "persistence"})
_HIDDEN = ("by", SUPPRESSED_COLUMN)
# Identifiers are printed as they are written in files and commands.
_IDENTIFIERS = frozenset({"guidance", "guidance_a", "guidance_b", "system", "edition"})
_LONG_TEXT = 70
_DAYS = ("median_days", "lower_quartile_days", "upper_quartile_days")


@dataclass(frozen=True)
class Cell:
    """Text of one cell; ``share`` draws a faint bar behind it."""

    text: str
    kind: CellKind = "text"
    share: float | None = None


@dataclass(frozen=True)
class TableRow:
    """One row; its first cell is its header. A heading row has no further cells."""

    header: str
    cells: tuple[Cell, ...]
    heading: bool = False


@dataclass(frozen=True)
class TableView:
    """A table ready to print."""

    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[TableRow, ...]
    note: str = ""


@dataclass(frozen=True)
class _Column:
    title: str
    numeric: bool
    cell: Callable[[Row], Cell]


def view_table(
    name: str, table: pa.Table, rows: Sequence[Row], caption: str, dossier: Dossier
) -> TableView:
    """All columns of a table, its rows up to a readable number."""
    shown, note = _readable(rows)
    columns = _columns(name, table, dossier)
    return TableView(
        caption,
        tuple(column.title for column in columns),
        tuple(column.numeric for column in columns),
        tuple(_row(row, columns) for row in shown),
        note,
    )


def _row(row: Row, columns: Sequence[_Column]) -> TableRow:
    cells = [column.cell(row) for column in columns]
    return TableRow(cells[0].text, tuple(cells[1:]))


def _readable(rows: Sequence[Row]) -> tuple[Sequence[Row], str]:
    if len(rows) <= MOST_ROWS:
        return rows, ""
    total = format_count(len(rows))
    if "day" in rows[0]:
        last = max(row["day"] for row in rows)
        days = {day for day in LANDMARK_DAYS if day < last} | {last}
        shown = [row for row in rows if row["day"] in days][:MOST_ROWS]
        return shown, f"Selected days only; the CSV holds all {total} rows."
    return rows[:MOST_ROWS], f"The first {MOST_ROWS} of {total} rows; the CSV holds all."


def _columns(name: str, table: pa.Table, dossier: Dossier) -> list[_Column]:
    names = [column for column in table.column_names if column not in _HIDDEN]
    merged = _merged(name, names, dossier)
    columns = []
    for column in names:
        if column in merged:
            columns.append(merged[column])
        elif not _belongs_to_another(column, merged):
            columns.append(_plain(name, table.schema.field(column), dossier))
    # The first column heads the rows, so words go there where there are any.
    return sorted(columns, key=lambda column: column.numeric) if columns[0].numeric else columns


def _merged(name: str, names: Sequence[str], dossier: Dossier) -> dict[str, _Column]:
    """Columns that take their limits into the same cell."""
    merged: dict[str, _Column] = {}
    style = _estimate_style(name)
    for centre in ("rate_per_100_days", "estimate"):
        if {centre, "lower", "upper"} <= set(names):
            unit = ", %" if style == "percent" and centre == "estimate" else ""
            title = f"{column_title(centre)}{unit} ({confidence_label(dossier)})"
            chosen: Style = "rate" if centre == "rate_per_100_days" else style
            merged[centre] = _Column(title, True, _interval_cell(centre, "lower", "upper", chosen))  # noqa: FBT003 -- a numeric column
    if set(_DAYS) <= set(names):
        cell = _interval_cell(*_DAYS, "plain")
        merged[_DAYS[0]] = _Column("Median (quartiles), days", True, cell)  # noqa: FBT003 -- a numeric column
    return merged


def _belongs_to_another(column: str, merged: Mapping[str, _Column]) -> bool:
    if column in ("lower", "upper"):
        return bool({"rate_per_100_days", "estimate"} & set(merged))
    return column in _DAYS[1:] and _DAYS[0] in merged


def _estimate_style(name: str) -> Style:
    return "percent" if name in PERCENT_TABLES else "ratio"


def _interval_cell(centre: str, lower: str, upper: str, style: Style) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        if is_suppressed(row):
            return Cell(SUPPRESSED, "suppressed")
        text = format_interval(row.get(centre), row.get(lower), row.get(upper), style)
        return Cell(text, "missing" if text == NOT_ESTIMABLE else "number")

    return cell


def _plain(name: str, field: pa.Field, dossier: Dossier) -> _Column:
    column = field.name
    if pa.types.is_boolean(field.type):
        return _Column(column_title(column), False, lambda row: Cell(_yes_no(row.get(column))))  # noqa: FBT003 -- a column of words
    if not (is_measure(field) or pa.types.is_integer(field.type)):
        return _Column(column_title(column), False, lambda row: _word(row, column, dossier))  # noqa: FBT003 -- a column of words
    style = _column_style(name, field)

    def cell(row: Row) -> Cell:
        value = row.get(column)
        if value is None and is_measure(field) and is_suppressed(row):
            return Cell(SUPPRESSED, "suppressed")
        if not is_number(value):
            return Cell(MISSING, "missing")
        share = float(value) if column == "share_known" else None
        return Cell(format_number(value, style), "number", share)

    return _Column(column_title(column), True, cell)  # noqa: FBT003 -- a numeric column


def _column_style(name: str, field: pa.Field) -> Style:
    if field.name.startswith("share") or field.name == "disagreement":
        return "percent"
    if field.name == "person_days" or pa.types.is_integer(field.type):
        return "count"
    if field.name in ("estimate", "lower", "upper"):
        return _estimate_style(name)
    if field.name == "value" or field.name.endswith("_days"):
        return "plain"
    return "rate"


def _yes_no(value: object) -> str:
    return MISSING if value is None else ("yes" if value else "no")


def _word(row: Row, column: str, dossier: Dossier) -> Cell:
    value = row.get(column)
    if value is None or value == "":
        return Cell(MISSING, "missing")
    text = str(value)
    words = {"level": level_label(dossier, text), "stratum": stratum_label(text)}
    words["window"] = short_window(text)
    if column in words or column in _IDENTIFIERS:
        return Cell(words.get(column, text))
    if len(text) > _LONG_TEXT:
        return Cell(sentence_case(text), "prose")
    return Cell(sentence_case(label_code(text, column)))
