"""Identification equals plain counting wherever everybody is followed to the same day."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iago.identification.cases import derive_cases
from iago.identification.density import tally_density
from iago.identification.follow_up import derive_follow_up
from iago.identification.incidence import estimate_curves
from iago.identification.persistence import estimate_persistence
from iago.identification.stratum_incidence import estimate_stratum_incidence
from iago.standard.definitions import load_case_definition, load_window_set
from iago.tables.engine import connect
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import Dataset, open_snapshot, snapshot_writer

LAST_DAY = 40
CLASSES = ("bacterial", "viral")


@st.composite
def cohorts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Courses with a death or none, and episodes before it: onset, last day, class."""
    courses = []
    for _ in range(draw(st.integers(1, 7))):
        death = draw(st.none() | st.integers(0, LAST_DAY))
        end = LAST_DAY if death is None else death
        episodes = []
        for _ in range(draw(st.integers(0, 4))):
            onset = draw(st.integers(0, end))
            last = draw(st.integers(onset, LAST_DAY + 5))
            episodes.append((onset, last, draw(st.sampled_from(CLASSES))))
        courses.append({"death": death, "end": end, "episodes": episodes})
    return courses


def analyse(courses: list[dict[str, Any]]) -> dict[str, pa.Table]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        with snapshot_writer(path, Dataset()) as writer:
            for name, rows in tables_of(courses).items():
                schema = snapshot_schemas()[name]
                whole = [{**dict.fromkeys(schema.names), **row} for row in rows]
                writer.write(name, pa.Table.from_pylist(whole, schema=schema))
        with connect(open_snapshot(path)) as connection:
            derive_follow_up(connection)
            connection.execute(
                """
                create temp table episode_grades as select episode_id, 'five-level' as system,
                    1 as lowest, 1 as highest, 'exact' as status from episodes
                """
            )
            connection.execute(
                "create temp table episode_prophylaxis_primary as "
                "select episode_id, 'on' as status from episodes"
            )
            derive_cases(connection, load_case_definition("all-documented"))
            strategy = "while-on-treatment"
            return {
                "persistence": estimate_persistence(connection, "all", LAST_DAY),
                "incidence": estimate_curves(
                    connection, "all", strategy, LAST_DAY
                ).cumulative_incidence,
                "kinds": estimate_stratum_incidence(
                    connection, "all", strategy, list(range(LAST_DAY + 1))
                ),
                "density": tally_density(connection, "all", load_window_set("30-100-365")),
            }


def tables_of(courses: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("courses", "events", "deaths", "episodes")
    }
    for number, course in enumerate(courses):
        key = {"course_id": f"C{number}"}
        tables["courses"].append({**key, "patient_id": f"P{number}", "product": "axi-cel"})
        end = {**key, "event_id": f"V{number}", "kind": "end-of-follow-up", "event_day": LAST_DAY}
        tables["events"].append(end)
        if course["death"] is not None:
            tables["deaths"].append({**key, "death_day": course["death"]})
        for order, (onset, last, organism_class) in enumerate(course["episodes"]):
            tables["episodes"].append(
                {
                    **key,
                    "episode_id": f"E{number}-{order}",
                    "toxicity": "infection",
                    "onset_day": onset,
                    "onset_day_earliest": onset,
                    "onset_day_latest": onset,
                    "resolution_day": last,
                    "organism_class": organism_class,
                }
            )
    return tables


def share_active(courses: list[dict[str, Any]], day: int) -> float:
    """Share of courses alive after the day with an infection active on it."""
    active = [
        any(onset <= day <= last for onset, last, _ in course["episodes"])
        and (course["death"] is None or course["death"] > day)
        for course in courses
    ]
    return sum(active) / len(courses)


def share_infected(courses: list[dict[str, Any]], day: int, kind: str | None = None) -> float:
    infected = [
        any(onset <= day and kind in (None, found) for onset, _, found in course["episodes"])
        for course in courses
    ]
    return sum(infected) / len(courses)


@settings(max_examples=25, deadline=None)
@given(cohorts())
def test_without_censoring_estimates_are_shares(courses: list[dict[str, Any]]) -> None:
    """Persistence and cumulative incidence are then shares of the courses, on every day."""
    results = analyse(courses)
    for row in results["persistence"].to_pylist():
        assert row["estimate"] == pytest.approx(share_active(courses, row["day"])), row["day"]
    for row in results["incidence"].to_pylist():
        assert row["estimate"] == pytest.approx(share_infected(courses, row["day"])), row["day"]
    for row in results["kinds"].to_pylist():
        dimension, _, kind = row["stratum"].partition("=")
        if dimension == "organism_class":
            expected = share_infected(courses, row["day"], kind)
            assert row["estimate"] == pytest.approx(expected), (row["day"], kind)


@settings(max_examples=25, deadline=None)
@given(cohorts())
def test_density_counts_every_episode_and_every_day_once(courses: list[dict[str, Any]]) -> None:
    """Windows add up to the whole, and the whole is what can be counted by hand."""
    rows = [r for r in analyse(courses)["density"].to_pylist() if r["stratum"] == "all"]
    whole = next(row for row in rows if row["window"] == "all")
    parts = [row for row in rows if row["window"] != "all"]
    assert whole["person_days"] == sum(course["end"] for course in courses)
    assert whole["episodes"] == sum(len(course["episodes"]) for course in courses)
    for column in ("episodes", "person_days"):
        assert sum(row[column] for row in parts) == whole[column]
