"""Make two groups comparable: propensity score, weights, balance and overlap.

The propensity score is the probability of treatment a given covariates, by logistic regression.
The fit is written here rather than taken from a library for three reasons: rows may be counts of
patients (one GROUP BY), a covariate that separates the groups must be refused by name rather than
reported with a huge coefficient, and a million patients with fifteen covariates must fit in about
a second without copies of the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy import special

from iago.errors import EstimationError
from iago.statistics.rates import FloatArray, known

BoolArray: TypeAlias = NDArray[np.bool_]
Weighting: TypeAlias = Literal["overlap", "ate", "att"]

_BLOCK = 65_536
# Newton steps of a logistic fit that exists shrink quadratically; under separation they stay near
# one for ever (Albert and Anderson, Biometrika 1984;71:1).
_MOST_STEPS = 25
_SMALLEST_STEP = 1e-9
_RUNAWAY_STEP = 0.1


@dataclass(frozen=True, eq=False)
class PropensityModel:
    """Fitted probability of treatment, with the data it was fitted on.

    `coefficients` and `covariance` have the intercept first. `frequencies` are patients a row, or
    None when each row is a patient.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    propensity: FloatArray
    covariates: FloatArray
    treated: BoolArray
    frequencies: FloatArray | None
    log_likelihood: float
    iterations: int

    def table(self) -> pa.Table:
        """Return one row a coefficient with its model-based standard error."""
        return pa.table(
            {
                "name": ["intercept", *self.names],
                "coefficient": self.coefficients,
                "standard_error": np.sqrt(np.diag(self.covariance)),
            }
        )


@dataclass(frozen=True, eq=False)
class Balance:
    """How alike the groups are before and after weighting, one row a covariate.

    Standardised differences divide by the unweighted pooled standard deviation both times. The
    variance ratio of a covariate with two values says nothing beyond its mean and is nan.
    """

    names: tuple[str, ...]
    mean_a_before: FloatArray
    mean_b_before: FloatArray
    difference_before: FloatArray
    variance_ratio_before: FloatArray
    mean_a: FloatArray
    mean_b: FloatArray
    difference: FloatArray
    variance_ratio: FloatArray
    effective_a: float
    effective_b: float

    @property
    def largest_difference(self) -> float:
        """Largest absolute standardised difference that is left after weighting."""
        return float(np.max(np.abs(self.difference)))

    def table(self) -> pa.Table:
        """Return one row a covariate."""
        return pa.table(
            {
                "name": list(self.names),
                "mean_a_before": self.mean_a_before,
                "mean_b_before": self.mean_b_before,
                "difference_before": self.difference_before,
                "variance_ratio_before": known(self.variance_ratio_before),
                "mean_a": self.mean_a,
                "mean_b": self.mean_b,
                "difference": self.difference,
                "variance_ratio": known(self.variance_ratio),
            }
        )


@dataclass(frozen=True, eq=False)
class Overlap:
    """Where the propensities of both groups lie, and who has no counterpart.

    The common range runs from the larger of the two minima to the smaller of the two maxima.
    """

    common_lower: float
    common_upper: float
    share_outside_a: float
    share_outside_b: float
    quantiles: FloatArray
    propensity_a: FloatArray
    propensity_b: FloatArray

    def table(self) -> pa.Table:
        """Return the quantiles of the propensity in both groups."""
        return pa.table(
            {
                "quantile": self.quantiles,
                "propensity_a": self.propensity_a,
                "propensity_b": self.propensity_b,
            }
        )


