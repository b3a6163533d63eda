"""Identification on cohorts small enough to be counted by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from iago.identification import density, incidence, persistence
from iago.identification.cases import CaseCounts, derive_cases
from iago.identification.description import tally_completeness, tally_contacts
from iago.identification.follow_up import derive_follow_up
from iago.identification.relations import tally_relations
from iago.identification.stratum_incidence import estimate_stratum_incidence
from iago.standard.definitions import load_case_definition, load_window_set
from iago.tables.engine import Connection, connect, fetch
from iago.tables.snapshot import Snapshot

MakeSnapshot = Callable[..., Snapshot]


def course(number: int, product: str = "axi-cel", **more: Any) -> dict[str, Any]:
    return {
        "course_id": f"C{number}",
        "patient_id": f"P{number}",
        "product": product,
        "indication": "lbcl",
        **more,
    }


def event(number: int, day: int | None, kind: str = "end-of-follow-up") -> dict[str, Any]:
    return {
        "event_id": f"V{number}-{kind}",
        "course_id": f"C{number}",
        "kind": kind,
        "event_day": day,
    }


def episode(number: int, onset: int | None, end: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "episode_id": f"E{number}-{onset}",
        "course_id": f"C{number}",
        "toxicity": "infection",
        "onset_day": onset,
        "resolution_day": end,
        **more,
    }


@contextmanager
def analysed(
    snapshot: Snapshot, definition: str = "all-documented", strategy: str = "while-on-treatment"
) -> Iterator[tuple[Connection, CaseCounts]]:
    """Follow-up and cases of a snapshot, with every grade and prophylaxis unknown."""
    with connect(snapshot) as connection:
        derive_follow_up(connection, strategy)
        connection.execute(
            """
            create temp table episode_grades as select episode_id, 'five-level' as system,
                1 as lowest, 5 as highest, 'bounded' as status from episodes
            """
        )
        connection.execute(
            "create temp table episode_prophylaxis_primary as "
            "select episode_id, 'unknown' as status from episodes"
        )
        yield connection, derive_cases(connection, load_case_definition(definition))


def rows_of(content: pa.Table, /, **values: object) -> list[dict[str, Any]]:
    return [row for row in content.to_pylist() if all(row[k] == v for k, v in values.items())]


def test_time_at_risk_ends_at_the_first_competing_event(make_snapshot: MakeSnapshot) -> None:
    """Relapse before death before last contact: relapse ends the time at risk."""
    snapshot = make_snapshot(
        courses=[course(1), course(2), course(3)],
        events=[event(1, 60, "relapse-progression"), event(2, 90)],
        deaths=[{"course_id": "C1", "death_day": 80}, {"course_id": "C3", "death_day": 80}],
    )
    with connect(snapshot) as connection:
        derive_follow_up(connection)
        got = fetch(connection, "select * from follow_up order by course_id").to_pylist()
    assert [(row["end_day"], row["end_reason"]) for row in got] == [
        (60, "relapse-progression"),
        (90, "censored"),
        (80, "death"),
    ]


def test_treatment_policy_goes_past_relapse(make_snapshot: MakeSnapshot) -> None:
    """Under the treatment policy only death and the last contact end the time at risk."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 60, "relapse-progression"), event(1, 200)],
    )
    with connect(snapshot) as connection:
        derive_follow_up(connection, "treatment-policy")
        row = connection.execute("select end_day, end_reason from follow_up").fetchone()
    assert row == (200, "censored")


