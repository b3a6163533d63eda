"""Tables as CSV text that a spreadsheet opens without running anything in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iago.dossier.number_format import is_number

# A cell that begins so is read as a formula by spreadsheets.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Semicolon and tab separate cells in spreadsheets of some countries.
_QUOTED = frozenset(',;\t"\r\n')


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Table as CSV (RFC 4180 with line feeds, UTF-8 when encoded).

    Parameters
    ----------
    columns : sequence of str
        Columns in their order; the first line names them.
    rows : iterable of mapping
        Values by column. Null and non-finite numbers are empty cells; floats have ten
        significant digits in their shortest form. Text that a spreadsheet would run as a
        formula gets an apostrophe in front.
    """
    lines = [",".join(_text(column) for column in columns)]
    lines += [",".join(_cell(row.get(column)) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(float(f"{value:.10g}")) if is_number(value) else ""
    return _text(str(value))


def _text(text: str) -> str:
    if text.lstrip(" ").startswith(_FORMULA_STARTS):
        text = f"'{text}"
    if _QUOTED & set(text) or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
