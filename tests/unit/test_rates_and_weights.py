"""Edge cases and refusals of rates, comparisons, weights and pooling."""

import math

import numpy as np
import pyarrow as pa
import pytest

from iago.errors import EstimationError
from iago.statistics.clustered_rates import (
    RateSums,
    compare_clustered_rates,
    estimate_clustered_rate,
    estimate_clustered_rate_from_sums,
)
from iago.statistics.meta_analysis import (
    compare_pooled_proportions,
    follow_up_spread,
    pool_proportions,
)
from iago.statistics.propensity import (
    estimate_balance,
    estimate_overlap,
    fit_propensity,
    inverse_probability_weights,
    overlap_weights,
)
from iago.statistics.rates import (
    estimate_proportion,
    estimate_rate,
    estimate_rate_ratio,
    estimate_rates,
    upper_limit_at_zero,
)
from iago.statistics.stratified import estimate_mantel_haenszel_rate_ratio
from iago.statistics.weighted_rates import estimate_weighted_rate_ratio


def test_rate_without_person_time_is_unknown_with_a_reason():
    """Zero person-time gives no rate and says why, with or without events."""
    quiet, odd = estimate_rate(0, 0), estimate_rate(2, 0)
    assert math.isnan(quiet.rate)
    assert math.isnan(quiet.upper)
    assert quiet.reason == "no person-time"
    assert odd.reason == "events without person-time"


def test_table_shows_unknown_numbers_as_null():
    """A row without person-time has null, not not-a-number, in the table; others have values."""
    table = estimate_rates([0, 4], [0, 200]).table()
    assert table["rate"].to_pylist() == [None, 2.0]
    assert table["reason"].to_pylist() == ["no person-time", None]
    assert estimate_rate(0, 0).table()["rate"].type == pa.float64()
    assert estimate_rate(0, 0).table()["rate"].null_count == 1


@pytest.mark.parametrize(
    ("events", "person_time"),
    [
        ([-1], [10]),
        ([1.5], [10]),
        ([math.nan], [10]),
        ([1], [-2]),
        ([1], [math.inf]),
        ([1, 2], [3]),
    ],
)
def test_broken_counts_and_times_are_refused(events, person_time):
    """Negative, broken, missing or unequally long input is refused."""
    with pytest.raises(EstimationError, match=r"Count them|time at risk|one length"):
        estimate_rates(events, person_time)


@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0, 95])
def test_confidence_outside_one_half_to_one_is_refused(confidence):
    """A confidence of 95 (per cent) or below one half is refused, with the way to write it."""
    with pytest.raises(EstimationError, match=r"Give 0\.95"):
        estimate_rate(1, 10, confidence=confidence)


def test_rate_ratio_without_any_event_leaves_everything_possible():
    """No events in either group: no ratio, limits 0 to infinity, and the reason."""
    result = estimate_rate_ratio(0, 10, 0, 20)
    assert math.isnan(result.ratio)
    assert (result.lower, result.upper) == (0.0, math.inf)
    assert result.reason == "no events in either group"


def test_rate_ratio_without_person_time_is_unknown():
    """A group without person-time gives no ratio and the reason."""
    result = estimate_rate_ratio(1, 0, 3, 20)
    assert math.isnan(result.ratio)
    assert result.reason == "no person-time in one of the groups"


def test_proportion_of_no_patients_is_unknown_and_of_too_many_refused():
    """0/0 has no proportion; more patients with the event than patients is an error."""
    assert estimate_proportion(0, 0).reason == "no patients"
    with pytest.raises(EstimationError, match="Count patients"):
        estimate_proportion(5, 4)


def test_upper_limit_at_zero_needs_patients():
    """Without patients there is no upper limit, and that is an error."""
    with pytest.raises(EstimationError, match="no patients"):
        upper_limit_at_zero(0)


def test_clustered_rate_without_events_gives_the_exact_limit():
    """No events: exact upper limit, no robust standard error, and a note."""
    result = estimate_clustered_rate([0, 0, 0], [10, 20, 70])
    assert result.upper == pytest.approx(estimate_rate(0, 100).upper)
    assert result.method == "exact"
    assert math.isnan(result.standard_error_log)
    assert "no events" in result.notes[0]


def test_clustered_rate_of_one_unit_has_no_interval():
    """With a single centre the spread between centres is unknown: no limits."""
    result = estimate_clustered_rate([3, 9], [40, 50], ["x", "x"])
    assert result.units == 1
    assert math.isnan(result.lower)
    assert "single unit" in result.notes[-1]


