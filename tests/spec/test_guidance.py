"""Cases beside the guidance rules: a patient on one day, and what the set says."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from iago.optimization.explanation import explain_indications
from iago.optimization.patient_days import tally_indication_days
from iago.standard.guidance import TOPICS, load_guidance_sets
from iago.standard.guidance_vocabulary import GuidanceCase
from iago.tables.engine import Connection, connect
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import Dataset, open_snapshot, snapshot_writer

CASES = {
    f"{guidance.id}-{number}": case
    for guidance in load_guidance_sets()
    for number, case in enumerate(guidance.cases, 1)
}
# At the centre of the cases prophylaxis is recorded, so that no interval means not given.
RECORDED = {"exposure_id": "x", "course_id": "recorded", "exposure_class": "antiviral-cmv"}


def by_name(names: list[str]) -> pytest.MarkDecorator:
    """Run a test once a case, shown with its title."""
    titles = [f"{CASES[name].guidance}: {CASES[name].title}" for name in names]
    return pytest.mark.parametrize("name", names, ids=titles)


def moments(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Complete a row: bounds of a moment from its day, null for what is not named."""
    bounds = {
        f"{key}_{end}": value
        for key, value in row.items()
        for end in ("earliest", "latest")
        if f"{key}_{end}" in names
    }
    return {**dict.fromkeys(names), **bounds, **row}


def rows_of(name: str, case: GuidanceCase) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row of everything that a case tells."""
    own = {"course_id": name}
    course = {"patient_id": name, "product": "axi-cel", "centre_id": "Z", **case.course}
    yield "courses", {**own, **course}
    for lab in case.labs:
        told = {"analyte": lab["analyte"], "sample_day": lab["day"], "value": lab["value"]}
        yield "labs", {**own, **told}
    for number, exposure in enumerate(case.exposures):
        yield "exposures", {**own, "exposure_id": f"{name}-{number}", **exposure}
    for number, episode in enumerate(case.episodes):
        told = {"episode_id": f"{name}-{number}", "toxicity": "infection"}
        yield "episodes", {**own, **told, **episode}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """All cases as courses of one snapshot, each at risk on its own day only."""
    folder = tmp_path_factory.mktemp("guidance") / "snapshot"
    recorded = {"course_id": "recorded", "product": "axi-cel", "centre_id": "Z"}
    rows = [("courses", {**recorded, "patient_id": "recorded"}), ("exposures", RECORDED)]
    rows += [row for name, case in CASES.items() for row in rows_of(name, case)]
    with snapshot_writer(folder, Dataset(title="Cases")) as writer:
        for table in dict.fromkeys(table for table, _ in rows):
            schema = snapshot_schemas()[table]
            whole = [moments(row, schema.names) for found, row in rows if found == table]
            writer.write(table, pa.Table.from_pylist(whole, schema=schema))
    with connect(open_snapshot(folder)) as connection:
        days = [(name, case.day - 1, case.day) for name, case in CASES.items() if case.day > 0]
        listed = ", ".join(f"('{name}', {entry}, {end})" for name, entry, end in days)
        connection.execute(
            f"create temp table follow_up as "
            f"select * from (values {listed}) days(course_id, entry_day, end_day)"
        )
        yield connection


@pytest.fixture(scope="module")
def tallied(cases: Connection) -> dict[tuple[str, str, str], str]:
    """Status of the one day at risk by course, set and class, from the tables of all courses."""
    rows = tally_indication_days(cases, by=["course_id"]).to_pylist()
    assert {row["person_days"] for row in rows} == {1}
    return {
        (row["course_id"], row["guidance"], row["exposure_class"]): row["indication"]
        for row in rows
    }


@by_name([name for name, case in CASES.items() if case.day > 0])
def test_case_in_the_tables(tallied: dict[tuple[str, str, str], str], name: str) -> None:
    """The tables of all courses give the status that the case expects."""
    case = CASES[name]
    assert tallied[name, case.guidance, case.exposure_class] == case.status


@by_name([name for name, case in CASES.items() if case.day < 1 or name.endswith(("5", "0"))])
def test_case_explained(cases: Connection, name: str) -> None:
    """The explanation of one patient gives the status that the case expects, and a reason."""
    case = CASES[name]
    rows = explain_indications(cases, name, case.day).to_pylist()
    (row,) = (
        row
        for row in rows
        if (row["guidance"], row["exposure_class"]) == (case.guidance, case.exposure_class)
    )
    assert row["status"] == case.status
    assert row["reason"]


@pytest.mark.parametrize("guidance", load_guidance_sets(), ids=lambda guidance: guidance.id)
def test_every_topic_has_a_case(guidance: Any) -> None:
    """Each set has a case on each topic, and each recommendation one on which it holds."""
    for topic in TOPICS:
        statuses = {case.status for case in guidance.cases if case.exposure_class == topic}
        rules = guidance.rules_for(topic)
        sure = any(rule.strength == "recommended" and not rule.unresolved for rule in rules)
        assert statuses
        assert not sure or "indicated" in statuses
