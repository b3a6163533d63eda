"""Confidence intervals by transformation, and the day-by-day curve that carries them.

Every estimator over time in this package returns a :class:`DailyCurve`: one row a day, the
estimate with its standard error and limits, and the methods named beside the numbers. The three
interval functions are elementwise and know nothing about where an estimate came from.

What happens where a transformed interval does not exist is decided here once:

* A probability of exactly 0 or 1 has a standard error of 0, and a Wald interval on any scale would
  shrink to a point. The exact binomial (Clopper-Pearson) limit for "0 of n" or "n of n" is given
  instead, with n the *effective number*: the size of an uncensored sample that carries the same
  information, which for a risk set Y(t) and a survival S(t-) is Y(t) / S(t-) (Peto et al., Br J
  Cancer 1977;35:1-39, use the same quantity). Without censoring this is the number of persons and
  the limit is exact.
* A mean count of exactly 0 gets the exact Poisson (Garwood) upper limit on the same effective
  number. No limit on a mean exists without a distribution; the caller must name that assumption.
* Without an effective number both limits are not-a-number: unknown, never a point.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from iago.errors import EstimationError
from iago.statistics.daily_tally import FloatArray, check_days

# A probability this close to 1 is 1 up to rounding: no sample distinguishes them.
_ROUNDING = 1e-12

Limits = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyCurve:
    """An estimate for every day since day 0, with its uncertainty and the way it was made.

    Attributes
    ----------
    day
        0, 1, ... up to the last day with anyone under observation. The estimate on a day includes
        what happened on that day.
    at_risk
        Number under observation on that day, before its events.
    estimate, standard_error, lower, upper
        Same length as ``day``; not-a-number where the quantity is unknown.
    variance, interval, confidence
        Names of the methods, and the two-sided confidence level.
    complete
        True when nothing can change after the last day (nobody is left who could have the event),
        so the last value also holds later.
    assumptions, cautions
        Sentences to print with the numbers: what the method takes for granted, and what in these
        data weakens it.
    """

    day: NDArray[np.int64]
    at_risk: NDArray[Any]
    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    variance: str
    interval: str
    confidence: float
    complete: bool
    assumptions: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def table(self) -> pa.Table:
        """All days as a table; unknown values are null."""
        return self._rows(np.arange(len(self.day)), self.day)

    def at(self, days: ArrayLike) -> pa.Table:
        """Read the curve on the asked days, as steps: what is known up to and including each day.

        Parameters
        ----------
        days
            Whole days from 0, in any order.

        Returns
        -------
        pyarrow.Table
            The columns of :meth:`table`, one row for each asked day. A day after the last day of
            observation has null estimates, since nobody was seen then, unless the curve is
            ``complete``: then it holds the last value with nobody at risk.

        Raises
        ------
        EstimationError
            If a day is negative or not a whole number.
        """
        asked = check_days(np.atleast_1d(days), "the days to read from a curve")
        return self._rows(np.minimum(asked, len(self.day) - 1), asked)

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {"at_risk": self.at_risk}

    def _rows(self, rows: NDArray[Any], shown_day: NDArray[np.int64]) -> pa.Table:
        beyond = shown_day > self.day[-1]
        columns: dict[str, Any] = {"day": pa.array(shown_day)}
        for name, values in self._columns().items():
            settled = name.endswith("_to_date")
            taken = values[rows]
            columns[name] = pa.array(taken if settled else np.where(beyond, 0, taken))
        for name in ("estimate", "standard_error", "lower", "upper"):
            values = getattr(self, name)[rows]
            known = values if self.complete else np.where(beyond, np.nan, values)
            columns[name] = pa.array(known, from_pandas=True)
        return pa.table(columns)


@dataclass(frozen=True, kw_only=True)
class MeanDays:
    """A mean number of days out of the first ``tau``, counted over all persons.

    Attributes
    ----------
    tau
        Horizon: the days counted are those from day 0 to day tau.
    estimate, standard_error, lower, upper
        Days.
    variance, interval, confidence, assumptions, cautions
        As in :class:`DailyCurve`.
    """

    tau: int
    estimate: float
    standard_error: float
    lower: float
    upper: float
    variance: str
    interval: str
    confidence: float
    assumptions: tuple[str, ...]
    cautions: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the result as a table of one row, what the days are of in the first column."""
        own = [one.name for one in fields(self) if one.name not in MeanDays.__dataclass_fields__]
        names = (*own, "tau", "estimate", "standard_error", "lower", "upper")
        return pa.table({name: [getattr(self, name)] for name in names})


