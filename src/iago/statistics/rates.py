"""Rates, rate ratios and proportions with intervals that hold when events are few.

Everything here works on counts: events and person-time, or events and numbers. Intervals are
exact (or mid-P) because the events of interest are often none, one or two, where intervals of
the form estimate plus or minus two standard errors are wrong. Where patients may have several
events, or patients of one centre resemble each other, the clustered rate gives a robust
interval from six sums, so that one GROUP BY is all it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from iago.errors import EstimationError

FloatArray: TypeAlias = NDArray[np.float64]
IntervalMethod: TypeAlias = Literal["exact", "mid-p"]

# Below this many events an interval that rests on a normal approximation carries a note.
FEW_EVENTS = 10


def two_sided_error(confidence: float) -> float:
    """Return the two-sided error probability, or refuse a confidence outside 0.5 to 1.

    Below one half a mid-P interval need not contain its own estimate.
    """
    if not 0.5 <= confidence < 1.0:
        raise EstimationError(
            f"The confidence level is {confidence!r}; expected a number from 0.5 to below 1. "
            "Give 0.95 for a 95 % interval."
        )
    return 1.0 - confidence


def check_counts(values: ArrayLike, what: str) -> FloatArray:
    """Return counts as a float array, or refuse what is negative, broken or missing."""
    counts = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts))):
        raise EstimationError(
            f"The {what} hold a value that is not a whole number of zero or more. "
            "Count them first, and leave out records whose count is unknown."
        )
    return counts


def check_person_time(values: ArrayLike) -> FloatArray:
    """Return person-time as a float array, or refuse what is negative or missing."""
    time = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(time) & (time >= 0)):
        raise EstimationError(
            "The person-time holds a negative, infinite or missing value; expected days at risk "
            "of zero or more. Derive the time at risk first."
        )
    return time


def known(values: ArrayLike) -> pa.Array:
    """Return numbers as a column in which what is not a number is null, that is unknown."""
    return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)


def _cell(value: Any) -> pa.Array:
    if isinstance(value, float):
        return known([value])
    if isinstance(value, tuple):
        return pa.array([list(value)], type=pa.list_(pa.string()))
    return pa.array([value], type=pa.string() if value is None else None)


def one_row_table(result: Any) -> pa.Table:
    """Return the fields of one frozen result as a table of one row; unknown numbers are null."""
    return pa.table({field.name: _cell(getattr(result, field.name)) for field in fields(result)})


@dataclass(frozen=True)
class Rate:
    """Events per unit of person-time with its interval; `reason` says why a limit is missing."""

    events: int
    person_time: float
    rate: float
    lower: float
    upper: float
    per: float
    confidence: float
    method: str
    reason: str | None

    def table(self) -> pa.Table:
        """Return the rate as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True, eq=False)
class Rates:
    """One rate a row; arrays of equal length, read as a table by `table()`."""

    events: FloatArray
    person_time: FloatArray
    rate: FloatArray
    lower: FloatArray
    upper: FloatArray
    per: float
    confidence: float
    method: str
    reason: tuple[str | None, ...]

    def table(self) -> pa.Table:
        """Return one row a rate, in the order given."""
        n = len(self.events)
        return pa.table(
            {
                "events": self.events.astype(np.int64),
                "person_time": self.person_time,
                "rate": known(self.rate),
                "lower": known(self.lower),
                "upper": known(self.upper),
                "per": np.full(n, self.per),
                "confidence": np.full(n, self.confidence),
                "method": [self.method] * n,
                "reason": pa.array(self.reason, type=pa.string()),
            }
        )


@dataclass(frozen=True)
class RateRatio:
    """Rate of group a divided by the rate of group b, with interval and p value."""

    events_a: int
    time_a: float
    events_b: int
    time_b: float
    ratio: float
    lower: float
    upper: float
    p_value: float
    confidence: float
    method: str
    reason: str | None

    def table(self) -> pa.Table:
        """Return the comparison as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True)
class Proportion:
    """Patients with the event divided by patients, with interval."""

    events: int
    n: int
    proportion: float
    lower: float
    upper: float
    confidence: float
    method: str
    reason: str | None

    def table(self) -> pa.Table:
        """Return the proportion as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True)
class UpperLimitAtZero:
    """What zero events among n patients still leave possible."""

    n: int
    one_sided: float
    two_sided: float
    rule_of_three: float
    confidence: float

    def table(self) -> pa.Table:
        """Return the limits as a table of one row."""
        return one_row_table(self)


