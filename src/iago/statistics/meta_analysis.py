"""Pool proportions of published cohorts, zero-event cohorts included without correction.

The common-effect estimate is all events over all patients. The random-effects estimate is the
random-intercept logistic model (binomial-normal), which uses the binomial likelihood of every
cohort and therefore needs no continuity correction, unlike pooling of log odds or of the
double-arcsine transform. A pooled value says little when cohorts were followed for different
times: `follow_up_spread` puts a number on that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy import special, stats
from scipy.optimize import minimize

from iago.errors import EstimationError
from iago.statistics.rates import (
    FloatArray,
    check_counts,
    estimate_proportion,
    one_row_table,
    two_sided_error,
)

# Nodes of the adaptive Gauss-Hermite rule. With 7, the default of rma.glmm, estimates move in the
# sixth digit for common data and in the third when some cohorts have none and others nearly all
# affected. With 101 ten digits hold up to a standard deviation of the logit of about 2, six beyond.
QUADRATURE_POINTS = 101

# Beyond this standard deviation of the logit most cohorts would have none or all of their patients
# affected; it is then no finite number in practice, and the quadrature loses its digits.
_LARGEST_TAU = 10.0


@dataclass(frozen=True)
class PooledProportion:
    """Pooled proportion over cohorts, common effect (`fixed`) and random effects.

    Proportions run from 0 to 1; `*_logit` and `*_standard_error` are on the log-odds scale, `tau2`
    is the variance between cohorts there. `i2` is tau2 / (tau2 + typical sampling variance) and
    only describes. `wald_*` and `likelihood_ratio_*` test that all cohorts share one proportion.
    `lowest` and `highest` are the extreme cohorts.
    """

    k: int
    events: int
    n: int
    fixed: float
    fixed_lower: float
    fixed_upper: float
    random: float
    random_lower: float
    random_upper: float
    prediction_lower: float
    prediction_upper: float
    tau2: float
    i2: float
    wald_statistic: float
    wald_p: float
    likelihood_ratio_statistic: float
    likelihood_ratio_p: float
    degrees_of_freedom: int
    lowest: float
    highest: float
    fixed_logit: float
    fixed_standard_error: float
    random_logit: float
    random_standard_error: float
    log_likelihood: float
    confidence: float
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """Return the pooled values as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True)
class SubgroupDifference:
    """Test that the random-effects proportions of subgroups are equal."""

    subgroups: tuple[str, ...]
    statistic: float
    degrees_of_freedom: int
    p_value: float

    def table(self) -> pa.Table:
        """Return the test as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True)
class FollowUpSpread:
    """How unlike the cohorts' follow-up is: longest over shortest median, missing apart."""

    cohorts: int
    missing: int
    shortest: float
    longest: float
    ratio: float

    def table(self) -> pa.Table:
        """Return the spread as a table of one row."""
        return one_row_table(self)


@dataclass(frozen=True)
class _Fit:
    """Maximum of the binomial-normal likelihood."""

    logit: float
    standard_error: float
    tau: float
    log_likelihood: float

    def limits(self, alpha: float) -> tuple[float, float]:
        """Wald limits on the log-odds scale, back on the scale of proportions."""
        half = float(special.ndtri(1 - alpha / 2)) * self.standard_error
        lower, upper = special.expit([self.logit - half, self.logit + half])
        return float(lower), float(upper)


@dataclass(frozen=True, eq=False)
class _Posterior:
    """What the data of each cohort say about its own deviate, summed over nodes."""

    log_likelihood: float
    gradient: FloatArray
    hessian: FloatArray


@cache
def _hermite_rule(points: int) -> tuple[FloatArray, FloatArray]:
    """Nodes, and logarithms of weights freed of the Gaussian factor."""
    nodes, weights = np.polynomial.hermite.hermgauss(points)
    return nodes, np.log(weights) + nodes**2


