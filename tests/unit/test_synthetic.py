"""Synthetic cohorts at the edges: the smallest cohorts, refused input, planted numbers, draws."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iago.errors import InvalidInputError, SnapshotError
from iago.standard.codelists import load_codelist
from iago.synthetic import cohort, write_cohort
from iago.synthetic.draws import PiecewiseHazard, draw_codes, draw_codes_by_row, to_day
from iago.synthetic.episodes import LIFE_THREATENING, SEVERE
from iago.synthetic.infections import MARKS, STREAMS
from iago.synthetic.parameters import infections, outcomes, population, treatment
from iago.synthetic.parameters.planted import Planted
from iago.synthetic.realised import days_between
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import open_snapshot

MODULES = (population, infections, treatment, outcomes)


@pytest.mark.parametrize("patients", [1, 2])
def test_smallest_cohorts_are_whole_snapshots(tmp_path: Path, patients: int) -> None:
    """One or two patients give a snapshot that verifies, with every table in its schema."""
    write_cohort(tmp_path / "cohort", patients=patients, seed=5)
    snapshot = open_snapshot(tmp_path / "cohort", verify=True)
    assert snapshot.rows["patients"] == patients
    assert snapshot.dataset.synthetic
    assert snapshot.dataset.title == f"Synthetic cohort of {patients} patients (seed 5)"
    for table, schema in snapshot_schemas().items():
        assert pq.read_schema(snapshot.path(table)).remove_metadata() == schema


@pytest.mark.parametrize(("patients", "seed"), [(0, 1), (-3, 1), (5, -1)])
def test_impossible_orders_are_refused(tmp_path: Path, patients: int, seed: int) -> None:
    """Less than one patient or a negative seed is refused, and nothing is written."""
    with pytest.raises(InvalidInputError, match="expected"):
        write_cohort(tmp_path / "cohort", patients=patients, seed=seed)
    assert not (tmp_path / "cohort").exists()


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder with other files is never replaced."""
    (tmp_path / "letter.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(SnapshotError, match="not a snapshot"):
        write_cohort(tmp_path, patients=1, seed=1)
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "keep"


def test_progress_and_identifiers_run_over_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches report their progress, and identifiers and absences stay right across them."""
    monkeypatch.setattr(cohort, "BATCH_PATIENTS", 40)
    seen: list[tuple[int, int]] = []
    snapshot = write_cohort(
        tmp_path / "cohort", patients=100, seed=3, progress=lambda *done: seen.append(done)
    )
    assert seen == [(40, 100), (80, 100), (100, 100)]
    for table, key in (("episodes", "episode_id"), ("courses", "course_id")):
        values = pq.read_table(snapshot.path(table))[key].to_pylist()
        assert len(set(values)) == len(values) == snapshot.rows[table]
    _assert_absences_point_to_nulls(snapshot.folder)


def _assert_absences_point_to_nulls(folder: Path) -> None:
    absences = pq.read_table(folder / "absences.parquet").to_pylist()
    assert absences
    columns: dict[tuple[str, str], list[object]] = {}
    for absence in absences:
        table, element = absence["table"], absence["element"]
        name = element if element in snapshot_schemas()[table].names else f"{element}_day"
        if (table, name) not in columns:
            values = pq.read_table(folder / f"{table}.parquet", columns=[name])[name]
            columns[table, name] = values.to_pylist()
        assert columns[table, name][absence["row"]] is None


def test_truth_names_every_planted_number(tmp_path: Path) -> None:
    """The truth file holds each planted entry with a published figure or the word none."""
    write_cohort(tmp_path / "cohort", patients=3, seed=8)
    truth = json.loads((tmp_path / "cohort" / "truth.json").read_text(encoding="utf-8"))
    assert (truth["patients"], truth["seed"], truth["synthetic"]) == (3, 8, True)
    for module in MODULES:
        planted = truth["planted"][module.__name__.rpartition(".")[2]]
        names = {name.lower() for name, entry in vars(module).items() if isinstance(entry, Planted)}
        assert set(planted) == names
        assert all(entry["published"] for entry in planted.values())
        assert all(
            bool(entry["source"]) != entry["published"].startswith("none: ")
            for entry in planted.values()
        )


def test_organisms_belong_to_the_class_of_their_stream() -> None:
    """Each organism of a stream has that organism class in the code list; mixed has several."""
    classes = load_codelist("organisms").attribute("organism_class")
    for stream in STREAMS:
        for mark in stream.marks:
            found = {classes[code] for code in mark.organisms}
            if stream.name == "mixed":
                assert len(found) == 2
            else:
                assert found <= {stream.organism_class}


def test_prophylaxis_acts_where_the_code_list_directs_it() -> None:
    """The classes that act on a stream are those that the organism groups name."""
    groups = load_codelist("organisms").attribute("organism_group")
    codes = load_codelist("organism_groups").codes
    for stream in STREAMS:
        named = {groups[code] for mark in stream.marks for code in mark.organisms}
        if stream.name == "mixed":
            continue
        for group in named - {"cmv"}:  # no cytomegalovirus prophylaxis is planted
            attributes = codes[group].attributes
            directed = {
                attributes[key]
                for key in ("prophylaxis_class", "prophylaxis_class_also")
                if key in attributes
            }
            assert directed == set(stream.prophylaxis), (stream.name, group)


def test_severity_levels_of_a_stream_add_up_to_one() -> None:
    """The five planted shares of each stream and window are a distribution."""
    for stream in STREAMS:
        for levels in (stream.severity_early, stream.severity_late):
            assert sum(levels) == pytest.approx(1.0, abs=1e-12)
            assert min(levels) >= 0.0


def test_streams_share_no_organism() -> None:
    """No organism occurs in two streams, so one organism cannot be in two infections at once."""
    streams: dict[str, set[str]] = {}
    for stream in STREAMS:
        for mark in stream.marks:
            for code in mark.organisms:
                streams.setdefault(code, set()).add(stream.name)
    assert {code: names for code, names in streams.items() if len(names) > 1} == {}
    assert len(MARKS) == sum(len(stream.marks) for stream in STREAMS)


def test_piecewise_hazard_inverts() -> None:
    """The time at which a hazard has accumulated is the inverse of the cumulated hazard."""
    hazard = PiecewiseHazard((0.0, 30.0, 100.0), (0.02, 0.01, 0.001))
    assert hazard.cumulative(np.array([30, 100, 200])) == pytest.approx([0.6, 1.3, 1.4])
    times = np.array([0.5, 29.9, 30.1, 99.0, 700.0])
    assert hazard.inverse(hazard.cumulative(times)) == pytest.approx(times)


def test_days_are_closed_on_the_right() -> None:
    """A time up to and including day d belongs to day d, and nothing falls on day 0."""
    assert to_day(np.array([0.0, 0.2, 1.0, 1.0001, 30.0])).tolist() == [1, 1, 1, 2, 30]


def test_draws_never_take_a_weight_of_zero() -> None:
    """Codes of weight zero are never drawn, at either end of the list."""
    rng = np.random.default_rng(0)
    assert set(draw_codes(rng, 5000, (0, 1, 2, 0)).tolist()) == {1, 2}
    rows = np.tile([0.0, 3.0, 0.0, 1.0, 0.0], (5000, 1))
    assert set(draw_codes_by_row(rng, rows).tolist()) == {1, 3}


@pytest.mark.parametrize(
    ("first", "last", "after", "until", "expected"),
    [
        (-4, 10, 0, 30, 10),
        (0, 30, 0, 30, 30),
        (31, 40, 0, 30, 0),
        (25, 40, 0, 30, 6),
        (25, 40, 30, 35, 5),
        (5, 5, 0, 30, 1),
    ],
)
def test_days_of_an_interval_in_a_window(
    first: int, last: int, after: int, until: int, expected: int
) -> None:
    """Both ends of an exposure count, day 0 and before do not."""
    days = days_between(*(np.array([value]) for value in (first, last, after, until)))
    assert days.tolist() == [expected]


def test_life_threatening_episodes_show_organ_support(tmp_path: Path) -> None:
    """Vasopressors or ventilation are written down for life-threatening or fatal episodes only."""
    snapshot = write_cohort(tmp_path / "cohort", patients=3000, seed=4)
    episodes = pq.read_table(snapshot.path("episodes"))
    truth = json.loads((snapshot.folder / "truth.json").read_text(encoding="utf-8"))["realised"]
    support = pa.compute.or_kleene(episodes["vasopressors"], episodes["ventilation"])
    supported = sum(value is True for value in support.to_pylist())
    grave = [
        list(truth[part].values())[LIFE_THREATENING:]
        for part in ("severity_until_day_30", "severity_after_day_30")
    ]
    total = sum(sum(part) for part in grave)
    assert 0.9 * total <= supported <= total
    admitted = sum(value is True for value in episodes["hospitalised"].to_pylist())
    severe = sum(
        sum(list(truth[part].values())[SEVERE:])
        for part in ("severity_until_day_30", "severity_after_day_30")
    )
    assert 0.8 * severe <= admitted <= severe
