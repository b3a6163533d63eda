"""Conventions, edges and refusals of the time-to-event estimators."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from iago.errors import EstimationError
from iago.statistics.competing_risks import (
    estimate_cumulative_incidence,
    estimate_kaplan_meier,
    estimate_restricted_mean_time_lost,
)
from iago.statistics.daily_tally import DailyTally, tally_days, tally_days_by_group
from iago.statistics.intervals import log_interval, log_log_interval, plain_interval
from iago.statistics.multistate import estimate_state_occupation, tally_transitions
from iago.statistics.recurrent import (
    estimate_mean_cumulative_count,
    estimate_mean_cumulative_count_of_tally,
    tally_recurrent,
)

CAUSES = ["infection", "death"]
# Two-sided 95 % upper limits for "0 of n": 1 - 0.025^(1/n) and -log(0.025)/n.
UPPER_0_OF_4 = 1 - 0.025 ** (1 / 4)


def test_events_come_before_censoring_on_one_day() -> None:
    """A person censored on the day of another's event is still at risk on that day."""
    tally = tally_days(None, [3, 3], [1, 0], CAUSES)
    curve = estimate_cumulative_incidence(tally, "infection")
    assert curve.at_risk[3] == 2
    assert curve.estimate[3] == 0.5


def test_day_zero_holds_everyone_observed_from_infusion() -> None:
    """An event on day 0 counts among all who entered on day 0."""
    tally = tally_days([0, 0, 0, 0], [0, 5, 5, 5], [1, 0, 0, 0], CAUSES)
    assert tally.at_risk.tolist() == [4, 3, 3, 3, 3, 3]
    assert estimate_cumulative_incidence(tally, "infection").estimate[0] == 0.25


def test_delayed_entry_is_at_risk_after_the_entry_day() -> None:
    """A person who enters on day 2 is at risk from day 3 on."""
    tally = tally_days([0, 2], [4, 4], [0, 1], CAUSES)
    assert tally.at_risk.tolist() == [1, 1, 1, 2, 2]
    assert tally.delayed_entry
    assert estimate_cumulative_incidence(tally, "infection").variance == "greenwood"


def test_exit_on_a_late_entry_day_is_counted_apart() -> None:
    """A person who leaves on the entry day is never at risk, and the result says so."""
    tally = tally_days([0, 3], [5, 3], [0, 1], CAUSES)
    curve = estimate_cumulative_incidence(tally, "infection")
    assert (tally.never_at_risk, curve.events.sum(), curve.at_risk.max()) == (1, 0, 1)
    assert any("never at risk" in caution for caution in curve.cautions)


def test_all_censored_gives_zero_with_an_exact_upper_limit() -> None:
    """With no event the risk is 0, and its upper limit is the exact one for those still at risk."""
    curve = estimate_cumulative_incidence(
        tally_days(None, [9, 9, 9, 9], [0, 0, 0, 0], CAUSES), "infection"
    )
    assert not curve.estimate.any()
    assert not curve.lower.any()
    np.testing.assert_allclose(curve.upper, UPPER_0_OF_4)
    assert any("No events" in caution for caution in curve.cautions)


def test_zero_event_limit_widens_as_persons_are_censored() -> None:
    """After censoring of 3 of 4 persons the upper limit is the one for 0 of 1."""
    curve = estimate_cumulative_incidence(tally_days(None, [2, 2, 2, 9], [0] * 4, CAUSES), "death")
    np.testing.assert_allclose(curve.upper[[2, 3, 9]], [UPPER_0_OF_4, 0.975, 0.975])


def test_zero_event_limit_counts_those_with_a_competing_event() -> None:
    """Persons who died are known not to have the event later: the limit stays that for 0 of 4."""
    tally = tally_days(None, [1, 2, 9, 9], [2, 2, 0, 0], CAUSES)
    curve = estimate_cumulative_incidence(tally, "infection")
    np.testing.assert_allclose(curve.upper, UPPER_0_OF_4)


