"""Mean number of events of a person by each day, when events recur and death may end them.

The estimator is that of Cook & Lawless and Ghosh & Lin: the sum over days of the probability to be
alive before the day, times the mean number of events on the day among those under observation.
Persons who have died have no further events but stay in the denominator; treating death as
censoring would answer for a world without death. If nobody dies it is the Nelson-Aalen mean
cumulative function.

Days with ties: on one day, recurrent events come first, then death, then the end of observation.
Events of a person on the day of their own death or exit therefore count, with the person at risk.
Several events of one person on one day all count.

Standard errors sum, over persons, the squared influence of the person on the estimate. They need no
Poisson assumption: events of one person may depend on each other and on the time of death. The sum
is had for every day in one pass, because an influence is a running value while a person is under
observation and moves with the curve afterwards (see ``sum_drifting_squares``).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iago.errors import EstimationError
from iago.statistics.competing_risks import (
    check_linked,
    previous,
    share_of,
    sum_drifting_squares,
    survival_steps,
)
from iago.statistics.daily_tally import (
    FloatArray,
    IntArray,
    add_by_day,
    check_days,
    check_numbers,
    check_order,
    check_same_length,
    count_at_risk,
)
from iago.statistics.intervals import DailyCurve, check_confidence, effective_number, mean_limits

RobustVariance = Literal["ghosh-lin", "infinitesimal jackknife"]

_ASSUMPTIONS = (
    "Censoring and delayed entry are independent of events and death, given the group.",
    "The mean counts persons who have died: it falls short of the mean among survivors.",
    "On one day recurrent events come first, then death, then the end of observation.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanCumulativeCount(DailyCurve):
    """Mean number of events of a person by each day, the dead included.

    Attributes
    ----------
    events
        Recurrent events on each day, over all persons.
    terminal_events
        Deaths (or whatever ends the process) on each day.
    """

    events: NDArray[Any]
    terminal_events: NDArray[Any]

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "at_risk": self.at_risk,
            "events": self.events,
            "terminal_events": self.terminal_events,
            "events_to_date": np.cumsum(self.events),
            "terminal_events_to_date": np.cumsum(self.terminal_events),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class RecurrentTally:
    """Numbers at risk, recurrent events and deaths of one group, on every day from day 0.

    Enough for the estimate, and additive over hospitals. Not enough for its standard error, which
    depends on how the events are spread over persons.

    Attributes
    ----------
    at_risk, events, terminal_events
        Shape (days,).
    never_at_risk
        Persons who left on a day of entry above 0: their interval is empty.
    """

    at_risk: FloatArray
    events: FloatArray
    terminal_events: FloatArray
    never_at_risk: int = 0

    def __post_init__(self) -> None:
        shapes = {self.at_risk.shape, self.events.shape, self.terminal_events.shape}
        if len(shapes) > 1 or self.at_risk.ndim != 1 or not self.at_risk.any():
            raise EstimationError(
                f"A tally of recurrent events was found with shapes {sorted(shapes)} or nobody at "
                "risk; expected one value a day and someone under observation. Check the selection."
            )
        wrong = (self.events < 0) | (self.terminal_events < 0)
        wrong |= (self.at_risk < self.terminal_events) | ((self.at_risk == 0) & (self.events > 0))
        if wrong.any():
            raise EstimationError(
                f"On day {np.flatnonzero(wrong)[0]} the counts contradict each other; expected no "
                "negative count, no more deaths than persons at risk and no event without anyone "
                "at risk. Check the aggregation."
            )

    def __add__(self, other: "RecurrentTally") -> "RecurrentTally":
        """Add the tally of a disjoint group, such as another hospital."""
        if not isinstance(other, RecurrentTally):
            return NotImplemented
        return RecurrentTally(
            at_risk=add_by_day(self.at_risk, other.at_risk),
            events=add_by_day(self.events, other.events),
            terminal_events=add_by_day(self.terminal_events, other.terminal_events),
            never_at_risk=self.never_at_risk + other.never_at_risk,
        )


def estimate_mean_cumulative_count(
    exit_day: ArrayLike,
    terminal: ArrayLike,
    event_subject: ArrayLike,
    event_day: ArrayLike,
    *,
    entry_day: ArrayLike | None = None,
    variance: RobustVariance = "ghosh-lin",
    confidence: float = 0.95,
    interval: str = "log",
) -> MeanCumulativeCount:
    """Mean number of events (say infections) of a person by each day, death taken into account.

    Parameters
    ----------
    exit_day
        One row a person: last day of observation.
    terminal
        One row a person: True if the person died (or the process ended for good) on that day.
        All False gives the Nelson-Aalen mean cumulative function.
    event_subject, event_day
        One row an event: the person as a row number of ``exit_day``, from 0, and the day.
    entry_day
        One row a person: day on which observation began, if not day 0 for all. Who enters on day
        e > 0 is at risk after it; events up to then must be left out.
    variance
        "ghosh-lin": the sum of squares of Ghosh & Lin (2000), which without deaths is Lawless &
        Nadeau's robust variance. "infinitesimal jackknife": the same with the exact derivative of
        the product-limit survival. They differ only by factors 1 - deaths / at risk.
    confidence
        Two-sided level of the pointwise interval.
    interval
        "log" (never below 0) or "plain".

    Returns
    -------
    MeanCumulativeCount
        One row a day. Before the first event the upper limit is the exact Poisson one for the
        effective number at risk.

    Raises
    ------
    EstimationError
        If the input is empty, a day is negative or not whole, an exit lies before its entry, an
        event lies outside the observation of its person, or nobody is left at risk on a day before
        others enter.

    References
    ----------
    Ghosh D, Lin DY. Biometrics 2000;56:554-562. Cook RJ, Lawless JF. Stat Med 1997;16:911-924.
    Lawless JF, Nadeau C. Technometrics 1995;37:158-168.
    """
    records = _Records.checked(exit_day, terminal, event_subject, event_day, entry_day)
    if variance not in ("ghosh-lin", "infinitesimal jackknife"):
        raise EstimationError(
            f"The variance '{variance}' was asked for; expected 'ghosh-lin' or 'infinitesimal "
            "jackknife'. Choose one of these."
        )
    tally = records.tally()
    steps = _Steps.of(tally, exact=variance != "ghosh-lin")
    standard_error = np.sqrt(np.maximum(_robust_variance(records, steps), 0.0))
    return _curve(tally, standard_error, variance, confidence, interval)


def tally_recurrent(
    exit_day: ArrayLike,
    terminal: ArrayLike,
    event_subject: ArrayLike,
    event_day: ArrayLike,
    *,
    entry_day: ArrayLike | None = None,
) -> RecurrentTally:
    """Count, day by day, who is at risk, recurrent events and deaths.

    Parameters, conventions and errors as in :func:`estimate_mean_cumulative_count`.
    """
    return _Records.checked(exit_day, terminal, event_subject, event_day, entry_day).tally()


def estimate_mean_cumulative_count_of_tally(tally: RecurrentTally) -> MeanCumulativeCount:
    """Mean number of events of a person by each day, from sums alone: without standard errors.

    Parameters
    ----------
    tally
        One group, or the sum of several hospitals.

    Returns
    -------
    MeanCumulativeCount
        The same estimates as from the persons. Standard errors and limits are not-a-number, since
        sums over persons do not tell how events cluster within a person; a Poisson standard error
        would be too small.

    Raises
    ------
    EstimationError
        If nobody is left at risk on a day before others enter.
    """
    unknown = np.full(len(tally.at_risk), np.nan)
    return _curve(tally, unknown, "none", 0.95, "log")


@dataclass(frozen=True)
class _Records:
    """Checked input: whole days, events inside the observation of their person."""

    entry: IntArray
    exit: IntArray
    terminal: NDArray[np.bool_]
    event_subject: IntArray
    event_day: IntArray
    never_at_risk: int

    @classmethod
    def checked(
        cls,
        exit_day: ArrayLike,
        terminal: ArrayLike,
        event_subject: ArrayLike,
        event_day: ArrayLike,
        entry_day: ArrayLike | None,
    ) -> "_Records":
        last = check_days(exit_day, "exit_day")
        first = np.zeros_like(last) if entry_day is None else check_days(entry_day, "entry_day")
        died = np.asarray(terminal, dtype=bool)
        check_same_length(exit_day=last, entry_day=first, terminal=died)
        check_order(first, last)
        subject = check_numbers(event_subject, "event_subject")
        day = check_days(event_day, "event_day")
        _check_events(first, last, subject, day)
        order = np.lexsort((day, subject))
        # An empty interval (exit on an entry day above 0) was never observed and has no events.
        seen = (last > first) | (first == 0)
        number = np.cumsum(seen) - 1
        return cls(
            first[seen],
            last[seen],
            died[seen],
            number[subject[order]],
            day[order],
            len(last) - int(seen.sum()),
        )

    def tally(self) -> RecurrentTally:
        days = int(self.exit.max(initial=0)) + 1
        return RecurrentTally(
            at_risk=count_at_risk(_per_day(self.exit, days), _per_day(self.entry, days)),
            events=_per_day(self.event_day, days),
            terminal_events=_per_day(self.exit[self.terminal], days),
            never_at_risk=self.never_at_risk,
        )


@dataclass(frozen=True)
class _Steps:
    """Daily quantities from which the estimate and the influences are built."""

    jump: FloatArray  # influence gained by one event: S(-) / at risk
    leap: FloatArray  # slope gained by one death: 1 / at risk, or its exact version
    mean: FloatArray
    step: FloatArray  # daily increment of the mean
    base: FloatArray  # influence of a person under observation since day 0 without events
    slope: FloatArray  # slope gained by being at risk of death so far

    @classmethod
    def of(cls, tally: RecurrentTally, *, exact: bool) -> "_Steps":
        share, _, before = survival_steps(tally.at_risk, tally.terminal_events)
        per_person = share_of(np.ones_like(tally.at_risk), tally.at_risk)
        jump = before * per_person
        step = jump * tally.events
        leap = per_person
        if exact:
            leap = per_person * share_of(np.ones_like(share), 1 - share)
        slope = np.cumsum(share * leap)
        base = np.cumsum(step * previous(slope)) - np.cumsum(step * per_person)
        return cls(jump, leap, np.cumsum(step), step, base, slope)


def _robust_variance(records: _Records, steps: _Steps) -> FloatArray:
    """Sum over persons of squared influence on the mean, for every day.

    Under observation, a person has influence base(t) + z(t): z gathers the jumps of own events
    and, after delayed entry, takes back what base had gathered before. At exit the influence
    becomes a value that moves with the curve, like in competing risks.
    """
    days = len(steps.step)
    z_at_exit, z_at_event = _own_parts(records, steps)
    jump = steps.jump[records.event_day]
    late = records.entry > 0
    back = np.where(late, -steps.slope[records.entry], 0.0)
    at_entry = np.where(late, -steps.base[records.entry], 0.0)

    def change(entering: FloatArray, leaving: FloatArray) -> FloatArray:
        coming = _per_day(records.entry[late], days, entering[late])
        return coming - _per_day(records.exit, days, leaving)

    day = records.event_day
    own_slope = back[records.event_subject]
    slopes = np.cumsum(change(back**2, back**2))
    products = np.cumsum(
        change(at_entry * back, z_at_exit * back)
        + _per_day(day, days, jump * own_slope)
        + steps.step * previous(slopes)
    )
    squares = np.cumsum(
        change(at_entry**2, z_at_exit**2)
        + _per_day(day, days, jump * (2 * z_at_event + jump))
        + 2 * steps.step * previous(products)
        + steps.step**2 * previous(slopes)
    )
    slope_sum = np.cumsum(change(back, back))
    sums = np.cumsum(
        change(at_entry, z_at_exit) + _per_day(day, days, jump) + steps.step * previous(slope_sum)
    )
    everyone = _per_day(records.entry, days) - _per_day(records.exit, days)
    present = squares + 2 * steps.base * sums + np.cumsum(everyone) * steps.base**2
    return np.maximum(present, 0.0) + _gone(records, steps, z_at_exit, back)


def _gone(records: _Records, steps: _Steps, z_at_exit: FloatArray, back: FloatArray) -> FloatArray:
    """Sum of squared influences of those no longer under observation, for every day."""
    days = len(steps.step)
    value = z_at_exit + steps.base[records.exit]
    slope = back + steps.slope[records.exit]
    slope -= np.where(records.terminal, steps.leap[records.exit], 0.0)
    return sum_drifting_squares(
        _per_day(records.exit, days, value**2),
        _per_day(records.exit, days, value * slope),
        _per_day(records.exit, days, slope**2),
        steps.step,
    )


def _own_parts(records: _Records, steps: _Steps) -> tuple[FloatArray, FloatArray]:
    """Compute the part z of each influence at exit, and just before each of the events."""
    subject, entry = records.event_subject, records.entry
    jump = steps.jump[records.event_day]
    total = _per_day(subject, len(entry), jump)
    running = np.cumsum(jump) - jump
    begins = np.flatnonzero(np.diff(subject, prepend=-1))
    sizes = np.diff(begins, append=len(subject))
    before = running - np.repeat(running[begins], sizes)
    if not entry.any():
        return total, before

    def taken_back(person: Any, day: IntArray) -> FloatArray:
        came = entry[person]
        moved = (steps.mean[day] - steps.mean[came]) * steps.slope[came]
        return np.where(came > 0, -steps.base[came] - moved, 0.0)

    everyone = np.arange(len(entry))
    return total + taken_back(everyone, records.exit), before + taken_back(
        subject, records.event_day
    )


def _curve(
    tally: RecurrentTally,
    standard_error: FloatArray,
    variance: str,
    confidence: float,
    interval: str,
) -> MeanCumulativeCount:
    steps = _Steps.of(tally, exact=False)
    _, survival, before = survival_steps(tally.at_risk, tally.terminal_events)
    first = check_linked(tally.at_risk, survival)
    number = None if variance == "none" else effective_number(tally.at_risk, before)
    lower, upper = mean_limits(interval)(
        steps.mean,
        standard_error,
        confidence=check_confidence(confidence),
        effective_number=number,
    )
    unknown = np.arange(len(tally.at_risk)) < first

    def known(values: FloatArray) -> FloatArray:
        return np.where(unknown, np.nan, values)

    return MeanCumulativeCount(
        day=np.arange(len(tally.at_risk), dtype=np.int64),
        at_risk=tally.at_risk.astype(np.int64),
        events=tally.events.astype(np.int64),
        terminal_events=tally.terminal_events.astype(np.int64),
        estimate=known(steps.mean),
        standard_error=known(standard_error),
        lower=known(lower),
        upper=known(upper),
        variance=variance,
        interval=interval,
        confidence=confidence,
        complete=bool(survival[-1] == 0),
        assumptions=_ASSUMPTIONS,
        cautions=_cautions(tally, first, variance),
    )


def _cautions(tally: RecurrentTally, first: int, variance: str) -> tuple[str, ...]:
    found = []
    if variance == "none":
        found.append("Sums over persons carry no standard error for recurrent events.")
    elif not tally.events.any():
        found.append("No events: the upper limit holds if events follow a Poisson distribution.")
    elif tally.events.sum() < 10:
        found.append("Fewer than 10 events: the interval rests on a large-sample argument.")
    if first > 0:
        found.append(
            f"Nobody was under observation before day {first}: the mean counts from that day and "
            "among those alive then."
        )
    if tally.never_at_risk:
        found.append(
            f"{tally.never_at_risk} left on their day of entry after day 0: never at risk."
        )
    return tuple(found)


def _check_events(first: IntArray, last: IntArray, subject: IntArray, day: IntArray) -> None:
    if len(subject) != len(day):
        raise EstimationError(
            f"{len(subject)} event persons and {len(day)} event days were found; expected one of "
            "each an event. Take both columns from one table."
        )
    if subject.size and subject.max() >= len(last):
        raise EstimationError(
            f"An event of person number {subject.max()} was found; expected 0 to {len(last) - 1}, "
            "the rows of exit_day. Number persons by their row."
        )
    begun = (day > first[subject]) | (first[subject] == 0)
    outside = int((~begun | (day > last[subject])).sum())
    if outside:
        raise EstimationError(
            f"{outside} of {len(day)} events lie outside the observation of their person; expected "
            "entry < day <= exit (from day 0 for entry on day 0). Leave events before entry out "
            "and correct exit days that precede an event."
        )


def _per_day(day: IntArray, days: int, weights: FloatArray | None = None) -> FloatArray:
    return np.bincount(day, weights, minlength=days).astype(np.float64, copy=False)
