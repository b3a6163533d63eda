"""Days from infusion: calendar dates, partial dates and written days become one clock.

A partial date keeps its earliest and latest possible day; nothing here guesses a day inside it.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from iago.exchange.csv.columns import ParsedColumn, ParsedTable
from iago.exchange.csv.findings import Finding, row_findings
from iago.standard.records import Element
from iago.standard.values import EARLIEST_DAY, LATEST_DAY

# Days and ordinals of dates are below a million, so sums and differences with _NONE, which is
# far outside of them, stay within 32 bits and can be masked afterwards.
_Days = npt.NDArray[np.int32]
_Mask = npt.NDArray[np.bool_]
_NONE = np.int32(-(2**29))


@dataclass(frozen=True)
class Clock:
    """Infusion of the course of each row, as proleptic Gregorian ordinals.

    Attributes
    ----------
    earliest, latest : int32 array
        First and last possible day of infusion by row.
    given : bool array
        Whether infusion_date has a value.
    settled : bool array
        Whether the row's course was found and its infusion_date could be read or is empty; a
        row that is not settled already has a finding elsewhere.
    """

    earliest: _Days
    latest: _Days
    given: _Mask
    settled: _Mask

    @property
    def exact(self) -> _Mask:
        """Whether the infusion is known to the day."""
        exact: _Mask = self.given & (self.earliest == self.latest)
        return exact

    def take(self, rows: _Days) -> "Clock":
        """Clock of other rows by the row of their course; -1 where the course is not known."""
        found = rows >= 0
        safe = np.where(found, rows, 0)
        if not len(self.given):
            nothing = np.zeros(len(rows), dtype=bool)
            return Clock(np.full(len(rows), _NONE), np.full(len(rows), _NONE), nothing, nothing)
        return Clock(
            self.earliest[safe],
            self.latest[safe],
            self.given[safe] & found,
            self.settled[safe] & found,
        )


@dataclass(frozen=True)
class Moment:
    """First and last possible day of a moment by row; meaningless where not given."""

    earliest: _Days
    latest: _Days
    given: _Mask

    def to_arrow(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Placed day (midpoint, rounded down), earliest and latest day."""
        middle = (self.earliest + self.latest) // 2
        days = (middle, self.earliest, self.latest)
        return tuple(
            pa.array(np.where(self.given, day, 0), pa.int32(), mask=~self.given) for day in days
        )


def course_clock(courses: ParsedTable) -> Clock:
    """Clock of the rows of the courses table itself."""
    column = courses.columns["infusion_date"]
    earliest, latest = _ordinals(column)
    return Clock(earliest, latest, column.is_given(), ~column.is_wrong())


