"""Foreign exports through a mapping: the documented examples, value maps, and located errors."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from iago.errors import DefinitionError
from iago.exchange.csv import FindingsError, ValidationResult, import_folder, validate_folder
from iago.exchange.csv.mapping import load_mapping
from iago.tables.snapshot import Snapshot

TODAY = dt.date(2025, 6, 1)
HEAD = '[source.own]\nfile = "own.csv"\n'
PATIENTS = """
[[table]]
table = "patients"
from = "own"
one_row_per = ["nr"]
[table.columns]
patient_id = "'P' || nr"
"""
COURSES = """
[[table]]
table = "courses"
from = "own"
one_row_per = ["nr"]
[table.columns]
course_id = "'C' || nr"
patient_id = "'P' || nr"
product = "'axi-cel'"
"""
EXPORT = "nr;Beginn;Ende;Alter\n1;3;9;60\n1;20;25;60\n2;;;55\n"


def write(folder: Path, mapping: str, export: str = EXPORT) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    (folder / "own.csv").write_text(export, encoding="utf-8")
    path = folder / "mapping.toml"
    path.write_text(mapping, encoding="utf-8")
    return folder, path


def validate(folder: Path, mapping: str, export: str = EXPORT) -> ValidationResult:
    folder, path = write(folder, mapping, export)
    return validate_folder(folder, mapping=path, today=TODAY)


def mistakes(folder: Path, mapping: str, export: str = EXPORT) -> str:
    with pytest.raises(DefinitionError) as refused:
        validate(folder, mapping, export)
    return str(refused.value)


def table(result: ValidationResult, name: str) -> list[dict[str, object]]:
    assert result.tables is not None, [entry.sentence for entry in result.errors]
    rows: list[dict[str, object]] = result.tables[name].to_pylist()
    return rows


@pytest.fixture(scope="module")
def example(
    shared_data: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Snapshot]:
    """Both documented examples, imported from the published data sets."""
    snapshots = {}
    for name in ("cgd", "okiss"):
        snapshots[name], findings = import_folder(
            shared_data / "survival",
            tmp_path_factory.mktemp(name) / "snapshot",
            mapping=project_root / "docs" / "examples" / name / "mapping.toml",
            today=TODAY,
        )
        assert {entry.severity for entry in findings} == {"note"}
    return snapshots


def read(snapshot: Snapshot, name: str) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = pq.read_table(snapshot.path(name)).to_pydict()
    return columns


def test_chronic_granulomatous_disease(example: dict[str, Snapshot], shared_data: Path) -> None:
    """The trial imports with 128 patients, 76 infections and the person-days of its file."""
    own = np.genfromtxt(
        shared_data / "survival" / "cgd.csv",
        delimiter=",",
        names=True,
        dtype=None,
        encoding="utf-8",
    )
    snapshot = example["cgd"]
    assert (snapshot.rows["patients"], snapshot.rows["courses"]) == (128, 128)
    assert snapshot.rows["episodes"] == int((own["status"] == 1).sum()) == 76
    ends = read(snapshot, "events")
    assert set(ends["kind"]) == {"end-of-follow-up"}
    assert sum(ends["event_day"]) == int((own["tstop"] - own["tstart"]).sum()) == 37_477  # type: ignore[arg-type]  # days are whole numbers
    products = read(snapshot, "courses")["product"]
    assert products.count("local:interferon-gamma") == 63
    assert products.count("local:placebo") == 65
    assert snapshot.dataset.clock == "day 0 = randomisation"


def test_surveillance_of_neutropenia(example: dict[str, Snapshot], shared_data: Path) -> None:
    """ONKO-KISS imports with 1,000 courses, 203 infections and the person-days of its file."""
    own = np.genfromtxt(
        shared_data / "survival" / "okiss.csv",
        delimiter=",",
        names=True,
        dtype=None,
        encoding="utf-8",
    )
    snapshot = example["okiss"]
    courses, episodes = read(snapshot, "courses"), read(snapshot, "episodes")
    arm = dict(zip(courses["course_id"], courses["product"], strict=True))
    assert list(arm.values()).count("local:autologous") == 436
    assert list(arm.values()).count("local:allogeneic") == 564
    infected = [arm[course] for course in episodes["course_id"]]
    assert infected.count("local:autologous") == 83
    assert infected.count("local:allogeneic") == 120
    assert set(episodes["site"]) == {"bloodstream"}
    events, deaths = read(snapshot, "events"), read(snapshot, "deaths")
    assert events["kind"].count("other-end-of-risk") == int((own["status"] == 2).sum()) == 773
    assert len(deaths["death_day"]) == int((own["status"] == 7).sum()) == 11
    days = [*events["event_day"], *deaths["death_day"]]
    assert len(days) == 1000
    assert sum(days) == int(own["time"].sum()) == 12_443  # type: ignore[arg-type]  # days are whole numbers


def test_an_infection_ends_follow_up_on_its_day(example: dict[str, Snapshot]) -> None:
    """An infected ONKO-KISS patient is followed to the day of the infection."""
    episodes, events = (read(example["okiss"], name) for name in ("episodes", "events"))
    onset = dict(zip(episodes["course_id"], episodes["onset_day"], strict=True))
    ends = {
        course: day
        for course, day in zip(events["course_id"], events["event_day"], strict=True)
        if course in onset
    }
    assert ends == onset


def test_findings_name_the_foreign_file_and_its_line(tmp_path: Path) -> None:
    """A value that fails the standard is reported at its row of the foreign file."""
    rules = HEAD + PATIENTS + COURSES + 'age_years = "Alter"\n'
    result = validate(tmp_path, rules, EXPORT.replace("2;;;55", "\n2;;;155"))
    assert [(entry.code, entry.file, entry.row, entry.column) for entry in result.errors] == [
        ("IAGO-E205", "own.csv (mapped to courses)", 5, "age_years")
    ]


def test_one_row_per_group(tmp_path: Path) -> None:
    """A group gives one row: min and max go over it, all else is its first row."""
    events = """
