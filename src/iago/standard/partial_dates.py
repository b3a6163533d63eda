"""Dates of which only the year or the month is known.

A partial date is kept as what it says: the first and the last day it can mean. Nothing here
guesses a day inside it.
"""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from functools import cache

_PATTERN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_EARLIEST_YEAR = 1900


@dataclass(frozen=True, order=True)
class PartialDate:
    """A calendar date known to the day, the month or the year.

    Attributes
    ----------
    earliest, latest : datetime.date
        First and last day that the written date can mean; equal for a full date.
    """

    earliest: dt.date
    latest: dt.date

    @property
    def is_full(self) -> bool:
        """Whether the day is known."""
        return self.earliest == self.latest

    def __str__(self) -> str:
        """ISO 8601 text, cut at the known precision."""
        if self.is_full:
            return self.earliest.isoformat()
        if self.earliest.month == self.latest.month:
            return f"{self.earliest:%Y-%m}"
        return f"{self.earliest:%Y}"


@cache
def parse_partial_date(text: str) -> PartialDate:
    """Read ``2024``, ``2024-03`` or ``2024-03-05``.

    Raises
    ------
    ValueError
        Not such a date, an impossible day, or a year before 1900.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a date of the form YYYY-MM-DD, YYYY-MM or YYYY")
    year, month, day = (int(part) if part else None for part in match.groups())
    if year is None or year < _EARLIEST_YEAR:
        raise ValueError(f"a year before {_EARLIEST_YEAR}")
    if month is None:
        return PartialDate(dt.date(year, 1, 1), dt.date(year, 12, 31))
    if not 1 <= month <= 12:
        raise ValueError("a month outside 01 to 12")
    last = calendar.monthrange(year, month)[1]
    if day is None:
        return PartialDate(dt.date(year, month, 1), dt.date(year, month, last))
    if not 1 <= day <= last:
        raise ValueError("a day that this month does not have")
    full = dt.date(year, month, day)
    return PartialDate(full, full)
