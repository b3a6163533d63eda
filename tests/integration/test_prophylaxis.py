"""Prophylaxis at onset, patient-days and disagreement on small snapshots."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from iago.errors import DefinitionError, InvalidInputError
from iago.optimization.disagreement import tally_disagreement
from iago.optimization.explanation import explain_indications
from iago.optimization.patient_days import CAVEAT, tally_indication_days, tally_patient_days
from iago.optimization.prophylaxis import derive_episode_prophylaxis
from iago.statistics.rates import estimate_rate
from iago.tables.derived import EPISODE_PROPHYLAXIS
from iago.tables.engine import Connection, connect
from iago.tables.snapshot import Snapshot

MakeSnapshot = Callable[..., Snapshot]
Row = dict[str, Any]
ANC_LOW: Row = {"course_id": "C1", "analyte": "anc", "sample_day": 5, "value": 100.0}


def course(course_id: str = "C1", **columns: Any) -> Row:
    """A course at one centre."""
    return {
        "course_id": course_id,
        "patient_id": course_id,
        "product": "axi-cel",
        "centre_id": "Z",
        **columns,
    }


def exposure(exposure_class: str, start: int | None, stop: int | None, **columns: Any) -> Row:
    """An interval of prophylaxis of the first course."""
    return {
        "exposure_id": f"{exposure_class}-{start}-{stop}",
        "course_id": "C1",
        "exposure_class": exposure_class,
        "intent": "prophylaxis",
        "start_day": start,
        "stop_day": stop,
        **columns,
    }


def episode(onset: int | None, organism_class: str = "bacterial", **columns: Any) -> Row:
    """An infection of the first course."""
    return {
        "episode_id": f"E{onset}",
        "course_id": "C1",
        "toxicity": "infection",
        "organism_class": organism_class,
        "onset_day": onset,
        **columns,
    }


@contextmanager
def prepared(snapshot: Snapshot, entry_day: int = 0, end_day: int = 100) -> Iterator[Connection]:
    """A database with the same time at risk for every course."""
    with connect(snapshot) as connection:
        connection.execute(
            "create temp table follow_up as select course_id, product, indication, centre_id, "
            f"{entry_day} as entry_day, {end_day} as end_day, 'censored' as end_reason from courses"
        )
        yield connection


def status_of(
    snapshot: Snapshot, exposure_class: str, guidance: str = "ash-review"
) -> tuple[str, str]:
    """Status and reason of the only episode for a class under a set."""
    with prepared(snapshot) as connection:
        derive_episode_prophylaxis(connection)
        (row,) = connection.execute(
            "select status, reason from episode_prophylaxis "
            "where exposure_class = ? and guidance = ?",
            [exposure_class, guidance],
        ).fetchall()
    return str(row[0]), str(row[1])


def primary_of(snapshot: Snapshot, guidance: str) -> dict[str, str]:
    """Primary status of every episode."""
    with prepared(snapshot) as connection:
        derive_episode_prophylaxis(connection, guidance)
        rows = connection.execute("select * from episode_prophylaxis_primary").fetchall()
    return {str(episode_id): str(status) for episode_id, status in rows}


@pytest.mark.parametrize(
    ("onset", "interval", "status"),
    [
        ({"onset_day": 3}, (3, 20, {}), "on"),
        ({"onset_day": 20}, (3, 20, {}), "on"),
        ({"onset_day": 9}, (3, None, {"ongoing": True}), "on"),
        ({"onset_day": 9}, (3, None, {}), "unknown"),
        ({"onset_day": 9}, (None, 20, {}), "unknown"),
        ({"onset_day": 3}, (3, None, {}), "on"),
        ({"onset_day": 20}, (None, 20, {}), "on"),
        ({"onset_day": 9}, (10, 20, {}), "off-indicated"),
        ({"onset_day": 9}, (3, 20, {"intent": None}), "on"),
        ({"onset_day": 9}, (3, 20, {"intent": "treatment"}), "off-indicated"),
        ({"onset_day": 9}, (3, 20, {"intent": "pre-emptive"}), "off-indicated"),
        ({"onset_day": 9}, (8, 20, {"start_day_earliest": 5, "start_day_latest": 11}), "unknown"),
        ({"onset_day": 9, "onset_day_earliest": 6, "onset_day_latest": 12}, (3, 20, {}), "on"),
        ({"onset_day": 9, "onset_day_earliest": 6, "onset_day_latest": 12}, (9, 20, {}), "unknown"),
        ({"onset_day": 30}, (3, 20, {}), "unknown"),
    ],
)
def test_status_at_onset(
    make_snapshot: MakeSnapshot, onset: Row, interval: tuple[Any, Any, Row], status: str
) -> None:
    """On only where prophylaxis surely covers every day of onset; ANC is low on days 5 to 12."""
    start, stop, columns = interval
    snapshot = make_snapshot(
        courses=[course()],
        labs=[ANC_LOW],
        exposures=[exposure("antibacterial", start, stop, **columns)],
        episodes=[{**episode(0), **onset}],
    )
    assert status_of(snapshot, "antibacterial")[0] == status


@pytest.mark.parametrize(
    ("latest", "status", "reason"),
    [
        (29, "off-not-indicated", "before the start"),
        (30, "unknown", "the onset may lie on days of different status"),
    ],
)
def test_onset_between_days_of_different_status(
    make_snapshot: MakeSnapshot, latest: int, status: str, reason: str
) -> None:
    """An onset on one of several days has a status only if all have it; the rule begins on 30."""
    pneumocystis = {"onset_day": 25, "onset_day_earliest": 20, "onset_day_latest": latest}
    snapshot = make_snapshot(
        courses=[course()],
        exposures=[exposure("antibacterial", 0, 9)],
        episodes=[{**episode(0, "fungal"), **pneumocystis}],
        organisms=[{"episode_id": "E0", "organism": "42068"}],
    )
    assert status_of(snapshot, "pjp") == (status, reason)


def test_reasons_are_told_apart(make_snapshot: MakeSnapshot) -> None:
    """Missing input, silence of the set and an intent not recorded are different reasons."""
    snapshot = make_snapshot(
        courses=[course()],
        exposures=[exposure("pjp", 3, 20, intent=None)],
        episodes=[episode(9)],
    )
    assert status_of(snapshot, "antibacterial") == ("unknown", "not known whether anc <= 500")
    silent = status_of(snapshot, "antibacterial", "stanford")
    assert silent == ("unknown", "no statement: Nothing is said in the table")


def test_intent_not_recorded_is_said(make_snapshot: MakeSnapshot) -> None:
    """An interval without intent counts as prophylaxis, and the reason says so."""
    snapshot = make_snapshot(
        courses=[course()],
        exposures=[exposure("antibacterial", 3, 20, intent=None)],
        episodes=[episode(9)],
    )
    reason = "an interval covers the day; its intent is not recorded"
    assert status_of(snapshot, "antibacterial") == ("on", reason)


def test_centre_without_any_prophylaxis_record(make_snapshot: MakeSnapshot) -> None:
    """No interval means not given only where prophylaxis is recorded at all."""
    silent = make_snapshot(
        courses=[course()],
        labs=[ANC_LOW],
        exposures=[exposure("corticosteroid", 2, 5)],
        episodes=[episode(9)],
    )
    status, reason = status_of(silent, "antibacterial")
    assert (status, reason.startswith("the centre has recorded no")) == ("unknown", True)
    recording = make_snapshot(
        courses=[course(), course("C2")],
        labs=[ANC_LOW],
        exposures=[exposure("pjp", 2, 5, course_id="C2")],
        episodes=[episode(9)],
    )
    assert status_of(recording, "antibacterial")[0] == "off-indicated"


def test_mould_active_drug_covers_yeasts(make_snapshot: MakeSnapshot) -> None:
    """A patient on a mould-active drug is on prophylaxis against yeasts, not the other way."""
    candida, aspergillus = "5476", "746128"
    for organism, given, directed, status in (
        (candida, "antifungal-mould", "antifungal-yeast", "on"),
        (aspergillus, "antifungal-yeast", "antifungal-mould", "unknown"),
    ):
        snapshot = make_snapshot(
            courses=[course()],
            exposures=[exposure(given, 0, 30)],
            episodes=[episode(9, "fungal")],
            organisms=[{"episode_id": "E9", "organism": organism}],
        )
        assert status_of(snapshot, directed)[0] == status


@pytest.mark.parametrize(
    ("organism_class", "organism", "classes"),
    [
        ("bacterial", None, {"antibacterial", "immunoglobulin"}),
        ("fungal", None, {"antifungal-yeast", "antifungal-mould"}),
        ("viral", None, set()),
        ("not-identified", None, set()),
        ("viral", "10335", {"antiviral-hsv-vzv"}),
        ("fungal", "42068", {"pjp"}),
        ("bacterial", "1496", set()),
        ("bacterial", "local:own", {"antibacterial", "immunoglobulin"}),
    ],
)
def test_classes_directed_against_an_episode(
    make_snapshot: MakeSnapshot, organism_class: str, organism: str | None, classes: set[str]
) -> None:
    """The named organism decides; without one with a known group, its class does."""
    named = [{"episode_id": "E9", "organism": organism}] if organism else []
    snapshot = make_snapshot(
        courses=[course()], episodes=[episode(9, organism_class)], organisms=named
    )
    with prepared(snapshot) as connection:
        derive_episode_prophylaxis(connection)
        rows = connection.execute("select exposure_class, guidance from episode_prophylaxis")
        found = [str(name) for name, _ in rows.fetchall()]
    assert set(found) == classes
    assert len(found) == 5 * len(classes)


def test_view_has_the_declared_columns(make_snapshot: MakeSnapshot) -> None:
    """The view has the columns in which the steps meet, in their order."""
    with prepared(make_snapshot(courses=[course()])) as connection:
        derive_episode_prophylaxis(connection)
        described = connection.execute("describe episode_prophylaxis").fetchall()
    assert [row[0] for row in described] == EPISODE_PROPHYLAXIS.names


def test_primary_status_joins_the_classes(make_snapshot: MakeSnapshot) -> None:
    """An episode is on if a class against it is; every episode has a status."""
    snapshot = make_snapshot(
        courses=[course(prior_transplant="none")],
        labs=[ANC_LOW, {**ANC_LOW, "sample_day": 40, "value": 3000.0}],
        exposures=[exposure("antifungal-mould", 0, 3)],
        episodes=[
            episode(2, "fungal"),
            episode(9, "fungal"),
            episode(41, "fungal"),
            episode(60, "viral"),
            episode(9, episode_id="bacterium"),
        ],
    )
    assert primary_of(snapshot, "ash-review") == {
        "E2": "on",
        "E9": "off-indicated",
        "E41": "off-not-indicated",
        "E60": "none-directed",
        "bacterium": "off-indicated",
    }
    assert primary_of(snapshot, "eha-ebmt-2023")["E9"] == "unknown"


def test_unknown_set_is_refused(make_snapshot: MakeSnapshot) -> None:
    """A guidance set that does not exist is refused before anything is derived."""
    with (
        prepared(make_snapshot(courses=[course()])) as connection,
        pytest.raises(DefinitionError, match="No guidance set named 'nccn'"),
    ):
        derive_episode_prophylaxis(connection, "nccn")


@pytest.fixture
def antibacterial(make_snapshot: MakeSnapshot) -> Snapshot:
    """Two courses over 20 days: ANC known on days 5 to 12 and 14 to 21, drug on days 1 to 8."""
    return make_snapshot(
        courses=[course(car_hematotox_score=1), course("C2", product="cilta-cel")],
        labs=[ANC_LOW, {**ANC_LOW, "sample_day": 14, "value": 2000.0}],
        exposures=[exposure("antibacterial", 1, 8)],
        episodes=[episode(0), episode(6), episode(10), episode(25)],
    )


def test_cells_of_patient_days(antibacterial: Snapshot) -> None:
    """Days on and off stand beside what the set says of them; episodes in the cell of onset."""
    with prepared(antibacterial, end_day=20) as connection:
        cells = tally_indication_days(connection, by=["course_id"]).to_pylist()
    found = {
        (cell["exposure"], cell["indication"]): (cell["person_days"], cell["episodes"])
        for cell in cells
        if (cell["course_id"], cell["guidance"], cell["exposure_class"])
        == ("C1", "ash-review", "antibacterial")
    }
    assert found == {
        ("on", "unknown"): (4, 0),
        ("on", "indicated"): (4, 1),
        ("off", "indicated"): (4, 1),
        ("off", "unknown"): (1, 1),
        ("off", "not-indicated"): (7, 0),
    }


def test_rates_by_status(antibacterial: Snapshot) -> None:
    """Statuses carry shares of the episodes and exact rates per 100 patient-days."""
    with prepared(antibacterial, end_day=20) as connection:
        rows = tally_patient_days(connection, by=["product"]).to_pylist()
    own = {
        row["status"]: row
        for row in rows
        if (row["product"], row["guidance"], row["exposure_class"])
        == ("axi-cel", "ash-review", "antibacterial")
    }
    assert {status: row["person_days"] for status, row in own.items()} == {
        "on": 8,
        "off-indicated": 4,
        "off-not-indicated": 7,
        "unknown": 1,
    }
    assert own["on"]["days_indicated"] == 4
    assert own["on"]["share"] == pytest.approx(1 / 3)
    exact = estimate_rate(1, 8)
    rate = tuple(own["on"][name] for name in ("rate_per_100_days", "lower", "upper"))
    assert rate == pytest.approx((exact.rate, exact.lower, exact.upper))
    assert "confounded by indication" in CAVEAT


def test_only_named_episodes_count(antibacterial: Snapshot) -> None:
    """A table of cases decides which episodes count; person-time stays the same."""
    with prepared(antibacterial, end_day=20) as connection:
        connection.execute("create temp table cases as select 'E25' as episode_id")
        own = tally_patient_days(connection, among="cases").to_pylist()
        everyone = tally_patient_days(connection).to_pylist()
        with pytest.raises(DefinitionError, match="not the name of a table"):
            tally_patient_days(connection, among="cases; drop table cases")
    for rows, episodes in ((own, 1), (everyone, 3)):
        chosen = [
            row
            for row in rows
            if (row["guidance"], row["exposure_class"]) == ("ash-sap", "antibacterial")
        ]
        assert sum(row["episodes"] for row in chosen) == episodes
        assert sum(row["person_days"] for row in chosen) == 40


def test_day_zero_and_late_entry(antibacterial: Snapshot) -> None:
    """Person-time begins on the day after entry, and so do the episodes that count."""
    with prepared(antibacterial, entry_day=6, end_day=10) as connection:
        rows = tally_patient_days(connection).to_pylist()
    chosen = [
        row
        for row in rows
        if (row["guidance"], row["exposure_class"]) == ("ash-sap", "antibacterial")
    ]
    assert sum(row["person_days"] for row in chosen) == 8
    assert sum(row["episodes"] for row in chosen) == 1


def test_unknown_grouping_is_refused(antibacterial: Snapshot) -> None:
    """Days are grouped by columns of courses only."""
    with (
        prepared(antibacterial) as connection,
        pytest.raises(DefinitionError, match=r"Cannot group by 'sex'.*centre_id"),
    ):
        tally_patient_days(connection, by=["sex"])


def test_sets_disagree(antibacterial: Snapshot) -> None:
    """The low score speaks against prophylaxis in one set, the low ANC for it in another."""
    with prepared(antibacterial, end_day=20) as connection:
        rows = tally_disagreement(connection).to_pylist()
    (found,) = (
        row
        for row in rows
        if (row["exposure_class"], row["guidance_a"], row["guidance_b"])
        == ("antibacterial", "ash-review", "eha-ebmt-2023")
    )
    counts = ("person_days", "both_indicated", "only_a", "only_b", "neither", "unknown")
    assert {name: found[name] for name in counts} == {
        "person_days": 40,
        "both_indicated": 0,
        "only_a": 8,
        "only_b": 0,
        "neither": 7,
        "unknown": 25,
    }
    assert found["disagreement"] == pytest.approx(8 / 15)
    assert not any(
        "stanford" in (row["guidance_a"], row["guidance_b"])
        for row in rows
        if row["exposure_class"] == "antibacterial"
    )


def test_explanation_names_what_is_missing(antibacterial: Snapshot) -> None:
    """One row a class and set: given or not, what the set says, why, and what is missing."""
    with connect(antibacterial) as connection:
        rows = explain_indications(connection, "C1", 13).to_pylist()
    (row,) = (
        row
        for row in rows
        if (row["exposure_class"], row["guidance"]) == ("antibacterial", "ash-review")
    )
    assert (row["exposure"], row["status"], row["missing"]) == ("off", "unknown", "anc")
    assert row["wording"].startswith("Levofloxacin")
    assert "12523856" in row["source"]


def test_explanation_of_an_unknown_course(antibacterial: Snapshot) -> None:
    """A course that does not exist is refused without repeating its identifier."""
    with connect(antibacterial) as connection, pytest.raises(InvalidInputError) as caught:
        explain_indications(connection, "nobody", 10)
    assert "nobody" not in str(caught.value)


def test_empty_snapshot(make_snapshot: MakeSnapshot) -> None:
    """Without courses there are no days, no episodes and no error."""
    with prepared(make_snapshot()) as connection:
        derive_episode_prophylaxis(connection)
        assert tally_patient_days(connection).num_rows == 0
        assert tally_disagreement(connection).num_rows == 0
