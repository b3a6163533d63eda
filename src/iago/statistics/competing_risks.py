"""Risk of one event while others compete: cumulative incidence, event-free survival, days lost.

All three estimators take a :class:`~iago.statistics.daily_tally.DailyTally` and cost one pass over
its days, whatever the number of persons. The estimate on a day includes the events of that day.

Two variances are offered, and each result names its own:

* *infinitesimal jackknife*: the sum over persons of the squared derivative of the estimate with
  respect to that person's weight. It is right with sampling weights. Without delayed entry the
  derivative depends only on when and why a person left, so that a sum over days replaces the sum
  over persons.
* *greenwood*: the delta method on independent multinomial counts day by day (Andersen, Borgan,
  Gill & Keiding, Statistical Models Based on Counting Processes, 1993, section IV.4.1.3). It is
  right with delayed entry.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iago.errors import EstimationError
from iago.statistics.daily_tally import DailyTally, FloatArray, check_days, sum_from_each_day_on
from iago.statistics.intervals import (
    DailyCurve,
    MeanDays,
    check_confidence,
    effective_number,
    plain_interval,
    probability_limits,
)

VarianceMethod = Literal["auto", "infinitesimal jackknife", "greenwood"]

# Below this many events a large-sample interval is shown with a caution.
_FEW_EVENTS = 10

_ASSUMPTIONS = (
    "Censoring and delayed entry are independent of the events, given the group.",
    "Ties are kept; on a day with events and censorings the events come first.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class CumulativeIncidence(DailyCurve):
    """Probability of having had one event by each day, the other events competing.

    Attributes
    ----------
    cause
        The event whose risk this is.
    events, competing_events
        Counts on each day.
    """

    cause: str
    events: NDArray[Any]
    competing_events: NDArray[Any]

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "at_risk": self.at_risk,
            "events": self.events,
            "competing_events": self.competing_events,
            "events_to_date": np.cumsum(self.events),
            "competing_events_to_date": np.cumsum(self.competing_events),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class EventFreeSurvival(DailyCurve):
    """Probability of still being free of every event after each day (Kaplan-Meier)."""

    events: NDArray[Any]

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "at_risk": self.at_risk,
            "events": self.events,
            "events_to_date": np.cumsum(self.events),
        }


@dataclass(frozen=True, kw_only=True)
class RestrictedMeanTimeLost(MeanDays):
    """Mean number of days up to ``tau`` that come after the event ``cause``."""

    cause: str


def estimate_cumulative_incidence(
    tally: DailyTally,
    cause: str,
    *,
    variance: VarianceMethod = "auto",
    confidence: float = 0.95,
    interval: str = "log-log",
) -> CumulativeIncidence:
    """Risk of a first event by each day, with death and other events competing.

    The Aalen-Johansen estimator: the sum over days of the chance to be still free of every event
    before the day, times the share of those at risk who have this event on the day. Persons with a
    competing event are not censored: they can no longer have this one.

    Parameters
    ----------
    tally
        One group. Every kind of event that ends follow-up must be a cause of the tally.
    cause
        Name of the event of interest.
    variance
        "infinitesimal jackknife", "greenwood" or "auto": the first unless entry is delayed, then
        the second.
    confidence
        Two-sided level of the pointwise interval.
    interval
        "log-log" (on the scale log(-log(1 - F)), stays within 0 and 1) or "plain".

    Returns
    -------
    CumulativeIncidence
        One row a day. Before the first event the estimate is 0 and the upper limit is the exact
        binomial one for the effective number at risk so far; see
        :mod:`iago.statistics.intervals`.

    Raises
    ------
    EstimationError
        If the cause is unknown; if the jackknife is asked with delayed entry, or any variance of
        a weighted tally with delayed entry unless "greenwood" is asked by name (which takes the
        weights as frequencies); if nobody is left at risk on a day before others enter.

    Notes
    -----
    If observation of everyone begins late, the days before are unknown (not-a-number) and the risk
    is conditional on having no event before the first day with anyone at risk.

    References
    ----------
    Aalen O, Johansen S. Scand J Stat 1978;5:141-150.
    """
    row = tally.cause_index(cause)
    method = _choose_variance(tally, variance)
    steps = _Steps.of(tally, row)
    squares = _jackknife(tally, steps) if method != "greenwood" else _greenwood(steps)
    standard_error = np.sqrt(np.maximum(squares, 0.0))
    lower, upper = probability_limits(interval)(
        steps.risk,
        standard_error,
        confidence=check_confidence(confidence),
        effective_number=_known_number(tally, steps),
    )
    total = tally.events.sum(axis=0)
    count_type = np.float64 if tally.weighted else np.int64
    return CumulativeIncidence(
        cause=cause,
        day=tally.days,
        at_risk=tally.at_risk.astype(count_type),
        events=tally.events[row].astype(count_type),
        competing_events=(total - tally.events[row]).astype(count_type),
        estimate=_unknown_before(steps.first, steps.risk),
        standard_error=_unknown_before(steps.first, standard_error),
        lower=_unknown_before(steps.first, lower),
        upper=_unknown_before(steps.first, upper),
        variance=method,
        interval=interval,
        confidence=confidence,
        complete=bool(steps.survival[-1] == 0),
        assumptions=_ASSUMPTIONS,
        cautions=_cautions(tally, steps),
    )


def estimate_kaplan_meier(
    tally: DailyTally,
    *,
    variance: VarianceMethod = "auto",
    confidence: float = 0.95,
    interval: str = "log-log",
) -> EventFreeSurvival:
    """Probability of still being free of every event of the tally after each day.

    The product-limit estimator over all causes together. With only death as a cause this is
    survival; never read one minus it as the risk of one cause among several.

    Parameters
    ----------
    tally
        One group.
    variance, confidence, interval
        As in :func:`estimate_cumulative_incidence`. Without weights both variances are the same
        number, Greenwood's.

    Returns
    -------
    EventFreeSurvival
        One row a day. Where all are event-free, or nobody is, the other limit is the exact
        binomial one for the effective number at risk.

    Raises
    ------
    EstimationError
        As :func:`estimate_cumulative_incidence`.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481.
    """
    together = tally.combine_causes()
    risk = estimate_cumulative_incidence(
        together, "any", variance=variance, confidence=confidence, interval=interval
    )
    steps = _Steps.of(together, 0)
    return EventFreeSurvival(
        day=risk.day,
        at_risk=risk.at_risk,
        events=risk.events,
        estimate=_unknown_before(steps.first, steps.survival),
        standard_error=np.where(steps.survival == 0, 0.0, risk.standard_error),
        lower=1 - risk.upper,
        upper=1 - risk.lower,
        variance=risk.variance,
        interval=risk.interval,
        confidence=risk.confidence,
        complete=risk.complete,
        assumptions=risk.assumptions,
        cautions=risk.cautions,
    )


def estimate_restricted_mean_time_lost(
    tally: DailyTally,
    cause: str,
    tau: int,
    *,
    variance: VarianceMethod = "auto",
    confidence: float = 0.95,
) -> RestrictedMeanTimeLost:
    """Mean number of days, out of the first ``tau``, that come after the event.

    The area under the cumulative incidence from day 0 to day tau. The curve is constant from one
    day to the next, so the area is the sum of its values on days 0 to tau - 1.

    Parameters
    ----------
    tally
        One group.
    cause
        Name of the event of interest.
    tau
        Horizon in whole days, at least 1.
    variance
        As in :func:`estimate_cumulative_incidence`.
    confidence
        Two-sided level of the plain interval, cut at 0 and tau.

    Returns
    -------
    RestrictedMeanTimeLost
        With no event before tau, the upper limit is the largest area among the risks, concentrated
        on one day, that the exact binomial limit leaves open.

    Raises
    ------
    EstimationError
        As :func:`estimate_cumulative_incidence`; also if tau lies beyond the observed days, or if
        nobody is at risk on day 0.

    References
    ----------
    Andersen PK. Stat Med 2013;32:5278-5285.
    """
    horizon = int(check_days(np.atleast_1d(tau), "tau")[0])
    steps = _Steps.of(tally, tally.cause_index(cause))
    _check_horizon(steps, horizon)
    method = _choose_variance(tally, variance)
    risk = _held_to(steps.risk, horizon)
    area = float(risk.sum())
    left, after = _areas(steps, risk, horizon)
    if method == "greenwood":
        square = _greenwood_area(steps, left, after)
    else:
        square = _jackknife_area(tally, steps, left, after)
    error = float(np.sqrt(max(square, 0.0)))
    lower, upper = plain_interval(area, error, confidence=confidence, lowest=0, highest=horizon)
    if area == 0:
        number = _known_number(tally, steps)[: len(left)]
        with np.errstate(divide="ignore"):
            open_risk = -np.expm1(np.log((1 - check_confidence(confidence)) / 2) / number)
        lower, upper = np.zeros(()), np.asarray((left * open_risk).max())
    return RestrictedMeanTimeLost(
        cause=cause,
        tau=horizon,
        estimate=area,
        standard_error=error,
        lower=float(lower),
        upper=float(upper),
        variance=method,
        interval="plain",
        confidence=confidence,
        assumptions=_ASSUMPTIONS,
        cautions=_cautions(tally, steps),
    )


def sum_drifting_squares(
    square: FloatArray, product: FloatArray, slope_square: FloatArray, step: FloatArray
) -> FloatArray:
    """Sum, for every day, the squares of terms that join on a day and then all move with the curve.

    A term that joins on day s with value v and slope b is v + b (G(t) - G(s)) on day t, where
    ``step`` are the daily increments of G. Given, per day of joining, the sums of v^2, v b and
    b^2, the sum of squares of all terms so far follows by three cumulative sums. Small increments
    are added to running sums, rather than large cumulative totals subtracted from one another,
    which keeps full precision with a million persons.
    """
    slopes = np.cumsum(slope_square)
    products = np.cumsum(product + step * previous(slopes))
    drift = 2 * step * previous(products) + step**2 * previous(slopes)
    return np.asarray(np.cumsum(square + drift))


def previous(values: FloatArray) -> FloatArray:
    """Return the value of the day before; 0 before day 0."""
    return np.concatenate(([0.0], values[:-1]))


def survival_steps(
    at_risk: FloatArray, events: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the daily share with an event, and product-limit survival after and before the day.

    Where all at risk have the event the share is exactly 1, whatever the rounding of weights.
    """
    share = share_of(events, at_risk)
    share = np.where(share > 1 - 1e-12, 1.0, share)
    survival = np.asarray(np.cumprod(1 - share), dtype=np.float64)
    return share, survival, np.concatenate(([1.0], survival[:-1]))


