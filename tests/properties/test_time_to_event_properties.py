"""What must hold for the time-to-event estimators on any data."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iago.statistics.competing_risks import (
    estimate_cumulative_incidence,
    estimate_kaplan_meier,
    estimate_restricted_mean_time_lost,
)
from iago.statistics.daily_tally import DailyTally, tally_days
from iago.statistics.multistate import estimate_state_occupation, tally_transitions
from iago.statistics.recurrent import (
    estimate_mean_cumulative_count,
    estimate_mean_cumulative_count_of_tally,
    tally_recurrent,
)

CAUSES = ["a", "b", "c"]
# One person: last day and why follow-up ended. Few days, so that ties abound.
persons = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3)), min_size=1, max_size=40)
# One person: day of death or end, died or not, days of events as fractions of follow-up.
recurrent_persons = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), st.lists(st.floats(0, 1, width=16), max_size=4)),
    min_size=1,
    max_size=25,
)
# One person: states on successive days; 2 absorbs.
histories = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=10), min_size=1, max_size=20)


def tally_of(rows: list[tuple[int, int]], **options: Any) -> DailyTally:
    """Tally of persons observed from day 0."""
    return tally_days(None, [row[0] for row in rows], [row[1] for row in rows], CAUSES, **options)


def recurrent_of(rows: list[tuple[int, bool, list[float]]]) -> dict[str, Any]:
    """Arguments of the recurrent-event estimators."""
    events = [(number, round(part * row[0])) for number, row in enumerate(rows) for part in row[2]]
    return {
        "exit_day": [row[0] for row in rows],
        "terminal": [row[1] for row in rows],
        "event_subject": [event[0] for event in events],
        "event_day": [event[1] for event in events],
    }


def stays_of(rows: list[list[int]]) -> dict[str, Any]:
    """One stay a day: person, entry, exit, state before and state after."""
    stays = []
    for number, after in enumerate(rows):
        now = 0
        for day, state in enumerate(after):
            stays.append((number, max(day - 1, 0), day, now, state))
            now = state
            if state == 2:
                break
    subject, entry, leave, origin, goal = zip(*stays, strict=True)
    return {
        "subject": subject,
        "entry_day": entry,
        "exit_day": leave,
        "from_state": origin,
        "to_state": goal,
        "states": ["free", "active", "dead"],
    }


@given(persons)
def test_risks_and_survival_sum_to_one(rows: list[tuple[int, int]]) -> None:
    """Cumulative incidences of all causes and event-free survival sum to 1 on every day."""
    tally = tally_of(rows)
    total = estimate_kaplan_meier(tally).estimate.copy()
    for cause in CAUSES:
        total += estimate_cumulative_incidence(tally, cause).estimate
    np.testing.assert_allclose(total, 1, atol=1e-12)


@given(persons, persons)
def test_sum_of_tallies_is_the_tally_of_all(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    """Adding the tallies of two disjoint groups gives the tally of their union."""
    added, together = tally_of(some) + tally_of(others), tally_of(some + others)
    for name in ("at_risk", "events", "censored"):
        np.testing.assert_array_equal(getattr(added, name), getattr(together, name))
    assert added.delayed_entry == together.delayed_entry


@given(persons, st.floats(0.1, 10))
def test_scaling_all_weights_changes_nothing(rows: list[tuple[int, int]], factor: float) -> None:
    """Doubling, or scaling, all weights leaves estimate and jackknife error as they are."""
    weights = 1 + np.arange(len(rows)) % 3
    one = estimate_cumulative_incidence(tally_of(rows, weights=weights), "a")
    other = estimate_cumulative_incidence(tally_of(rows, weights=weights * factor), "a")
    np.testing.assert_allclose(other.estimate, one.estimate, atol=1e-12)
    np.testing.assert_allclose(other.standard_error, one.standard_error, atol=1e-7)


@given(persons)
def test_equal_weights_are_no_weights(rows: list[tuple[int, int]]) -> None:
    """With every weight equal, estimate, error and limits are those of the plain counts."""
    plain = estimate_cumulative_incidence(tally_of(rows), "a")
    weighted = estimate_cumulative_incidence(tally_of(rows, weights=[2.0] * len(rows)), "a")
    for name in ("estimate", "standard_error", "lower", "upper"):
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(plain, name), atol=1e-7, err_msg=name
        )


@given(persons)
def test_risk_rises_within_its_limits(rows: list[tuple[int, int]]) -> None:
    """A cumulative incidence never falls, and lies between limits within 0 and 1."""
    curve = estimate_cumulative_incidence(tally_of(rows), "a")
    assert (np.diff(curve.estimate) >= 0).all()
    assert (curve.lower >= 0).all()
    assert (curve.upper <= 1).all()
    assert (curve.lower <= curve.estimate + 1e-12).all()
    assert (curve.estimate <= curve.upper + 1e-12).all()


@given(persons)
def test_without_censoring_the_risk_is_a_proportion(rows: list[tuple[int, int]]) -> None:
    """If everyone is followed to an event, risk and error are those of a binomial proportion."""
    complete = [(day, cause or 1) for day, cause in rows]
    tally = tally_of(complete)
    for variance in ("greenwood", "infinitesimal jackknife"):
        curve = estimate_cumulative_incidence(tally, "a", variance=variance)
        share = curve.events.cumsum() / len(rows)
        np.testing.assert_allclose(curve.estimate, share, atol=1e-12)
        np.testing.assert_allclose(
            curve.standard_error**2, share * (1 - share) / len(rows), atol=1e-12
        )


@given(persons, st.integers(1, 16))
def test_days_lost_are_the_area_under_the_risk(rows: list[tuple[int, int]], tau: int) -> None:
    """Days lost up to tau are the sum of the risks on the days before tau."""
    tally = tally_of([*rows, (15, 0)])
    lost = estimate_restricted_mean_time_lost(tally, "a", tau)
    curve = estimate_cumulative_incidence(tally, "a")
    assert abs(lost.estimate - curve.estimate[:tau].sum()) < 1e-10


@given(recurrent_persons)
def test_mean_of_single_terminal_events_is_the_risk(
    rows: list[tuple[int, bool, list[float]]],
) -> None:
    """If the event ends follow-up like death does, the mean count is the cumulative incidence."""
    leave = [row[0] for row in rows]
    cause = np.array([1 if row[2] else 2 * row[1] for row in rows])
    had_event = np.flatnonzero(cause == 1)
    count = estimate_mean_cumulative_count(
        leave,
        cause > 0,
        had_event,
        np.array(leave)[had_event],
        variance="infinitesimal jackknife",
    )
    risk = estimate_cumulative_incidence(
        tally_days(None, leave, cause, ["event", "death"]), "event"
    )
    np.testing.assert_allclose(count.estimate, risk.estimate, atol=1e-12)
    np.testing.assert_allclose(count.standard_error**2, risk.standard_error**2, atol=1e-12)


@given(recurrent_persons)
def test_mean_count_is_at_least_the_risk_of_a_first_event(
    rows: list[tuple[int, bool, list[float]]],
) -> None:
    """With complete follow-up the mean count is no less than the risk of a first event.

    Complete: everyone dies or is observed to one common last day. Under censoring the two use
    different risk sets and the order need not hold in a sample.
    """
    complete = [(day if died else 12, died, parts) for day, died, parts in rows]
    data = recurrent_of(complete)
    count = estimate_mean_cumulative_count(**data)
    leave, cause = np.array(data["exit_day"]), np.where(data["terminal"], 2, 0)
    first = np.full(len(leave), 10**6)
    np.minimum.at(first, data["event_subject"], data["event_day"])
    cause = np.where(first <= leave, 1, cause)
    tally = tally_days(None, np.minimum(first, leave), cause, ["event", "death"])
    risk = estimate_cumulative_incidence(tally, "event").estimate
    assert (count.estimate[: len(risk)] >= risk - 1e-12).all()


@given(recurrent_persons)
def test_complete_follow_up_gives_the_plain_mean(
    rows: list[tuple[int, bool, list[float]]],
) -> None:
    """If everyone is followed to death, the last mean is events per person, by either error."""
    data = recurrent_of([(day, True, parts) for day, _, parts in rows])
    count = estimate_mean_cumulative_count(**data, variance="infinitesimal jackknife")
    own = np.bincount(data["event_subject"], minlength=len(rows)) if rows else np.zeros(0)
    assert abs(count.estimate[-1] - own.mean()) < 1e-10
    assert abs(count.standard_error[-1] ** 2 - own.var() / len(rows)) < 1e-10


@given(recurrent_persons, recurrent_persons)
def test_recurrent_tallies_add_up(
    some: list[tuple[int, bool, list[float]]], others: list[tuple[int, bool, list[float]]]
) -> None:
    """The mean from the sum of two hospitals' tallies is the mean of all their persons."""
    added = tally_recurrent(**recurrent_of(some)) + tally_recurrent(**recurrent_of(others))
    together = estimate_mean_cumulative_count(**recurrent_of(some + others))
    found = estimate_mean_cumulative_count_of_tally(added)
    np.testing.assert_allclose(found.estimate, together.estimate, rtol=1e-12)


@given(histories)
def test_occupation_probabilities_sum_to_one(rows: list[list[int]]) -> None:
    """The probabilities of all states sum to 1 on every day, and their covariances to 0."""
    tally = tally_transitions(**stays_of(rows))
    found = estimate_state_occupation(
        tally.at_risk, tally.transitions, tally.initial, states=tally.states
    )
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(found.covariances.sum(axis=2), 0, atol=1e-12)


@given(histories, histories)
def test_transition_tallies_add_up(some: list[list[int]], others: list[list[int]]) -> None:
    """Adding the transition tallies of two groups gives the tally of their union."""
    added = tally_transitions(**stays_of(some)) + tally_transitions(**stays_of(others))
    together = tally_transitions(**stays_of(some + others))
    for name in ("at_risk", "transitions", "starting"):
        np.testing.assert_array_equal(getattr(added, name), getattr(together, name))
