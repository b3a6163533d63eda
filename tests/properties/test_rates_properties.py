"""Properties of rates, ratios, weights and pooled proportions that hold for every input."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iago.errors import EstimationError
from iago.statistics.clustered_rates import (
    RateSums,
    estimate_clustered_rate,
    estimate_clustered_rate_from_sums,
)
from iago.statistics.meta_analysis import pool_proportions
from iago.statistics.propensity import estimate_balance, fit_propensity, overlap_weights
from iago.statistics.rates import estimate_proportion, estimate_rate, estimate_rate_ratio
from iago.statistics.stratified import estimate_mantel_haenszel_rate_ratio
from iago.statistics.weighted_rates import (
    RateTally,
    estimate_weighted_rate_ratio,
    estimate_weighted_rate_ratio_from_tally,
)

counts = st.integers(0, 10_000)
times = st.floats(1e-3, 1e6)
confidences = st.sampled_from([0.5, 0.8, 0.95, 0.99, 0.999])
methods = st.sampled_from(["exact conditional", "mid-p"])


def inverse(value):
    return math.inf if value == 0 else 1 / value


@given(counts, times, confidences)
def test_rate_lies_between_its_limits_and_exact_contains_mid_p(events, time, confidence):
    """The rate is within both intervals, and the mid-P interval within the exact one."""
    exact = estimate_rate(events, time, confidence=confidence)
    mid = estimate_rate(events, time, confidence=confidence, method="mid-p")
    assert exact.lower <= mid.lower * (1 + 1e-12)
    assert mid.lower <= mid.rate <= mid.upper
    assert mid.upper <= exact.upper * (1 + 1e-12)


@given(counts, times, counts, times, confidences)
def test_ratio_lies_between_its_limits_and_exact_contains_mid_p(a, time_a, b, time_b, confidence):
    """The same holds for rate ratios, infinite ones included."""
    assume(a + b > 0)
    exact = estimate_rate_ratio(a, time_a, b, time_b, confidence=confidence)
    mid = estimate_rate_ratio(a, time_a, b, time_b, confidence=confidence, method="mid-p")
    assert exact.lower <= mid.lower * (1 + 1e-9)
    assert mid.lower <= mid.ratio <= mid.upper
    assert mid.upper <= exact.upper * (1 + 1e-9)
    assert 0 <= mid.p_value <= exact.p_value * (1 + 1e-9)


@given(counts, times, counts, times, confidences, methods)
def test_swapping_the_groups_inverts_the_ratio(a, time_a, b, time_b, confidence, method):
    """Group b over group a has the inverse ratio, the inverse limits and the same p value."""
    assume(a + b > 0)
    one = estimate_rate_ratio(a, time_a, b, time_b, confidence=confidence, method=method)
    two = estimate_rate_ratio(b, time_b, a, time_a, confidence=confidence, method=method)
    assert two.ratio == pytest.approx(inverse(one.ratio), rel=1e-9)
    assert two.lower == pytest.approx(inverse(one.upper), rel=1e-9)
    assert two.upper == pytest.approx(inverse(one.lower), rel=1e-9)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-6, abs=1e-300)


@given(counts, counts, confidences, st.sampled_from(["clopper-pearson", "wilson"]))
def test_proportion_lies_between_limits_within_zero_and_one(events, others, confidence, method):
    """The proportion and its limits are ordered and stay between 0 and 1."""
    assume(events + others > 0)
    result = estimate_proportion(events, events + others, confidence=confidence, method=method)
    assert 0 <= result.lower <= result.proportion <= result.upper <= 1


strata = st.lists(
    st.tuples(st.integers(0, 60), times, st.integers(0, 60), times), min_size=1, max_size=8
)


@given(counts, times, counts, times)
def test_one_stratum_gives_the_crude_ratio(a, time_a, b, time_b):
    """Mantel-Haenszel over a single stratum is the crude rate ratio."""
    assume(a + b > 0)
    stratified = estimate_mantel_haenszel_rate_ratio([a], [time_a], [b], [time_b])
    crude = estimate_rate_ratio(a, time_a, b, time_b)
    assert stratified.ratio == pytest.approx(crude.ratio, rel=1e-9)
    if min(a, b) == 0:
        assert stratified.upper == pytest.approx(crude.upper, rel=1e-8)
        assert stratified.lower == pytest.approx(crude.lower, rel=1e-8)


@given(strata)
def test_stratified_ratio_inverts_when_the_groups_are_swapped(rows):
    """Over strata, too, swapping the groups inverts ratio and limits."""
    a, time_a, b, time_b = zip(*rows, strict=True)
    assume(sum(a) + sum(b) > 0)
    one = estimate_mantel_haenszel_rate_ratio(a, time_a, b, time_b)
    two = estimate_mantel_haenszel_rate_ratio(b, time_b, a, time_a)
    assert one.lower <= one.ratio <= one.upper
    assert two.ratio == pytest.approx(inverse(one.ratio), rel=1e-8)
    assert two.lower == pytest.approx(inverse(one.upper), rel=1e-8)
    assert two.upper == pytest.approx(inverse(one.lower), rel=1e-8)


@given(strata, times)
def test_strata_without_information_change_nothing_but_are_named(rows, time):
    """A stratum with no event or one arm leaves the ratio as it is and appears by name."""
    a, time_a, b, time_b = (list(column) for column in zip(*rows, strict=True))
    assume(sum(a) + sum(b) > 0)
    before = estimate_mantel_haenszel_rate_ratio(a, time_a, b, time_b)
    after = estimate_mantel_haenszel_rate_ratio(
        [*a, 0, 3], [*time_a, time, time], [*b, 0, 0], [*time_b, time, 0.0]
    )
    assert after.ratio == before.ratio
    assert after.lower == before.lower
    assert after.informative == before.informative
    assert after.uninformative[-2:] == (str(len(a) + 1), str(len(a) + 2))


subjects = st.lists(
    st.tuples(st.integers(0, 9), st.floats(0.5, 500), st.integers(0, 4)), min_size=3, max_size=40
)


@given(subjects, st.integers(1, 39))
def test_sums_of_two_hospitals_give_the_pooled_clustered_rate(rows, cut):
    """Adding the six sums of two hospitals gives the rate of all patients together."""
    events, time, _ = (np.array(column, dtype=float) for column in zip(*rows, strict=True))

    def sums(part):
        e, t = events[part], time[part]
        return RateSums(len(e), e.sum(), t.sum(), e @ e, t @ t, e @ t)

    pooled = estimate_clustered_rate(events, time)
    added = estimate_clustered_rate_from_sums(sums(slice(None, cut)) + sums(slice(cut, None)))
    assert added.rate == pytest.approx(pooled.rate, rel=1e-12)
    assert added.method == pooled.method
    assert added.lower == pytest.approx(pooled.lower, rel=1e-6)
    assert added.upper == pytest.approx(pooled.upper, rel=1e-6)


@given(subjects)
def test_clustered_rate_does_not_depend_on_the_order_of_patients(rows):
    """Reversing the patients changes neither rate nor limits, clusters included."""
    events, time, cluster = zip(*rows, strict=True)
    one = estimate_clustered_rate(events, time, cluster)
    two = estimate_clustered_rate(events[::-1], time[::-1], cluster[::-1])
    assert one.rate == pytest.approx(two.rate, rel=1e-12)
    assert one.upper == pytest.approx(two.upper, rel=1e-6, nan_ok=True)


def draw(seed, n=120):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 4, n)
    age = rng.integers(-2, 3, n) * rng.choice([1.0, 10.0])
    treated = rng.random(n) < 1 / (1 + np.exp(-(0.4 * score - 0.5 + 0.3 * np.sign(age))))
    time = rng.integers(10, 200, n).astype(float)
    events = rng.poisson(0.02 * time)
    return np.column_stack([score, age]).astype(float), treated, events.astype(float), time


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_overlap_weights_balance_the_means_exactly(seed):
    """Every covariate of the model has equal weighted means in both groups, to 1e-8 SD."""
    x, treated, _, _ = draw(seed)
    model = fit_propensity(x, treated, ("score", "age"))
    weights = overlap_weights(model.propensity, treated)
    balance = estimate_balance(x, treated, weights, model.names)
    assert balance.largest_difference < 1e-8


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["overlap", "ate", "att"]), st.booleans())
def test_counted_patterns_give_the_numbers_of_single_patients(seed, weighting, clustered):
    """Sums by covariates, treatment and cluster give the ratio and interval of patients' rows."""
    x, treated, events, time = draw(seed)
    centre = np.random.default_rng(seed).integers(0, 6, len(treated))
    key = np.column_stack([x, treated, centre])
    patterns, index = np.unique(key, axis=0, return_inverse=True)

    def total(values):
        return np.bincount(index, weights=values, minlength=len(patterns))

    columns = (np.ones(len(x)), events, time, events**2, time**2, events * time)
    tally = RateTally(*[total(values) for values in columns])
    names = ("score", "age")
    counted = fit_propensity(patterns[:, :2], patterns[:, 2] == 1, names, weights=tally.subjects)
    one = estimate_weighted_rate_ratio_from_tally(
        tally, counted, weighting=weighting, cluster=patterns[:, 3] if clustered else None
    )
    two = estimate_weighted_rate_ratio(
        events,
        time,
        fit_propensity(x, treated, names),
        weighting=weighting,
        cluster=centre if clustered else None,
    )
    assert one.ratio == pytest.approx(two.ratio, rel=1e-9)
    assert one.standard_error_log == pytest.approx(two.standard_error_log, rel=1e-8)
    assert one.difference_lower == pytest.approx(two.difference_lower, rel=1e-7, abs=1e-9)
    assert one.effective_a == pytest.approx(two.effective_a, rel=1e-9)
    assert one.units == two.units