def _exact_mean_limits(events: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Limits of a Poisson mean as gamma quantiles (Garwood, Biometrika 1936;28:437)."""
    some = np.maximum(events, 1.0)
    lower = np.where(events > 0, special.gammaincinv(some, alpha / 2), 0.0)
    upper = special.gammainccinv(events + 1.0, alpha / 2)
    return lower, np.asarray(upper, dtype=np.float64)


def _roots(
    excess: Callable[[FloatArray, FloatArray], FloatArray],
    bracket: tuple[FloatArray, FloatArray],
    events: FloatArray,
) -> FloatArray:
    # The published stubs of scipy allow no `args`, which the function documents.
    find: Any = find_root
    return np.asarray(find(excess, bracket, args=(events,)).x, dtype=np.float64)


def _mid_p_mean_limits(events: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Limits of a Poisson mean where tail plus half the point probability is alpha / 2.

    A tail with half its end point is the mean of two neighbouring tails. The exact limits
    bracket the root for every count; for zero events the equation has the closed solution
    -log(alpha).
    """
    some = np.maximum(events, 1.0)
    bracket = _exact_mean_limits(some, alpha)

    def excess_above(mean: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(special.gammainc(x, mean) + special.gammainc(x + 1, mean) - alpha)

    def excess_below(mean: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(special.gammaincc(x, mean) + special.gammaincc(x + 1, mean) - alpha)

    lower, upper = (_roots(excess, bracket, some) for excess in (excess_above, excess_below))
    none = events == 0
    return np.where(none, 0.0, lower), np.where(none, -np.log(alpha), upper)


def _no_time_reason(events: float, person_time: float) -> str | None:
    if person_time > 0:
        return None
    return "no person-time" if events == 0 else "events without person-time"


def estimate_rates(
    events: ArrayLike,
    person_time: ArrayLike,
    *,
    per: float = 100.0,
    confidence: float = 0.95,
    method: IntervalMethod = "exact",
) -> Rates:
    """Estimate many rates at once: events per 100 patient-days, each with its interval.

    Parameters
    ----------
    events, person_time
        Arrays of one length: whole numbers of zero or more; time at risk of zero or more.
    per
        Units of person-time a rate refers to; 100 with days gives events per 100 patient-days.
    confidence
        Two-sided coverage, 0.95 by default.
    method
        "exact" (Garwood 1936, gamma quantiles) or "mid-p" (shorter; may fall a little below its
        nominal coverage). Both assume independent events: when patients have several events use
        `iago.statistics.clustered_rates`.

    Returns
    -------
    Rates
        A row without person-time has no rate: nan, with the reason in words.

    Raises
    ------
    EstimationError
        For negative, broken or missing input, or arrays of unequal length.
    """
    alpha = two_sided_error(confidence)
    counts = np.atleast_1d(check_counts(events, "events"))
    time = np.atleast_1d(check_person_time(person_time))
    if counts.shape != time.shape or counts.ndim != 1:
        raise EstimationError(
            f"Found events of shape {counts.shape} and person-time of shape {time.shape}; "
            "expected two lists of one length."
        )
    limits = _mid_p_mean_limits if method == "mid-p" else _exact_mean_limits
    lower, upper = limits(counts, alpha)
    scale = np.where(time > 0, per / np.where(time > 0, time, 1.0), np.nan)
    return Rates(
        events=counts,
        person_time=time,
        rate=counts * scale,
        lower=lower * scale,
        upper=upper * scale,
        per=per,
        confidence=confidence,
        method=method,
        reason=tuple(_no_time_reason(e, t) for e, t in zip(counts, time, strict=True)),
    )


def estimate_rate(
    events: int,
    person_time: float,
    *,
    per: float = 100.0,
    confidence: float = 0.95,
    method: IntervalMethod = "exact",
) -> Rate:
    """Estimate how often: events per 100 patient-days with an exact interval.

    The arguments, methods and errors are those of `estimate_rates`, for one rate.
    """
    rates = estimate_rates(events, person_time, per=per, confidence=confidence, method=method)
    return Rate(
        events=int(rates.events[0]),
        person_time=float(rates.person_time[0]),
        rate=float(rates.rate[0]),
        lower=float(rates.lower[0]),
        upper=float(rates.upper[0]),
        per=per,
        confidence=confidence,
        method=method,
        reason=rates.reason[0],
    )


def _lower_odds(a: float, b: float, alpha: float, method: IntervalMethod) -> float:
    """Lower limit of the odds that an event is of group a, given a and b events.

    Clopper-Pearson (Biometrika 1934;26:404) through the beta distribution; both tails of it are
    taken so that odds far from one keep their digits.
    """
    if a == 0:
        return 0.0
    exact = special.betaincinv(a, b + 1, alpha / 2) / special.betainccinv(b + 1, a, alpha / 2)
    if method == "exact":
        return float(exact)
    if b == 0:  # half the probability that all events are of group a equals alpha / 2
        return float(1.0 / np.expm1(-np.log(alpha) / a))
    highest = 1.0 / _lower_odds(b, a, alpha, "exact")

    def excess(log_odds: float) -> float:
        p = special.expit(log_odds)
        return float(special.betainc(a, b + 1, p) + special.betainc(a + 1, b, p) - alpha)

    root: float = brentq(excess, np.log(exact), np.log(highest), xtol=1e-14, rtol=1e-14)
    return float(np.exp(root))


def _two_sided_p(a: float, b: float, share: float, method: IntervalMethod) -> float:
    """Twice the smaller tail, which agrees with the interval (Fay, Biostatistics 2010;11:373)."""
    n = a + b
    at_most, at_least = stats.binom.cdf(a, n, share), stats.binom.sf(a - 1, n, share)
    if method == "mid-p":
        half = stats.binom.pmf(a, n, share) / 2
        at_most, at_least = at_most - half, at_least - half
    return float(min(1.0, 2 * min(at_most, at_least)))


def estimate_rate_ratio(
    events_a: int,
    time_a: float,
    events_b: int,
    time_b: float,
    *,
    confidence: float = 0.95,
    method: Literal["exact conditional", "mid-p"] = "exact conditional",
) -> RateRatio:
    """Estimate how many times as often the event occurs in group a as in group b.

    Given the sum of the events, the events of group a are binomial; the Clopper-Pearson (or
    mid-P) limits of that binomial become limits of the ratio. No events in group a give the
    ratio 0 with limits from 0; no events in group b give an infinite ratio and upper limit; no
    events at all leave the ratio undefined and every value possible.

    Parameters
    ----------
    events_a, events_b
        Whole numbers of zero or more, assumed independent.
    time_a, time_b
        Person-time in the same unit; without it there is no ratio (nan, with the reason).

    Raises
    ------
    EstimationError
        For negative, broken or missing input.
    """
    alpha = two_sided_error(confidence)
    a, b = (float(check_counts(x, "events")) for x in (events_a, events_b))
    t_a, t_b = (float(check_person_time(x)) for x in (time_a, time_b))
    kind: IntervalMethod = "mid-p" if method == "mid-p" else "exact"
    reason = None
    if t_a == 0 or t_b == 0:
        ratio = lower = upper = p_value = float("nan")
        reason = "no person-time in one of the groups"
    elif a + b == 0:
        ratio, lower, upper, p_value = float("nan"), 0.0, float("inf"), 1.0
        reason = "no events in either group"
    else:
        scale = t_b / t_a
        ratio = a / b * scale if b > 0 else float("inf")
        lower = _lower_odds(a, b, alpha, kind) * scale
        flipped = _lower_odds(b, a, alpha, kind)
        upper = scale / flipped if flipped > 0 else float("inf")
        p_value = _two_sided_p(a, b, t_a / (t_a + t_b), kind)
    return RateRatio(
        int(a), t_a, int(b), t_b, ratio, lower, upper, p_value, confidence, method, reason
    )


def estimate_proportion(
    events: int,
    n: int,
    *,
    confidence: float = 0.95,
    method: Literal["clopper-pearson", "wilson"] = "clopper-pearson",
) -> Proportion:
    """Estimate the share of patients with the event.

    Parameters
    ----------
    events, n
        Patients with the event among patients who could be judged; unknown ones belong in
        neither.
    method
        "clopper-pearson" (exact, never below nominal coverage; Biometrika 1934;26:404) or
        "wilson" (score, nearer nominal on average; J Am Stat Assoc 1927;22:209).

    Raises
    ------
    EstimationError
        For broken input or more events than patients.
    """
    alpha = two_sided_error(confidence)
    x, size = (float(v) for v in check_counts([events, n], "events and patients"))
    if x > size:
        raise EstimationError(
            f"Found {x:.0f} patients with the event among {size:.0f}; expected no more than all. "
            "Count patients, not events."
        )
    if size == 0:
        nan = float("nan")
        return Proportion(0, 0, nan, nan, nan, confidence, method, "no patients")
    if method == "wilson":
        z2 = special.ndtri(1 - alpha / 2) ** 2
        middle = (x + z2 / 2) / (size + z2)
        half = np.sqrt(z2 * (x * (size - x) / size + z2 / 4)) / (size + z2)
        # At 0 and n the score limit is the end point itself; rounding must not move it.
        lower = 0.0 if x == 0 else middle - half
        upper = 1.0 if x == size else middle + half
    else:
        lower = special.betaincinv(x, size - x + 1, alpha / 2) if x > 0 else 0.0
        upper = special.betainccinv(x + 1, size - x, alpha / 2) if x < size else 1.0
    return Proportion(
        int(x), int(size), x / size, float(lower), float(upper), confidence, method, None
    )


def upper_limit_at_zero(n: int, *, confidence: float = 0.95) -> UpperLimitAtZero:
    """Give the highest risk that is still compatible with no event among n patients.

    `one_sided` solves (1 - p)^n = 1 - confidence; `two_sided` is the Clopper-Pearson limit;
    `rule_of_three` is 3 / n, the familiar approximation to the one-sided 95 % limit, shown for
    comparison only (Hanley and Lippman-Hand, JAMA 1983;249:1743).

    Raises
    ------
    EstimationError
        Without patients, since no limit exists.
    """
    alpha = two_sided_error(confidence)
    size = float(check_counts(n, "patients"))
    if size == 0:
        raise EstimationError("Found no patients; expected at least one who could be judged.")
    one_sided = -np.expm1(np.log(alpha) / size)
    two_sided = -np.expm1(np.log(alpha / 2) / size)
    return UpperLimitAtZero(int(size), float(one_sided), float(two_sided), 3.0 / size, confidence)
