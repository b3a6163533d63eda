"""The day-by-day tally: everything a competing-risks estimator needs to know of one group.

A tally holds, for each whole day since day 0, how many were at risk, how many had each kind of
event and how many were censored. It is a small table of sums, so it can be made by one pass over
arrays, by a GROUP BY in a database, or by adding the tallies of several hospitals; the estimators
give the same numbers in every case, and none of them needs one row a person.

The clock
---------
Follow-up of a person is the interval (entry, exit] in whole days. Who enters on day 0 is at risk
from day 0 itself, so that an event on day 0 counts among everyone observed from then. Who enters
later, on day e > 0, is at risk on the days after e (left truncation). On a day with events and
censorings the events come first: who is censored on a day was at risk on that day. Ties are kept
as they are and never broken at random.

A person whose exit day equals an entry day above 0 has an empty interval and was never at risk;
such persons are counted apart (``never_at_risk``) and enter no estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iago.errors import EstimationError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A century and a half: later "days" are dates, seconds or errors of entry.
LAST_POSSIBLE_DAY = 55_000

# Sums of weights are exact to about 1e-13 of their size; a smaller deficit is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyTally:
    """Numbers at risk, events by cause and censorings of one group, on every day from day 0.

    Attributes
    ----------
    causes
        Names of the kinds of event that end follow-up.
    at_risk
        Shape (days,): number under observation on the day, before its events.
    events
        Shape (causes, days).
    censored
        Shape (days,): follow-up ended on that day without an event.
    squared_events, squared_censored
        The same sums over squared weights; None when every person counts once.
    delayed_entry
        True if anyone came under observation after day 0.
    never_at_risk
        Persons (or their weight) whose interval is empty.

    Raises
    ------
    EstimationError
        If nobody is at risk, a count is negative, or more leave on a day than were at risk.
    """

    causes: tuple[str, ...]
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    squared_events: FloatArray | None = None
    squared_censored: FloatArray | None = None
    delayed_entry: bool = False
    never_at_risk: float = 0.0

    def __post_init__(self) -> None:
        check_names(self.causes, "causes")
        self._check_shapes()
        self._check_counts()
        for values in (self.at_risk, self.events, self.censored, *self._squares()):
            values.setflags(write=False)

    @classmethod
    def from_counts(
        cls,
        *,
        causes: Sequence[str],
        exit_day: ArrayLike,
        exit_cause: ArrayLike,
        exit_count: ArrayLike,
        entry_day: ArrayLike | None = None,
        entry_count: ArrayLike | None = None,
        exit_squared_weight: ArrayLike | None = None,
    ) -> "DailyTally":
        """Make a tally from aggregated counts, such as the result of a GROUP BY.

        Parameters
        ----------
        causes
            Names of the kinds of event.
        exit_day, exit_cause, exit_count
            One row for each combination that occurs: the last day of follow-up, why it ended
            (0 = censored, 1, 2, ... = the causes in order) and how many persons (or the sum of
            their weights). Rows may repeat; they are summed.
        entry_day, entry_count
            One row for each day of entry. Omit both if everyone entered on day 0.
        exit_squared_weight
            Sums of squared weights for the exit rows, if the counts are sums of weights.

        Returns
        -------
        DailyTally

        Raises
        ------
        EstimationError
            As the class, and if fewer or more persons entered than left.

        Notes
        -----
        Leave persons whose exit day equals an entry day above 0 out of both tables: they were
        never at risk, and from the two margins they cannot be told from the others.
        """
        names = check_names(causes, "causes")
        day = check_days(exit_day, "exit_day")
        code = _check_codes(exit_cause, len(names))
        exits = _count_cells(day, code, len(names), _check_weights(exit_count, len(day)))
        squares = None
        if exit_squared_weight is not None:
            weights = _check_weights(exit_squared_weight, len(day))
            squares = _count_cells(day, code, len(names), weights)
        entries = _entry_counts(entry_day, entry_count, exits)
        return _tally_of_cells(names, exits, squares, entries)

    @property
    def last_day(self) -> int:
        """The last day with anyone at risk."""
        return len(self.at_risk) - 1

    @property
    def days(self) -> IntArray:
        """0, 1, ... ``last_day``."""
        return np.arange(len(self.at_risk), dtype=np.int64)

    @property
    def weighted(self) -> bool:
        """True if the counts are sums of weights rather than of persons."""
        return self.squared_events is not None

    @property
    def leaving_squares(self) -> tuple[FloatArray, FloatArray]:
        """Squared weights of those who leave: by cause and day, and censored by day."""
        if self.squared_events is None or self.squared_censored is None:
            return self.events, self.censored
        return self.squared_events, self.squared_censored

    @property
    def effective_at_risk(self) -> FloatArray:
        """Kish's effective number at risk, (sum of w)^2 / (sum of w^2).

        Without weights the number itself. With delayed entry the weights of all who leave later
        stand for those at risk.
        """
        if not self.weighted:
            return self.at_risk
        events, censored = self.leaving_squares
        squares = sum_from_each_day_on(events.sum(axis=0) + censored)
        leaving = sum_from_each_day_on(self.events.sum(axis=0) + self.censored)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(squares > 0, leaving / squares, 0.0)
        return self.at_risk * share

    def cause_index(self, cause: str) -> int:
        """Position of a cause; refuses a name that the tally does not know."""
        return check_known(cause, self.causes, "cause")

    def combine_causes(self, name: str = "any") -> "DailyTally":
        """Take all causes of the group as one event."""
        squared = self.squared_events
        return replace(
            self,
            causes=(name,),
            events=self.events.sum(axis=0, keepdims=True),
            squared_events=None if squared is None else squared.sum(axis=0, keepdims=True),
        )

    def __add__(self, other: "DailyTally") -> "DailyTally":
        """Add the tally of a disjoint group, such as another hospital."""
        if not isinstance(other, DailyTally):
            return NotImplemented
        check_equal_names(self.causes, other.causes, "causes")
        weighted = self.weighted or other.weighted
        squares = [
            add_by_day(mine, theirs)
            for mine, theirs in zip(self.leaving_squares, other.leaving_squares, strict=True)
        ]
        return DailyTally(
            causes=self.causes,
            at_risk=add_by_day(self.at_risk, other.at_risk),
            events=add_by_day(self.events, other.events),
            censored=add_by_day(self.censored, other.censored),
            squared_events=squares[0] if weighted else None,
            squared_censored=squares[1] if weighted else None,
            delayed_entry=self.delayed_entry or other.delayed_entry,
            never_at_risk=self.never_at_risk + other.never_at_risk,
        )

    def _squares(self) -> tuple[FloatArray, ...]:
        if self.squared_events is None or self.squared_censored is None:
            return ()
        return self.squared_events, self.squared_censored

    def _check_shapes(self) -> None:
        days = self.at_risk.shape
        by_cause = (len(self.causes), *days)
        shapes = [self.events.shape == by_cause, self.censored.shape == days]
        if self._squares():
            shapes += [self._squares()[0].shape == by_cause, self._squares()[1].shape == days]
        if len(days) != 1 or not all(shapes):
            raise EstimationError(
                f"A tally was found with at_risk {days}, events {self.events.shape} and censored "
                f"{self.censored.shape}; expected one value a day, and for events one row for "
                f"each of {len(self.causes)} causes. Give arrays over the same days."
            )

    def _check_counts(self) -> None:
        if self.at_risk.size == 0 or not self.at_risk.any():
            raise EstimationError(
                "Nobody at risk was found on any day; expected at least one person under "
                "observation. Check the selection and the entry and exit days."
            )
        parts = (self.at_risk, self.events, self.censored, *self._squares())
        leaving = self.events.sum(axis=0) + self.censored
        tolerance = _ROUNDING * self.at_risk.max()
        if any(not (values >= 0).all() for values in parts):
            raise EstimationError(
                "Negative or missing counts were found in a tally; expected counts of 0 or more. "
                "Check the aggregation."
            )
        excess = np.flatnonzero(leaving > self.at_risk + tolerance)
        if excess.size:
            raise EstimationError(
                f"On day {excess[0]} more persons left than were at risk; expected at most as "
                "many. Count follow-up as (entry, exit] and leave out persons whose exit day is "
                "their entry day."
            )


def tally_days(
    entry_day: ArrayLike | None,
    exit_day: ArrayLike,
    cause: ArrayLike,
    causes: Sequence[str],
    *,
    weights: ArrayLike | None = None,
) -> DailyTally:
    """Count, day by day, who is at risk, who has which event and who is censored.

    Parameters
    ----------
    entry_day
        Whole days since day 0 on which observation of each person began, or None if on day 0.
    exit_day
        Whole days on which follow-up ended.
    cause
        Why it ended: 0 = censored, 1, 2, ... = the causes in order.
    causes
        Names of the kinds of event.
    weights
        Sampling or balancing weights, not negative. Doubling all of them changes nothing.

    Returns
    -------
    DailyTally

    Raises
    ------
    EstimationError
        If the input is empty, a day is negative or not whole, an exit lies before its entry, or a
        cause code is unknown.

    Notes
    -----
    One pass over the arrays; ties, delayed entry and empty intervals as the module text says.
    """
    length = len(np.asarray(exit_day))
    group = np.zeros(length, dtype=np.int64)
    (tally,) = tally_days_by_group(
        group,
        groups=1,
        entry_day=entry_day,
        exit_day=exit_day,
        cause=cause,
        causes=causes,
        weights=weights,
    )
    return tally


def tally_days_by_group(
    group: ArrayLike,
    *,
    groups: int,
    entry_day: ArrayLike | None,
    exit_day: ArrayLike,
    cause: ArrayLike,
    causes: Sequence[str],
    weights: ArrayLike | None = None,
) -> tuple[DailyTally, ...]:
    """Count several groups in one pass over the arrays.

    Parameters
    ----------
    group
        Number of each person's group, 0 to ``groups - 1``.
    groups
        How many groups there are.
    entry_day, exit_day, cause, causes, weights
        As in :func:`tally_days`.

    Returns
    -------
    tuple of DailyTally
        One for each group, in order.

    Raises
    ------
    EstimationError
        As :func:`tally_days`; also if a group has nobody at risk.
    """
    names = check_names(causes, "causes")
    exits = check_days(exit_day, "exit_day")
    code = _check_codes(cause, len(names))
    member = check_numbers(group, "group")
    entries = None if entry_day is None else check_days(entry_day, "entry_day")
    amount = None if weights is None else _check_weights(weights, len(exits))
    check_same_length(exit_day=exits, cause=code, group=member, entry_day=entries, weights=amount)
    if member.size and member.max() >= groups:
        raise EstimationError(
            f"Group number {member.max()} was found; expected 0 to {groups - 1}. Number the "
            "groups from 0 and give how many there are."
        )
    if entries is not None:
        check_order(entries, exits)
    return _tally_groups(
        member, groups, entries=entries, exits=exits, code=code, names=names, weights=amount
    )


def count_at_risk(exits: FloatArray, entries: FloatArray) -> FloatArray:
    """Compute the number at risk on each day from counts of exits and of entries by day.

    Those who leave on the day or later, less those who have yet to come: an entry on day e > 0
    puts a person at risk from day e + 1, an entry on day 0 from day 0.
    """
    later = entries.copy()
    later[0] = 0
    return sum_from_each_day_on(exits) - sum_from_each_day_on(later)


def sum_from_each_day_on(counts: FloatArray) -> FloatArray:
    """For each day the sum over that day and all later ones."""
    return np.asarray(np.cumsum(counts[::-1])[::-1], dtype=np.float64)


def add_by_day(first: NDArray[Any], second: NDArray[Any]) -> FloatArray:
    """Sum of two arrays whose last axis is days from 0, the shorter one padded with zeros."""
    days = max(first.shape[-1], second.shape[-1])
    total = np.zeros((*first.shape[:-1], days))
    total[..., : first.shape[-1]] += first
    total[..., : second.shape[-1]] += second
    return total


def check_days(values: ArrayLike, name: str) -> IntArray:
    """Refuse anything but whole days from 0, and return them as integers.

    Raises
    ------
    EstimationError
        If a value is negative, missing, fractional or beyond :data:`LAST_POSSIBLE_DAY`.
    """
    days = check_numbers(values, name)
    if days.size and days.max() > LAST_POSSIBLE_DAY:
        raise EstimationError(
            f"{name} holds days up to {days.max()}; expected at most {LAST_POSSIBLE_DAY}. "
            "Count days from day 0 and check the unit."
        )
    return days


def check_numbers(values: ArrayLike, name: str) -> IntArray:
    """Refuse anything but one whole number from 0 a row, and return integers."""
    numbers = np.asarray(values)
    if numbers.ndim != 1:
        raise EstimationError(
            f"{name} was found with {numbers.ndim} dimensions; expected one value a row. "
            "Give a flat sequence."
        )
    is_whole = numbers.dtype.kind in "iu" or numbers.size == 0
    if numbers.dtype.kind == "f" and numbers.size:
        is_whole = bool(np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all())
    if not is_whole or (numbers.size and numbers.min() < 0):
        raise EstimationError(
            f"{name} holds values that are missing, negative or not whole; expected whole numbers "
            "from 0. Round dates to days, count them from day 0 and settle missing values."
        )
    return numbers.astype(np.int64, copy=False)


def check_order(entry: IntArray, exits: IntArray) -> None:
    """Refuse a follow-up that ends before it begins."""
    reversed_rows = int((exits < entry).sum())
    if reversed_rows:
        raise EstimationError(
            f"{reversed_rows} of {len(exits)} rows have an exit day before their entry day; "
            "expected entry <= exit. Correct the days or leave these rows out by name."
        )


def check_same_length(**columns: NDArray[np.generic] | None) -> None:
    """Refuse columns of different length, or no rows at all."""
    lengths = {name: len(values) for name, values in columns.items() if values is not None}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise EstimationError(
            f"Columns of different length were found ({found}); expected one row a person in "
            "each. Take all columns from one table."
        )
    if not all(lengths.values()):
        raise EstimationError(
            "No rows were found; expected at least one person. Check the selection."
        )


def check_names(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Refuse an empty list of names or a name given twice."""
    found = tuple(names)
    if isinstance(names, str) or not found or len(set(found)) != len(found):
        raise EstimationError(
            f"The names of the {what} were found as {names!r}; expected at least one name and none "
            "twice. Give a sequence of different names."
        )
    return found


