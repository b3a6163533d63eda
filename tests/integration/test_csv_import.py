"""Import of folders of CSV files: every kind of bad input, contradictions, atomic writing."""

import datetime as dt
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from iago.errors import InvalidInputError, SnapshotError
from iago.exchange.csv import (
    FINDING_CODES,
    FindingsError,
    ValidationResult,
    import_folder,
    validate_folder,
    write_findings,
    write_templates,
)
from iago.exchange.csv.dataset import parse_dataset
from iago.standard.records import load_records
from iago.tables.snapshot import open_snapshot

TODAY = dt.date(2025, 6, 1)
BASE = {
    "patients": "patient_id,birth_year,sex\nP1,1960,female\n",
    "courses": "course_id,patient_id,product,infusion_date\nC1,P1,axi-cel,2024-03-10\n",
    "events": "event_id,course_id,kind,event_day\nV1,C1,end-of-follow-up,400\n",
}
Check = Callable[..., ValidationResult]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Validate the base files with some of them replaced, or left out by None."""

    def run(**tables: str | bytes | None) -> ValidationResult:
        folder = write_folder(tmp_path / "input", **tables)
        return validate_folder(folder, today=TODAY)

    return run


def write_folder(folder: Path, **tables: str | bytes | None) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in {**BASE, **tables}.items():
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            (folder / f"{name}.csv").write_bytes(data)
    return folder


def problems(result: ValidationResult) -> list[tuple[str, str, int | None, str]]:
    return [
        (entry.code, entry.file, entry.row, entry.column)
        for entry in result.findings
        if entry.severity != "note"
    ]


def table(result: ValidationResult, name: str) -> list[dict[str, object]]:
    assert result.tables is not None, [entry.sentence for entry in result.errors]
    rows: list[dict[str, object]] = result.tables[name].to_pylist()
    return rows


def test_one_patient_is_a_data_set(check: Check) -> None:
    """One patient with one course imports without a warning; absent tables are noted."""
    result = check()
    assert problems(result) == []
    assert table(result, "courses")[0]["infusion_year"] == 2024
    absent = {entry.file for entry in result.findings if entry.code == "IAGO-N124"}
    assert absent == {
        f"{record.table}.csv" for record in load_records() if record.table not in BASE
    }


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that does not exist is refused by name."""
    with pytest.raises(InvalidInputError, match=r"There is no folder .*nowhere"):
        validate_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["patients", "courses"])
def test_required_files(check: Check, name: str) -> None:
    """Patients and courses must be there; what refers to them brings no further errors."""
    assert problems(check(**{name: None})) == [("IAGO-E111", f"{name}.csv", None, "")]


def test_empty_files_and_binary_junk(check: Check) -> None:
    """An empty and a binary file are one error each, and the other files are checked still."""
    result = check(labs=b"", episodes=b"\x7fELF\x00\x01", courses=BASE["courses"] + "C1,P9,x,\n")
    assert problems(result) == [
        ("IAGO-E301", "courses.csv", 3, "course_id"),
        ("IAGO-E302", "courses.csv", 3, "patient_id"),
        ("IAGO-E202", "courses.csv", 3, "product"),
        ("IAGO-E106", "labs.csv", None, ""),
        ("IAGO-E108", "episodes.csv", None, ""),
    ]


def test_a_template_is_not_a_data_set(tmp_path: Path) -> None:
    """Importing the empty templates says that patients and courses have no rows."""
    write_templates(tmp_path / "empty")
    result = validate_folder(tmp_path / "empty", today=TODAY)
    assert [row[0] for row in problems(result)] == ["IAGO-E120", "IAGO-E120"]


def test_a_misnamed_file_is_a_warning(check: Check) -> None:
    """A CSV file of another name is not dropped silently."""
    result = check(episode="episode_id\nE1\n")
    assert problems(result) == [("IAGO-W117", "episode.csv", None, "")]
    assert "episodes.csv" in result.findings[0].expected


def test_file_names_in_capitals(tmp_path: Path) -> None:
    """File names may be in capitals; two that differ in case only are an error."""
    folder = write_folder(tmp_path / "input", patients=None)
    (folder / "PATIENTS.CSV").write_text(BASE["patients"])
    assert validate_folder(folder, today=TODAY).tables is not None
    (folder / "patients.csv").write_text(BASE["patients"])
    assert [row[0] for row in problems(validate_folder(folder, today=TODAY))] == ["IAGO-E114"]


