"""The main job from end to end: cohort, dossier, stable files, planted truth, hard cases."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from iago.cli.application import application
from iago.dossier.assessment import assess_infections
from iago.dossier.options import DossierOptions
from iago.errors import DefinitionError, EstimationError
from iago.synthetic.cohort import write_cohort
from iago.tables.snapshot import Snapshot

STABLE_COLUMNS = {
    "density": (
        "by,level,window,stratum,episodes,patients,person_days,rate_per_100_days,lower,upper"
    ),
    "cumulative_incidence": "by,level,day,at_risk,estimate,lower,upper",
    "mean_cumulative_count": "by,level,day,at_risk,estimate,lower,upper",
    "persistence": "by,level,day,at_risk,estimate,lower,upper",
    "comparison": "method,estimand,contrast,estimate,lower,upper",
}


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "cohort"
    write_cohort(folder, patients=40_000, seed=11)
    return folder


@pytest.fixture(scope="module")
def dossier(cohort: Path) -> Path:
    folder = cohort.parent / "dossier"
    result = run("dossier", "infection", "--data", cohort, "--by", "product", "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("name", STABLE_COLUMNS)
def test_the_machine_readable_side_is_stable(dossier: Path, name: str) -> None:
    """Each table has exactly the columns that other programs rely on."""
    header = (dossier / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == STABLE_COLUMNS[name]


def test_the_documented_columns_are_the_written_ones(dossier: Path, project_root: Path) -> None:
    """Every table and its columns stand in the reference as they are written."""
    page = (project_root / "docs" / "reference" / "dossier-tables.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|$", page, flags=re.MULTILINE))
    written = {
        path.stem: path.read_text(encoding="utf-8").splitlines()[0]
        for path in (dossier / "tables").iterdir()
    }
    assert documented == written


def test_the_dossier_has_its_three_views(dossier: Path) -> None:
    """HTML, JSON and one CSV for every table of the JSON."""
    content = json.loads((dossier / "dossier.json").read_text(encoding="utf-8"))
    assert (dossier / "dossier.html").stat().st_size > 100_000
    assert {path.stem for path in (dossier / "tables").iterdir()} == set(content["tables"])
    assert {"severity", "prophylaxis"} <= set(content["tables"])


def test_weighting_recovers_the_planted_ratio_where_the_crude_one_does_not(
    cohort: Path, dossier: Path
) -> None:
    """The planted hazard ratio lies in the adjusted intervals and outside the crude one."""
    truth = json.loads((cohort / "truth.json").read_text(encoding="utf-8"))
    ratios = truth["product_hazard_ratios"]
    planted = ratios["axi-cel"] / ratios["tisa-cel"]
    rows = {
        row["method"]: row
        for row in read(dossier, "comparison")
        if row["contrast"] == "axi-cel vs tisa-cel"
    }
    assert not float(rows["crude"]["lower"]) <= planted <= float(rows["crude"]["upper"])
    for method in ("mantel-haenszel", "overlap-weighted"):
        assert float(rows[method]["lower"]) <= planted <= float(rows[method]["upper"]), method
    errors = {name: abs(math.log(float(row["estimate"]) / planted)) for name, row in rows.items()}
    assert errors["overlap-weighted"] < errors["crude"] / 3


def test_strata_add_up_to_the_whole(dossier: Path) -> None:
    """In each window the episodes of all classes, sites and settings sum to all episodes."""
    sums: dict[tuple[str, str, str], int] = {}
    for row in read(dossier, "density"):
        key = (row["level"], row["window"], row["stratum"].split("=")[0])
        sums[key] = sums.get(key, 0) + int(row["episodes"])
    for (level, window, dimension), total in sums.items():
        assert total == sums[level, window, "all"], (level, window, dimension)


def test_the_mean_count_is_not_below_the_incidence(dossier: Path) -> None:
    """Counting all episodes gives at least as much as counting the first, in a large cohort."""
    keys = ("level", "day")
    first = {
        tuple(row[k] for k in keys): float(row["estimate"])
        for row in read(dossier, "cumulative_incidence")
    }
    for row in read(dossier, "mean_cumulative_count"):
        if row["level"] != "all":
            continue
        assert float(row["estimate"]) >= first[tuple(row[k] for k in keys)] - 1e-9


def test_the_same_snapshot_gives_the_same_bytes(cohort: Path, dossier: Path) -> None:
    """A dossier made again is the same, byte for byte."""
    again = cohort.parent / "again"
    assert run("dossier", "infection", "--data", cohort, "--out", again).exit_code == 0
    for path in sorted(dossier.rglob("*.*")):
        assert path.read_bytes() == (again / path.relative_to(dossier)).read_bytes(), path.name


def test_a_shared_dossier_shows_no_small_cell(tmp_path: Path) -> None:
    """With --share no count from 1 to 10 is left in any table, and some were suppressed."""
    write_cohort(tmp_path / "cohort", patients=300, seed=5)
    out = tmp_path / "shared"
    result = run("dossier", "infection", "--data", tmp_path / "cohort", "--out", out, "--share")
    assert result.exit_code == 0, result.output
    assert "" in [row["patients"] for row in read(out, "density")]
    counted = ("patients", "episodes", "courses", "contacts", "n", "resolved", "at_risk")
    small = [
        (path.stem, column)
        for path in (out / "tables").iterdir()
        for row in read(out, path.stem)
        for column in counted
        if row.get(column) and 0 < float(row[column]) < 11
    ]
    assert not small


@pytest.mark.parametrize("by", ["all", "indication", "centre"])
def test_other_groupings(tmp_path: Path, by: str) -> None:
    """A dossier can be grouped by indication, centre or not at all."""
    write_cohort(tmp_path / "cohort", patients=400, seed=3)
    out = tmp_path / "out"
    result = run("dossier", "infection", "--data", tmp_path / "cohort", "--by", by, "--out", out)
    assert result.exit_code == 0, result.output
    assert {row["by"] for row in read(out, "density")} == {"all", by}


def test_an_unknown_option_value_is_answered_with_the_known_ones(cohort: Path) -> None:
    """A misspelt window set is refused before anything runs."""
    with pytest.raises(DefinitionError, match="30-100-365"):
        DossierOptions(window_set="30/100")
    assert run("dossier", "infection", "--data", cohort, "--windows", "x").exit_code != 0


def course(number: int, **more: Any) -> dict[str, Any]:
    ids = {"course_id": f"C{number}", "patient_id": f"P{number}", "product": "axi-cel"}
    return {**ids, **more}


def end(number: int, day: int) -> dict[str, Any]:
    return {
        "event_id": f"V{number}",
        "course_id": f"C{number}",
        "kind": "end-of-follow-up",
        "event_day": day,
    }


def test_one_patient_without_any_event(make_snapshot: Callable[..., Snapshot]) -> None:
    """One patient, all censored: a dossier of zeros with upper limits, and no crash."""
    snapshot = make_snapshot(
        patients=[{"patient_id": "P1"}], courses=[course(1)], events=[end(1, 40)]
    )
    content = assess_infections(snapshot, DossierOptions())
    assert content.headline["episodes"] == 0
    assert content.headline["rate_upper"] == pytest.approx(100 * 3.688879 / 40, rel=1e-6)


def test_every_value_unknown(make_snapshot: Callable[..., Snapshot]) -> None:
    """Episodes of which nothing is known but the day stay whole and unknown everywhere."""
    snapshot = make_snapshot(
        patients=[{"patient_id": "P1"}],
        courses=[course(1)],
        events=[end(1, 40)],
        episodes=[{"episode_id": "E1", "course_id": "C1", "toxicity": "infection", "onset_day": 5}],
    )
    content = assess_infections(snapshot, DossierOptions())
    strata = {row["stratum"] for row in content.table("density").to_pylist() if row["episodes"]}
    assert {"site=unknown", "organism_class=unknown", "severity=unknown"} <= strata


def test_nobody_with_a_known_end_is_refused(make_snapshot: Callable[..., Snapshot]) -> None:
    """Without any time at risk there is no rate, and the error says what to add."""
    snapshot = make_snapshot(patients=[{"patient_id": "P1"}], courses=[course(1)])
    with pytest.raises(EstimationError, match=r"events\.csv"):
        assess_infections(snapshot, DossierOptions())