def share_of(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide part by whole, giving 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def check_linked(at_risk: FloatArray, survival: FloatArray) -> int:
    """Find the first day with anyone at risk; refuse later days not linked to it.

    With delayed entry the persons at risk early can be so few that they are all lost or all have
    the event before others come. Nothing about day 0 can then be learned from the others.
    """
    first = int(np.flatnonzero(at_risk)[0])
    broken = np.flatnonzero((at_risk[first:-1] == 0) | (survival[first:-1] == 0))
    if broken.size:
        raise EstimationError(
            f"Nobody was left at risk by day {first + broken[0]}, although others come under "
            "observation later; expected an unbroken line of persons from the first day. Leave "
            "out those who entered last, or start the clock later."
        )
    return first


@dataclass(frozen=True)
class _Steps:
    """Daily quantities from which estimate and variance of one cause are built."""

    row: int  # of the cause in the tally
    at_risk: FloatArray
    share: FloatArray  # of those at risk, with this cause
    any_share: FloatArray  # with any cause
    survival: FloatArray  # free of every event after the day
    free_before: FloatArray  # the same before the day
    risk: FloatArray
    step: FloatArray  # daily increment of risk
    first: int  # first day with anyone at risk

    @classmethod
    def of(cls, tally: DailyTally, row: int) -> "_Steps":
        any_share, survival, free_before = survival_steps(tally.at_risk, tally.events.sum(axis=0))
        share = share_of(tally.events[row], tally.at_risk)
        step = free_before * share
        return cls(
            row=row,
            at_risk=tally.at_risk,
            share=share,
            any_share=any_share,
            survival=survival,
            free_before=free_before,
            risk=np.cumsum(step),
            step=step,
            first=check_linked(tally.at_risk, survival),
        )

    @property
    def per_person(self) -> FloatArray:
        """1 / at_risk, and 0 where nobody is."""
        return share_of(np.ones_like(self.at_risk), self.at_risk)

    @property
    def per_survivor(self) -> FloatArray:
        """1 / (1 - any_share); 0 where nobody is left, since the curve then moves no more."""
        return share_of(np.ones_like(self.at_risk), 1 - self.any_share)


def _jackknife(tally: DailyTally, steps: _Steps) -> FloatArray:
    """Sum over persons of squared influence on the cumulative incidence, for every day.

    A person still at risk on day t has influence base(t). One who left on day s has a value of
    that day and moves with the curve afterwards: value + slope (F(t) - F(s)).
    """
    weight = steps.any_share * steps.per_survivor * steps.per_person
    slope_at_exit = np.cumsum(weight)
    spent = np.cumsum(steps.step * steps.per_person)
    base = np.cumsum(steps.step * previous(slope_at_exit)) - spent
    gained = base + steps.free_before * steps.per_person
    slope_after_event = slope_at_exit - steps.per_survivor * steps.per_person
    events, censored = tally.leaving_squares
    this = events[steps.row]
    other = events.sum(axis=0) - this
    leaving = events.sum(axis=0) + censored
    still_there = sum_from_each_day_on(leaving) - leaving
    gone = sum_drifting_squares(
        this * gained**2 + (other + censored) * base**2,
        (this * gained + other * base) * slope_after_event + censored * base * slope_at_exit,
        (this + other) * slope_after_event**2 + censored * slope_at_exit**2,
        steps.step,
    )
    return np.asarray(gone + still_there * base**2)


def _greenwood(steps: _Steps) -> FloatArray:
    """Delta-method variance of the cumulative incidence, for every day."""
    per_person = steps.per_person
    return sum_drifting_squares(
        steps.free_before * steps.step * (1 - steps.share) * per_person,
        -steps.step * per_person,
        steps.any_share * steps.per_survivor * per_person,
        steps.step,
    )


def _areas(steps: _Steps, risk: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
    """For each day up to the horizon: the days left, and the area above the risk of that day."""
    left = horizon - np.arange(horizon, dtype=np.float64)
    after = sum_from_each_day_on(risk) - left * risk
    observed = min(horizon, len(steps.at_risk))
    return left[:observed], after[:observed]


def _jackknife_area(tally: DailyTally, steps: _Steps, left: FloatArray, after: FloatArray) -> float:
    """Sum over persons of squared influence on the area under the cumulative incidence."""
    days = len(left)
    per_person = steps.per_person[:days]
    lost = after * steps.per_survivor[:days] * per_person
    spent = np.cumsum(steps.step[:days] * left * per_person - lost * steps.any_share[:days])
    gained = steps.free_before[:days] * left * per_person - lost - spent
    events, censored = (squares[..., :days] for squares in tally.leaving_squares)
    this = events[steps.row]
    other = events.sum(axis=0) - this
    everyone = sum(float(squares.sum()) for squares in tally.leaving_squares)
    still_there = everyone - float((this + other + censored).sum())
    gone = this * gained**2 + other * (lost + spent) ** 2 + censored * spent**2
    return float(gone.sum() + still_there * spent[-1] ** 2)


def _greenwood_area(steps: _Steps, left: FloatArray, after: FloatArray) -> float:
    """Delta-method variance of the area under the cumulative incidence."""
    days = len(left)
    share, step = steps.share[:days], steps.step[:days]
    direct = steps.free_before[:days] * step * (1 - share) * left**2
    mixed = -2 * step * left * after
    carried = after**2 * steps.any_share[:days] * steps.per_survivor[:days]
    return float(((direct + mixed + carried) * steps.per_person[:days]).sum())


def _held_to(risk: FloatArray, horizon: int) -> FloatArray:
    """Read the risk on days 0 to horizon - 1, its last value held beyond the last day."""
    return risk[np.minimum(np.arange(horizon), len(risk) - 1)]


def _check_horizon(steps: _Steps, horizon: int) -> None:
    last = len(steps.at_risk) - 1
    if horizon < 1 or (horizon > last + 1 and steps.survival[-1] > 0):
        raise EstimationError(
            f"A horizon of {horizon} days was asked for; expected 1 to {last + 1}, since nobody "
            "was under observation later. Choose a horizon that every group reaches."
        )
    if steps.first > 0:
        raise EstimationError(
            f"Nobody was at risk before day {steps.first}; expected observation from day 0, since "
            "the days lost before are unknown. Start the clock later or add earlier follow-up."
        )


def _choose_variance(tally: DailyTally, asked: VarianceMethod) -> str:
    if asked not in ("auto", "infinitesimal jackknife", "greenwood"):
        raise EstimationError(
            f"The variance '{asked}' was asked for; expected 'auto', 'infinitesimal jackknife' or "
            "'greenwood'. Choose one of these."
        )
    if asked == "greenwood" or not tally.delayed_entry:
        return "greenwood" if asked == "greenwood" else "infinitesimal jackknife"
    if asked == "infinitesimal jackknife" or tally.weighted:
        raise EstimationError(
            "A tally with delayed entry was found, from which neither the infinitesimal jackknife "
            "nor a standard error with sampling weights can be had; expected variance 'greenwood', "
            "which takes weights as frequencies. Ask for 'greenwood' by name, or bootstrap persons."
        )
    return "greenwood"


def _known_number(tally: DailyTally, steps: _Steps) -> FloatArray:
    return effective_number(tally.effective_at_risk, steps.free_before)


def _unknown_before(first: int, values: FloatArray) -> FloatArray:
    return np.where(np.arange(len(values)) < first, np.nan, values)


def _cautions(tally: DailyTally, steps: _Steps) -> tuple[str, ...]:
    events = float(tally.events[steps.row].sum())
    found = []
    if events == 0:
        found.append("No events: the upper limit is exact for the effective number at risk.")
    elif events < _FEW_EVENTS:
        found.append(
            f"Fewer than {_FEW_EVENTS} events: the interval rests on a large-sample argument."
        )
    if steps.first > 0:
        found.append(
            f"Nobody was under observation before day {steps.first}: the estimates are "
            "conditional on having had no event before that day."
        )
    if tally.never_at_risk > 0:
        found.append(
            f"{tally.never_at_risk:g} left on their day of entry after day 0: never at risk."
        )
    return tuple(found)