@dataclass(frozen=True, eq=False)
class _Design:
    """Covariates with the centre and scale that make Newton steps comparable across them."""

    covariates: FloatArray
    treated: BoolArray
    frequencies: FloatArray | None
    centre: FloatArray
    scale: FloatArray

    def blocks(self) -> Iterator[tuple[FloatArray, FloatArray, FloatArray | float]]:
        """Yield standardised rows with intercept, sign of treatment, and patients a row."""
        for start in range(0, len(self.treated), _BLOCK):
            rows = slice(start, start + _BLOCK)
            part = self.covariates[rows]
            z = np.empty((len(part), part.shape[1] + 1))
            z[:, 0] = 1.0
            np.subtract(part, self.centre, out=z[:, 1:])
            z[:, 1:] /= self.scale
            sign = np.where(self.treated[rows], 1.0, -1.0)
            yield z, sign, 1.0 if self.frequencies is None else self.frequencies[rows]

    def derivatives(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log-likelihood, score and information at `beta`."""
        log_likelihood = 0.0
        score = np.zeros(len(beta))
        information = np.zeros((len(beta), len(beta)))
        for z, sign, count in self.blocks():
            margin = sign * (z @ beta)
            wrong = special.expit(-margin)
            log_likelihood -= float(np.sum(count * np.logaddexp(0.0, -margin)))
            score += z.T @ (count * sign * wrong)
            information += z.T @ (z * (count * wrong * (1.0 - wrong))[:, None])
        return log_likelihood, score, information


def _check_design(
    covariates: ArrayLike,
    treated: ArrayLike,
    names: Sequence[str],
    frequencies: ArrayLike | None,
) -> tuple[FloatArray, BoolArray, FloatArray | None]:
    x = np.asarray(covariates, dtype=np.float64)
    arm = np.asarray(treated)
    if x.ndim != 2 or arm.shape != x.shape[:1] or len(names) != x.shape[1]:
        raise EstimationError(
            f"Found covariates of shape {x.shape}, treatment of shape {arm.shape} and "
            f"{len(names)} names; expected one row a patient and one name a column."
        )
    if arm.dtype != np.bool_:
        raise EstimationError(
            f"Found treatment of type {arm.dtype}; expected true (group a) or false (group b)."
        )
    finite = np.asarray(np.isfinite(x).all(axis=0))
    missing = [name for name, ok in zip(names, finite, strict=True) if not ok]
    if missing:
        raise EstimationError(
            f"Found missing or infinite values in {', '.join(missing)}; expected a number in "
            "every row. Impute them, or add an indicator of missingness."
        )
    if frequencies is None:
        return x, arm, None
    count = np.asarray(frequencies, dtype=np.float64)
    if count.shape != arm.shape or not np.all(np.isfinite(count) & (count >= 0)):
        raise EstimationError("Found frequencies that are not one number of zero or more a row.")
    return x, arm, count


def _mean(values: FloatArray, weights: FloatArray | None) -> FloatArray:
    return np.asarray(np.average(values, axis=0, weights=weights), dtype=np.float64)


def _standardise(
    x: FloatArray, names: Sequence[str], count: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation a column, refusing columns that hold a single value."""
    centre = _mean(x, count)
    used = x if count is None else x[count > 0]
    constant = used.max(axis=0) == used.min(axis=0)
    if constant.any():
        found = ", ".join(name for name, same in zip(names, constant, strict=True) if same)
        raise EstimationError(
            f"Every patient has the same value of {found}; expected variation. Leave it out."
        )
    spread = [
        np.average((column - m) ** 2, weights=count) for column, m in zip(x.T, centre, strict=True)
    ]
    return centre, np.sqrt(np.array(spread))


def _refuse_collinear(information: FloatArray, names: Sequence[str]) -> None:
    """Refuse covariates of which one follows from the others, naming them."""
    size = np.sqrt(np.diag(information))
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    if values[0] > 1e-10:
        return
    involved = np.abs(vectors[1:, 0]) > 0.1
    found = ", ".join(name for name, part in zip(names, involved, strict=True) if part)
    raise EstimationError(
        f"The covariates {found} determine one another; expected columns of which none follows "
        "from the rest. Leave one of them out."
    )


def _refuse_separation(step: FloatArray, names: Sequence[str]) -> NoReturn:
    involved = np.abs(step[1:]) > _RUNAWAY_STEP
    found = ", ".join(name for name, part in zip(names, involved, strict=True) if part)
    raise EstimationError(
        "The groups do not overlap: some patients' treatment is known for certain from "
        f"{found or 'the covariates together'}. Expected patients of both groups at every "
        "combination of covariates. Restrict to patients who could have had either, or leave out "
        "the covariate if it does not cause the outcome."
    )


def fit_propensity(
    covariates: ArrayLike,
    treated: ArrayLike,
    names: Sequence[str],
    weights: ArrayLike | None = None,
) -> PropensityModel:
    """Estimate each patient's probability of having been given treatment a.

    Logistic regression with intercept by maximum likelihood (Newton's method on standardised
    columns, to full precision).

    Parameters
    ----------
    covariates
        Array of shape (rows, columns): baseline values only, categories as 0/1 columns.
    treated
        Boolean array, true for group a.
    names
        One name a column.
    weights
        Patients a row, when rows are counted patterns of covariates and treatment.

    Raises
    ------
    EstimationError
        For missing values, a group without patients, a constant column, columns that determine
        one another, or groups that covariates separate fully or in part (no overlap; the maximum
        of the likelihood does not exist).
    """
    x, arm, count = _check_design(covariates, treated, names, weights)
    patients = np.ones(len(arm)) if count is None else count
    in_a, in_b = float(patients[arm].sum()), float(patients[~arm].sum())
    if in_a == 0 or in_b == 0:
        raise EstimationError(
            f"Found {in_a:.0f} patients in group a and {in_b:.0f} in group b; expected both."
        )
    centre, scale = _standardise(x, names, count)
    design = _Design(x, arm, count, centre, scale)
    beta, information, log_likelihood, steps = _maximise(design, names)
    # Back to the units of the covariates: x'gamma = z'beta with z = (x - centre) / scale.
    back = np.diag(np.concatenate([[1.0], 1.0 / scale]))
    back[0, 1:] = -centre / scale
    gamma = back @ beta
    linear = gamma[0] + x @ gamma[1:]
    return PropensityModel(
        names=tuple(names),
        coefficients=gamma,
        covariance=back @ np.linalg.inv(information) @ back.T,
        propensity=special.expit(linear),
        covariates=x,
        treated=arm,
        frequencies=count,
        log_likelihood=log_likelihood,
        iterations=steps,
    )


def _maximise(design: _Design, names: Sequence[str]) -> tuple[FloatArray, FloatArray, float, int]:
    """Newton's method with halving; refuses a likelihood without maximum."""
    beta = np.zeros(design.covariates.shape[1] + 1)
    value, score, information = design.derivatives(beta)
    _refuse_collinear(information, names)
    step: FloatArray = beta
    for number in range(1, _MOST_STEPS + 1):
        step = np.asarray(np.linalg.solve(information, score))
        trial = design.derivatives(beta + step)
        while trial[0] < value - 1e-9 * abs(value):
            step = step / 2
            trial = design.derivatives(beta + step)
        beta = beta + step
        value, score, information = trial
        if np.max(np.abs(step)) < _SMALLEST_STEP:
            return beta, information, value, number
    _refuse_separation(step, names)


def overlap_weights(propensity: ArrayLike, treated: ArrayLike) -> FloatArray:
    """Weight each patient by the probability of having been in the other group.

    The result describes the patients who might have had either treatment. With a logistic
    propensity the weighted means of its covariates are equal in both groups, exactly (Li, Morgan
    and Zaslavsky, J Am Stat Assoc 2018;113:390, theorem 3).
    """
    return weights_with_slopes(propensity, treated, "overlap")[0]


def inverse_probability_weights(
    propensity: ArrayLike, treated: ArrayLike, *, estimand: Literal["ate", "att"] = "ate"
) -> FloatArray:
    """Weight each patient by the inverse probability of the treatment given.

    "ate" describes all patients, "att" those of group a. Scaling (stabilisation) would change no
    ratio of weighted means and is left out; truncation would change the question and is not
    offered: where weights are extreme, use `overlap_weights`.

    Raises
    ------
    EstimationError
        For a propensity of exactly 0 or 1.
    """
    return weights_with_slopes(propensity, treated, estimand)[0]


def weights_with_slopes(
    propensity: ArrayLike, treated: ArrayLike, weighting: Weighting
) -> tuple[FloatArray, FloatArray]:
    """Give weights and their derivatives by the linear predictor of the propensity.

    The derivatives carry the uncertainty of the estimated weights into a standard error.

    Raises
    ------
    EstimationError
        For a propensity outside 0 to 1, or at either end.
    """
    e, arm = np.asarray(propensity, dtype=np.float64), np.asarray(treated, dtype=np.bool_)
    if not np.all((e > 0) & (e < 1)):
        raise EstimationError(
            "Found a propensity of 0 or less, 1 or more, or none; expected values between. "
            "Patients whose treatment is certain cannot be compared; leave them out and say so."
        )
    if weighting == "overlap":
        return np.where(arm, 1 - e, e), np.where(arm, -1.0, 1.0) * e * (1 - e)
    if weighting == "att":
        odds = e / (1 - e)
        return np.where(arm, 1.0, odds), np.where(arm, 0.0, odds)
    return np.where(arm, 1 / e, 1 / (1 - e)), np.where(arm, -(1 - e) / e, e / (1 - e))


def effective_sample_size(weights: ArrayLike, frequencies: ArrayLike | None = None) -> float:
    """Give the number of equally weighted patients that would be as informative.

    (sum w)^2 / sum w^2 (Kish, Survey Sampling, 1965); `frequencies` are patients a row.
    """
    w = np.asarray(weights, dtype=np.float64)
    f = np.ones_like(w) if frequencies is None else np.asarray(frequencies, dtype=np.float64)
    squares = float(f @ w**2)
    return float(f @ w) ** 2 / squares if squares > 0 else 0.0


def _weighted_moments(x: FloatArray, w: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance a column; with equal weights the variance divides by n - 1."""
    share = w / (f @ w)
    total = f * share
    mean = total @ x
    # Column by column, so that no second copy of the data is made.
    variance = np.array([total @ (c - m) ** 2 for c, m in zip(x.T, mean, strict=True)])
    return mean, variance / (1 - f @ share**2)


def estimate_balance(
    covariates: ArrayLike,
    treated: ArrayLike,
    weights: ArrayLike,
    names: Sequence[str],
    frequencies: ArrayLike | None = None,
) -> Balance:
    """Compare the groups' covariates before and after weighting.

    Parameters
    ----------
    covariates, treated, names
        As for `fit_propensity`; covariates outside the model may be judged as well.
    weights
        One a row, for instance from `overlap_weights`.
    frequencies
        Patients a row, when rows are counted patterns.

    Returns
    -------
    Balance
        Difference of means over the root of the mean of both unweighted variances (Austin, Stat
        Med 2009;28:3083), the same denominator after weighting, so that the two can be compared.

    Raises
    ------
    EstimationError
        For input as refused by `fit_propensity`, or a group of fewer than two patients.
    """
    x, arm, count = _check_design(covariates, treated, names, frequencies)
    f = np.ones(len(arm)) if count is None else count
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != arm.shape or min(f[arm].sum(), f[~arm].sum()) < 2:
        raise EstimationError(
            f"Found weights of shape {w.shape} for {len(arm)} rows, {f[arm].sum():.0f} patients "
            f"in group a and {f[~arm].sum():.0f} in group b; expected one weight a row and two "
            "patients or more in each."
        )
    ones = np.ones_like(w)
    mean_a0, var_a0 = _weighted_moments(x[arm], ones[arm], f[arm])
    mean_b0, var_b0 = _weighted_moments(x[~arm], ones[~arm], f[~arm])
    mean_a, var_a = _weighted_moments(x[arm], w[arm], f[arm])
    mean_b, var_b = _weighted_moments(x[~arm], w[~arm], f[~arm])
    pooled = np.sqrt((var_a0 + var_b0) / 2)
    binary = np.array([_two_valued(column) for column in x.T])
    return Balance(
        names=tuple(names),
        mean_a_before=mean_a0,
        mean_b_before=mean_b0,
        difference_before=_standardised(mean_a0 - mean_b0, pooled),
        variance_ratio_before=_variance_ratio(var_a0, var_b0, binary),
        mean_a=mean_a,
        mean_b=mean_b,
        difference=_standardised(mean_a - mean_b, pooled),
        variance_ratio=_variance_ratio(var_a, var_b, binary),
        effective_a=effective_sample_size(w[arm], f[arm]),
        effective_b=effective_sample_size(w[~arm], f[~arm]),
    )


def _standardised(difference: FloatArray, pooled: FloatArray) -> FloatArray:
    # Means that differ where neither group varies differ without limit.
    endless = np.where(difference == 0, 0.0, np.copysign(np.inf, difference))
    return np.where(pooled > 0, difference / np.where(pooled > 0, pooled, 1.0), endless)


def _two_valued(column: FloatArray) -> bool:
    return bool(np.all((column == column.min()) | (column == column.max())))


def _variance_ratio(a: FloatArray, b: FloatArray, binary: BoolArray) -> FloatArray:
    usable = ~binary & (a > 0) & (b > 0)
    return np.where(usable, a / np.where(usable, b, 1.0), np.nan)


def estimate_overlap(model: PropensityModel) -> Overlap:
    """Show whether each group has patients like those of the other.

    Returns
    -------
    Overlap
        The common range of propensities, the share of each group outside it, and quantiles (with
        counted patterns, the inverse of the cumulative distribution).
    """
    arm, e = model.treated, model.propensity
    f = np.ones(len(arm)) if model.frequencies is None else model.frequencies
    arm_a, arm_b = arm & (f > 0), ~arm & (f > 0)
    lower = max(e[arm_a].min(), e[arm_b].min())
    upper = min(e[arm_a].max(), e[arm_b].max())
    outside = (e < lower) | (e > upper)
    levels = np.array([0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0])

    def quantiles(rows: BoolArray) -> FloatArray:
        values = np.quantile(e[rows], levels, method="inverted_cdf", weights=f[rows])
        return np.asarray(values, dtype=np.float64)

    return Overlap(
        common_lower=float(lower),
        common_upper=float(upper),
        share_outside_a=float(f[arm_a & outside].sum() / f[arm_a].sum()),
        share_outside_b=float(f[arm_b & outside].sum() / f[arm_b].sum()),
        quantiles=levels,
        propensity_a=quantiles(arm_a),
        propensity_b=quantiles(arm_b),
    )
