"""Rates, ratios and proportions against R, published figures and data with known densities.

The numbers of R are in r/rates_*.csv, made by r/rates_reference.R.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from iago.statistics.clustered_rates import estimate_clustered_rate
from iago.statistics.rates import (
    estimate_proportion,
    estimate_rate,
    estimate_rate_ratio,
    upper_limit_at_zero,
)
from iago.statistics.stratified import estimate_mantel_haenszel_rate_ratio

R = Path(__file__).parent / "r"

# Closed forms agree to the rounding of two implementations of the same special function. Roots
# of R carry the absolute tolerance 1e-15 of its root finder on means down to about 1e-2.
CLOSED_FORM = 1e-10
ROOT = 1e-10


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def close(reference, tolerance=CLOSED_FORM):
    return pytest.approx(float(reference), rel=tolerance, abs=1e-14)


@pytest.mark.parametrize("method", ["exact", "mid-p"])
def test_rate_limits_equal_those_of_r(method):
    """Garwood and mid-P limits of a rate agree with R for 0 to 300 events and three levels."""
    column = method.replace("-", "_")
    for row in read_rows(R / "rates_poisson.csv"):
        rate = estimate_rate(
            int(row["events"]),
            float(row["person_time"]),
            per=1,
            confidence=float(row["confidence"]),
            method=method,
        )
        assert rate.lower == close(row[f"{column}_lower"], ROOT)
        assert rate.upper == close(row[f"{column}_upper"], ROOT)


@pytest.mark.parametrize(("method", "column"), [("exact conditional", "exact"), ("mid-p", "mid_p")])
def test_rate_ratio_limits_equal_those_of_r(method, column):
    """Exact conditional and mid-P limits and p values agree with R, zero cells included."""
    for row in read_rows(R / "rates_ratio.csv"):
        result = estimate_rate_ratio(
            int(row["events_a"]),
            float(row["time_a"]),
            int(row["events_b"]),
            float(row["time_b"]),
            method=method,
        )
        assert result.ratio == close(row["ratio"])
        assert result.lower == close(row[f"{column}_lower"], ROOT)
        assert result.upper == close(row[f"{column}_upper"], ROOT)
        assert result.p_value == pytest.approx(float(row[f"{column}_p"]), rel=CLOSED_FORM)


@pytest.mark.parametrize(("method", "column"), [("clopper-pearson", "exact"), ("wilson", "wilson")])
def test_proportion_limits_equal_those_of_r(method, column):
    """Clopper-Pearson and Wilson limits agree with R, none and all affected included."""
    for row in read_rows(R / "rates_proportion.csv"):
        result = estimate_proportion(int(row["events"]), int(row["n"]), method=method)
        assert result.lower == close(row[f"{column}_lower"])
        assert result.upper == close(row[f"{column}_upper"])


@pytest.mark.parametrize("unit", ["patient", "centre"])
def test_clustered_rate_equals_poisson_regression_with_sandwich(unit):
    """Rate and robust standard error agree with R's glm and sandwich, by patient and centre."""
    rows = read_rows(R / "rates_clustered_input.csv")
    expected = next(r for r in read_rows(R / "rates_clustered.csv") if r["unit"] == unit)
    centre = [row["centre"] for row in rows] if unit == "centre" else None
    result = estimate_clustered_rate(
        [int(row["events"]) for row in rows],
        [float(row["person_time"]) for row in rows],
        centre,
        per=1,
    )
    assert result.rate == close(expected["rate"])
    assert result.standard_error_log == close(expected["standard_error_log"])


@pytest.mark.parametrize("name", ["dense", "sparse"])
def test_mantel_haenszel_equals_metafor(name):
    """Ratio, limits, test and homogeneity agree with metafor::rma.mh and a Poisson regression."""
    rows = [r for r in read_rows(R / "rates_mantel_haenszel_input.csv") if r["set"] == name]
    expected = next(r for r in read_rows(R / "rates_mantel_haenszel.csv") if r["set"] == name)
    columns = ("events_a", "time_a", "events_b", "time_b")
    result = estimate_mantel_haenszel_rate_ratio(*[[float(r[c]) for r in rows] for c in columns])
    assert result.informative == int(expected["informative"])
    assert np.log(result.ratio) == close(expected["log_ratio"])
    assert result.standard_error_log == close(expected["standard_error_log"])
    assert np.log(result.lower) == close(expected["log_lower"])
    assert np.log(result.upper) == close(expected["log_upper"])
    assert result.test_statistic == close(expected["test_statistic"])
    assert result.p_value == close(expected["p_value"])
    # The fit of R stops at a relative deviance of 1e-14, which leaves 1e-9 in the coefficients.
    assert result.homogeneity_statistic == close(expected["homogeneity_statistic"], 1e-8)
    assert result.homogeneity_p == close(expected["homogeneity_p"], 1e-8)