@pytest.mark.parametrize(
    ("column", "value", "code", "found"),
    [
        ("product", "", "IAGO-E201", "an empty cell"),
        ("product", "UNK", "IAGO-E201", "a null flavour"),
        ("indication", "lymphomia", "IAGO-E202", "text of 9 characters"),
        ("infusion_date", "10.03.2024", "IAGO-E203", "day.month.year"),
        ("infusion_date", "03/10/2024", "IAGO-E203", "slashes"),
        ("infusion_date", "2024-03-10 08:00", "IAGO-E203", "time of day"),
        ("infusion_date", "45361", "IAGO-E203", "day count of Excel"),
        ("infusion_date", "2024-02-30", "IAGO-E203", "a day that this month does not have"),
        ("infusion_date", "2024-13-01", "IAGO-E203", "a month outside 01 to 12"),
        ("infusion_date", "March", "IAGO-E203", "not a date"),
        ("infusion_date", "2025-06-02", "IAGO-E210", "after today"),
        ("infusion_date", "2026", "IAGO-E210", "after today"),
        ("age_years", "old", "IAGO-E204", "without digits"),
        ("age_years", "60y", "IAGO-E204", "digits with other characters"),
        ("age_years", "1_0", "IAGO-E204", "digits with other characters"),
        ("age_years", "60.5", "IAGO-E204", "not whole"),
        ("age_years", "-1", "IAGO-E205", "outside the range"),
        ("age_years", "111", "IAGO-E205", "outside the range"),
        ("bridging", "maybe", "IAGO-E206", "text of 5 characters"),
        ("centre_id", "Köln Süd", "IAGO-E207", "a character"),
        ("centre_id", "x" * 65, "IAGO-E207", "65 characters"),
        ("lymphodepletion_start_day", "5.5", "IAGO-E204", "not whole"),
        ("lymphodepletion_start_day", "99999", "IAGO-E205", "outside the range"),
    ],
)
def test_cells_that_cannot_be_read(
    check: Check, column: str, value: str, code: str, found: str
) -> None:
    """Each kind of wrong cell has its code, its place and a kind, and never shows the value."""
    row = {"course_id": "C1", "patient_id": "P1", "product": "axi-cel", column: value}
    result = check(courses=",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert problems(result)[0] == (code, "courses.csv", 2, column)
    entry = result.errors[0]
    assert found in entry.found
    assert not value or value not in f"{entry.found} {entry.expected}"


@pytest.mark.parametrize(
    ("value", "unit", "code"),
    [
        ("<0.1", "/uL", "IAGO-E209"),
        (">150", "/uL", "IAGO-E209"),
        ("≤ 5", "/uL", "IAGO-E209"),
        ("-1", "/uL", "IAGO-E205"),
        ("1e999", "/uL", "IAGO-E205"),
        ("nan", "/uL", "IAGO-E204"),
        ('"1,5"', "/uL", "IAGO-E208"),
        ('"1.234,5"', "/uL", "IAGO-E208"),
        ("1'234", "/uL", "IAGO-E208"),
        ("500", "", "IAGO-E214"),
        ("500", "UNK", "IAGO-E214"),
        ("500", "mg/dL", "IAGO-E213"),
        ("500", "a unit that is far too long", "IAGO-E213"),
        ("", "parsec", "IAGO-E213"),
    ],
)
def test_laboratory_values_that_cannot_be_kept(
    check: Check, value: str, unit: str, code: str
) -> None:
    """Censored, negative and unclear values, and units that do not fit, are errors."""
    labs = f"course_id,analyte,sample_day,value,unit\nC1,anc,5,{value},{unit}\n"
    assert [row[0] for row in problems(check(labs=labs))] == [code]


def test_units_are_converted_exactly(check: Check) -> None:
    """Values and limits are stored in the canonical unit, by decimal arithmetic."""
    labs = (
        "course_id,analyte,sample_day,value,unit,lower_limit_of_normal\n"
        "C1,anc,5,0.57,10*9/L,1.8\nC1,Neutrophile,6,570,/uL,\nC1,crp,6,1.1,mg/dL,\n"
        "C1,crp,7,UNK,,\n"
    )
    rows = table(check(labs=labs), "labs")
    assert [row["value"] for row in rows] == [570.0, 570.0, 11.0, None]
    assert [row["unit"] for row in rows] == ["/uL", "/uL", "mg/L", None]
    assert rows[0]["lower_limit_of_normal"] == 1800.0


def test_decimal_commas_in_semicolon_files(check: Check) -> None:
    """Decimal commas are read, with a note, where semicolons or tabs delimit the file."""
    labs = "course_id;analyte;sample_day;value;unit\nC1;crp;5;1,5;mg/L\nC1;crp;6;2;mg/L\n"
    result = check(labs=labs)
    assert [row["value"] for row in table(result, "labs")] == [1.5, 2.0]
    assert [entry.file for entry in result.findings if entry.code == "IAGO-N123"] == ["labs.csv"]


def test_decimal_commas_and_points_do_not_mix(check: Check) -> None:
    """A point in a file of decimal commas may be a thousands separator and is refused."""
    rows = ["C1;crp;5;1,5;mg/L", "C1;crp;6;2,5;mg/L", "C1;crp;7;1.234;mg/L"]
    labs = "course_id;analyte;sample_day;value;unit\n" + "\n".join(rows)
    assert problems(check(labs=labs)) == [("IAGO-E208", "labs.csv", 4, "value")]


def test_codes_labels_and_synonyms(check: Check) -> None:
    """A code, an English or German label or a synonym all become the code; local codes stay."""
    courses = (
        "course_id,patient_id,product,bridging,prior_transplant\n"
        "C1,P1,Yescarta,ja,keine\nC2,P1,AXI-CEL,No,\nC3,P1,local:our-product,1,autolog\n"
    )
    rows = table(check(courses=courses, patients="patient_id,sex\nP1,Frau\n"), "courses")
    assert [row["product"] for row in rows] == ["axi-cel", "axi-cel", "local:our-product"]
    assert [row["bridging"] for row in rows] == [True, False, True]


def test_dates_become_days(check: Check) -> None:
    """Dates are counted from infusion; a partial date keeps its span and gets its midpoint."""
    episodes = (
        "episode_id,course_id,onset_date,onset_day,onset_day_earliest,onset_day_latest\n"
        "E1,C1,2024-03-20,,,\nE2,C1,2024-04,,,\nE3,C1,2024,,,\nE4,C1,,-7,,\nE5,C1,,,5,10\n"
        "E6,C1,2024-04,25,,\nE7,C1,,,,\n"
    )
    rows = table(check(episodes=episodes), "episodes")
    days = [(row["onset_day"], row["onset_day_earliest"], row["onset_day_latest"]) for row in rows]
    assert days == [
        (10, 10, 10),
        (36, 22, 51),
        (113, -69, 296),
        (-7, -7, -7),
        (7, 5, 10),
        (25, 25, 25),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("infusion", "cells", "code"),
    [
        ("2024-03-10", "2024-03-20,11,,", "IAGO-E211"),
        ("2024-03-10", "2024-04,21,,", "IAGO-E211"),
        ("2024", "2023-12,5,,", "IAGO-E211"),
        ("", "2024-03-20,,,", "IAGO-E212"),
        ("UNK", "2024-03-20,,,", "IAGO-E212"),
        ("2024-03", "2024-03-20,,,", "IAGO-E212"),
        ("2024-03-10", "1900,,,", "IAGO-E205"),
        ("2024-03-10", ",500,,", "IAGO-E210"),
        ("2024-03-10", ",,5,", "IAGO-E216"),
        ("2024-03-10", ",,9,5", "IAGO-E216"),
        ("2024-03-10", ",12,5,10", "IAGO-E216"),
    ],
)
def test_moments_that_cannot_be_placed(check: Check, infusion: str, cells: str, code: str) -> None:
    """Dates without infusion date, disagreeing pairs and broken spans are errors."""
    courses = f"course_id,patient_id,product,infusion_date\nC1,P1,axi-cel,{infusion}\n"
    columns = "onset_date,onset_day,onset_day_earliest,onset_day_latest"
    episodes = f"episode_id,course_id,{columns}\nE1,C1,{cells}\n"
    result = check(courses=courses, episodes=episodes)
    assert [entry.code for entry in result.errors] == [code]


@pytest.mark.parametrize("infusion", ["", "2024", "2024-03", "MSK"])
def test_days_need_no_infusion_date(check: Check, infusion: str) -> None:
    """A data set told in days imports with a partial, masked or empty infusion date."""
    courses = f"course_id,patient_id,product,infusion_date\nC1,P1,axi-cel,{infusion}\n"
    episodes = "episode_id,course_id,onset_date,onset_day\nE1,C1,2024,12\n"
    assert table(check(courses=courses, episodes=episodes), "episodes")[0]["onset_day"] == 12


def test_duplicate_keys_name_both_rows(check: Check) -> None:
    """A repeated identifier or combination is an error that names the earlier row."""
    result = check(
        patients="patient_id\nP1\nP2\n P1 \n",
        deaths="course_id,death_day\nC1,300\nC1,301\n",
        events=BASE["events"].replace("400", "300"),
        episodes="episode_id,course_id\nE1,C1\n",
        organisms="episode_id,organism\nE1,562\nE1,Escherichia coli\nE1,287\n",
    )
    assert problems(result) == [
        ("IAGO-E301", "patients.csv", 4, "patient_id"),
        ("IAGO-E301", "organisms.csv", 3, "episode_id"),
        ("IAGO-E301", "deaths.csv", 3, "course_id"),
    ]
    assert "row 2" in result.errors[0].found


def test_references_to_nothing(check: Check) -> None:
    """An identifier that does not stand in the other table is an error at its own place."""
    result = check(
        episodes="episode_id,course_id,earlier_episode_id\nE1,C1,E9\nE2,C8,\n",
        organisms="episode_id,organism\nE7,562\n",
    )
    assert problems(result) == [
        ("IAGO-E302", "episodes.csv", 2, "earlier_episode_id"),
        ("IAGO-E302", "episodes.csv", 3, "course_id"),
        ("IAGO-E302", "organisms.csv", 2, "episode_id"),
    ]
    assert "episodes.csv" in result.errors[2].found


def test_every_value_unknown(check: Check) -> None:
    """UNK in every cell that is not required imports, and each is kept as an absence."""
    tables: dict[str, str] = {}
    for record in load_records():
        known = {"sex", "birth_year"}
        row = {
            column: "UNK"
            for element in record.elements
            if not element.required and element.name not in known
            for column in element.columns
        }
        row |= {"course_id": "C1"} if "course_id" in record.columns else {}
        row |= {"patient_id": "P1"} if "patient_id" in record.columns else {}
        row |= {"episode_id": "E1"} if record.table in {"episodes", "organisms", "evidence"} else {}
        row |= {
            column: "X1"
            for column in ("exposure_id", "contact_id", "event_id")
            if column in record.columns
        }
        row |= {"product": "axi-cel"} if record.table == "courses" else {}
        row |= {"exposure_class": "pjp"} if record.table == "exposures" else {}
        row |= {"analyte": "anc"} if record.table == "labs" else {}
        row |= {"organism": "562"} if record.table == "organisms" else {}
        row |= {"kind": "transplant"} if record.table == "events" else {}
        row |= {"item": "time-plausible"} if record.table == "evidence" else {}
        tables[record.table] = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    result = check(**tables)
    assert result.errors == ()
    absences = table(result, "absences")
    optional = [e for r in load_records() for e in r.elements if not e.required]
    assert len(absences) == len(optional) - 2
    assert {row["null_flavour"] for row in absences} == {"UNK"}
    assert table(result, "episodes")[0]["toxicity"] is None


def test_null_flavours_are_kept_with_their_row(check: Check) -> None:
    """A reason for an absent value is kept by table, row and element; NI says nothing more."""
    courses = (
        "course_id,patient_id,product,ecog,lymphodepletion_start_date,lymphodepletion_start_day\n"
        "C1,P1,axi-cel,,,\nC2,P1,axi-cel,ASKU,MSK,\nC3,P1,axi-cel,NI,MSK,-5\n"
    )
    result = check(courses=courses)
    assert table(result, "absences") == [
        {"table": "courses", "row": 1, "element": element, "null_flavour": flavour}
        for element, flavour in (("lymphodepletion_start", "MSK"), ("ecog", "ASKU"))
    ]
    assert [row["lymphodepletion_start_day"] for row in table(result, "courses")] == [
        None,
        None,
        -5,
    ]


def test_the_default_toxicity_is_infection(check: Check) -> None:
    """An empty toxicity is an infection, as the standard says."""
    episodes = "episode_id,course_id,onset_day\nE1,C1,5\n"
    assert table(check(episodes=episodes), "episodes")[0]["toxicity"] == "infection"


def test_formula_cells_are_refused_or_harmless(check: Check) -> None:
    """A formula is no identifier and no name; in a guarded name it is text."""
    exposures = (
        "exposure_id,course_id,exposure_class,drug,start_day\n"
        "=1+1,C1,pjp,a,1\nX2,C1,pjp,=cmd(),1\nX3,C1,pjp,'+x,1\n"
    )
    result = check(exposures=exposures)
    assert problems(result) == [
        ("IAGO-E207", "exposures.csv", 2, "exposure_id"),
        ("IAGO-E215", "exposures.csv", 3, "drug"),
    ]
    shown = " ".join(entry.sentence for entry in result.findings)
    assert "cmd" not in shown
    assert "1+1" not in shown


def test_ten_thousand_errors_are_ten_thousand_findings(check: Check, tmp_path: Path) -> None:
    """A file with 10,000 wrong cells gives 10,000 findings within seconds, and a report of them."""
    rows = "".join(f"C1,anc,{day},wrong,/uL\n" for day in range(400))
    labs = "course_id,analyte,sample_day,value,unit\n" + rows * 25
    start = time.perf_counter()
    result = check(labs=labs)
    write_findings(result.findings, tmp_path / "findings.csv")
    assert time.perf_counter() - start < 10
    assert len(result.errors) == 10_000
    assert [entry.row for entry in result.errors] == list(range(2, 10_002))
    assert len((tmp_path / "findings.csv").read_text().splitlines()) == len(result.findings) + 1


def test_findings_of_one_kind_have_a_limit(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of one kind the rest is counted in one note, and the import is refused."""
    monkeypatch.setattr("iago.exchange.csv.findings.LISTED_PER_KIND", 10)
    monkeypatch.setattr("iago.exchange.csv.columns.LISTED_PER_KIND", 10)
    labs = "course_id,analyte,value,unit\n" + "C1,anc,wrong,/uL\n" * 25
    result = check(labs=labs)
    assert len(result.errors) == 10
    (rest,) = (entry for entry in result.findings if entry.code == "IAGO-N901")
    assert rest.found == "15 further rows with IAGO-E204"
    assert result.tables is None


def test_dataset_toml_gives_title_and_clock(tmp_path: Path) -> None:
    """dataset.toml is carried into the snapshot; a mistake in it is an error."""
    folder = write_folder(tmp_path / "input")
    about = folder / "dataset.toml"
    about.write_text('title = "Registry"\nclock = "day 0 = entry"\nsynthetic = true\n')
    snapshot, _ = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    assert snapshot.dataset.title == "Registry"
    assert snapshot.dataset.clock == "day 0 = entry"
    assert snapshot.dataset.synthetic
    for wrong in ("title = 5", 'titel = "x"', "title = ", 'notes = "' + "x" * 20_000 + '"'):
        about.write_text(wrong)
        assert [row[0] for row in problems(validate_folder(folder, today=TODAY))] == ["IAGO-E113"]


def test_an_import_with_errors_writes_nothing(tmp_path: Path) -> None:
    """An error refuses the whole import with exit code 2 and leaves no folder behind."""
    folder = write_folder(tmp_path / "input", episodes="episode_id,course_id\nE1,C9\n")
    with pytest.raises(FindingsError) as refused:
        import_folder(folder, tmp_path / "out" / "snapshot", today=TODAY)
    assert refused.value.exit_code == 2
    assert [entry.code for entry in refused.value.findings if entry.severity == "error"] == [
        "IAGO-E302"
    ]
    assert str(refused.value).startswith("1 error in episodes.csv; nothing was imported.")
    assert not (tmp_path / "out").exists()


def test_an_identical_import_is_a_no_op(tmp_path: Path) -> None:
    """Importing the same files again gives the same snapshot and touches no file of it."""
    folder = write_folder(tmp_path / "input")
    first, findings = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    second, _ = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    assert second == first
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before
    report = (first.folder / "findings.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(report) == len(findings) + 1


def test_a_changed_import_replaces_the_snapshot(tmp_path: Path) -> None:
    """Other data, or a damaged snapshot, are replaced whole; a foreign folder never is."""
    folder = write_folder(tmp_path / "input")
    first, _ = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    first.path("patients").write_bytes(b"damaged")
    again, _ = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    assert open_snapshot(again.folder).snapshot_id == first.snapshot_id
    write_folder(folder, patients="patient_id,birth_year,sex\nP1,1961,male\n")
    second, _ = import_folder(folder, tmp_path / "snapshot", today=TODAY)
    assert open_snapshot(second.folder).snapshot_id != first.snapshot_id
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(SnapshotError):
        import_folder(folder, tmp_path / "input", today=TODAY)


def test_progress_is_told(tmp_path: Path) -> None:
    """Long work reports what it is doing and how far it is."""
    told: list[tuple[str, int, int]] = []
    folder = write_folder(tmp_path / "input")
    validate_folder(folder, today=TODAY, progress=lambda *step: told.append(step))
    assert told[0] == ("checking patients", 0, 11)
    assert told[-1] == ("done", 11, 11)
    assert all(0 <= done <= steps for _, done, steps in told)


@pytest.mark.parametrize("language", ["en", "de"])
def test_templates_and_their_example(tmp_path: Path, language: str) -> None:
    """Templates have every column, the example imports cleanly, the guide names every code."""
    paths = write_templates(tmp_path / "templates", language)
    assert all(path.is_file() for path in paths)
    for record in load_records():
        text = (tmp_path / "templates" / f"{record.table}.csv").read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        delimiter = ";" if language == "de" else ","
        assert text.decode("utf-8-sig").strip() == delimiter.join(record.columns)
    result = validate_folder(tmp_path / "templates" / "example", today=TODAY)
    assert [entry for entry in result.findings if entry.severity != "note"] == []
    assert result.dataset.synthetic
    guide = (tmp_path / "templates" / "GUIDE.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in guide
    assert "src=" not in guide
    for wanted in ("episodes.csv", "axi-cel", "Escherichia coli", "10*9/L", "in hospital or at"):
        assert wanted in guide
    with pytest.raises(InvalidInputError, match=r"GUIDE\.html"):
        write_templates(tmp_path / "templates", language)


def test_templates_in_another_language(tmp_path: Path) -> None:
    """A language without a guide is refused before anything is written."""
    with pytest.raises(InvalidInputError, match="Choose en or de"):
        write_templates(tmp_path / "templates", "fr")
    assert not (tmp_path / "templates").exists()


def test_every_code_is_explained_in_whole_sentences() -> None:
    """Each finding code has its severity in its letter and texts that end as sentences."""
    letters = {"E": "error", "W": "warning", "N": "note"}
    for code, entry in FINDING_CODES.items():
        assert letters[code.removeprefix("IAGO-")[0]] == entry.severity
        assert entry.title
        assert entry.explanation.endswith(".")
        assert entry.action.endswith(".")
    numbers = [code[-3:] for code in FINDING_CODES]
    assert len(set(numbers)) == len(numbers)


def test_a_description_of_the_data_set_is_checked() -> None:
    """The entries of a data set description are text, and synthetic is true or false."""
    assert parse_dataset({"title": "A"}, "dataset.toml")[0].title == "A"
    _, findings = parse_dataset({"synthetic": "yes", "clock": 3}, "dataset.toml")
    assert [entry.column for entry in findings] == ["clock", "synthetic"]


def test_tables_have_the_columns_of_the_snapshot(check: Check) -> None:
    """Validated tables can be used as they are: columns and types are those of a snapshot."""
    result = check()
    assert result.tables is not None
    courses = result.tables["courses"]
    assert courses.schema.field("lymphodepletion_start_day").type == pa.int32()
    assert courses.schema.field("age_years").type == pa.int32()