cohorts = st.lists(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=1,
    max_size=10,
)


def pool_or_refuse(events, n):
    """Cohorts that differ without bound are refused; the unit tests look at that."""
    try:
        return pool_proportions(events, n)
    except EstimationError:
        return None


@settings(max_examples=30, deadline=None)
@given(cohorts)
def test_pooled_proportions_are_ordered_and_ignore_the_order_of_cohorts(rows):
    """Limits enclose estimates, the common effect is the overall share, order does not matter."""
    events, n = zip(*rows, strict=True)
    pooled, turned = pool_or_refuse(events, n), pool_or_refuse(events[::-1], n[::-1])
    assume(pooled is not None and turned is not None)
    assert pooled.fixed_lower <= pooled.fixed <= pooled.fixed_upper
    assert pooled.random_lower <= pooled.random <= pooled.random_upper
    assert pooled.fixed == sum(events) / sum(n)
    assert pooled.lowest <= pooled.fixed <= pooled.highest
    assert turned.random == pytest.approx(pooled.random, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(cohorts)
def test_pooling_the_unaffected_gives_the_complement(rows):
    """Counting patients without the event gives one minus the pooled proportion."""
    events, n = np.array(rows).T
    affected, unaffected = pool_or_refuse(events, n), pool_or_refuse(n - events, n)
    assume(affected is not None and unaffected is not None)
    assert unaffected.random == pytest.approx(1 - affected.random, rel=1e-5, abs=1e-7)
    assert unaffected.random_lower == pytest.approx(1 - affected.random_upper, rel=1e-4, abs=1e-6)
    assert unaffected.tau2 == pytest.approx(affected.tau2, rel=1e-4, abs=1e-7, nan_ok=True)