def test_death_and_relapse_on_one_day_count_as_death(make_snapshot: MakeSnapshot) -> None:
    """Of two competing events on the same day, death ends the time at risk."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 60, "relapse-progression")],
        deaths=[{"course_id": "C1", "death_day": 60}],
    )
    with connect(snapshot) as connection:
        derive_follow_up(connection)
        assert connection.execute("select end_reason from follow_up").fetchone() == ("death",)


def test_contacts_with_an_answer_stand_in_for_a_missing_end(make_snapshot: MakeSnapshot) -> None:
    """Without an end of follow-up the last contact at which somebody asked is the end."""
    snapshot = make_snapshot(
        courses=[course(1), course(2)],
        contacts=[
            {"contact_id": "K1", "course_id": "C1", "contact_day": 30, "answer": "no-infection"},
            {"contact_id": "K2", "course_id": "C1", "contact_day": 90, "answer": "not-asked"},
        ],
    )
    with connect(snapshot) as connection:
        counts = derive_follow_up(connection)
        assert connection.execute("select course_id, end_day from follow_up").fetchall() == [
            ("C1", 30)
        ]
    assert counts.without_end == 1


def test_windows_split_person_time_at_the_cut(make_snapshot: MakeSnapshot) -> None:
    """A course of 100 days gives 30 and 70 days; an onset on day 30 belongs to 0-30."""
    snapshot = make_snapshot(
        courses=[course(1), course(2)],
        events=[event(1, 100), event(2, 20)],
        episodes=[episode(1, 30, organism_class="bacterial"), episode(1, 31)],
    )
    with analysed(snapshot) as (connection, _):
        table = density.tally_density(connection, "product", load_window_set("30-100-365"))
    whole = rows_of(table, by="all", stratum="all")
    assert [(r["window"], r["episodes"], r["person_days"]) for r in whole] == [
        ("0-30", 1, 50),
        ("31-100", 1, 70),
        ("101-365", 0, 0),
        ("366+", 0, 0),
        ("all", 2, 120),
    ]
    assert whole[0]["rate_per_100_days"] == pytest.approx(2.0)
    assert whole[0]["lower"] == pytest.approx(0.0506, abs=1e-3)
    assert whole[2]["rate_per_100_days"] is None


def test_a_stratum_without_episodes_is_zero_with_an_upper_limit(
    make_snapshot: MakeSnapshot,
) -> None:
    """A class seen with one product only stands as 0 with the other, with its upper limit."""
    snapshot = make_snapshot(
        courses=[course(1), course(2, "tisa-cel")],
        events=[event(1, 30), event(2, 30)],
        episodes=[episode(1, 5, organism_class="fungal")],
    )
    with analysed(snapshot) as (connection, _):
        table = density.tally_density(connection, "product", load_window_set("30-100-365"))
    (row,) = rows_of(table, level="tisa-cel", window="0-30", stratum="organism_class=fungal")
    assert (row["episodes"], row["lower"]) == (0, 0)
    assert row["upper"] == pytest.approx(100 * 3.688879 / 30, rel=1e-6)


def test_every_episode_has_exactly_one_place(make_snapshot: MakeSnapshot) -> None:
    """Counted, before infusion, after the end, unknown onset, continuation: each once."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 100)],
        episodes=[
            episode(1, 0),
            episode(1, -2),
            episode(1, 101),
            episode(1, None),
            episode(1, 7, relation_to_earlier="same"),
            episode(1, 100),
        ],
    )
    with analysed(snapshot) as (_, counts):
        pass
    assert counts == CaseCounts(
        recorded=6,
        not_a_case=0,
        unknown_definition=0,
        continuation=1,
        unknown_onset=1,
        outside_time_at_risk=2,
        counted=2,
        partial_onset=0,
    )


def test_unknown_treatment_is_not_silently_a_case(make_snapshot: MakeSnapshot) -> None:
    """Under 'required treatment' an episode without that answer is counted as unknown."""
    known = {"documentation": "mdi", "site": "bloodstream", "organism_class": "bacterial"}
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 100)],
        episodes=[
            episode(1, 5, required_treatment=True, **known),
            episode(1, 6, required_treatment=False, **known),
            episode(1, 7, **known),
        ],
    )
    with analysed(snapshot, "required-treatment") as (_, counts):
        pass
    assert (counts.counted, counts.not_a_case, counts.unknown_definition) == (1, 1, 1)