def check_known(name: str, names: tuple[str, ...], what: str) -> int:
    """Return the position of a name; refuse one that is not among the names."""
    if name not in names:
        raise EstimationError(
            f"The {what} '{name}' was asked for; expected one of {', '.join(names)}. "
            "Choose one of these."
        )
    return names.index(name)


def check_equal_names(mine: tuple[str, ...], theirs: tuple[str, ...], what: str) -> None:
    """Refuse to add tallies over different names."""
    if mine != theirs:
        raise EstimationError(
            f"Tallies over different {what} were to be added: {', '.join(mine)} and "
            f"{', '.join(theirs)}. Expected the same {what} in the same order; tally both groups "
            "by one definition."
        )


def _tally_groups(
    member: IntArray,
    groups: int,
    *,
    entries: IntArray | None,
    exits: IntArray,
    code: IntArray,
    names: tuple[str, ...],
    weights: FloatArray | None,
) -> tuple[DailyTally, ...]:
    never = np.zeros(groups)
    if entries is not None:
        seen = (exits > entries) | (entries == 0)
        unseen = None if weights is None else weights[~seen]
        never = _bincount(member[~seen], unseen, (groups,))
        if not seen.all():
            member, exits, code, entries = member[seen], exits[seen], code[seen], entries[seen]
            weights = None if weights is None else weights[seen]
    days = int(exits.max()) + 1 if exits.size else 1
    cell = (member * (len(names) + 1) + code) * days + exits
    shape = (groups, len(names) + 1, days)
    leaving = _bincount(cell, weights, shape)
    squares = None if weights is None else _bincount(cell, weights * weights, shape)
    if entries is None:
        coming = np.zeros((groups, days))
        coming[:, 0] = leaving.sum(axis=(1, 2))
    else:
        coming = _bincount(member * days + entries, weights, (groups, days))
    return tuple(
        _tally_of_cells(
            names,
            leaving[one],
            None if squares is None else squares[one],
            coming[one],
            never_at_risk=float(never[one]),
        )
        for one in range(groups)
    )


