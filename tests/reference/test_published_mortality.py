"""Published non-relapse mortality against its authors' values and against R.

The numbers of R are in r/published_mortality*.csv, made by r/published_mortality.R with metafor
(rma.glmm, 25 nodes) and binom.test.
"""

import csv
from pathlib import Path

import pytest

from iago.identification.published_mortality import (
    cohort_table,
    compare_with_published,
    heterogeneity_table,
    pool_published_mortality,
    pooled_table,
)
from iago.standard.published import load_published_mortality

R = Path(__file__).parent / "r"
GROUPS = ["lbcl", "mm", "mcl", "il"]
GROUPS += ["axi-cel", "tisa-cel", "liso-cel", "brexu-cel", "ide-cel", "cilta-cel", "all"]
# The iterated fits of R stop at their own tolerance; both sides are converged to 1e-6.
ITERATED = 1e-6
CLOSED_FORM = 1e-9


def reference(name):
    with (R / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def groups():
    return pool_published_mortality(load_published_mortality())


@pytest.fixture(scope="module")
def by_group(groups):
    expected = {row["group"]: row for row in reference("published_mortality.csv")}
    pooled = {row["group"]: row for row in pooled_table(groups).to_pylist()}
    unlike = {row["group"]: row for row in heterogeneity_table(groups).to_pylist()}
    return {code: (pooled[code] | unlike[code], expected[code]) for code in GROUPS}


def assert_close(found, expected, names, tolerance):
    for name in names:
        assert found[name] == pytest.approx(float(expected[name]), rel=tolerance, abs=1e-12), name


@pytest.mark.parametrize("entity", ["lbcl", "mm", "mcl", "il"])
def test_printed_values_are_reproduced_to_the_digit(groups, entity):
    """The pooled percentages of the publication come out as printed."""
    printed = {"lbcl": "6.1", "mm": "8.0", "mcl": "10.6", "il": "5.7"}
    rows = compare_with_published(groups, load_published_mortality())
    row = next(row for row in rows if row.group == entity)
    assert f"{row.published_percent:.1f}" == printed[entity]
    assert f"{100 * row.estimated:.1f}" == printed[entity]
    assert row.agrees


@pytest.mark.parametrize("code", GROUPS)
def test_counts_and_common_effect_equal_metafor(by_group, code):
    """Cohorts, deaths and patients are those R counted; the common effect agrees to 1e-9."""
    found, expected = by_group[code]
    assert [found["k"], found["deaths"], found["n"]] == [
        int(expected[name]) for name in ("k", "deaths", "n")
    ]
    assert_close(found, expected, ("fixed", "fixed_lower", "fixed_upper"), CLOSED_FORM)


@pytest.mark.parametrize("code", GROUPS)
def test_random_effects_equal_metafor(by_group, code):
    """Random-effects value, limits, tau2, I2 and prediction interval agree with rma.glmm."""
    found, expected = by_group[code]
    names = ("random", "random_lower", "random_upper", "tau2", "i2")
    names += ("prediction_lower", "prediction_upper")
    assert_close(found, expected, names, ITERATED)


@pytest.mark.parametrize("code", GROUPS)
def test_heterogeneity_equals_metafor(by_group, code):
    """Wald Q and the likelihood-ratio test agree with rma.glmm."""
    found, expected = by_group[code]
    names = ("q", "p", "likelihood_ratio", "likelihood_ratio_p")
    assert_close(found, expected, names, CLOSED_FORM)
    assert found["df"] == int(expected["k"]) - 1


@pytest.mark.parametrize("code", GROUPS)
def test_follow_up_of_a_group_is_what_r_finds_in_the_file(by_group, code):
    """Shortest, longest and missing follow-up are those of the cohorts of the group."""
    found, expected = by_group[code]
    assert_close(found, expected, ("follow_up_min_months", "follow_up_max_months"), CLOSED_FORM)
    assert found["follow_up_missing"] == int(expected["follow_up_missing"])


def test_exact_intervals_equal_binom_test():
    """Clopper-Pearson limits of all 52 cohorts agree with binom.test, zero deaths included."""
    found = {
        row["cohort"]: row for row in cohort_table(load_published_mortality().cohorts).to_pylist()
    }
    rows = reference("published_mortality_exact.csv")
    assert len(rows) == len(found) == 52
    for row in rows:
        assert_close(found[row["cohort"]], row, ("lower", "upper"), CLOSED_FORM)


def test_the_carried_cohorts_are_those_of_the_shared_file(shared_data):
    """No count or follow-up changed on the way from the published tables into the standard."""
    path = shared_data / "evidence" / "nrm_cohorts.csv"
    with path.open(newline="", encoding="utf-8") as file:
        published = [
            (
                row["cohort"],
                row["entity"].lower(),
                row["product"].lower(),
                int(row["n_patients"]),
                int(row["n_nonrelapse_deaths"]),
                float(row["median_follow_up_months"] or "nan"),
            )
            for row in csv.DictReader(file)
        ]
    carried = [
        (
            cohort.cohort,
            cohort.entity,
            cohort.product.lower(),
            cohort.n_patients,
            cohort.n_nonrelapse_deaths,
            float("nan")
            if cohort.median_follow_up_months is None
            else cohort.median_follow_up_months,
        )
        for cohort in load_published_mortality().cohorts
    ]
    assert repr(carried) == repr(published)