[[table]]
table = "events"
from = "own"
one_row_per = ["nr"]
where = "Beginn is not null"
[table.columns]
event_id = "'V' || nr || '-' || max(Ende)"
course_id = "'C' || nr"
kind = "'end-of-follow-up'"
event_day = "max(Ende) - min(Beginn) + Ende"
"""
    result = validate(tmp_path, HEAD + PATIENTS + COURSES + events)
    (row,) = table(result, "events")
    assert (row["event_id"], row["event_day"]) == ("V1-25", 25 - 3 + 9)


def test_rows_of_a_group_that_differ_are_listed(tmp_path: Path) -> None:
    """Where the rows of a group disagree, the first counts and a warning says so."""
    rules = HEAD + PATIENTS + COURSES + 'age_years = "Alter"\n'
    result = validate(tmp_path, rules, EXPORT.replace("25;60", "25;61"))
    assert table(result, "courses")[0]["age_years"] == 60
    assert [(e.code, e.row, e.column) for e in result.findings if e.code == "IAGO-W118"] == [
        ("IAGO-W118", 2, "age_years")
    ]


def test_several_blocks_fill_one_table(tmp_path: Path) -> None:
    """Two blocks for one table give the rows of both, with findings at the right lines."""
    block = """
[[table]]
table = "events"
from = "own"
where = "nr = {nr}"
[table.columns]
event_id = "'V' || source_row"
course_id = "'C' || nr"
kind = "'{kind}'"
event_day = "Ende"
"""
    events = block.format(nr=1, kind="transplant") + block.format(nr=2, kind="nothing")
    result = validate(tmp_path, HEAD + PATIENTS + COURSES + events)
    assert [(entry.code, entry.row) for entry in result.errors] == [("IAGO-E202", 4)]
    good = HEAD + PATIENTS + COURSES + events.replace("nothing", "end-of-follow-up")
    assert [row["event_id"] for row in table(validate(tmp_path, good), "events")] == [
        "V1",
        "V2",
        "V3",
    ]


def test_values_dates_and_missing_texts(tmp_path: Path) -> None:
    """Values are translated, dates put in order, and texts for missing values are empty."""
    export = "nr,art,tag,alter\n01,x,24.12.2023,NA\n02,?,99.99.2023,63\n"
    rules = (
        """