def test_certain_event_has_an_exact_lower_limit() -> None:
    """If all 4 had the event, the risk is 1 and the lower limit that for 4 of 4."""
    curve = estimate_cumulative_incidence(tally_days(None, [1] * 4, [1] * 4, CAUSES), "infection")
    assert (curve.estimate[1], curve.upper[1]) == (1, 1)
    assert curve.lower[1] == pytest.approx(0.025 ** (1 / 4))


def test_one_subject() -> None:
    """One person with an event has risk 0 before and 1 after, each with its wide limits."""
    table = estimate_cumulative_incidence(tally_days(None, [2], [1], CAUSES), "infection").table()
    assert table["estimate"].to_pylist() == [0, 0, 1]
    assert table["upper"].to_pylist() == pytest.approx([0.975, 0.975, 1])
    assert table["lower"].to_pylist() == pytest.approx([0, 0, 0.025])


def test_last_day_with_one_at_risk() -> None:
    """The last person's event takes all that remains of the event-free probability."""
    tally = tally_days(None, [1, 2, 7], [1, 2, 1], CAUSES)
    curve = estimate_cumulative_incidence(tally, "infection")
    assert curve.at_risk[7] == 1
    assert curve.estimate[7] == pytest.approx(2 / 3)
    assert estimate_kaplan_meier(tally).estimate[7] == 0
    assert estimate_kaplan_meier(tally).standard_error[7] == 0
    # Without censoring both variances are binomial.
    assert curve.standard_error[7] == pytest.approx(np.sqrt(2 / 3 * 1 / 3 / 3))


def test_lookup_reads_steps_and_leaves_later_days_unknown() -> None:
    """A day without events takes the last value; a day beyond observation is null."""
    curve = estimate_cumulative_incidence(tally_days(None, [2, 6, 6], [1, 0, 0], CAUSES), CAUSES[0])
    rows = curve.at([4, 2, 50])
    assert rows["day"].to_pylist() == [4, 2, 50]
    assert rows["estimate"].to_pylist()[:2] == pytest.approx([1 / 3, 1 / 3])
    assert rows["estimate"].to_pylist()[2] is None
    assert rows["events_to_date"].to_pylist() == [1, 1, 1]
    assert rows["at_risk"].to_pylist() == [2, 3, 0]


def test_lookup_keeps_a_completed_curve() -> None:
    """When nobody is left who could have the event, later days hold the last value."""
    curve = estimate_cumulative_incidence(tally_days(None, [2, 6], [1, 2], CAUSES), "infection")
    assert curve.at(100)["estimate"].to_pylist() == [0.5]


def test_table_has_counts_as_whole_numbers() -> None:
    """The table holds one row a day, counts as integers, and the named columns."""
    table = estimate_cumulative_incidence(tally_days(None, [1, 3], [1, 0], CAUSES), "death").table()
    assert table.num_rows == 4
    assert table.schema.field("at_risk").type == pa.int64()
    assert table.column_names[:4] == ["day", "at_risk", "events", "competing_events"]


def test_counts_from_a_group_by_equal_the_persons() -> None:
    """Entry counts by day and exit counts by day and cause give the same tally as the rows."""
    rows = tally_days([0, 0, 2, 0], [5, 3, 5, 3], [1, 0, 1, 2], CAUSES)
    counts = DailyTally.from_counts(
        causes=CAUSES,
        exit_day=[5, 3, 3],
        exit_cause=[1, 0, 2],
        exit_count=[2, 1, 1],
        entry_day=[0, 2],
        entry_count=[3, 1],
    )
    for name in ("at_risk", "events", "censored"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(counts, name))
    assert counts.delayed_entry


