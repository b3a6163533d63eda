"""Grading through the tables of a snapshot: what the records say becomes what the rules read."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iago.grading import explain_grade, grade_episodes
from iago.grading.infections import episode_inputs
from iago.tables.derived import EPISODE_GRADES
from iago.tables.engine import Connection, connect, fetch
from iago.tables.snapshot import Snapshot

E_COLI, S_EPIDERMIDIS, S_AUREUS, C_DIFFICILE = "562", "1282", "1280", "1496"
CANDIDA, ASPERGILLUS, PNEUMOCYSTIS, CMV, INFLUENZA = "5476", "746128", "42068", "10359", "11320"

# An infection of which everything that the rules read is recorded as absent.
QUIET: dict[str, Any] = {
    "course_id": "c1",
    "toxicity": "infection",
    "outcome": "resolved",
    "site": "genitourinary",
    "organism_class": "bacterial",
    "therapy_route": "oral",
    "therapy_days": 7,
    **dict.fromkeys(
        (
            "therapy_changed",
            "invasive_intervention",
            "hospitalised",
            "icu",
            "vasopressors",
            "ventilation",
            "severe_sepsis",
            "deep_organ_involvement",
            "abdominal_pain",
            "toxic_dilatation_or_renal_failure",
        ),
        False,
    ),
}
Graded = Callable[..., Connection]


@pytest.fixture
def graded(make_snapshot: Callable[..., Snapshot]) -> Iterator[Graded]:
    """Grade episodes given as changes to a quiet infection, with their organisms and deaths."""
    opened = []

    def grade(
        *episodes: dict[str, Any],
        organisms: tuple[tuple[str, str], ...] = (),
        deaths: tuple[dict[str, Any], ...] = (),
    ) -> Connection:
        rows = [{**QUIET, "episode_id": f"e{k}", **e} for k, e in enumerate(episodes, start=1)]
        snapshot = make_snapshot(
            patients=[{"patient_id": "p1"}],
            courses=[
                {"course_id": "c1", "patient_id": "p1", "product": "axi-cel", "age_years": 61}
            ],
            episodes=rows,
            organisms=[{"episode_id": e, "organism": o} for e, o in organisms],
            deaths=list(deaths),
        )
        context = connect(snapshot)
        opened.append(context)
        connection = context.__enter__()
        grade_episodes(connection)
        return connection

    yield grade
    for context in opened:
        context.__exit__(None, None, None)


def _grade(connection: Connection, system: str, episode: str = "e1") -> dict[str, Any]:
    table = fetch(
        connection,
        "select * from episode_grades where episode_id = ? and system = ?",
        [episode, system],
    )
    (row,) = table.to_pylist()
    return dict(row)


def _interval(connection: Connection, system: str, episode: str = "e1") -> tuple[Any, ...]:
    row = _grade(connection, system, episode)
    return row["status"], row["lowest"], row["highest"]


def test_every_episode_is_graded_once_by_every_system(graded: Graded) -> None:
    """The table has the declared columns and one row an episode and system."""
    connection = graded({}, {"organism_class": "viral"}, {"toxicity": "icans"})
    rows = connection.execute("select episode_id, system from episode_grades").fetchall()
    assert len(rows) == len(set(rows)) == 9
    columns = {row[0] for row in connection.execute("describe episode_grades").fetchall()}
    assert set(EPISODE_GRADES.names) <= columns


def test_a_known_episode_has_exact_grades_with_reasons(graded: Graded) -> None:
    """A urinary infection treated by mouth at home: moderate, grade 2, grade 1."""
    connection = graded({}, organisms=(("e1", E_COLI),))
    assert _interval(connection, "five-level") == ("exact", 2, 2)
    assert _interval(connection, "bmt-ctn-2013") == ("exact", 1, 1)
    ctcae = _grade(connection, "ctcae-5.0")
    assert (ctcae["status"], ctcae["lowest"]) == ("exact", 2)
    assert ctcae["reason"].startswith("Urinary tract infection: Localized; oral intervention")


def test_an_episode_without_severity_is_ungradable_not_mild(graded: Graded) -> None:
    """Missing values never become a low grade; the elements to complete are named."""
    bare = dict.fromkeys(QUIET, None) | {"course_id": "c1", "toxicity": "infection"}
    connection = graded(bare)
    row = _grade(connection, "five-level")
    assert (row["status"], row["lowest"], row["highest"]) == ("ungradable", None, None)
    assert row["missing"] == "outcome, icu, vasopressors, ventilation, therapy_route, hospitalised"
    assert _grade(connection, "bmt-ctn-2013")["missing"] == "organism_class"


def test_an_infection_that_needed_no_treatment_had_no_therapy(graded: Graded) -> None:
    """Not having required treatment stands for the route none; an empty route alone does not."""
    connection = graded(
        {"therapy_route": None, "required_treatment": False},
        {"therapy_route": None, "required_treatment": True},
    )
    assert _interval(connection, "five-level", "e1") == ("exact", 1, 1)
    assert _interval(connection, "five-level", "e2") == ("bounded", 1, 3)


@pytest.mark.parametrize(
    ("death", "expected"),
    [
        ({"episode_id": "e1", "primary_cause": "infection"}, ("exact", 5, 5)),
        ({"episode_id": "e1", "contributing_cause": "infection"}, ("exact", 5, 5)),
        ({"episode_id": "e1", "primary_cause": "not-determined"}, ("bounded", 2, 5)),
        ({"episode_id": "e2", "primary_cause": "infection"}, ("exact", 2, 2)),
        ({"primary_cause": "infection"}, ("bounded", 2, 5)),
        ({"primary_cause": "relapse-progression"}, ("bounded", 2, 5)),
        (
            {"primary_cause": "relapse-progression", "contributing_cause": "haemorrhage"},
            ("exact", 2, 2),
        ),
    ],
)
def test_fatal_comes_from_a_death_where_the_outcome_is_missing(
    graded: Graded, death: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """A linked death by infection is fatal; a death explained otherwise is not; else unknown."""
    connection = graded({"outcome": None}, {}, deaths=({"course_id": "c1", **death},))
    assert _interval(connection, "five-level") == expected


def test_contaminants_in_blood_are_grade_1_and_others_grade_2(graded: Graded) -> None:
    """Only where every listed bacterium belongs to the named groups; else the higher grade."""
    blood = {"site": "bloodstream"}
    connection = graded(
        blood,
        blood,
        blood,
        blood,
        organisms=(
            ("e1", S_EPIDERMIDIS),
            ("e2", S_EPIDERMIDIS),
            ("e2", S_AUREUS),
            ("e3", S_EPIDERMIDIS),
            ("e3", "local:unnamed-bacterium"),
        ),
    )
    assert _interval(connection, "bmt-ctn-2013", "e1") == ("exact", 1, 1)
    assert _interval(connection, "bmt-ctn-2013", "e2") == ("exact", 2, 2)
    assert _interval(connection, "bmt-ctn-2013", "e3") == ("bounded", 1, 2)
    assert _interval(connection, "bmt-ctn-2013", "e4") == ("bounded", 1, 2)
    assert _grade(connection, "bmt-ctn-2013", "e4")["missing"] == "organism"


def test_class_is_completed_from_the_organisms(graded: Graded) -> None:
    """Candida in blood is fungaemia even where the class was left empty."""
    connection = graded(
        {"organism_class": None, "site": "bloodstream"}, organisms=(("e1", CANDIDA),)
    )
    assert _interval(connection, "bmt-ctn-2013") == ("exact", 3, 3)
    assert _grade(connection, "ctcae-5.0")["reason"].startswith("Fungemia: Moderate symptoms")


def test_unreleased_rows_are_not_guessed(graded: Graded) -> None:
    """Viral, parasitic and unidentified infections have no grade, with the reason."""
    connection = graded(
        {"organism_class": "viral"},
        {"organism_class": "not-identified"},
        {"organism_class": "mycobacterial"},
        {"organism_class": "fungal", "site": "lower-respiratory"},
        organisms=(("e1", CMV), ("e4", PNEUMOCYSTIS)),
    )
    for episode in ("e1", "e2", "e3"):
        row = _grade(connection, "bmt-ctn-2013", episode)
        assert (row["status"], row["lowest"], row["missing"]) == ("not-applicable", None, "")
        assert "were not seen in print" in row["reason"]
    assert _interval(connection, "bmt-ctn-2013", "e4") == ("ungradable", None, None)


def test_mixed_infection_takes_the_highest_known_grade(graded: Graded) -> None:
    """Bacterium and mould: the mould decides; bacterium and virus: at least the bacterium."""
    mixed = {"organism_class": "mixed", "site": "lower-respiratory"}
    connection = graded(
        {**mixed, "invasive_fungal_certainty": "probable"},
        mixed,
        mixed,
        mixed,
        organisms=(
            ("e4", CMV),
            ("e1", E_COLI),
            ("e1", ASPERGILLUS),
            ("e2", E_COLI),
            ("e2", INFLUENZA),
            ("e3", E_COLI),
        ),
    )
    assert _interval(connection, "bmt-ctn-2013", "e1") == ("exact", 3, 3)
    assert _interval(connection, "bmt-ctn-2013", "e2") == ("bounded", 2, 3)
    # A mixed infection with one class listed: what else was there is unknown.
    assert _interval(connection, "bmt-ctn-2013", "e3") == ("bounded", 2, 3)
    assert _interval(connection, "bmt-ctn-2013", "e4") == ("ungradable", None, None)


def test_clostridioides_needs_the_volume_or_pain(graded: Graded) -> None:
    """Without a stool volume the grade stays open between 1 and 2."""
    gut = {"site": "gastrointestinal"}
    connection = graded(
        {**gut, "stool_volume_ml_per_day": 1500},
        gut,
        organisms=(("e1", C_DIFFICILE), ("e2", C_DIFFICILE)),
    )
    assert _interval(connection, "bmt-ctn-2013", "e1") == ("exact", 2, 2)
    assert _interval(connection, "bmt-ctn-2013", "e2") == ("bounded", 1, 2)
    assert _grade(connection, "bmt-ctn-2013", "e2")["missing"] == "stool_volume_ml_per_day"


def test_one_patient_engine_reads_the_same_inputs(graded: Graded) -> None:
    """The explanation of an episode taken from the tables agrees with its row."""
    connection = graded({"site": "bloodstream", "severe_sepsis": None}, organisms=(("e1", E_COLI),))
    for system in ("five-level", "ctcae-5.0", "bmt-ctn-2013"):
        row = _grade(connection, system)
        explained = explain_grade(episode_inputs(connection, "e1", system), system)
        assert (row["lowest"], row["highest"], row["status"], row["reason"]) == (
            explained.lowest,
            explained.highest,
            explained.status,
            explained.reason,
        )
    assert episode_inputs(connection, "nobody", "five-level") == {}