def test_a_grade_that_may_be_severe_leaves_the_case_unknown(make_snapshot: MakeSnapshot) -> None:
    """An episode of grade 1 to 5 neither is nor is not severe or worse."""
    snapshot = make_snapshot(courses=[course(1)], events=[event(1, 100)], episodes=[episode(1, 5)])
    with analysed(snapshot, "severe-or-worse") as (_, counts):
        pass
    assert (counts.counted, counts.unknown_definition) == (0, 1)


def test_a_partial_onset_stays_inside_the_time_at_risk(make_snapshot: MakeSnapshot) -> None:
    """An onset in a month that follow-up ends in is placed before that end."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 42)],
        episodes=[episode(1, 50, onset_day_earliest=40, onset_day_latest=60)],
    )
    with analysed(snapshot) as (connection, counts):
        assert connection.execute("select onset_day from cases").fetchone() == (42,)
    assert counts.partial_onset == 1


def test_cumulative_incidence_and_mean_count_by_hand(make_snapshot: MakeSnapshot) -> None:
    """Four courses: infection on day 10 (again on 20), death on 15, two followed to day 30."""
    snapshot = make_snapshot(
        courses=[course(n) for n in (1, 2, 3, 4)],
        events=[event(1, 30), event(3, 30), event(4, 30)],
        deaths=[{"course_id": "C2", "death_day": 15}],
        episodes=[episode(1, 10), episode(1, 20)],
    )
    with analysed(snapshot) as (connection, _):
        curves = incidence.estimate_curves(connection, "product", "while-on-treatment", 365)
    (first,) = rows_of(curves.cumulative_incidence, by="all", day=30)
    (death,) = rows_of(curves.competing_events, by="all", cause="death", day=30)
    (count,) = rows_of(curves.mean_cumulative_count, by="all", day=30)
    assert first["estimate"] == pytest.approx(0.25)
    assert death["estimate"] == pytest.approx(0.75 * 1 / 3)
    assert count["estimate"] == pytest.approx(1 / 4 + 3 / 4 * 1 / 3)
    assert rows_of(curves.cumulative_incidence, by="product", day=30)[0]["at_risk"] == 2


def test_a_kind_of_infection_has_its_own_first_time(make_snapshot: MakeSnapshot) -> None:
    """A viral infection before a bacterial one does not hide it; the death before both competes."""
    snapshot = make_snapshot(
        courses=[course(n) for n in (1, 2, 3, 4)],
        events=[event(n, 40) for n in (1, 3, 4)],
        deaths=[{"course_id": "C2", "death_day": 5}],
        episodes=[
            episode(1, 8, organism_class="viral"),
            episode(1, 20, organism_class="bacterial"),
            episode(1, 30, organism_class="bacterial"),
        ],
    )
    with analysed(snapshot) as (connection, _):
        table = estimate_stratum_incidence(connection, "product", "while-on-treatment", [30, 100])
    got = {
        row["stratum"]: (row["day"], row["patients"], row["estimate"], row["at_risk"])
        for row in rows_of(table, by="all")
        if row["stratum"].startswith("organism_class")
    }
    assert got == {
        "organism_class=bacterial": (30, 1, pytest.approx(0.25), 2),
        "organism_class=viral": (30, 1, pytest.approx(0.25), 2),
    }


def test_persistence_rises_and_falls(make_snapshot: MakeSnapshot) -> None:
    """One of two courses is infected on days 5 to 9, overlapping episodes counted once."""
    snapshot = make_snapshot(
        courses=[course(1), course(2)],
        events=[event(1, 40), event(2, 40)],
        episodes=[episode(1, 5, 8), episode(1, 7, 9)],
    )
    with analysed(snapshot) as (connection, _):
        table = persistence.estimate_persistence(connection, "product", 365)
    active = {row["day"]: row["estimate"] for row in rows_of(table, by="all")}
    assert [active[day] for day in (4, 5, 9, 10, 40)] == pytest.approx([0, 0.5, 0.5, 0, 0])


def test_death_while_infected_ends_the_active_state(make_snapshot: MakeSnapshot) -> None:
    """A course that dies during an infection is no longer active; an ongoing one stays so."""
    snapshot = make_snapshot(
        courses=[course(n) for n in (1, 2, 3)],
        events=[event(2, 30), event(3, 30)],
        deaths=[{"course_id": "C1", "death_day": 12}],
        episodes=[episode(1, 10, 12, outcome="fatal"), episode(2, 20, None, outcome="ongoing")],
    )
    with analysed(snapshot) as (connection, _):
        table = persistence.estimate_persistence(connection, "product", 365)
    active = {row["day"]: row["estimate"] for row in rows_of(table, by="all")}
    assert [active[day] for day in (11, 12, 20, 30)] == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


def test_durations_count_both_ends(make_snapshot: MakeSnapshot) -> None:
    """Infections of 4, 6 and 11 days have a median of 6 days."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 100)],
        episodes=[episode(1, 1, 4), episode(1, 21, 26), episode(1, 40, 50)],
    )
    with analysed(snapshot) as (connection, _):
        table = persistence.estimate_durations(connection, "product")
    (row,) = rows_of(table, by="all", stratum="all")
    assert (row["episodes"], row["resolved"], row["median_days"]) == (3, 3, 6)


