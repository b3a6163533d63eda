"""Cells of a CSV file that a spreadsheet must not take for a formula.

Excel and LibreOffice run a cell that begins with ``= + - @``, with one of these signs in full
width, or with a control character before it. What this project writes carries an apostrophe
before such a text, and what it reads loses it again, so that export and import give back the
same text. Numbers are never touched.

Source: OWASP, "CSV Injection".
"""

import re

# Texts that already begin with apostrophes get one more, so that the guard can be undone.
_SIGNS = r"[=+\-@\t\r\n＝＋－＠]"
GUARDED = rf"^'*{_SIGNS}"
_GUARDED = re.compile(GUARDED)
_UNGUARD = re.compile(rf"^'+{_SIGNS}")
GUARD = "'"


def guard_formula(text: str) -> str:
    """Make a text safe to write into a cell."""
    return GUARD + text if _GUARDED.match(text) else text


def unguard_formula(text: str) -> str:
    """Give back the text that :func:`guard_formula` was given."""
    return text[1:] if _UNGUARD.match(text) else text
