"""Compare two rates within strata such as centres: Mantel-Haenszel rate ratio.

Strata without a single event, or with one arm only, say nothing about the ratio; they are
counted and named, not dropped in silence. A stratum with events in one arm only does carry
information and stays in, which a weighted mean of per-centre log ratios cannot do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy import special, stats
from scipy.optimize import brentq

from iago.errors import EstimationError
from iago.statistics.rates import (
    FEW_EVENTS,
    FloatArray,
    check_counts,
    check_person_time,
    one_row_table,
    two_sided_error,
)


@dataclass(frozen=True)
class MantelHaenszelRateRatio:
    """Common rate ratio of group a to group b over strata.

    `test_statistic` is the Mantel-Haenszel chi-square (1 df, no continuity correction) of a
    ratio of one. `homogeneity_statistic` is the likelihood-ratio chi-square of one common ratio
    against a ratio of its own in each informative stratum; nan where it cannot be computed.
    """

    ratio: float
    lower: float
    upper: float
    standard_error_log: float
    test_statistic: float
    p_value: float
    strata: int
    informative: int
    uninformative: tuple[str, ...]
    homogeneity_statistic: float
    homogeneity_df: int
    homogeneity_p: float
    confidence: float
    method: str
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the comparison as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True, eq=False)
class _Strata:
    """Informative strata: events of both arms and the share of time spent in arm a."""

    a: FloatArray
    b: FloatArray
    time_a: FloatArray
    time_b: FloatArray

    @property
    def total(self) -> FloatArray:
        return self.a + self.b

    def share(self, log_ratio: float) -> FloatArray:
        """Probability that an event of the stratum is of arm a, given the rate ratio."""
        return np.asarray(special.expit(log_ratio + np.log(self.time_a) - np.log(self.time_b)))


def _check_strata(
    counts: Sequence[ArrayLike], times: Sequence[ArrayLike], strata: Sequence[str] | None
) -> tuple[_Strata, tuple[str, ...]]:
    a, b = (np.atleast_1d(check_counts(values, "events")) for values in counts)
    time_a, time_b = (np.atleast_1d(check_person_time(values)) for values in times)
    shapes = {column.shape for column in (a, b, time_a, time_b)}
    if len(shapes) != 1 or a.ndim != 1:
        raise EstimationError(
            f"Found strata of shapes {sorted(shapes)}; expected four lists of one length."
        )
    names = [str(i + 1) for i in range(len(a))] if strata is None else [str(s) for s in strata]
    if len(names) != len(a):
        raise EstimationError(f"Found {len(names)} stratum names for {len(a)} strata.")
    informative = (a + b > 0) & (time_a > 0) & (time_b > 0)
    if not informative.any():
        raise EstimationError(
            f"None of {len(a)} strata has person-time in both arms and an event; "
            "expected one at least. Use wider strata, or report the two rates apart."
        )
    rest = tuple(name for name, used in zip(names, informative, strict=True) if not used)
    kept = [column[informative] for column in (a, b, time_a, time_b)]
    return _Strata(*kept), rest


def estimate_mantel_haenszel_rate_ratio(
    events_a: ArrayLike,
    time_a: ArrayLike,
    events_b: ArrayLike,
    time_b: ArrayLike,
    *,
    strata: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> MantelHaenszelRateRatio:
    """Estimate one rate ratio over strata, each compared within itself.

    The ratio is sum(a t_b / T) / sum(b t_a / T). The variance of its logarithm is that of
    Greenland and Robins (Biometrics 1985;41:55), which holds for few large and for many sparse
    strata. With no event at all in one arm the ratio is 0 or infinite and the finite limit is
    exact: the ratio at which that absence has probability alpha / 2 given each stratum's total.

    Parameters
    ----------
    events_a, time_a, events_b, time_b
        Arrays, one value a stratum: events and person-time of both arms.
    strata
        Names of the strata for the result; numbers from 1 by default.

    Raises
    ------
    EstimationError
        When no stratum has both arms and an event, or for broken input.
    """
    alpha = two_sided_error(confidence)
    kept, rest = _check_strata([events_a, events_b], [time_a, time_b], strata)
    ratio, lower, upper, se, method = _ratio_with_limits(kept, alpha)
    chi_square = _mantel_haenszel_chi_square(kept)
    homogeneity = _homogeneity(kept)
    degrees = len(kept.a) - 1
    few = min(kept.a.sum(), kept.b.sum()) < FEW_EVENTS and method != "exact conditional"
    note = f"fewer than {FEW_EVENTS} events in an arm: the interval is approximate"
    return MantelHaenszelRateRatio(
        ratio=ratio,
        lower=lower,
        upper=upper,
        standard_error_log=se,
        test_statistic=chi_square,
        p_value=float(stats.chi2.sf(chi_square, 1)),
        strata=len(kept.a) + len(rest),
        informative=len(kept.a),
        uninformative=rest,
        homogeneity_statistic=homogeneity,
        homogeneity_df=degrees,
        homogeneity_p=float(stats.chi2.sf(homogeneity, degrees)) if degrees else float("nan"),
        confidence=confidence,
        method=method,
        notes=(note,) if few else (),
    )


def _ratio_with_limits(kept: _Strata, alpha: float) -> tuple[float, float, float, float, str]:
    """Ratio, limits, standard error of its logarithm, and how the limits were made."""
    time = kept.time_a + kept.time_b
    for_a = float(np.sum(kept.a * kept.time_b / time))
    for_b = float(np.sum(kept.b * kept.time_a / time))
    infinite = float("inf")
    if for_a == 0:
        return 0.0, 0.0, _limit_without_events(kept, alpha), float("nan"), "exact conditional"
    if for_b == 0:
        swapped = _Strata(kept.b, kept.a, kept.time_b, kept.time_a)
        lower = 1 / _limit_without_events(swapped, alpha)
        return infinite, lower, infinite, float("nan"), "exact conditional"
    variance = np.sum(kept.total * kept.time_a * kept.time_b / time**2) / (for_a * for_b)
    se = float(np.sqrt(variance))
    half = special.ndtri(1 - alpha / 2) * se
    ratio = for_a / for_b
    lower, upper = ratio * float(np.exp(-half)), ratio * float(np.exp(half))
    return ratio, lower, upper, se, "Greenland-Robins"


def _limit_without_events(kept: _Strata, alpha: float) -> float:
    """Upper limit of the ratio when arm a has no event: prod (1 - share)^total = alpha / 2."""

    def excess(log_ratio: float) -> float:
        return float(kept.total @ np.log1p(-kept.share(log_ratio)) - np.log(alpha / 2))

    centre = float(np.max(np.abs(np.log(kept.time_a) - np.log(kept.time_b))))
    # One event already needs odds of 2 / alpha - 1 at most in the least favourable stratum.
    high = centre + float(np.log(2 / alpha))
    low = -centre - float(np.log(kept.total.sum() * 2 / alpha)) - 1
    root: float = brentq(excess, low, high, xtol=1e-13, rtol=1e-13)
    return float(np.exp(root))


def _mantel_haenszel_chi_square(kept: _Strata) -> float:
    """Squared difference of observed and expected events of arm a over its variance."""
    share = kept.share(0.0)
    difference = np.sum(kept.a - kept.total * share)
    return float(difference**2 / np.sum(kept.total * share * (1 - share)))


def _homogeneity(kept: _Strata) -> float:
    """Likelihood-ratio chi-square of a common ratio against a ratio a stratum.

    Equal to the interaction test of a Poisson regression with stratum and arm, and free of a
    correction for zero cells.
    """
    if len(kept.a) < 2 or kept.a.sum() == 0 or kept.b.sum() == 0:
        return float("nan")

    def score(log_ratio: float) -> float:
        return float(np.sum(kept.a - kept.total * kept.share(log_ratio)))

    reach = float(np.max(np.abs(np.log(kept.time_a) - np.log(kept.time_b))))
    reach += float(np.log(kept.total.sum())) + 1
    best: float = brentq(score, -reach, reach, xtol=1e-13, rtol=1e-13)
    share = kept.share(best)
    own = special.xlogy(kept.a, kept.a / kept.total) + special.xlogy(kept.b, kept.b / kept.total)
    common = special.xlogy(kept.a, share) + special.xlogy(kept.b, 1 - share)
    return float(max(0.0, 2 * np.sum(own - common)))