def plain_interval(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    *,
    confidence: float = 0.95,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> Limits:
    """Limits at so many standard errors on either side of the estimate (Wald).

    Parameters
    ----------
    estimate, standard_error
        Same shape.
    confidence
        Two-sided level, strictly between 0 and 1.
    lowest, highest
        Ends of the possible range; limits are cut there.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits; not-a-number where the standard error is 0, since a point is not
        an interval.
    """
    value, error = _as_floats(estimate, standard_error)
    reach = _normal_quantile(confidence) * np.where(error > 0, error, np.nan)
    return np.clip(value - reach, lowest, highest), np.clip(value + reach, lowest, highest)


def log_interval(
    mean: ArrayLike,
    standard_error: ArrayLike,
    *,
    confidence: float = 0.95,
    effective_number: ArrayLike | None = None,
) -> Limits:
    """Limits for a mean count that never fall below zero: symmetric for its logarithm.

    Parameters
    ----------
    mean, standard_error
        Same shape; the mean is not negative.
    confidence
        Two-sided level, strictly between 0 and 1.
    effective_number
        Persons followed so far as an effective number (module text). A mean of 0 then has the
        limits 0 and -log((1 - confidence) / 2) / n, exact for a Poisson count (Garwood,
        Biometrika 1936;28:437-442). Without it they are not-a-number.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits.
    """
    value, error = _as_floats(mean, standard_error)
    usable = (value > 0) & (error > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(_normal_quantile(confidence) * np.where(usable, error / value, np.nan))
        lower, upper = value / factor, value * factor
        number = _effective(effective_number, value.shape)
        zero_limit = -np.log((1 - confidence) / 2) / number
    at_zero = (value == 0) & np.isfinite(number)
    return np.where(at_zero, 0.0, lower), np.where(at_zero, zero_limit, upper)


def log_log_interval(
    probability: ArrayLike,
    standard_error: ArrayLike,
    *,
    confidence: float = 0.95,
    effective_number: ArrayLike | None = None,
) -> Limits:
    """Limits for a probability that stay between 0 and 1, on the scale log(-log(1 - F)).

    For a survival S = 1 - F this is the usual log(-log S) interval (Kalbfleisch & Prentice, The
    Statistical Analysis of Failure Time Data, 2nd ed. 2002, section 1.4). Some programs use
    log(-log F) for a cumulative incidence; their limits differ.

    Parameters
    ----------
    probability, standard_error
        Same shape; probabilities between 0 and 1.
    confidence
        Two-sided level, strictly between 0 and 1.
    effective_number
        Persons followed so far as an effective number (module text): gives a probability of
        exactly 0 or 1 its Clopper-Pearson limit. An effective number of 0 gives the whole range.
        Without it the limits there are not-a-number.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits.
    """
    value, error = _as_floats(probability, standard_error)
    is_one = value > 1 - _ROUNDING
    usable = (value > 0) & ~is_one & (error > 0)
    inner = np.where(usable, value, 0.5)
    log_survival = np.log1p(-inner)
    scaled = np.where(usable, error, np.nan) / ((1 - inner) * -log_survival)
    factor = np.exp(_normal_quantile(confidence) * scaled)
    lower = -np.expm1(log_survival / factor)
    upper = -np.expm1(log_survival * factor)
    number = _effective(effective_number, value.shape)
    with np.errstate(divide="ignore"):
        smallest = np.exp(np.log((1 - confidence) / 2) / number)
    known = np.isfinite(number)
    at_zero, at_one = (value == 0) & known, is_one & known
    lower = np.where(at_zero, 0.0, np.where(at_one, smallest, lower))
    upper = np.where(at_zero, 1.0 - smallest, np.where(at_one, 1.0, upper))
    return lower, upper


def effective_number(at_risk: FloatArray, free_before: FloatArray) -> FloatArray:
    """Smallest Y / S(-) among the days with anyone at risk up to each day.

    Y / S(-) is the size of an uncensored sample that would leave as many at risk. The smallest so
    far is a safe size for an event that nobody has had: wherever the unseen risk lay, at least
    this many would have shown it.
    """
    ratio = np.divide(at_risk, free_before, out=np.zeros_like(at_risk), where=free_before > 0)
    number = np.where(at_risk > 0, ratio, np.inf)
    smallest = np.minimum.accumulate(number)
    return np.where(np.isinf(smallest), 0.0, smallest)


def probability_limits(interval: str) -> Callable[..., Limits]:
    """Return the interval function for a probability by its name: "log-log" or "plain"."""
    if interval == "log-log":
        return log_log_interval
    if interval == "plain":
        return _plain_probability
    raise EstimationError(
        f"The interval '{interval}' was asked for a probability; expected 'log-log' or 'plain'. "
        "Choose one of these."
    )


def mean_limits(interval: str) -> Callable[..., Limits]:
    """Return the interval function for a mean count by its name: "log" or "plain"."""
    if interval == "log":
        return log_interval
    if interval == "plain":
        return _plain_mean
    raise EstimationError(
        f"The interval '{interval}' was asked for a mean count; expected 'log' or 'plain'. "
        "Choose one of these."
    )


def check_confidence(confidence: float) -> float:
    """Refuse a confidence level outside (0, 1)."""
    if not 0 < confidence < 1:
        raise EstimationError(
            f"A confidence level of {confidence} was found; expected a number between 0 and 1. "
            "Write 95 % as 0.95."
        )
    return confidence


def _plain_probability(
    estimate: FloatArray, error: FloatArray, *, confidence: float, effective_number: ArrayLike
) -> Limits:
    lower, upper = plain_interval(estimate, error, confidence=confidence, lowest=0, highest=1)
    exact = log_log_interval(
        estimate, error, confidence=confidence, effective_number=effective_number
    )
    edge = (estimate == 0) | (estimate > 1 - _ROUNDING)
    return np.where(edge, exact[0], lower), np.where(edge, exact[1], upper)


def _plain_mean(
    estimate: FloatArray, error: FloatArray, *, confidence: float, effective_number: ArrayLike
) -> Limits:
    lower, upper = plain_interval(estimate, error, confidence=confidence, lowest=0)
    exact = log_interval(estimate, error, confidence=confidence, effective_number=effective_number)
    return np.where(estimate == 0, exact[0], lower), np.where(estimate == 0, exact[1], upper)


def _normal_quantile(confidence: float) -> float:
    return float(norm.ppf((1 + check_confidence(confidence)) / 2))


def _as_floats(estimate: ArrayLike, standard_error: ArrayLike) -> tuple[FloatArray, FloatArray]:
    return np.asarray(estimate, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)


def _effective(number: ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    if number is None:
        return np.full(shape, np.nan)
    return np.broadcast_to(np.asarray(number, dtype=np.float64), shape)