def test_groups_in_one_pass_equal_groups_one_by_one() -> None:
    """Tallying by group gives what tallying each group alone gives."""
    group, leave, cause = np.array([0, 1, 1, 0]), np.array([4, 2, 9, 1]), np.array([1, 0, 2, 0])
    both = tally_days_by_group(
        group, groups=2, entry_day=None, exit_day=leave, cause=cause, causes=CAUSES
    )
    for number, tally in enumerate(both):
        alone = tally_days(None, leave[group == number], cause[group == number], CAUSES)
        np.testing.assert_array_equal(tally.events, alone.events)
        np.testing.assert_array_equal(tally.at_risk, alone.at_risk)


def test_everyone_late_leaves_the_first_days_unknown() -> None:
    """If all enter on day 3, days 0 to 3 are unknown and the condition is stated."""
    curve = estimate_cumulative_incidence(tally_days([3, 3], [5, 6], [1, 0], CAUSES), "infection")
    assert curve.table()["estimate"].to_pylist()[:4] == [None] * 4
    assert curve.estimate[5] == 0.5
    assert any("before day 4" in caution for caution in curve.cautions)


def test_days_lost_without_an_event_have_an_upper_limit() -> None:
    """With 0 of 4 events by day 5 the limit is 5 days times the exact limit for the risk."""
    lost = estimate_restricted_mean_time_lost(
        tally_days(None, [9] * 4, [0] * 4, CAUSES), "death", 5
    )
    assert (lost.estimate, lost.lower) == (0, 0)
    assert lost.upper == pytest.approx(5 * UPPER_0_OF_4)
    assert lost.table().column_names[:2] == ["cause", "tau"]


def test_results_are_frozen() -> None:
    """A result and the arrays of a tally cannot be changed by accident."""
    tally = tally_days(None, [1, 3], [1, 0], CAUSES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate_cumulative_incidence(tally, "death").confidence = 0.5  # type: ignore[misc] # the point of the test
    with pytest.raises(ValueError, match="read-only"):
        tally.at_risk[0] = 7


def test_intervals_at_the_edges() -> None:
    """Without an effective number a standard error of 0 gives unknown limits, never a point."""
    for limits in (
        log_log_interval([0.0, 1.0], [0.0, 0.0]),
        log_interval([0.0], [0.0]),
        plain_interval([0.3], [0.0]),
    ):
        assert np.isnan(limits).all()


def test_log_interval_of_no_events_is_garwood() -> None:
    """A mean of 0 over an effective 100 persons has the exact Poisson limit 3.689 / 100."""
    lower, upper = log_interval([0.0], [0.0], effective_number=[100])
    assert lower[0] == 0
    assert upper[0] == pytest.approx(0.036889, rel=1e-4)


def test_plain_interval_is_wald() -> None:
    """0.3 with standard error 0.1 has the limits 0.104 and 0.496."""
    lower, upper = plain_interval([0.3], [0.1])
    assert [lower[0], upper[0]] == pytest.approx([0.104, 0.496], abs=1e-4)


def test_event_on_the_day_of_death_counts() -> None:
    """A recurrent event on the day of the person's own death counts, before the death."""
    found = estimate_mean_cumulative_count([4, 9], [True, False], [0], [4])
    assert found.estimate[4] == 0.5
    assert found.at_risk.tolist() == [2] * 5 + [1] * 5


def test_dead_persons_stay_in_the_mean() -> None:
    """An event after the death of one of two persons adds one half, not one."""
    found = estimate_mean_cumulative_count([4, 9], [True, False], [1], [7])
    assert found.estimate[9] == pytest.approx(0.5)


def test_two_events_on_one_day_both_count() -> None:
    """Two events of one person on one day add two events over those at risk."""
    found = estimate_mean_cumulative_count([9, 9], [False, False], [0, 0], [3, 3])
    assert found.estimate[3] == 1
    # Influence +1/2 (2 - 1) and -1/2: the root of 1/4 + 1/4.
    assert found.standard_error[3] == pytest.approx(np.sqrt(0.5))


def test_no_recurrent_event_has_a_poisson_limit_that_says_so() -> None:
    """With no event the mean is 0 with the Poisson limit, named as an assumption."""
    found = estimate_mean_cumulative_count([9, 9], [False, False], [], [])
    assert not found.estimate.any()
    np.testing.assert_allclose(found.upper, -np.log(0.025) / 2)
    assert any("Poisson" in caution for caution in found.cautions)


def test_input_of_terminal_is_not_changed() -> None:
    """The caller's arrays stay as they were."""
    terminal = np.array([True, True])
    estimate_mean_cumulative_count([4, 9], terminal, [], [], entry_day=[4, 0])
    assert terminal.all()


def test_recurrent_tally_gives_the_estimate_without_error() -> None:
    """Sums over persons give the same mean; the standard error is unknown, not Poisson."""
    data = ([4, 9, 6], [True, False, False], [0, 1, 1], [4, 7, 8])
    whole = estimate_mean_cumulative_count_of_tally(tally_recurrent(*data))
    np.testing.assert_allclose(whole.estimate, estimate_mean_cumulative_count(*data).estimate)
    assert np.isnan(whole.standard_error).all()
    assert np.isnan(whole.upper).all()


def test_same_day_passages_are_netted() -> None:
    """Free to active to ended on one day is one move from free to ended, with no day active."""
    tally = tally_transitions(
        [1, 1, 1], [0, 5, 5], [5, 5, 8], [0, 1, 2], [1, 2, 2], states=["free", "active", "ended"]
    )
    assert tally.transitions[5, 0, 2] == 1
    assert tally.transitions.sum() == 1
    assert tally.at_risk[:, 1].sum() == 0
    assert tally.at_risk[:, 2].tolist() == [0] * 6 + [1] * 3


def test_a_move_on_day_zero_counts_once() -> None:
    """Who moves on day 0 is at risk on day 0 in the first state only."""
    tally = tally_transitions([1, 1], [0, 0], [0, 3], [0, 1], [1, 1], states=["free", "active"])
    assert tally.at_risk.tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]
    found = estimate_state_occupation(
        tally.at_risk, tally.transitions, tally.initial, states=tally.states
    )
    assert found.probability("active").estimate.tolist() == [1, 1, 1, 1]


