"""Mean cumulative count against R (survival, mets, the formula written out) and planted truth."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iago.statistics.recurrent import MeanCumulativeCount, estimate_mean_cumulative_count

R_FOLDER = Path(__file__).parent / "r"
# Relative and absolute. Both sides are closed forms in double precision.
TOLERANCE = (1e-10, 1e-13)
# Central differences with a step of 1e-4 carry an error of this order.
DERIVATIVE_TOLERANCE = (1e-8, 1e-10)
MADE_UP = ("made up without ties", "made up with ties", "made up with delayed entry")
LONG = os.environ.get("IAGO_LONG_TESTS") == "1"


def rows_of(path: Path, **wanted: str) -> list[dict[str, str]]:
    """Rows of a table with the wanted values."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert found, f"no rows with {wanted} in {path.name}"
    return found


def made_up(data: str) -> dict[str, Any]:
    """Input of one made-up data set of the R script."""
    persons = rows_of(R_FOLDER / "recurrent_made_up_persons.csv", data=data)
    events = rows_of(R_FOLDER / "recurrent_made_up_events.csv", data=data)
    return {
        "exit_day": [int(row["exit"]) for row in persons],
        "terminal": [row["died"] == "1" for row in persons],
        "entry_day": [int(row["entry"]) for row in persons],
        "event_subject": [int(row["person"]) - 1 for row in events],
        "event_day": [int(row["day"]) for row in events],
    }


def cgd(shared_data: Path, arm: str) -> dict[str, Any]:
    """Infections and follow-up of one arm of the chronic granulomatous disease trial."""
    rows = rows_of(shared_data / "survival" / "cgd.csv", treat=arm)
    last = {row["id"]: int(row["tstop"]) for row in rows}
    events = [row for row in rows if row["status"] == "1"]
    return {
        "exit_day": list(last.values()),
        "terminal": [False] * len(last),
        "event_subject": [list(last).index(row["id"]) for row in events],
        "event_day": [int(row["tstop"]) for row in events],
    }


def assert_agrees(
    found: MeanCumulativeCount, data: str, analysis: str, tolerance: tuple[float, float]
) -> None:
    """Every day of the reference agrees in estimate and standard error."""
    rows = rows_of(R_FOLDER / "recurrent_reference.csv", data=data, analysis=analysis)
    days = [int(row["day"]) for row in rows]
    estimates = [float(row["estimate"]) for row in rows]
    errors = [float(row["standard_error"]) for row in rows]
    np.testing.assert_allclose(found.estimate[days], estimates, *TOLERANCE)
    np.testing.assert_allclose(found.standard_error[days], errors, *tolerance)


@pytest.mark.parametrize("arm", ["placebo", "rIFN-g"])
def test_without_deaths_equals_survfit(shared_data: Path, arm: str) -> None:
    """Infections of the cgd trial give R survfit's mean function and robust error."""
    found = estimate_mean_cumulative_count(**cgd(shared_data, arm))
    assert_agrees(found, f"cgd {arm}", "survival", TOLERANCE)


def test_with_deaths_equals_mets() -> None:
    """With deaths and no ties the mean and its error equal recurrentMarginal of R mets."""
    found = estimate_mean_cumulative_count(**made_up("made up without ties"))
    assert_agrees(found, "made up without ties", "mets", TOLERANCE)


@pytest.mark.parametrize("data", MADE_UP)
def test_running_sums_equal_the_formula(data: str) -> None:
    """The one-pass error equals Ghosh & Lin's sum written out person by person and day by day."""
    found = estimate_mean_cumulative_count(**made_up(data))
    assert_agrees(found, data, "direct", TOLERANCE)


@pytest.mark.parametrize("data", MADE_UP)
def test_jackknife_equals_numerical_derivatives(data: str) -> None:
    """The jackknife error equals the root of summed squared derivatives by person's weight."""
    found = estimate_mean_cumulative_count(**made_up(data), variance="infinitesimal jackknife")
    assert_agrees(found, data, "derivative", DERIVATIVE_TOLERANCE)


# A day's mean events of a person alive and death hazard, both times a gamma frailty.
EVENTS_A_DAY, DEATH_HAZARD, FRAILTY_VARIANCE = 0.02, 0.004, 1.0


def true_mean(day: int) -> float:
    """Planted mean: sum over days of E[Z lambda exp(-h Z d)], closed form for a gamma Z."""
    days = np.arange(day + 1)
    shrink = 1 + FRAILTY_VARIANCE * DEATH_HAZARD * days
    return float(EVENTS_A_DAY * (shrink ** (-1 / FRAILTY_VARIANCE - 1)).sum())


def simulated(rng: np.random.Generator, persons: int) -> dict[str, Any]:
    """Events and death that share a frailty, so neither is independent of the other."""
    frailty = rng.gamma(1 / FRAILTY_VARIANCE, FRAILTY_VARIANCE, persons)
    death = np.floor(rng.exponential(1 / (DEATH_HAZARD * frailty))).clip(max=10_000).astype(int)
    censored = rng.integers(20, 200, persons)
    leave = np.minimum(death, censored)
    count = rng.poisson(EVENTS_A_DAY * frailty * (leave + 1))
    subject = np.repeat(np.arange(persons), count)
    return {
        "exit_day": leave,
        "terminal": death <= censored,
        "event_subject": subject,
        "event_day": rng.integers(0, leave[subject] + 1),
    }


@pytest.mark.parametrize("persons", [100, 500])
def test_interval_covers_the_planted_mean(persons: int) -> None:
    """The 95 % interval holds the true mean on day 60 in 95 % of simulated cohorts.

    Events and deaths depend on each other through the frailty. The tolerance is 3.5 binomial
    standard errors for 1,000 repeats; a long run of 10,000 holds the 94 to 96 % that is claimed.
    """
    repeats, tolerance = (10_000, 0.01) if LONG else (1000, 0.024)
    rng, truth = np.random.default_rng(60), true_mean(60)
    covered = 0
    for _ in range(repeats):
        found = estimate_mean_cumulative_count(**simulated(rng, persons))
        covered += bool(found.lower[60] <= truth <= found.upper[60])
    assert abs(covered / repeats - 0.95) < tolerance


def test_large_cohort_finds_the_planted_mean() -> None:
    """In 200,000 simulated persons the estimate lies within 4 standard errors of the truth."""
    found = estimate_mean_cumulative_count(**simulated(np.random.default_rng(3), 200_000))
    for day in (0, 10, 60, 150):
        assert abs(found.estimate[day] - true_mean(day)) < 4 * found.standard_error[day]
    assert found.standard_error[150] < 0.02