def test_clustered_rate_without_spread_falls_back_to_exact_limits():
    """Identical patients would give an interval of no width; exact limits are given instead."""
    result = estimate_clustered_rate([2] * 20, [50] * 20)
    assert result.method == "exact"
    assert result.lower == pytest.approx(estimate_rate(40, 1000).lower)


def test_dispersion_shows_events_that_gather_in_few_patients():
    """All events in one of ten patients disperse far more than one event in each of ten."""
    gathered = estimate_clustered_rate([10] + [0] * 9, [50] * 10)
    spread = estimate_clustered_rate([1, 0] * 10, [50] * 20)
    assert gathered.dispersion == pytest.approx(10.0)
    assert spread.dispersion < 1
    assert gathered.upper > spread.upper


def test_clustered_rate_refuses_no_person_time_and_wrong_labels():
    """Sums without person-time, and labels that do not match, are refused."""
    with pytest.raises(EstimationError, match="no person-time"):
        estimate_clustered_rate_from_sums(RateSums(3, 0, 0, 0, 0, 0))
    with pytest.raises(EstimationError, match="one label a subject"):
        estimate_clustered_rate([1, 2], [3, 4], ["x"])


def test_clustered_rates_are_compared_on_the_log_scale():
    """The ratio divides the rates; its standard error adds the two variances."""
    a = estimate_clustered_rate([3, 0, 5, 1, 4], [50, 60, 40, 30, 80])
    b = estimate_clustered_rate([1, 2, 0, 1, 3, 0], [50, 70, 40, 90, 80, 60], per=1)
    result = compare_clustered_rates(a, b)
    assert result.ratio == pytest.approx((13 / 260) / (7 / 390))
    expected = math.hypot(a.standard_error_log, b.standard_error_log)
    assert result.standard_error_log == pytest.approx(expected)
    assert result.lower < result.ratio < result.upper
    assert any(note.startswith("group b: fewer than 10") for note in result.notes)


def test_clustered_rates_without_robust_error_are_not_compared():
    """A group without events has no robust error; the exact ratio is named instead."""
    a = estimate_clustered_rate([3, 0, 5], [50, 60, 40])
    with pytest.raises(EstimationError, match="exact conditional"):
        compare_clustered_rates(a, estimate_clustered_rate([0, 0], [50, 60]))


def test_strata_without_information_are_counted_and_named():
    """A centre with one arm and a centre without events are named and not used."""
    result = estimate_mantel_haenszel_rate_ratio(
        [4, 2, 0], [100, 50, 30], [6, 0, 0], [90, 0, 40], strata=["north", "one arm", "no event"]
    )
    assert (result.strata, result.informative) == (3, 1)
    assert result.uninformative == ("one arm", "no event")
    assert math.isnan(result.homogeneity_p)
    assert result.table()["uninformative"].to_pylist() == [["one arm", "no event"]]


def test_no_informative_stratum_is_refused():
    """When every stratum lacks events or an arm there is no ratio."""
    with pytest.raises(EstimationError, match="None of 2 strata"):
        estimate_mantel_haenszel_rate_ratio([0, 3], [10, 10], [0, 0], [10, 0])


def test_strata_of_unequal_length_or_names_are_refused():
    """Arrays and names must have one value a stratum."""
    with pytest.raises(EstimationError, match="one length"):
        estimate_mantel_haenszel_rate_ratio([1], [10, 10], [0, 0], [10, 10])
    with pytest.raises(EstimationError, match="stratum names"):
        estimate_mantel_haenszel_rate_ratio([1], [10], [2], [10], strata=["x", "y"])


def test_arm_without_events_in_all_strata_has_an_exact_limit():
    """With no event in arm a the ratio is 0 and the limit solves the product of absences."""
    result = estimate_mantel_haenszel_rate_ratio([0, 0], [100, 30], [5, 4], [80, 60])
    shares = [result.upper * 100 / (result.upper * 100 + 80), result.upper * 30]
    shares[1] /= result.upper * 30 + 60
    assert (result.ratio, result.lower, result.method) == (0.0, 0.0, "exact conditional")
    assert (1 - shares[0]) ** 5 * (1 - shares[1]) ** 4 == pytest.approx(0.025, rel=1e-9)


def test_centre_with_a_zero_cell_still_counts():
    """Dropping the centre with no event in arm a would move the ratio; it is kept."""
    every = estimate_mantel_haenszel_rate_ratio([9, 0], [200, 100], [8, 6], [200, 100])
    without = estimate_mantel_haenszel_rate_ratio([9], [200], [8], [200])
    assert every.informative == 2
    assert every.ratio < 0.7 * without.ratio