def _tally_of_cells(
    names: tuple[str, ...],
    exits: FloatArray,
    squares: FloatArray | None,
    entries: FloatArray,
    *,
    never_at_risk: float = 0.0,
) -> DailyTally:
    """Make a tally from exits by cause (row 0 censored) and day, cut after the last exit."""
    leaving = exits.sum(axis=0)
    last = int(np.flatnonzero(leaving)[-1]) if leaving.any() else 0
    kept = slice(0, last + 1)
    at_risk = count_at_risk(leaving, entries)[kept]
    return DailyTally(
        causes=names,
        at_risk=np.where(np.abs(at_risk) < _ROUNDING * leaving.sum(), 0.0, at_risk),
        events=exits[1:, kept].copy(),
        censored=exits[0, kept].copy(),
        squared_events=None if squares is None else squares[1:, kept].copy(),
        squared_censored=None if squares is None else squares[0, kept].copy(),
        delayed_entry=bool(entries[1:].any()),
        never_at_risk=never_at_risk,
    )


def _entry_counts(
    entry_day: ArrayLike | None, entry_count: ArrayLike | None, exits: FloatArray
) -> FloatArray:
    total = exits.sum()
    entries = np.zeros(exits.shape[1])
    if entry_day is None or entry_count is None:
        entries[0] = total
        return entries
    day = check_days(entry_day, "entry_day")
    count = _check_weights(entry_count, len(day))
    entries = _bincount(day, count, (max(exits.shape[1], int(day.max(initial=0)) + 1),))
    if abs(entries.sum() - total) > _ROUNDING * total or len(entries) > exits.shape[1]:
        raise EstimationError(
            f"{entries.sum():g} entries (last day {len(entries) - 1}) and {total:g} exits (last "
            f"day {exits.shape[1] - 1}) were found; expected everyone who enters to leave on a "
            "later day. Count entries and exits over the same persons."
        )
    return entries


def _count_cells(day: IntArray, code: IntArray, causes: int, count: FloatArray) -> FloatArray:
    check_same_length(exit_day=day, exit_cause=code, exit_count=count)
    days = int(day.max()) + 1
    return _bincount(code * days + day, count, (causes + 1, days))


def _bincount(cell: IntArray, weights: FloatArray | None, shape: tuple[int, ...]) -> FloatArray:
    flat = np.bincount(cell, weights, minlength=int(np.prod(shape)))
    return flat.reshape(shape).astype(np.float64, copy=False)


def _check_codes(cause: ArrayLike, causes: int) -> IntArray:
    code = check_numbers(cause, "cause")
    if code.size and code.max() > causes:
        raise EstimationError(
            f"The cause code {code.max()} was found; expected 0 (censored) to {causes}. Name "
            "every cause that occurs, or recode it."
        )
    return code


def _check_weights(weights: ArrayLike, length: int) -> FloatArray:
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (length,) or not (np.isfinite(found) & (found >= 0)).all():
        raise EstimationError(
            f"Weights or counts of shape {found.shape} were found for {length} rows, or some are "
            "negative or missing; expected one number of 0 or more a row. Correct them first."
        )
    return found