def course_rows(table: ParsedTable, courses: ParsedTable) -> _Days:
    """Row of the course to which each row belongs, -1 where it is not known."""
    ids = courses.columns["course_id"].to_arrow(pa.string())
    column = table.columns["course_id"]
    known = pc.index_in(pa.array(column.values, pa.string()), value_set=ids, skip_nulls=True)
    by_text = pc.fill_null(known, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    rows: _Days = by_text[column.codes]
    return rows


def derive_moment(
    table: ParsedTable, element: Element, clock: Clock, today: dt.date
) -> tuple[Moment, list[Finding]]:
    """Place a moment on the clock of its course.

    A written day is used as it is, then a span of days, then a date. A date beside a day must
    agree with it and with the date of infusion, as far as these are known.

    Returns
    -------
    Moment, list of Finding
        A moment that cannot be placed is not given.
    """
    written = _Written.read(table, element)
    earliest = np.where(written.has_day, written.day, written.low)
    latest = np.where(written.has_day, written.day, written.high)
    by_day = written.has_day | written.has_span
    by_date = written.has_date & ~by_day & clock.exact
    moment = Moment(
        np.where(by_date, written.date_earliest - clock.earliest, earliest),
        np.where(by_date, written.date_latest - clock.earliest, latest),
        by_day | by_date,
    )
    findings = _Checker(table, element, written, clock, moment).findings(today)
    return moment, findings


@dataclass(frozen=True)
class _Written:
    """What the cells of a moment say, by row."""

    date_earliest: _Days
    date_latest: _Days
    day: _Days
    low: _Days
    high: _Days
    has_date: _Mask
    has_day: _Mask
    has_low: _Mask
    has_high: _Mask
    wrong: _Mask

    @property
    def has_span(self) -> _Mask:
        return self.has_low & self.has_high

    @classmethod
    def read(cls, table: ParsedTable, element: Element) -> "_Written":
        date, day, low, high = (
            table.columns[f"{element.name}_{part}"]
            for part in ("date", "day", "day_earliest", "day_latest")
        )
        date_earliest, date_latest = _ordinals(date)
        return cls(
            date_earliest=date_earliest,
            date_latest=date_latest,
            day=_days(day),
            low=_days(low),
            high=_days(high),
            has_date=date.is_given(),
            has_day=day.is_given(),
            has_low=low.is_given(),
            has_high=high.is_given(),
            wrong=date.is_wrong() | day.is_wrong() | low.is_wrong() | high.is_wrong(),
        )


@dataclass(frozen=True)
class _Checker:
    """Findings about one moment of one table."""

    table: ParsedTable
    element: Element
    written: _Written
    clock: Clock
    moment: Moment

    def findings(self, today: dt.date) -> list[Finding]:
        return [
            *self._spans(),
            *self._not_placed(),
            *self._disagreeing(),
            *self._far(),
            *self._future(today),
        ]

    def _report(
        self, code: str, rows: _Mask, part: str, found: str, expected: str
    ) -> list[Finding]:
        where = np.flatnonzero(rows & ~self.written.wrong)
        column = f"{self.element.name}_{part}"
        return row_findings(code, self.table.source, where, column, found, expected)

    def _spans(self) -> list[Finding]:
        written = self.written
        both = "an earliest and a latest day"
        half = written.has_low ^ written.has_high
        reversed_ = written.has_span & (written.low > written.high)
        outside = written.has_span & written.has_day & ~reversed_
        outside &= (written.day < written.low) | (written.day > written.high)
        return [
            *self._report("IAGO-E216", half, "day_earliest", "one end of a span of days", both),
            *self._report(
                "IAGO-E216",
                reversed_,
                "day_earliest",
                "an earliest day after the latest",
                "an earliest day before the latest one",
            ),
            *self._report(
                "IAGO-E216", outside, "day", "a day outside the span beside it", "a day in the span"
            ),
        ]

    def _not_placed(self) -> list[Finding]:
        alone = self.written.has_date & ~self.written.has_day & ~self.written.has_span
        alone &= self.clock.settled & ~self.clock.exact
        expected = f"{self.element.name}_day, or an infusion_date known to the day"
        return [
            *self._report(
                "IAGO-E212",
                alone & ~self.clock.given,
                "date",
                "a date, while the course has no infusion_date",
                expected,
            ),
            *self._report(
                "IAGO-E212",
                alone & self.clock.given,
                "date",
                "a date, while the infusion_date of the course is not known to the day",
                expected,
            ),
        ]

    def _disagreeing(self) -> list[Finding]:
        both = self.written.has_date & (self.written.has_day | self.written.has_span)
        both &= self.clock.given
        first = self.written.date_earliest - self.clock.latest
        last = self.written.date_latest - self.clock.earliest
        apart = (self.moment.latest < first) | (self.moment.earliest > last)
        return self._report(
            "IAGO-E211",
            both & apart,
            "day",
            "a day that does not fit the date beside it",
            "the number of days from infusion_date to that date",
        )

    def _far(self) -> list[Finding]:
        far = (self.moment.earliest < EARLIEST_DAY) | (self.moment.latest > LATEST_DAY)
        return self._report(
            "IAGO-E205",
            self.moment.given & self.written.has_date & far,
            "date",
            "a date more than a century from infusion",
            "a date within a lifetime",
        )

    def _future(self, today: dt.date) -> list[Finding]:
        by_day = self.written.has_day | self.written.has_span
        late = self.clock.exact & (self.clock.earliest + self.moment.earliest > today.toordinal())
        return self._report(
            "IAGO-E210",
            by_day & late,
            "day",
            "a day that lies after today",
            "a day up to today, counted from infusion_date",
        )


def _ordinals(column: ParsedColumn) -> tuple[_Days, _Days]:
    values = column.values
    earliest = [_NONE if value is None else value.earliest.toordinal() for value in values]
    latest = [_NONE if value is None else value.latest.toordinal() for value in values]
    return (
        np.array(earliest, dtype=np.int32)[column.codes],
        np.array(latest, dtype=np.int32)[column.codes],
    )


def _days(column: ParsedColumn) -> _Days:
    values = [_NONE if value is None else value for value in column.values]
    return np.array(values, dtype=np.int32)[column.codes]