def test_no_event_among_133_patients_leaves_two_percent_possible():
    """0/133 leaves 2.23 % one-sided and 2.74 % two-sided; the rule of three says 2.26 %."""
    limit = upper_limit_at_zero(133)
    assert round(100 * limit.one_sided, 2) == 2.23
    assert round(100 * limit.two_sided, 2) == 2.74
    assert round(100 * limit.rule_of_three, 2) == 2.26


def test_no_event_in_person_time_leaves_three_or_three_point_seven():
    """Without events the upper limit is 3.69 / T two-sided and 3.00 / T one-sided."""
    assert round(estimate_rate(0, 1, per=1).upper, 2) == 3.69
    assert round(estimate_rate(0, 1, per=1, confidence=0.9).upper, 2) == 3.00


def test_mid_p_interval_without_events_starts_at_zero():
    """The mid-P interval of zero events runs from 0 to -log(0.05), not from its upper limit."""
    rate = estimate_rate(0, 1, per=1, method="mid-p")
    assert rate.lower == 0
    assert rate.upper == pytest.approx(2.995732273553991, rel=1e-14)


def test_bloodstream_infection_density_is_higher_after_autologous_transplant(shared_data):
    """ONKO-KISS: 83 events at 2.18 per 100 days (autologous), 120 at 1.39 (allogeneic)."""
    rows = read_rows(shared_data / "survival" / "okiss.csv")
    found = {}
    for allo in ("0", "1"):
        group = [row for row in rows if row["allo"] == allo]
        events = sum(row["status"] == "1" for row in group)
        found[allo] = estimate_rate(events, sum(float(row["time"]) for row in group))
    assert (found["0"].events, round(found["0"].rate, 2)) == (83, 2.18)
    assert (found["1"].events, round(found["1"].rate, 2)) == (120, 1.39)


def test_arm_without_infection_in_the_first_month_has_ratio_zero(shared_data):
    """Chronic granulomatous disease, days 0-30: ratio 0 with exact limits 0 to 0.46."""
    rows = read_rows(shared_data / "survival" / "cgd.csv")
    events = {"rIFN-g": 0, "placebo": 0}
    days = {"rIFN-g": 0.0, "placebo": 0.0}
    for row in rows:
        start, stop = float(row["tstart"]), float(row["tstop"])
        days[row["treat"]] += max(0.0, min(stop, 30.0) - start)
        events[row["treat"]] += row["status"] == "1" and stop <= 30
    result = estimate_rate_ratio(
        events["rIFN-g"], days["rIFN-g"], events["placebo"], days["placebo"]
    )
    assert events["rIFN-g"] == 0
    assert (result.ratio, result.lower, round(result.upper, 2)) == (0.0, 0.0, 0.46)


def test_robust_interval_covers_a_planted_rate_with_clustered_events():
    """With gamma frailty the robust interval covers in 95 % of samples, the exact one does not."""
    rng = np.random.default_rng(12)
    repeats, patients = 500, 200
    frailty = rng.gamma(1.0, 1.0, size=(repeats, patients))
    time = rng.uniform(20, 180, size=(repeats, patients))
    events = rng.poisson(0.02 * frailty * time)
    robust = [estimate_clustered_rate(e, t) for e, t in zip(events, time, strict=True)]
    exact = [estimate_rate(r.events, r.person_time) for r in robust]
    covered = np.mean([r.lower <= 2.0 <= r.upper for r in robust])
    # 3.29 binomial standard errors: one false alarm in a thousand seeds.
    tolerance = 3.29 * np.sqrt(0.95 * 0.05 / repeats)
    assert covered == pytest.approx(0.95, abs=tolerance)
    assert np.mean([r.lower <= 2.0 <= r.upper for r in exact]) < 0.85
