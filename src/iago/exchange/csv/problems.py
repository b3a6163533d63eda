"""What kind of thing a cell holds that cannot be read, said without showing it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from iago.standard.codelists import load_codelist
from iago.standard.partial_dates import parse_partial_date
from iago.standard.records import Element

# What belongs in the cell where the type of the element alone does not say it.
EXPECTED = {
    "IAGO-E208": "one decimal sign in the whole file",
    "IAGO-E209": "an exact number",
}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WITH_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_COMPARED = re.compile(r"[<>≤≥]=?\s*[0-9][0-9.,]*")
_ANY_DIGIT = re.compile(r".*[0-9].*", re.DOTALL)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([.,' ][0-9]{3})+([.,][0-9]+)?")
_DAY_FIRST = re.compile(r"[0-9]{1,2}\.\s?[0-9]{1,2}\.\s?([0-9]{2}|[0-9]{4})")
_SLASHED = re.compile(r"[0-9]{1,4}/[0-9]{1,2}/[0-9]{1,4}")
_WITH_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+Z -]+")
_DAY_COUNT = re.compile(r"[0-9]{5}([.,][0-9]+)?")


class Problem(NamedTuple):
    """Code of the finding and the kind of thing found."""

    code: str
    found: str


def describe_problem(element: Element, column: str, text: str) -> Problem:
    """Say what is wrong with a text that the element's type refused.

    The answer names a kind (``text that is not a date``), never the text.
    """
    kind = element.type
    if kind == "moment":
        kind = "date" if column.endswith("_date") else "integer"
    describe: dict[str, Callable[[], Problem]] = {
        "code": lambda: _code_problem(element, text),
        "date": lambda: _date_problem(text),
        "integer": lambda: _number_problem(text, whole=True),
        "number": lambda: _number_problem(text, whole=False),
        "yes_no": lambda: Problem("IAGO-E206", f"text of {len(text)} characters"),
        "identifier": lambda: _identifier_problem(text),
        "reference": lambda: _identifier_problem(text),
        "unit": lambda: Problem("IAGO-E213", f"text of {len(text)} characters"),
        "name": lambda: _name_problem(text),
    }
    return describe[kind]()


def _number_problem(text: str, *, whole: bool) -> Problem:
    if _NUMBER.fullmatch(text):
        return _refused_number(text, whole=whole)
    kinds = (
        (_COMPARED, "IAGO-E209", "a number with a sign such as < or >"),
        (_WITH_COMMA, "IAGO-E208", "a number with a comma"),
        (_GROUPED, "IAGO-E208", "a number with thousands separators"),
        (_ANY_DIGIT, "IAGO-E204", "digits with other characters"),
    )
    for pattern, code, found in kinds:
        if pattern.fullmatch(text):
            return Problem(code, found)
    return Problem("IAGO-E204", f"text of {len(text)} characters without digits")


def _refused_number(text: str, *, whole: bool) -> Problem:
    if whole and not _WHOLE.fullmatch(text):
        return Problem("IAGO-E204", "a number that is not whole")
    if text.startswith("-") and not whole:
        return Problem("IAGO-E205", "a negative number")
    return Problem("IAGO-E205", "a number outside the range")


def _code_problem(element: Element, text: str) -> Problem:
    name = load_codelist(element.codelist).name
    return Problem("IAGO-E202", f"text of {len(text)} characters that is not in the list {name}")


def _date_problem(text: str) -> Problem:
    kinds = (
        (_DAY_FIRST, "a date written day.month.year"),
        (_SLASHED, "a date written with slashes, whose order is not certain"),
        (_WITH_TIME, "a date with a time of day"),
        (_DAY_COUNT, "a number, perhaps the inner day count of Excel"),
    )
    for pattern, found in kinds:
        if pattern.fullmatch(text):
            return Problem("IAGO-E203", found)
    try:
        parse_partial_date(text)
    except ValueError as error:
        reason = str(error)
        if not reason.startswith("not a date"):
            return Problem("IAGO-E203", reason)
    return Problem("IAGO-E203", f"text of {len(text)} characters that is not a date")


def _identifier_problem(text: str) -> Problem:
    if len(text) > 64:
        return Problem("IAGO-E207", f"{len(text)} characters")
    return Problem("IAGO-E207", "a character that identifiers do not have")


def _name_problem(text: str) -> Problem:
    if len(text) > 80:
        return Problem("IAGO-E215", f"{len(text)} characters")
    return Problem("IAGO-E215", "a character that names do not have")