class _BinomialNormal:
    """Marginal likelihood of logit(p_i) = mu + tau u_i with standard normal u_i."""

    def __init__(self, events: FloatArray, n: FloatArray, points: int = QUADRATURE_POINTS):
        self.events = events[:, None]
        self.n = n[:, None]
        self.nodes, self.log_weights = _hermite_rule(points)
        choose = special.gammaln(n + 1) - special.gammaln(events + 1)
        self.log_binomial = choose - special.gammaln(n - events + 1)

    def _log_joint(self, mu: float, tau: float, u: FloatArray) -> FloatArray:
        eta = mu + tau * u
        density = -(u**2) / 2 - np.log(2 * np.pi) / 2
        return np.asarray(self.events * eta - self.n * np.logaddexp(0, eta) + density)

    def _modes(self, mu: float, tau: float) -> tuple[FloatArray, FloatArray]:
        """Mode and curvature-based scale of every cohort's deviate, by damped Newton steps."""
        u = np.zeros_like(self.events)
        for _ in range(200):
            p = special.expit(mu + tau * u)
            slope = tau * (self.events - self.n * p) - u
            curvature = tau**2 * self.n * p * (1 - p) + 1
            step = np.clip(slope / curvature, -1.0, 1.0)
            u = u + step
            if np.max(np.abs(step)) < 1e-10:
                break
        p = special.expit(mu + tau * u)
        return u, 1 / np.sqrt(tau**2 * self.n * p * (1 - p) + 1)

    def at(self, mu: float, tau: float) -> _Posterior:
        """Log-likelihood with its derivatives by mu and tau.

        The derivatives are posterior means of those of the complete data (Louis, J R Stat Soc B
        1982;44:226), taken with the nodes of the likelihood itself.
        """
        mode, scale = self._modes(mu, tau)
        u = mode + np.sqrt(2) * scale * self.nodes
        log_terms = self._log_joint(mu, tau, u) + self.log_weights + np.log(np.sqrt(2) * scale)
        log_marginal = special.logsumexp(log_terms, axis=1)
        share = np.exp(log_terms - log_marginal[:, None])
        p = special.expit(mu + tau * u)
        residual = self.events - self.n * p
        spread = self.n * p * (1 - p)

        def mean(values: FloatArray) -> FloatArray:
            return np.asarray(np.sum(share * values, axis=1))

        score = np.stack([mean(residual), mean(residual * u)])
        squares = [mean(residual**2 * u**power - spread * u**power) for power in (0, 1, 2)]
        hessian = np.array([[squares[0].sum(), squares[1].sum()], [0.0, squares[2].sum()]])
        hessian[1, 0] = hessian[0, 1]
        return _Posterior(
            log_likelihood=float(np.sum(log_marginal + self.log_binomial)),
            gradient=score.sum(axis=1),
            hessian=hessian - score @ score.T,
        )

    def fit(self, fixed: _Fit) -> _Fit:
        """Maximise from a spread start; the common-effect fit where no variance is supported."""

        def value(x: FloatArray) -> float:
            return -self.at(x[0], x[1]).log_likelihood

        def gradient(x: FloatArray) -> FloatArray:
            return -self.at(x[0], x[1]).gradient

        def hessian(x: FloatArray) -> FloatArray:
            return -self.at(x[0], x[1]).hessian

        start = [fixed.logit, 0.5]
        found = minimize(
            value, start, jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-8}
        )
        mu, tau = float(found.x[0]), abs(float(found.x[1]))
        best = self.at(mu, tau)
        # The likelihood is even in tau, hence flat at 0: a gain of rounding size is no variance.
        if best.log_likelihood <= fixed.log_likelihood + 1e-9:
            return fixed
        if tau > _LARGEST_TAU or np.max(np.linalg.eigvalsh(best.hessian)) >= 0:
            raise _without_bound()
        covariance = np.linalg.inv(-best.hessian)
        return _Fit(mu, float(np.sqrt(covariance[0, 0])), tau, best.log_likelihood)


def _without_bound() -> EstimationError:
    return EstimationError(
        "The cohorts differ without bound (all or nearly all have none or all of their patients "
        "affected), so no random-effects proportion exists. Show the cohorts one by one."
    )


def _fit_fixed(events: FloatArray, n: FloatArray) -> _Fit:
    """Intercept-only logistic model: the logit of all events over all patients."""
    x, size = float(events.sum()), float(n.sum())
    log_likelihood = float(np.sum(stats.binom.logpmf(events, n, x / size)))
    logit = float(np.log(x) - np.log(size - x))
    return _Fit(logit, float(np.sqrt(1 / x + 1 / (size - x))), 0.0, log_likelihood)