def cohort(n=400, seed=5):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.standard_normal(n), rng.random(n) < 0.4]).astype(float)
    treated = rng.random(n) < 1 / (1 + np.exp(-0.7 * x[:, 0]))
    time = rng.uniform(20, 200, n)
    return x, treated, rng.poisson(0.02 * time), time


def test_separating_covariate_is_refused_by_name():
    """A covariate that tells the groups apart stops the fit and is named."""
    x, treated, _, _ = cohort()
    x = np.column_stack([x, treated + 0.1 * x[:, 0]])
    with pytest.raises(EstimationError, match=r"do not overlap.*code of the drug"):
        fit_propensity(x, treated, ("age", "bulk", "code of the drug"))


def test_partly_separating_category_is_refused_by_name():
    """A category seen in one group only has no finite coefficient and is named."""
    x, treated, _, _ = cohort()
    only_a = treated & (np.arange(len(treated)) % 7 == 0)
    with pytest.raises(EstimationError, match=r"certain from trial\."):
        fit_propensity(np.column_stack([x, only_a]), treated, ("age", "bulk", "trial"))


def test_strong_but_overlapping_confounding_is_fitted():
    """A covariate that predicts treatment strongly, yet not surely, is not mistaken for a wall."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5_000, 1))
    treated = rng.random(5_000) < 1 / (1 + np.exp(-6 * x[:, 0]))
    model = fit_propensity(x, treated, ("age",))
    assert model.coefficients[1] == pytest.approx(6, abs=0.6)


def test_constant_collinear_and_missing_covariates_are_refused_by_name():
    """Columns that cannot be fitted are named, each with its own reason."""
    x, treated, _, _ = cohort()
    constant = np.column_stack([x[:, 0], np.ones(len(x))])
    with pytest.raises(EstimationError, match="same value of site"):
        fit_propensity(constant, treated, ("age", "site"))
    doubled = np.column_stack([x, 2 * x[:, 0] - 3 * x[:, 1] + 1])
    with pytest.raises(EstimationError, match="age, bulk, score determine one another"):
        fit_propensity(doubled, treated, ("age", "bulk", "score"))
    x[3, 1] = math.nan
    with pytest.raises(EstimationError, match="missing or infinite values in bulk"):
        fit_propensity(x, treated, ("age", "bulk"))


def test_empty_group_wrong_shapes_and_types_are_refused():
    """Both groups need patients, one name a column, and treatment true or false."""
    x, treated, _, _ = cohort()
    with pytest.raises(EstimationError, match="0 in group b"):
        fit_propensity(x, np.ones(len(x), dtype=bool), ("age", "bulk"))
    with pytest.raises(EstimationError, match="one name a column"):
        fit_propensity(x, treated, ("age",))
    with pytest.raises(EstimationError, match="true \\(group a\\)"):
        fit_propensity(x, treated.astype(int), ("age", "bulk"))
    with pytest.raises(EstimationError, match="one number of zero or more a row"):
        fit_propensity(x, treated, ("age", "bulk"), weights=np.full(len(x), -1.0))


def test_weights_refuse_certain_treatment():
    """A propensity of exactly 0 or 1 has no comparison and is refused."""
    with pytest.raises(EstimationError, match="treatment is certain"):
        inverse_probability_weights([0.5, 1.0], [True, False])


def test_att_weights_leave_the_treated_alone():
    """Under "att" the treated weigh one and the others their odds of treatment."""
    weights = inverse_probability_weights([0.5, 0.25], [True, False], estimand="att")
    np.testing.assert_allclose(weights, [1.0, 1 / 3])


def test_overlap_diagnostics_count_patients_without_counterpart():
    """Shares outside the common range and the quantiles follow from the propensities."""
    x = np.array([0.0, 1.0, 1.0, 2.0, 2.0, 3.0])[:, None]
    treated = np.array([False, False, True, False, True, True])
    overlap = estimate_overlap(fit_propensity(x, treated, ("score",)))
    assert overlap.share_outside_a == pytest.approx(1 / 3)
    assert overlap.share_outside_b == pytest.approx(1 / 3)
    assert overlap.propensity_a[0] == overlap.common_lower
    assert overlap.propensity_b[-1] == overlap.common_upper
    assert overlap.table().num_rows == 9


def test_counted_patterns_have_the_overlap_of_single_patients():
    """Counting equal patients in one row changes neither shares nor quantiles."""
    x, treated = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([True, True, False, False])
    counts = np.array([3, 7, 6, 2])
    counted = estimate_overlap(fit_propensity(x, treated, ("bulk",), weights=counts))
    rows = np.repeat(np.arange(4), counts)
    single = estimate_overlap(fit_propensity(x[rows], treated[rows], ("bulk",)))
    np.testing.assert_allclose(counted.propensity_a, single.propensity_a)
    np.testing.assert_allclose(counted.propensity_b, single.propensity_b)


def test_balance_of_a_covariate_fixed_in_each_group_is_endless():
    """Means that differ where neither group varies have an infinite standardised difference."""
    x = np.array([[1.0], [1.0], [2.0], [2.0]])
    balance = estimate_balance(x, np.array([True, True, False, False]), np.ones(4), ("dose",))
    assert balance.difference[0] == -math.inf
    assert balance.table()["variance_ratio"].null_count == 1


def test_balance_refuses_a_group_of_one():
    """One patient has no variance, so no standardised difference."""
    with pytest.raises(EstimationError, match="two patients or more"):
        estimate_balance(np.ones((3, 1)), np.array([True, False, False]), np.ones(3), ("age",))


def test_weighted_ratio_refuses_a_group_without_events():
    """Without events in a group the log ratio does not exist; another estimator is named."""
    x, treated, events, time = cohort()
    model = fit_propensity(x, treated, ("age", "bulk"))
    with pytest.raises(EstimationError, match="Group a has 0 events"):
        estimate_weighted_rate_ratio(np.where(treated, 0, events), time, model)


def test_weighted_ratio_refuses_a_group_within_one_cluster():
    """When all of group a come from one centre, product and centre cannot be told apart."""
    x, treated, events, time = cohort()
    model = fit_propensity(x, treated, ("age", "bulk"))
    centre = np.where(treated, 0, np.arange(len(treated)) % 5)
    with pytest.raises(EstimationError, match="All patients of group a are in 1 cluster"):
        estimate_weighted_rate_ratio(events, time, model, cluster=centre)


def test_few_clusters_are_noted():
    """Fewer than 30 clusters are named in the notes, 30 or more are not."""
    x, treated, events, time = cohort()
    model = fit_propensity(x, treated, ("age", "bulk"))
    rows = np.arange(len(treated))
    few = estimate_weighted_rate_ratio(events, time, model, cluster=rows % 12)
    many = estimate_weighted_rate_ratio(events, time, model, cluster=rows % 40)
    assert "12 clusters, fewer than 30" in few.notes[0]
    assert many.notes == ()
    assert few.units == 12


def test_weighted_ratio_refuses_too_little_overlap():
    """Weights that leave less than ten effective patients stop the comparison."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 1))
    treated = rng.random(300) < 1 / (1 + np.exp(-8 * x[:, 0]))
    model = fit_propensity(x, treated, ("age",))
    with pytest.raises(EstimationError, match="overlap too little"):
        estimate_weighted_rate_ratio(np.ones(300), np.full(300, 30.0), model, weighting="att")