[source.own]
file = "own.csv"
missing = ["NA", "?"]
"""
        + PATIENTS
        + """
[[table]]
table = "courses"
from = "own"
[table.columns]
course_id = "'C' || nr"
patient_id = "'P' || nr"
product = "coalesce(art, 'unknown')"
infusion_date = "tag"
age_years = "alter + 1"
[table.values.product]
"x" = "tisa-cel"
"unknown" = "local:unknown"
[table.dates]
infusion_date = "DD.MM.YYYY"
"""
    )
    result = validate(tmp_path, rules, export)
    assert [(entry.code, entry.row) for entry in result.errors] == [("IAGO-E203", 3)]
    rows = table(validate(tmp_path, rules, export.replace("99.99", "01.02")), "courses")
    assert [(r["course_id"], r["product"], r["infusion_year"], r["age_years"]) for r in rows] == [
        ("C01", "tisa-cel", 2023, None),
        ("C02", "local:unknown", 2023, 64),
    ]


def test_decimal_commas_of_a_foreign_file_are_numbers(tmp_path: Path) -> None:
    """In a semicolon file a column of decimal commas can be calculated with."""
    labs = """
[[table]]
table = "labs"
from = "own"
[table.columns]
course_id = "'C' || nr"
analyte = "'crp'"
sample_day = "Beginn"
value = "wert * 2"
unit = "'mg/L'"
"""
    export = "nr;Beginn;wert\n1;3;1,25\n1;4;2\n"
    result = validate(tmp_path, HEAD + PATIENTS + COURSES + labs, export)
    assert [row["value"] for row in table(result, "labs")] == [2.5, 4.0]


def test_every_mistake_of_a_mapping_is_named_with_its_line(tmp_path: Path) -> None:
    """Wrong names, kinds and missing columns are all told at once, each with its place."""
    rules = """[dataset]
titel = "x"
[source.own]
file = "../own.csv"
missing = "NA"
[[table]]
table = "episods"
from = "own"
[table.columns]
episode_id = "nr"
[[table]]
table = "episodes"
from = "owm"
were = "nr = 1"
[table.columns]
episode_id = 5
onsett_day = "Beginn"
[table.values]
product = "x"
[table.dates]
onset_date = "D"
"""
    told = mistakes(tmp_path, rules)
    assert told.startswith("mapping.toml has 11 mistakes; nothing was imported.")
    for wanted in (
        "[dataset] titel: an entry that is not known",
        "[source.own]: 'file' is the name of a file in the folder",
        "[[table]] 1 from line 6 (episods): 'table' names no table",
        "[[table]] 2 from line 11 (episodes): 'were' is not known; perhaps 'where'",
        "'from' names no source of this file; known are own",
        "'onsett_day' is not known; perhaps 'onset_day'",
        "episode_id: an expression is a text in quotation marks",
        "lacks course_id, which every row must have",
        "[table.values.product]: [table.columns] has no such column",
        "a date format is one of YYYY-MM-DD",
    ):
        assert wanted in told


def test_expressions_are_checked_against_the_file(tmp_path: Path) -> None:
    """Unknown columns, code outside the vocabulary and lone aggregates are told with their line."""
    episodes = """