def _check_cohorts(events: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, size = (np.atleast_1d(check_counts(v, "events and patients")) for v in (events, n))
    if x.shape != size.shape or x.ndim != 1 or len(x) == 0:
        raise EstimationError(
            f"Found events of shape {x.shape} and patients of shape {size.shape}; expected two "
            "lists of one length, a value a cohort."
        )
    if np.any(size == 0) or np.any(x > size):
        raise EstimationError(
            "Found a cohort without patients, or with more events than patients; expected patients "
            "with the event among all patients. Leave out cohorts that do not report it."
        )
    return x, size


def pool_proportions(
    events: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> PooledProportion:
    """Pool the share of patients with an event over published cohorts.

    Random effects: random-intercept logistic model by maximum likelihood, integrated by adaptive
    Gauss-Hermite quadrature (Stijnen, Hamza and Ozdemir, Stat Med 2010;29:3046), interval of Wald
    form on the log-odds scale with normal quantiles. This is what R's `meta::metaprop` with method
    "GLMM" prints, through `metafor::rma.glmm` with measure "PLO". The prediction interval for a
    new cohort takes Student's t with k - 2 degrees of freedom (Higgins, Thompson and
    Spiegelhalter, J R Stat Soc A 2009;172:137) and needs three cohorts.

    Parameters
    ----------
    events, n
        Arrays, a value a cohort: patients with the event, patients. Cohorts without events enter
        as they are; cohorts that do not report the event do not belong here.
    confidence
        Coverage of all intervals.

    Returns
    -------
    PooledProportion
        With one cohort, or a between-cohort variance of zero, random equals fixed and a note says
        so. When no patient (or every patient) has the event, the limits are Clopper-Pearson of the
        sum. The Wald test gives cohorts without events no weight; the likelihood-ratio test uses
        them. `i2` adds 1/2 to the cells of cohorts with none or all affected, as rma.glmm does,
        and nothing else does.

    Raises
    ------
    EstimationError
        For broken input, or cohorts so unlike that the variance has no finite maximum.
    """
    two_sided_error(confidence)
    x, size = _check_cohorts(events, n)
    if x.sum() in {0.0, size.sum()}:
        return _pool_without_variation(x, size, confidence)
    fixed = _fit_fixed(x, size)
    if len(x) > 1 and np.all((x == 0) | (x == size)):
        raise _without_bound()
    random = _BinomialNormal(x, size).fit(fixed) if len(x) > 1 else fixed
    return _assemble(x, size, fixed, random, confidence)


def _assemble(
    x: FloatArray, size: FloatArray, fixed: _Fit, random: _Fit, confidence: float
) -> PooledProportion:
    alpha = 1 - confidence
    wald, ratio = _heterogeneity(x, size)
    degrees = len(x) - 1
    common = float(x.sum() / size.sum())
    fixed_lower, fixed_upper = fixed.limits(alpha)
    random_lower, random_upper = random.limits(alpha)
    prediction_lower, prediction_upper = _prediction(random, len(x), alpha)
    return PooledProportion(
        k=len(x),
        events=int(x.sum()),
        n=int(size.sum()),
        fixed=common,
        fixed_lower=fixed_lower,
        fixed_upper=fixed_upper,
        random=common if random is fixed else float(special.expit(random.logit)),
        random_lower=random_lower,
        random_upper=random_upper,
        prediction_lower=prediction_lower,
        prediction_upper=prediction_upper,
        tau2=random.tau**2,
        i2=_i_squared(x, size, random.tau**2),
        wald_statistic=wald,
        wald_p=float(stats.chi2.sf(wald, degrees)) if degrees else float("nan"),
        likelihood_ratio_statistic=ratio,
        likelihood_ratio_p=float(stats.chi2.sf(ratio, degrees)) if degrees else float("nan"),
        degrees_of_freedom=degrees,
        lowest=float(np.min(x / size)),
        highest=float(np.max(x / size)),
        fixed_logit=fixed.logit,
        fixed_standard_error=fixed.standard_error,
        random_logit=random.logit,
        random_standard_error=random.standard_error,
        log_likelihood=random.log_likelihood,
        confidence=confidence,
        notes=_notes(len(x), random.tau),
    )


def _pool_without_variation(x: FloatArray, size: FloatArray, confidence: float) -> PooledProportion:
    """No patient, or every patient, has the event: exact limits of the sum, no variance."""
    total = estimate_proportion(int(x.sum()), int(size.sum()), confidence=confidence)
    nan = float("nan")
    logit = float("-inf") if total.events == 0 else float("inf")
    found = "no patient" if total.events == 0 else "every patient"
    return PooledProportion(
        k=len(x),
        events=total.events,
        n=total.n,
        fixed=total.proportion,
        fixed_lower=total.lower,
        fixed_upper=total.upper,
        random=total.proportion,
        random_lower=total.lower,
        random_upper=total.upper,
        prediction_lower=nan,
        prediction_upper=nan,
        tau2=nan,
        i2=nan,
        wald_statistic=nan,
        wald_p=nan,
        likelihood_ratio_statistic=nan,
        likelihood_ratio_p=nan,
        degrees_of_freedom=len(x) - 1,
        lowest=total.proportion,
        highest=total.proportion,
        fixed_logit=logit,
        fixed_standard_error=nan,
        random_logit=logit,
        random_standard_error=nan,
        log_likelihood=0.0,
        confidence=confidence,
        notes=(f"{found} has the event: Clopper-Pearson limits of all cohorts together",),
    )


def _notes(k: int, tau: float) -> tuple[str, ...]:
    if k == 1:
        return ("one cohort: random effects equal the common effect",)
    notes = []
    if tau == 0:
        notes.append("between-cohort variance estimated as zero: random equals common effect")
    if k < 5:
        notes.append(f"{k} cohorts: the between-cohort variance is hardly known, see the range")
    return tuple(notes)


def _heterogeneity(x: FloatArray, size: FloatArray) -> tuple[float, float]:
    """Wald and likelihood-ratio chi-square of one proportion against one a cohort."""
    if len(x) == 1:
        return float("nan"), float("nan")
    inside = (x > 0) & (x < size)
    # In the saturated model a cohort with none or all affected has infinite variance: weight 0.
    weight = x[inside] * (size[inside] - x[inside]) / size[inside]
    logit = np.log(x[inside]) - np.log(size[inside] - x[inside])
    wald = float(weight @ (logit - np.average(logit, weights=weight)) ** 2) if len(logit) else 0.0
    p = x.sum() / size.sum()
    gain = special.xlogy(x, x / size / p) + special.xlogy(size - x, (1 - x / size) / (1 - p))
    return wald, float(max(0.0, 2 * gain.sum()))


def _i_squared(x: FloatArray, size: FloatArray, tau2: float) -> float:
    """tau2 over tau2 plus the typical sampling variance of Higgins and Thompson (2002)."""
    if len(x) == 1:
        return float("nan")
    half = np.where((x == 0) | (x == size), 0.5, 0.0)
    weight = 1 / (1 / (x + half) + 1 / (size - x + half))
    typical = (len(x) - 1) / (weight.sum() - weight @ weight / weight.sum())
    return float(tau2 / (tau2 + typical))


def _prediction(fit: _Fit, k: int, alpha: float) -> tuple[float, float]:
    if k < 3:
        return float("nan"), float("nan")
    half = stats.t.ppf(1 - alpha / 2, k - 2) * np.hypot(fit.standard_error, fit.tau)
    return float(special.expit(fit.logit - half)), float(special.expit(fit.logit + half))


def compare_pooled_proportions(pooled: Mapping[str, PooledProportion]) -> SubgroupDifference:
    """Test whether pooled proportions differ between subgroups of cohorts.

    Each subgroup has its own variance between cohorts; the statistic is the weighted sum of squares
    of their random-effects logits about the common one, chi-square with one degree of freedom
    fewer than subgroups (Borenstein et al., Introduction to Meta-Analysis, 2009, chapter 19).

    Raises
    ------
    EstimationError
        With fewer than two subgroups, or one whose logit has no standard error (no events, or all).
    """
    fits = list(pooled.values())
    error = np.array([fit.random_standard_error for fit in fits])
    if len(fits) < 2 or not np.all(np.isfinite(error)):
        raise EstimationError(
            f"Found {len(fits)} subgroups, {int(np.sum(~np.isfinite(error)))} of them without a "
            "standard error; expected two or more, each with some patients affected and some not."
        )
    logit = np.array([fit.random_logit for fit in fits])
    weight = error**-2
    statistic = float(weight @ (logit - np.average(logit, weights=weight)) ** 2)
    degrees = len(fits) - 1
    return SubgroupDifference(
        tuple(pooled), statistic, degrees, float(stats.chi2.sf(statistic, degrees))
    )


def follow_up_spread(median_follow_up: ArrayLike) -> FollowUpSpread:
    """Say how many times longer the longest median follow-up is than the shortest.

    A crude proportion grows with follow-up, so cohorts followed for 3 and for 60 months do not
    measure the same thing, whatever the pooling.

    Parameters
    ----------
    median_follow_up
        A value a cohort in one unit of time, not a number where unreported (counted as missing).

    Raises
    ------
    EstimationError
        For a follow-up of zero or less.
    """
    values = np.atleast_1d(np.asarray(median_follow_up, dtype=np.float64))
    known = values[~np.isnan(values)]
    if not np.all(np.isfinite(known) & (known > 0)):
        raise EstimationError(
            "Found a median follow-up of zero or less, or without end; expected a positive time, "
            "or not a number where unreported."
        )
    missing = len(values) - len(known)
    if len(known) == 0:
        nan = float("nan")
        return FollowUpSpread(len(values), missing, nan, nan, nan)
    shortest, longest = float(known.min()), float(known.max())
    return FollowUpSpread(len(values), missing, shortest, longest, longest / shortest)
