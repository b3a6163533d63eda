"""Rates of events that gather in patients or centres: robust intervals from six sums.

A patient may have several infections, and patients of one centre resemble each other. The exact
interval takes events as independent and is then too short. The sandwich interval here needs per
unit (patient or centre) only events and time, and of those only six sums: one GROUP BY in a
database, or the addition of the sums of several hospitals.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy import stats

from iago.errors import EstimationError
from iago.statistics.rates import (
    FEW_EVENTS,
    FloatArray,
    check_counts,
    check_person_time,
    estimate_rate,
    one_row_table,
    two_sided_error,
)


@dataclass(frozen=True)
class RateSums:
    """The six sums from which a clustered rate follows, one GROUP BY over the units.

    A unit is a patient, or a centre when patients of a centre resemble each other. Sums of
    several hospitals add up, so the pooled rate needs no patient's row.
    """

    units: int
    events: float
    person_time: float
    events_squared: float
    person_time_squared: float
    events_person_time: float

    def __add__(self, other: "RateSums") -> "RateSums":
        """Add the sums of another set of units."""
        return RateSums(
            self.units + other.units,
            self.events + other.events,
            self.person_time + other.person_time,
            self.events_squared + other.events_squared,
            self.person_time_squared + other.person_time_squared,
            self.events_person_time + other.events_person_time,
        )


@dataclass(frozen=True)
class ClusteredRate:
    """A rate whose interval allows units to have many events, or none, more often than chance.

    `dispersion` is the robust variance over the Poisson variance: 1 when events fall
    independently, above 1 when they gather in few units.
    """

    units: int
    events: int
    person_time: float
    rate: float
    lower: float
    upper: float
    standard_error_log: float
    dispersion: float
    per: float
    confidence: float
    method: str
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the rate as a table of one row."""
        return one_row_table(self)


def sum_by_cluster(values: FloatArray, cluster: ArrayLike) -> FloatArray:
    """Sum values within clusters; rows of `values` are subjects, one result row a cluster.

    Raises
    ------
    EstimationError
        When the cluster labels are not one a subject.
    """
    labels = np.asarray(cluster)
    if labels.shape != values.shape[:1]:
        raise EstimationError(
            f"Found cluster labels of shape {labels.shape} for {len(values)} subjects; "
            "expected one label a subject."
        )
    distinct, index = np.unique(labels, return_inverse=True)
    columns = values.reshape(len(values), -1).T
    sums = [np.bincount(index, weights=column, minlength=len(distinct)) for column in columns]
    total = np.stack(sums, axis=-1).astype(np.float64)
    return total.reshape(len(distinct), *values.shape[1:])


def estimate_clustered_rate(
    events_by_subject: ArrayLike,
    time_by_subject: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    per: float = 100.0,
    confidence: float = 0.95,
) -> ClusteredRate:
    """Estimate a rate when a patient may have several events: robust interval.

    Parameters
    ----------
    events_by_subject, time_by_subject
        One value a patient; patients without events belong in it with their time.
    cluster
        A label a patient, such as the centre; the interval then allows for likeness within it.

    Returns
    -------
    ClusteredRate
        As from `estimate_clustered_rate_from_sums`, which holds the definition.
    """
    events = np.atleast_1d(check_counts(events_by_subject, "events"))
    time = np.atleast_1d(check_person_time(time_by_subject))
    if events.shape != time.shape or events.ndim != 1:
        raise EstimationError(
            f"Found events of shape {events.shape} and person-time of shape {time.shape}; "
            "expected one value of each a subject."
        )
    if cluster is not None:
        events, time = sum_by_cluster(np.column_stack([events, time]), cluster).T
    sums = RateSums(
        units=len(events),
        events=float(events.sum()),
        person_time=float(time.sum()),
        events_squared=float(events @ events),
        person_time_squared=float(time @ time),
        events_person_time=float(events @ time),
    )
    return estimate_clustered_rate_from_sums(sums, per=per, confidence=confidence)


def _log_rate_variance(sums: RateSums) -> float:
    """Sandwich variance of the log rate, with the factor m / (m - 1) for m units."""
    rate = sums.events / sums.person_time
    squares = (
        sums.events_squared
        - 2 * rate * sums.events_person_time
        + rate**2 * sums.person_time_squared
    )
    # A sum of squares that is zero but for rounding is zero.
    squares = squares if squares > 1e-12 * sums.events_squared else 0.0
    return squares / sums.events**2 * sums.units / (sums.units - 1)