[[table]]
table = "episodes"
from = "own"
where = "Begin > 3"
[table.columns]
episode_id = "'E' ||"
course_id = "read_csv('x')"
onset_day = "max(Beginn)"
resolution_day = "(select 1)"
"""
    told = mistakes(tmp_path, HEAD + PATIENTS + COURSES + episodes)
    assert "where (line 23): 'Begin > 3' reads Begin; known names are Alter" in told
    assert "episode_id (line 25): \"'E' ||\" is not an expression" in told
    assert "course_id (line 26)" in told
    assert "onset_day (line 27): min and max need one_row_per" in told
    assert "resolution_day (line 28)" in told


def test_an_expression_that_fails_on_the_data_shows_no_value(tmp_path: Path) -> None:
    """Calculating with text is an error that names the expression and never the text."""
    rules = HEAD + PATIENTS + COURSES + 'age_years = "Alter + 1"\n'
    told = mistakes(tmp_path, rules, EXPORT.replace("2;;;55", "2;;;Geheim"))
    assert "age_years (line 19): the expression does not fit the data" in told
    assert "Columns read as text are Alter" in told
    assert "Geheim" not in told


def test_odd_column_names_are_quoted(tmp_path: Path) -> None:
    """A name with a dot is written in double quotes, and the error says so."""
    export = "nr,hos.cat\n1,UNK\n"
    told = mistakes(tmp_path, HEAD + PATIENTS + COURSES + 'centre_id = "hos.cat"\n', export)
    assert 'is quoted: "hos.cat".' in told
    good = HEAD + PATIENTS + COURSES + "centre_id = '\"hos.cat\"'\n"
    assert table(validate(tmp_path, good, export), "absences")[0]["null_flavour"] == "UNK"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[table]", "is not TOML: .* line 1"),
        ("", "there is no .source.NAME."),
        ("table = 5\nsource = 5\ndataset = 5", "'table' is not a list"),
        (HEAD + "[[table]]\ntable = []\nfrom = []\nwhere = 5\none_row_per = 5", "'where'"),
        (HEAD + '[[table]]\ncolumns = 5\nvalues = 5\ndates = 5\nfrom = "own"', "'values'"),
    ],
)
def test_mappings_of_the_wrong_shape(tmp_path: Path, content: str, words: str) -> None:
    """A mapping of any wrong shape is refused with words, never with a crash."""
    _, path = write(tmp_path, content)
    with pytest.raises(DefinitionError, match=words):
        load_mapping(path)


def test_a_mapping_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    """A missing, binary or huge mapping file is refused by name."""
    path = tmp_path / "mapping.toml"
    for content in (None, b"\xff\xfe\x00", b"#" * 2_000_000):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DefinitionError, match=r"mapping\.toml"):
            load_mapping(path)


def test_missing_and_empty_sources(tmp_path: Path) -> None:
    """A source that is not there is one error; a condition without rows is a warning."""
    folder, path = write(tmp_path, HEAD + PATIENTS + COURSES)
    (folder / "own.csv").unlink()
    with pytest.raises(FindingsError) as refused:
        import_folder(folder, tmp_path / "snapshot", mapping=path, today=TODAY)
    errors = [entry for entry in refused.value.findings if entry.severity == "error"]
    assert [(entry.code, entry.file) for entry in errors] == [("IAGO-E111", "own.csv")]
    episodes = """
[[table]]
table = "episodes"
from = "own"
where = "nr = 7"
[table.columns]
episode_id = "'E' || source_row"
course_id = "'C' || nr"
"""
    result = validate(tmp_path, HEAD + PATIENTS + COURSES + episodes)
    assert [e.file for e in result.findings if e.code == "IAGO-W119"] == [
        "own.csv (mapped to episodes)"
    ]


def test_columns_that_no_rule_reads_are_noted(tmp_path: Path) -> None:
    """A note lists the columns of a foreign file that the mapping leaves out."""
    result = validate(tmp_path, HEAD + PATIENTS + COURSES)
    (note,) = (entry for entry in result.findings if entry.code == "IAGO-N126")
    assert note.found == "columns not used: Beginn, Ende, Alter"


def test_days_of_the_examples_are_whole(example: dict[str, Snapshot]) -> None:
    """Every onset of the examples is a known day on or after day 0."""
    for snapshot in example.values():
        days = read(snapshot, "episodes")["onset_day"]
        assert pc.min(days).as_py() >= 0
        assert None not in days
