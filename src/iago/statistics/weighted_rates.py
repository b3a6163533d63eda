"""Compare rates of two groups after weighting them to alike: ratio with an honest interval.

The weights come from an estimated propensity, and patients of a centre resemble each other. The
interval acknowledges both: every patient's influence on the log rate ratio is its direct one plus
the one through the coefficients of the propensity, and influences are added within clusters
before they are squared. Rows may be patients or counted patterns of covariates with six sums each
(a GROUP BY); the numbers are the same.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy import stats

from iago.errors import EstimationError
from iago.statistics.clustered_rates import sum_by_cluster
from iago.statistics.propensity import (
    BoolArray,
    PropensityModel,
    Weighting,
    effective_sample_size,
    weights_with_slopes,
)
from iago.statistics.rates import (
    FEW_EVENTS,
    FloatArray,
    check_counts,
    check_person_time,
    one_row_table,
    two_sided_error,
)

# Below this many clusters the sandwich is known to be too small (Cameron, Gelbach and Miller, Rev
# Econ Stat 2008;90:414 study 5 to 30); Student's t narrows but does not close the gap.
FEW_CLUSTERS = 30

# Conventions of this project, no published threshold exists. The first is in step with FEW_EVENTS.
# The second comes from simulation with a planted ratio and uneven events: with 40 effective
# patients an arm the 95 % interval covered in 92 %, with 80 in 94 %, with 200 in 95 %.
LEAST_EFFECTIVE_SAMPLE = 10.0
SMALL_EFFECTIVE_SAMPLE = 50.0


@dataclass(frozen=True, eq=False)
class RateTally:
    """Six sums a row over the patients who share covariates and treatment (and cluster).

    With one patient a row, `subjects` are ones and the squares are squares.
    """

    subjects: FloatArray
    events: FloatArray
    person_time: FloatArray
    events_squared: FloatArray
    person_time_squared: FloatArray
    events_person_time: FloatArray


@dataclass(frozen=True)
class WeightedRateRatio:
    """Weighted rates of group a and b, their ratio and difference, with intervals.

    `crude_ratio` is the ratio without weights. `effective_a` and `effective_b` are effective
    numbers of patients after weighting. `units` are patients, or clusters where given.
    """

    rate_a: float
    rate_a_lower: float
    rate_a_upper: float
    rate_b: float
    rate_b_lower: float
    rate_b_upper: float
    per: float
    ratio: float
    lower: float
    upper: float
    standard_error_log: float
    p_value: float
    difference: float
    difference_lower: float
    difference_upper: float
    crude_ratio: float
    events_a: int
    events_b: int
    effective_a: float
    effective_b: float
    units: int
    clustered: bool
    weighting: str
    confidence: float
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the comparison as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True, eq=False)
class _Arm:
    """One arm: its weighted rate, and the influence on its logarithm.

    The influence of a patient is direct * (events - rate * time) + indirect; `direct` is zero in
    the other arm, `indirect` is what the patient does to the weights of everybody.
    """

    rate: float
    events: float
    crude_rate: float
    effective: float
    direct: FloatArray
    indirect: FloatArray
    residual_sum: FloatArray
    residual_squares: FloatArray


def _tally_of_subjects(events: ArrayLike, person_time: ArrayLike) -> RateTally:
    e, t = check_counts(events, "events"), check_person_time(person_time)
    if e.shape != t.shape:
        raise EstimationError(
            f"Found events of shape {e.shape} and person-time of shape {t.shape}; expected equal."
        )
    return RateTally(np.ones_like(e), e, t, e * e, t * t, e * t)


def estimate_weighted_rate_ratio(
    events: ArrayLike,
    person_time: ArrayLike,
    model: PropensityModel,
    *,
    weighting: Weighting = "overlap",
    cluster: ArrayLike | None = None,
    per: float = 100.0,
    confidence: float = 0.95,
) -> WeightedRateRatio:
    """Estimate how many times as often the event occurs under a as under b in alike patients.

    Parameters
    ----------
    events, person_time
        One value a patient, in the order of the rows the propensity was fitted on.
    model
        From `fit_propensity`, one row a patient.
    weighting
        "overlap" (patients who might have had either), "ate" (all patients) or "att" (those of
        group a).
    cluster
        A label a patient, such as the centre.

    Returns
    -------
    WeightedRateRatio
        As from `estimate_weighted_rate_ratio_from_tally`, which holds the definition.
    """
    if model.frequencies is not None:
        raise EstimationError(
            "The propensity was fitted on counted patterns; expected one row a patient. Use "
            "estimate_weighted_rate_ratio_from_tally with the sums of the same rows."
        )
    tally = _tally_of_subjects(events, person_time)
    return estimate_weighted_rate_ratio_from_tally(
        tally, model, weighting=weighting, cluster=cluster, per=per, confidence=confidence
    )


def estimate_weighted_rate_ratio_from_tally(
    tally: RateTally,
    model: PropensityModel,
    *,
    weighting: Weighting = "overlap",
    cluster: ArrayLike | None = None,
    per: float = 100.0,
    confidence: float = 0.95,
) -> WeightedRateRatio:
    """Estimate the weighted rate ratio from sums over patients alike in the covariates.

    A weighted rate is sum(w events) / sum(w time). Its logarithm and the coefficients of the
    propensity solve one set of estimating equations; the sandwich of the whole set (Stefanski and
    Boos, Am Stat 2002;56:29) is the sum of squared influences, times m / (m - 1) for m units.
    Limits are symmetric on the log scale, for the difference on the natural scale; with clusters
    they take Student's t with m - 1 degrees of freedom, otherwise the normal distribution. The
    interval is asymptotic; few events, few effective patients and few clusters are noted. Under
    "ate" and "att" a handful of patients may carry most of the weight and the interval is then too
    short: in simulation with strong confounding and 500 patients it covered in 93 % and 91 %,
    under "overlap" in 95 %.

    Raises
    ------
    EstimationError
        When an arm has no event or no person-time, an effective number of patients below 10, or
        all its patients in one cluster (its effect cannot be told from that of the cluster); or
        when rows do not match the model.
    """
    alpha = two_sided_error(confidence)
    _check_tally(tally, model, weighting)
    weights, slopes = weights_with_slopes(model.propensity, model.treated, weighting)
    arm_a = _estimate_arm(tally, model, weights, slopes, treated=True)
    arm_b = _estimate_arm(tally, model, weights, slopes, treated=False)
    labels = None if cluster is None else np.asarray(cluster)
    if labels is not None:
        _check_clusters(labels, tally, model.treated)
    variance, units = _log_rate_covariance(arm_a, arm_b, tally, labels)
    quantile = stats.norm.ppf if labels is None else stats.t(units - 1).ppf
    return _assemble(
        arm_a,
        arm_b,
        variance,
        quantile=float(quantile(1 - alpha / 2)),
        units=units,
        clustered=labels is not None,
        weighting=weighting,
        per=per,
        confidence=confidence,
    )


def _check_tally(tally: RateTally, model: PropensityModel, weighting: str) -> None:
    rows = model.treated.shape
    shapes = {column.shape for column in vars(tally).values()}
    if shapes != {rows}:
        raise EstimationError(
            f"Found sums of shapes {sorted(shapes)} for a propensity of {rows[0]} rows; expected "
            "the same rows in the same order."
        )
    counts = 1.0 if model.frequencies is None else model.frequencies
    if not np.all(tally.subjects == counts):
        raise EstimationError(
            "The patients a row differ between the sums and the propensity; expected the counts "
            "the propensity was fitted with."
        )
    if weighting not in ("overlap", "ate", "att"):
        raise EstimationError(f"Found weighting {weighting!r}; expected 'overlap', 'ate' or 'att'.")


def _check_clusters(labels: ArrayLike, tally: RateTally, treated: BoolArray) -> None:
    """Refuse an arm that lies within one cluster: its influences would cancel to nothing."""
    used = tally.subjects > 0
    for name, arm in (("a", treated), ("b", ~treated)):
        number = len(np.unique(np.asarray(labels)[used & arm]))
        if number < 2:
            raise EstimationError(
                f"All patients of group {name} are in {number} cluster; expected two or more. The "
                "effect of the treatment cannot be told from that of the cluster."
            )


def _estimate_arm(
    tally: RateTally,
    model: PropensityModel,
    weights: FloatArray,
    slopes: FloatArray,
    *,
    treated: bool,
) -> _Arm:
    arm = model.treated == treated
    w = np.where(arm, weights, 0.0)
    weighted_events, weighted_time = float(w @ tally.events), float(w @ tally.person_time)
    events, time = float(arm @ tally.events), float(arm @ tally.person_time)
    effective = effective_sample_size(weights[arm], tally.subjects[arm])
    _check_arm("a" if treated else "b", events, time, effective)
    rate = weighted_events / weighted_time
    residual_sum = tally.events - rate * tally.person_time
    residual_squares = (
        tally.events_squared
        - 2 * rate * tally.events_person_time
        + rate**2 * tally.person_time_squared
    )
    # d log(rate) / d coefficients, then through the inverse information to each patient's score.
    by_row = np.where(arm, slopes, 0.0) * residual_sum / weighted_events
    gradient = np.concatenate([[by_row.sum()], by_row @ model.covariates])
    direction = model.covariance @ gradient
    score_residual = model.treated - model.propensity
    indirect = (direction[0] + model.covariates @ direction[1:]) * score_residual
    return _Arm(
        rate=rate,
        events=events,
        crude_rate=events / time,
        effective=effective,
        direct=w / weighted_events,
        indirect=indirect,
        residual_sum=residual_sum,
        residual_squares=residual_squares,
    )


def _check_arm(name: str, events: float, time: float, effective: float) -> None:
    if events == 0 or time == 0:
        raise EstimationError(
            f"Group {name} has {events:.0f} events in {time:g} units of person-time; expected both "
            "above zero. Use the exact conditional or the stratified rate ratio."
        )
    if effective < LEAST_EFFECTIVE_SAMPLE:
        raise EstimationError(
            f"Group {name} counts as {effective:.1f} patients after weighting; expected "
            f"{LEAST_EFFECTIVE_SAMPLE:.0f} or more. The groups overlap too little: use overlap "
            "weights, or restrict to patients who could have had either."
        )


def _log_rate_covariance(
    a: _Arm, b: _Arm, tally: RateTally, labels: ArrayLike | None
) -> tuple[FloatArray, int]:
    """Covariance of the two log rates, and the number of independent units."""
    arms = (a, b)
    if labels is not None:
        rows = [arm.direct * arm.residual_sum + tally.subjects * arm.indirect for arm in arms]
        sums = sum_by_cluster(np.column_stack(rows), labels)
        units = len(sums)
        return sums.T @ sums * units / (units - 1), units
    covariance = np.empty((2, 2))
    for i, first in enumerate(arms):
        # A patient has a direct influence on one arm only, so cross products need no squares.
        covariance[i, i] = np.sum(
            first.direct**2 * first.residual_squares
            + 2 * first.direct * first.indirect * first.residual_sum
            + tally.subjects * first.indirect**2
        )
    covariance[0, 1] = covariance[1, 0] = np.sum(
        a.direct * b.indirect * a.residual_sum
        + b.direct * a.indirect * b.residual_sum
        + tally.subjects * a.indirect * b.indirect
    )
    units = int(tally.subjects.sum())
    return covariance * units / (units - 1), units


def _notes(a: _Arm, b: _Arm, units: int, weighting: str, *, clustered: bool) -> tuple[str, ...]:
    notes = []
    for name, arm in (("a", a), ("b", b)):
        if arm.events < FEW_EVENTS:
            notes.append(
                f"group {name}: fewer than {FEW_EVENTS} events, the interval is approximate"
            )
        if arm.effective < SMALL_EFFECTIVE_SAMPLE:
            notes.append(
                f"group {name}: {arm.effective:.0f} effective patients, fewer than "
                f"{SMALL_EFFECTIVE_SAMPLE:.0f}: the interval is somewhat too short"
            )
    if weighting != "overlap":
        notes.append(
            "inverse probability weights: the interval is too short where few patients carry most "
            "of the weight; compare the effective numbers with the patients"
        )
    if clustered and units < FEW_CLUSTERS:
        notes.append(
            f"{units} clusters, fewer than {FEW_CLUSTERS}: the interval may be too short even with "
            "Student's t"
        )
    return tuple(notes)


def _assemble(
    a: _Arm,
    b: _Arm,
    covariance: FloatArray,
    *,
    quantile: float,
    units: int,
    clustered: bool,
    weighting: str,
    per: float,
    confidence: float,
) -> WeightedRateRatio:
    contrast = np.array([1.0, -1.0])
    rates = np.array([a.rate, b.rate]) * per
    se = float(np.sqrt(contrast @ covariance @ contrast))
    if not se > 0:
        raise EstimationError(
            "The rates do not vary between patients, so no standard error exists; expected spread."
        )
    by_rate = contrast * rates
    half = quantile * float(np.sqrt(by_rate @ covariance @ by_rate))
    difference = float(rates[0] - rates[1])
    factors = np.exp(quantile * np.sqrt(np.diag(covariance)))
    ratio = a.rate / b.rate
    z = abs(np.log(ratio)) / se
    tail = stats.t(units - 1).sf(z) if clustered else stats.norm.sf(z)
    return WeightedRateRatio(
        rate_a=float(rates[0]),
        rate_a_lower=float(rates[0] / factors[0]),
        rate_a_upper=float(rates[0] * factors[0]),
        rate_b=float(rates[1]),
        rate_b_lower=float(rates[1] / factors[1]),
        rate_b_upper=float(rates[1] * factors[1]),
        per=per,
        ratio=ratio,
        lower=float(ratio * np.exp(-quantile * se)),
        upper=float(ratio * np.exp(quantile * se)),
        standard_error_log=se,
        p_value=float(2 * tail),
        difference=difference,
        difference_lower=difference - half,
        difference_upper=difference + half,
        crude_ratio=a.crude_rate / b.crude_rate,
        events_a=int(a.events),
        events_b=int(b.events),
        effective_a=a.effective,
        effective_b=b.effective,
        units=units,
        clustered=clustered,
        weighting=weighting,
        confidence=confidence,
        notes=_notes(a, b, units, weighting, clustered=clustered),
    )