def estimate_clustered_rate_from_sums(
    sums: RateSums, *, per: float = 100.0, confidence: float = 0.95
) -> ClusteredRate:
    """Estimate a rate with robust interval from six sums over patients or centres.

    The rate is events over person-time. The variance of its logarithm is
    m/(m-1) * sum (e_i - rate t_i)^2 / (sum e_i)^2 over m units, the sandwich of an
    intercept-only Poisson regression with log-time offset (Liang and Zeger, Biometrika
    1986;73:13). Limits take Student's t with m - 1 degrees of freedom, which matters for few
    centres only. Without events, without spread between units or with a single unit the
    sandwich says nothing: exact Poisson limits, or none, are given and a note says so.

    Raises
    ------
    EstimationError
        Without person-time.
    """
    alpha = two_sided_error(confidence)
    if not sums.person_time > 0:
        raise EstimationError("Found no person-time; expected time at risk above zero.")
    exact = estimate_rate(int(sums.events), sums.person_time, per=per, confidence=confidence)
    notes = []
    if 0 < sums.events < FEW_EVENTS:
        notes.append(f"fewer than {FEW_EVENTS} events: the robust interval is approximate")
    variance, method = float("nan"), "exact"
    lower, upper = exact.lower, exact.upper
    if sums.units < 2:
        lower = upper = float("nan")
        method = "none"
        notes.append("a single unit: its spread cannot be estimated, no interval is given")
    elif sums.events == 0:
        notes.append("no events: exact Poisson limits, which take events as independent")
    else:
        variance = _log_rate_variance(sums)
        if variance > 0:
            half = stats.t.ppf(1 - alpha / 2, sums.units - 1) * np.sqrt(variance)
            lower, upper = exact.rate * np.exp(-half), exact.rate * np.exp(half)
            method = "robust"
        else:
            notes.append("no spread between units: exact Poisson limits are given")
    return ClusteredRate(
        units=sums.units,
        events=exact.events,
        person_time=sums.person_time,
        rate=exact.rate,
        lower=float(lower),
        upper=float(upper),
        standard_error_log=float(np.sqrt(variance)),
        dispersion=variance * sums.events,
        per=per,
        confidence=confidence,
        method=method,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class ClusteredRateRatio:
    """Rate of group a divided by the rate of group b, both with robust variance."""

    ratio: float
    lower: float
    upper: float
    standard_error_log: float
    p_value: float
    units_a: int
    units_b: int
    confidence: float
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the comparison as a table of one row."""
        return one_row_table(self)


def compare_clustered_rates(a: ClusteredRate, b: ClusteredRate) -> ClusteredRateRatio:
    """Compare two groups whose patients may have several events each.

    The groups share no unit (patient or centre), so the variances of the log rates add; limits
    and p value take Student's t with units_a + units_b - 2 degrees of freedom. Centres that treat
    both groups are not independent between the groups: stratify by centre instead.

    Raises
    ------
    EstimationError
        When a rate has no robust standard error (no events, one unit, no spread), or the two
        differ in confidence.
    """
    if not (a.method == "robust" and b.method == "robust"):
        raise EstimationError(
            f"The rates have {a.events} and {b.events} events in {a.units} and {b.units} units and "
            "no robust standard error in at least one of them; expected events in both, spread "
            "over two units or more. Use the exact conditional rate ratio."
        )
    if a.confidence != b.confidence:
        raise EstimationError(
            f"The rates have confidence {a.confidence} and {b.confidence}; expected the same."
        )
    se = float(np.hypot(a.standard_error_log, b.standard_error_log))
    ratio = (a.rate / a.per) / (b.rate / b.per)
    degrees = a.units + b.units - 2
    half = stats.t.ppf(1 - two_sided_error(a.confidence) / 2, degrees) * se
    return ClusteredRateRatio(
        ratio=ratio,
        lower=float(ratio * np.exp(-half)),
        upper=float(ratio * np.exp(half)),
        standard_error_log=se,
        p_value=float(2 * stats.t.sf(abs(np.log(ratio)) / se, degrees)),
        units_a=a.units,
        units_b=b.units,
        confidence=a.confidence,
        notes=tuple(
            f"group {name}: {note}" for name, r in (("a", a), ("b", b)) for note in r.notes
        ),
    )