def test_weighted_ratio_refuses_rows_that_do_not_match_the_model():
    """Counted patterns, other rows and unknown weightings are refused."""
    x, treated, events, time = cohort()
    model = fit_propensity(x, treated, ("age", "bulk"))
    counted = fit_propensity(x, treated, ("age", "bulk"), weights=np.ones(len(x)))
    with pytest.raises(EstimationError, match="counted patterns"):
        estimate_weighted_rate_ratio(events, time, counted)
    with pytest.raises(EstimationError, match="same rows"):
        estimate_weighted_rate_ratio(events[:-1], time[:-1], model)
    with pytest.raises(EstimationError, match="'overlap', 'ate' or 'att'"):
        estimate_weighted_rate_ratio(events, time, model, weighting="stabilised")


def test_difference_and_ratio_tell_the_same_rates():
    """Difference and ratio of the result are those of its two rates, per the unit asked for."""
    x, treated, events, time = cohort()
    model = fit_propensity(x, treated, ("age", "bulk"))
    result = estimate_weighted_rate_ratio(events, time, model, per=1000)
    assert result.difference == pytest.approx(result.rate_a - result.rate_b)
    assert result.ratio == pytest.approx(result.rate_a / result.rate_b)
    assert result.table()["per"].to_pylist() == [1000]