def test_state_never_reached_has_an_upper_limit() -> None:
    """A probability of 0 for a state nobody reached has the exact limit for 0 of 4."""
    at_risk = np.column_stack((np.full(3, 4), np.zeros(3, dtype=int)))
    found = estimate_state_occupation(
        at_risk, np.zeros((3, 2, 2)), [1, 0], states=["free", "active"]
    )
    np.testing.assert_allclose(found.probability("active").upper, UPPER_0_OF_4)
    assert found.probability("active").at_risk.tolist() == [4, 4, 4]


def test_initial_states_that_were_counted_have_error() -> None:
    """Half of 100 persons starting active gives day 0 a standard error of 0.05."""
    found = estimate_state_occupation(
        np.full((2, 2), 50), np.zeros((2, 2, 2)), [0.5, 0.5], states=["a", "b"], initial_number=100
    )
    assert found.probability("a").standard_error.tolist() == pytest.approx([0.05, 0.05])
    assert found.expected_days("a", 2).standard_error == pytest.approx(0.1)


def test_occupied_state_without_observation_is_named() -> None:
    """A state that should be occupied but holds nobody under observation leads to a caution."""
    tally = tally_transitions(
        [1, 1, 2], [0, 2, 0], [2, 3, 9], [0, 1, 0], [1, 1, 0], states=["free", "active"]
    )
    found = estimate_state_occupation(
        tally.at_risk, tally.transitions, tally.initial, states=tally.states
    )
    assert any("On day 4" in caution and "'active'" in caution for caution in found.cautions)


TALLY = tally_days(None, [1, 3, 9], [1, 0, 2], CAUSES)
LATE = tally_days([0, 2], [4, 4], [0, 1], CAUSES)
PAIR = ["free", "active"]

REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "negative day": (lambda: tally_days(None, [-1, 3], [0, 0], CAUSES), "negative"),
    "half day": (lambda: tally_days(None, [1.5], [0], CAUSES), "not whole"),
    "missing day": (lambda: tally_days(None, [np.nan], [0], CAUSES), "missing"),
    "a date": (lambda: tally_days(None, [20_250_101], [0], CAUSES), "check the unit"),
    "exit before entry": (lambda: tally_days([5], [3], [0], CAUSES), "1 of 1 rows"),
    "unknown cause code": (lambda: tally_days(None, [5], [3], CAUSES), "cause code 3"),
    "empty input": (lambda: tally_days(None, [], [], CAUSES), "No rows"),
    "nobody at risk": (lambda: tally_days([3], [3], [1], CAUSES), "Nobody at risk"),
    "columns of different length": (lambda: tally_days(None, [5, 6], [1], CAUSES), "different"),
    "two dimensions": (lambda: tally_days(None, [[5]], [1], CAUSES), "2 dimensions"),
    "negative weight": (lambda: tally_days(None, [5], [1], CAUSES, weights=[-1]), "Weights"),
    "no causes": (lambda: tally_days(None, [5], [0], []), "at least one name"),
    "group number": (
        lambda: tally_days_by_group(
            [2], groups=2, entry_day=None, exit_day=[4], cause=[0], causes=CAUSES
        ),
        "Group number 2",
    ),
    "entries and exits differ": (
        lambda: DailyTally.from_counts(
            causes=CAUSES,
            exit_day=[5],
            exit_cause=[1],
            exit_count=[2],
            entry_day=[0],
            entry_count=[3],
        ),
        "3 entries",
    ),
    "more exits than at risk": (
        lambda: DailyTally(
            causes=("a",),
            at_risk=np.array([2.0, 1.0]),
            events=np.array([[0.0, 1.0]]),
            censored=np.array([1.0, 1.0]),
        ),
        "On day 1 more persons left",
    ),
    "shapes of a tally": (
        lambda: DailyTally(
            causes=("a",), at_risk=np.ones(2), events=np.zeros((2, 2)), censored=np.zeros(2)
        ),
        "one row for each of 1 causes",
    ),
    "negative count": (
        lambda: DailyTally(
            causes=("a",), at_risk=np.ones(1), events=-np.ones((1, 1)), censored=np.zeros(1)
        ),
        "Negative or missing counts",
    ),
    "different causes added": (
        lambda: TALLY + tally_days(None, [1], [1], ["infection", "relapse"]),
        "different causes",
    ),
    "unknown cause": (lambda: estimate_cumulative_incidence(TALLY, "relapse"), "'relapse'"),
    "unknown interval": (
        lambda: estimate_cumulative_incidence(TALLY, "death", interval="arcsine"),
        "'arcsine'",
    ),
    "unknown variance": (
        lambda: estimate_cumulative_incidence(TALLY, "death", variance="x"),  # type: ignore[arg-type] # the point
        "'x'",
    ),
    "confidence in percent": (
        lambda: estimate_cumulative_incidence(TALLY, "death", confidence=95),
        "0.95",
    ),
    "jackknife with delayed entry": (
        lambda: estimate_cumulative_incidence(LATE, "death", variance="infinitesimal jackknife"),
        "delayed entry",
    ),
    "weights with delayed entry": (
        lambda: estimate_cumulative_incidence(
            tally_days([0, 2], [4, 4], [0, 1], CAUSES, weights=[1, 2]), "death"
        ),
        "weights",
    ),
    "gap in the risk set": (
        lambda: estimate_cumulative_incidence(tally_days([0, 6], [2, 9], [1, 1], CAUSES), "death"),
        "by day 2",
    ),
    "all early persons have the event": (
        lambda: estimate_kaplan_meier(tally_days([0, 2], [2, 9], [1, 0], CAUSES)),
        "by day 2",
    ),
    "horizon beyond follow-up": (
        lambda: estimate_restricted_mean_time_lost(
            tally_days(None, [1, 9], [1, 0], CAUSES), "death", 11
        ),
        "1 to 10",
    ),
    "horizon with late entry of all": (
        lambda: estimate_restricted_mean_time_lost(
            tally_days([3, 3], [5, 6], [1, 0], CAUSES), "death", 5
        ),
        "before day 4",
    ),
    "negative lookup": (lambda: estimate_kaplan_meier(TALLY).at([-1]), "negative"),
    "event after exit": (
        lambda: estimate_mean_cumulative_count([4], [True], [0], [5]),
        "1 of 1 events",
    ),
    "event before entry": (
        lambda: estimate_mean_cumulative_count([4, 9], [True, False], [0], [2], entry_day=[2, 0]),
        "outside",
    ),
    "event of nobody": (
        lambda: estimate_mean_cumulative_count([4], [True], [1], [2]),
        "person number 1",
    ),
    "event columns differ": (
        lambda: estimate_mean_cumulative_count([4], [True], [0, 0], [2]),
        "2 event persons",
    ),
    "recurrent variance": (
        lambda: estimate_mean_cumulative_count([4], [True], [0], [2], variance="poisson"),  # type: ignore[arg-type] # the point
        "'poisson'",
    ),
    "recurrent interval": (
        lambda: estimate_mean_cumulative_count([4], [True], [0], [2], interval="log-log"),
        "'log-log'",
    ),
    "no persons": (lambda: estimate_mean_cumulative_count([], [], [], []), "No rows"),
    "shapes of a state model": (
        lambda: estimate_state_occupation([[1, 0]], [[[0, 0]]], [1, 0], states=PAIR),
        "shapes",
    ),
    "initial not a distribution": (
        lambda: estimate_state_occupation([[1, 0]], np.zeros((1, 2, 2)), [1, 1], states=PAIR),
        "sum to 1",
    ),
    "more moves than persons": (
        lambda: estimate_state_occupation([[1, 0]], [[[0, 2], [0, 0]]], [1, 0], states=PAIR),
        "more persons left",
    ),
    "nobody observed in between": (
        lambda: estimate_state_occupation(
            [[1, 0], [0, 0], [1, 0]], np.zeros((3, 2, 2)), [1, 0], states=PAIR
        ),
        "on day 1",
    ),
    "unknown state": (
        lambda: estimate_state_occupation(
            [[1, 0]], np.zeros((1, 2, 2)), [1, 0], states=PAIR
        ).probability("dead"),
        "'dead'",
    ),
    "horizon of a state": (
        lambda: estimate_state_occupation(
            [[1, 0]], np.zeros((1, 2, 2)), [1, 0], states=PAIR
        ).expected_days("free", 2),
        "1 to 1",
    ),
    "state number": (
        lambda: tally_transitions([1], [0], [4], [0], [2], states=PAIR),
        "State number 2",
    ),
    "overlapping stays": (
        lambda: tally_transitions([1, 1], [0, 2], [4, 6], [0, 1], [1, 1], states=PAIR),
        "1 rows begin before",
    ),
    "broken chain": (
        lambda: tally_transitions([1, 1], [0, 4], [4, 6], [0, 0], [1, 0], states=PAIR),
        "1 go on in another state",
    ),
    "different states added": (
        lambda: (
            tally_transitions([1], [0], [4], [0], [0], states=PAIR)
            + tally_transitions([1], [0], [4], [0], [0], states=["free", "dead"])
        ),
        "different states",
    ),
    "nobody from day 0": (
        lambda: tally_transitions([1], [2], [4], [0], [0], states=PAIR).initial,
        "from day 0",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_say_what_was_found_and_expected(case: str) -> None:
    """Input that cannot be estimated from is refused with what was found and what was expected."""
    call, words = REFUSALS[case]
    with pytest.raises(EstimationError, match=words) as refusal:
        call()
    assert "xpected" in str(refusal.value)
