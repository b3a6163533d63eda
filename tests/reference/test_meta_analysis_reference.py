"""Pooled proportions against metafor, lme4, direct integration and published values.

The numbers of R are in r/meta_analysis_*.csv, made by r/meta_analysis_reference.R.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from iago.statistics.meta_analysis import follow_up_spread, pool_proportions

R = Path(__file__).parent / "r"

# Estimates agree to 1e-6 where the quadrature of the peers (25 nodes, the most they take) is
# converged; in the two sets of very unlike cohorts it is not, and direct integration decides.
CONVERGED = 1e-6
UNLIKE = {"very_unlike", "all_and_none"}
# Direct integration (relative tolerance 1e-12 a piece) against 101 nodes; in "all_and_none" the
# standard deviation of the logit is 4.6 and 101 nodes leave some 6e-6 in the standard error.
INTEGRATED = {"all_and_none": 1e-5}


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def reference(name):
    return {row["set"]: row for row in read_rows(R / name)}


def made_up(name):
    rows = [row for row in read_rows(R / "meta_analysis_input.csv") if row["set"] == name]
    return [int(row["events"]) for row in rows], [int(row["n"]) for row in rows]


def close(value, tolerance=CONVERGED):
    return pytest.approx(float(value), rel=tolerance, abs=1e-12)


CONVERGED_SETS = sorted(set(reference("meta_analysis_reference.csv")) - UNLIKE)


@pytest.mark.parametrize("name", CONVERGED_SETS)
def test_random_effects_equal_metafor_and_lme4(name):
    """Pooled logit, limits, tau2 and I2 agree with rma.glmm and glmer at 25 nodes."""
    expected = reference("meta_analysis_reference.csv")[name]
    pooled = pool_proportions(*made_up(name))
    assert pooled.random_logit == close(expected["logit"])
    assert pooled.random_logit == close(expected["glmer_logit"])
    assert pooled.random_standard_error == close(expected["se"])
    assert pooled.random_standard_error == close(expected["glmer_se"])
    assert pooled.tau2 == close(expected["tau2"])
    assert pooled.tau2 == close(expected["glmer_tau2"])
    assert pooled.i2 == close(expected["i2"])
    assert special.logit(pooled.random_lower) == close(expected["logit_lower"])
    assert special.logit(pooled.random_upper) == close(expected["logit_upper"])


@pytest.mark.parametrize("name", sorted(reference("meta_analysis_integrated.csv")))
def test_random_effects_equal_direct_integration(name):
    """The maximum agrees with one found by adaptive integration, cohorts of 0 and 100 % too."""
    expected = reference("meta_analysis_integrated.csv")[name]
    tolerance = INTEGRATED.get(name, 1e-9)
    pooled = pool_proportions(*made_up(name))
    assert pooled.random_logit == close(expected["logit"], tolerance)
    assert pooled.random_standard_error == close(expected["se"], tolerance)
    assert pooled.tau2 == close(expected["tau2"], tolerance)
    assert pooled.log_likelihood == close(expected["log_likelihood"], tolerance)


@pytest.mark.parametrize("name", sorted(reference("meta_analysis_reference.csv")))
def test_common_effect_and_likelihood_ratio_equal_metafor(name):
    """The common effect and its likelihood-ratio test need no quadrature and agree to 1e-10."""
    expected = reference("meta_analysis_reference.csv")[name]
    pooled = pool_proportions(*made_up(name))
    assert pooled.fixed_logit == close(expected["fixed_logit"], 1e-10)
    assert special.logit(pooled.fixed_lower) == close(expected["fixed_lower"], 1e-10)
    assert special.logit(pooled.fixed_upper) == close(expected["fixed_upper"], 1e-10)
    assert pooled.likelihood_ratio_statistic == close(expected["lrt"], 1e-10)
    assert pooled.likelihood_ratio_p == close(expected["lrt_p"], 1e-9)


@pytest.mark.parametrize("name", CONVERGED_SETS)
def test_wald_heterogeneity_equals_metafor(name):
    """The Wald test agrees with rma.glmm, also where cohorts without events have no weight.

    The sets of very unlike cohorts are left out: the saturated regression of R is singular there
    and its statistic changes with the order of the cohorts.
    """
    expected = reference("meta_analysis_reference.csv")[name]
    pooled = pool_proportions(*made_up(name))
    assert pooled.wald_statistic == close(expected["wald"], 1e-9)
    assert pooled.wald_p == close(expected["wald_p"], 1e-9)


def published_cohorts(shared_data, entity):
    rows = read_rows(shared_data / "evidence" / "nrm_cohorts.csv")
    rows = [row for row in rows if row["entity"] == entity]
    return [int(r["n_nonrelapse_deaths"]) for r in rows], [int(r["n_patients"]) for r in rows]


@pytest.mark.parametrize(
    ("entity", "percent"), [("LBCL", 6.1), ("MM", 8.0), ("MCL", 10.6), ("IL", 5.7)]
)
def test_published_non_relapse_mortality_is_reproduced(shared_data, entity, percent):
    """The four pooled values of Cordas dos Santos et al. 2024 come out to the printed digit."""
    pooled = pool_proportions(*published_cohorts(shared_data, entity))
    assert round(100 * pooled.random, 1) == percent


@pytest.mark.parametrize("entity", ["LBCL", "MM", "MCL", "IL"])
def test_published_cohorts_pool_as_in_metafor(shared_data, entity):
    """On the published cohorts estimate, limits and tau2 agree with rma.glmm at 25 nodes."""
    expected = reference("meta_analysis_nrm.csv")[entity]
    pooled = pool_proportions(*published_cohorts(shared_data, entity))
    assert pooled.random_logit == close(expected["logit"])
    assert pooled.tau2 == close(expected["tau2"])
    assert special.logit(pooled.random_lower) == close(expected["logit_lower"])
    assert special.logit(pooled.random_upper) == close(expected["logit_upper"])
    # As printed with the default of 7 nodes: the same to the third digit of a percentage.
    assert pooled.random == close(special.expit(float(expected["default_logit"])), 1e-5)


def test_published_cohorts_were_followed_for_unlike_times(shared_data):
    """Follow-up of the 52 cohorts runs from 3 to 63.1 months, 21-fold, one unreported."""
    rows = read_rows(shared_data / "evidence" / "nrm_cohorts.csv")
    months = [float(r["median_follow_up_months"] or "nan") for r in rows]
    spread = follow_up_spread(months)
    assert (spread.cohorts, spread.missing) == (52, 1)
    assert (spread.shortest, spread.longest) == (3.0, 63.1)
    assert spread.ratio == pytest.approx(63.1 / 3.0)


def test_random_effects_interval_covers_a_planted_proportion():
    """With 30 cohorts around a planted logit the interval covers near 95 % of the time.

    A Wald interval after maximum likelihood is known to cover a little less with few cohorts;
    the lower bound allows 3.29 binomial standard errors below 93 %.
    """
    rng = np.random.default_rng(7)
    repeats, cohorts, truth = 300, 30, -2.5
    covered = 0
    for _ in range(repeats):
        n = rng.integers(20, 200, cohorts)
        events = rng.binomial(n, special.expit(truth + 0.5 * rng.standard_normal(cohorts)))
        pooled = pool_proportions(events, n)
        covered += pooled.random_lower <= special.expit(truth) <= pooled.random_upper
    assert covered / repeats > 0.93 - 3.29 * np.sqrt(0.93 * 0.07 / repeats)
    assert covered / repeats < 0.95 + 3.29 * np.sqrt(0.95 * 0.05 / repeats)