def test_weights_of_equal_groups_change_nothing():
    """Where treatment is independent of the covariate, weighted and crude ratio are equal."""
    x = np.tile([0.0, 1.0], 40)[:, None]
    treated = np.repeat([True, False], 40)
    events = np.tile([1, 0, 2, 1], 20)
    model = fit_propensity(x, treated, ("bulk",))
    np.testing.assert_allclose(overlap_weights(model.propensity, treated), 0.5)
    result = estimate_weighted_rate_ratio(events, np.full(80, 30.0), model)
    assert result.ratio == pytest.approx(result.crude_ratio)


def test_single_cohort_has_random_equal_to_fixed():
    """With one cohort both estimates agree, no heterogeneity is claimed, and a note says so."""
    pooled = pool_proportions([7], [90])
    assert pooled.random == pooled.fixed
    assert (pooled.random_lower, pooled.random_upper) == (pooled.fixed_lower, pooled.fixed_upper)
    assert math.isnan(pooled.wald_p)
    assert math.isnan(pooled.prediction_lower)
    assert "one cohort" in pooled.notes[0]


def test_homogeneous_cohorts_have_no_variance_between_them():
    """Equal proportions estimate the variance as zero, exactly, and random equals fixed."""
    pooled = pool_proportions([3, 6, 9, 12, 15], [30, 60, 90, 120, 150])
    assert pooled.tau2 == 0.0
    assert pooled.random == pooled.fixed
    assert pooled.notes[0].startswith("between-cohort variance estimated as zero")


def test_cohorts_without_events_enter_without_correction():
    """A zero-event cohort lowers the pooled value, and its size matters."""
    base = pool_proportions([3, 5, 4], [50, 60, 70])
    small = pool_proportions([3, 5, 4, 0], [50, 60, 70, 10])
    large = pool_proportions([3, 5, 4, 0], [50, 60, 70, 80])
    assert base.random > small.random > large.random


def test_no_event_anywhere_gives_exact_limits():
    """When no patient has the event the limits are exact ones of all cohorts together."""
    pooled = pool_proportions([0, 0, 0], [40, 50, 43])
    assert (pooled.fixed, pooled.random) == (0.0, 0.0)
    assert pooled.random_upper == pytest.approx(0.0273548, abs=1e-7)
    assert pooled.notes[0].startswith("no patient has the event")
    assert pool_proportions([4, 5], [4, 5]).random_upper == 1.0


def test_cohorts_of_none_and_all_are_refused():
    """Cohorts that are all or nothing have no finite variance and are not pooled."""
    with pytest.raises(EstimationError, match="differ without bound"):
        pool_proportions([0, 20, 0, 15], [30, 20, 40, 15])


@pytest.mark.parametrize(("events", "n"), [([1], [0]), ([5], [4]), ([1, 2], [9]), ([], [])])
def test_broken_cohorts_are_refused(events, n):
    """Empty cohorts, too many events and unequal lists are refused."""
    with pytest.raises(EstimationError, match="cohort"):
        pool_proportions(events, n)


def test_few_cohorts_show_their_range():
    """Below five cohorts the note points to the range, which the result carries."""
    pooled = pool_proportions([2, 9, 5], [40, 60, 50])
    assert any("3 cohorts" in note for note in pooled.notes)
    assert (pooled.lowest, pooled.highest) == (0.05, 0.15)


def test_subgroups_are_compared_by_their_random_effects():
    """The statistic is the weighted squared distance of two logits, one degree of freedom."""
    low, high = pool_proportions([2, 3, 4], [50, 60, 70]), pool_proportions([9, 12], [50, 60])
    result = compare_pooled_proportions({"low": low, "high": high})
    variance = low.random_standard_error**2 + high.random_standard_error**2
    expected = (low.random_logit - high.random_logit) ** 2 / variance
    assert result.statistic == pytest.approx(expected)
    assert result.degrees_of_freedom == 1
    assert result.p_value < 0.05


def test_subgroup_without_events_is_not_compared():
    """A subgroup without events has no standard error, and the test is refused."""
    some, none = pool_proportions([2, 3], [50, 60]), pool_proportions([0], [30])
    with pytest.raises(EstimationError, match="1 of them without a standard error"):
        compare_pooled_proportions({"some": some, "none": none})


def test_follow_up_spread_ignores_and_counts_missing():
    """Missing medians are counted, not used; none reported leaves the ratio unknown."""
    spread = follow_up_spread([3.0, math.nan, 12.0])
    assert (spread.cohorts, spread.missing, spread.ratio) == (3, 1, 4.0)
    assert math.isnan(follow_up_spread([math.nan]).ratio)
    with pytest.raises(EstimationError, match="positive time"):
        follow_up_spread([0.0, 3.0])