def test_relation_by_organism_specific_window(make_snapshot: MakeSnapshot) -> None:
    """E. coli again within 7 days is the same infection, later a recurrence."""
    snapshot = make_snapshot(
        courses=[course(1)],
        events=[event(1, 100)],
        episodes=[episode(1, day, site="bloodstream") for day in (10, 15, 50, 60)],
        organisms=[
            {"episode_id": f"E1-{day}", "organism": code}
            for day, code in ((10, "562"), (15, "562"), (50, "562"))
        ],
    )
    with connect(snapshot) as connection:
        table = tally_relations(connection)
    assert {row["by_rule"]: row["episodes"] for row in table.to_pylist()} == {
        "new": 1,
        "same": 1,
        "recurrence": 1,
        "unknown": 1,
    }


def test_contacts_and_completeness_are_counted(make_snapshot: MakeSnapshot) -> None:
    """Answers by place, and the share of episodes whose site is known."""
    snapshot = make_snapshot(
        courses=[course(1)],
        episodes=[episode(1, 5, site="cns"), episode(1, 6)],
        contacts=[
            {"contact_id": "K1", "course_id": "C1", "place": "community", "answer": "no-infection"}
        ],
    )
    with connect(snapshot) as connection:
        contacts = tally_contacts(connection).to_pylist()
        complete = tally_completeness(connection)
    assert contacts == [{"place": "community", "answer": "no-infection", "contacts": 1}]
    (site,) = rows_of(complete, table="episodes", element="site")
    assert (site["known"], site["absent"], site["share_known"]) == (1, 1, 0.5)


def test_everyone_censored_and_nobody_infected(make_snapshot: MakeSnapshot) -> None:
    """Without any event the curves stay at zero and the density has an upper limit only."""
    snapshot = make_snapshot(courses=[course(1)], events=[event(1, 50)])
    with analysed(snapshot) as (connection, _):
        table = density.tally_density(connection, "product", load_window_set("100"))
        curves = incidence.estimate_curves(connection, "product", "while-on-treatment", 365)
        lasting = persistence.estimate_persistence(connection, "product", 365)
        durations = persistence.estimate_durations(connection, "product")
    assert rows_of(table, by="all", window="0-100", stratum="all")[0]["episodes"] == 0
    assert set(curves.cumulative_incidence["estimate"].to_pylist()) == {0}
    assert set(curves.mean_cumulative_count["estimate"].to_pylist()) == {0}
    assert set(lasting["estimate"].to_pylist()) == {0}
    assert durations.num_rows == 0
