"""Dossier files: CSV that no spreadsheet runs, JSON that is stable, all of it or nothing."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.dossier_fixture import make_dossier, only_table

from iago.dossier import writing
from iago.dossier.content import Dossier, DossierTable
from iago.dossier.csv_text import csv_text
from iago.dossier.writing import dossier_json, write_dossier
from iago.errors import InvalidInputError


def small_dossier() -> Dossier:
    return only_table("flow")


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  @x", "\uff1d1"],
)
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    """A formula gets an apostrophe in front and stays readable behind it."""
    cell = parsed(csv_text(["note"], [{"note": text}]))[1][0]
    assert cell == f"'{text}"


def test_a_hostile_column_name_is_disarmed_too() -> None:
    """The header is guarded like the cells."""
    assert csv_text(["=cmd()"], []) == "'=cmd()\n"


@pytest.mark.parametrize("text", ["a,b", 'say "x"', "a\nb", "a;=1", "a\t=1", " a ", "Größe"])
def test_text_survives_the_round_trip(text: str) -> None:
    """Separators, quotes, line breaks and umlauts come back as they went in."""
    assert parsed(csv_text(["note", "n"], [{"note": text, "n": 1}]))[1] == [text, "1"]


@pytest.mark.parametrize("text", ["a;b", "a\tb"])
def test_separators_of_other_countries_are_quoted(text: str) -> None:
    """A spreadsheet that splits at semicolons or tabs finds them inside quotes."""
    assert csv_text(["note"], [{"note": text}]).splitlines()[1] == f'"{text}"'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (math.inf, ""),
        (0, "0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.3333333333"),
        (-2.5, "-2.5"),
        (1e-12, "1e-12"),
        (True, "true"),
    ],
)
def test_numbers_are_written_with_enough_digits(value: object, text: str) -> None:
    """Ten significant digits in their shortest form; what is missing is an empty cell."""
    assert csv_text(["x", "y"], [{"x": value, "y": 1}]).splitlines()[1] == f"{text},1"


def test_json_has_stable_parts() -> None:
    """The whole content in fixed places, every row as long as the columns."""
    content = dossier_json(make_dossier())
    assert list(content) == [
        "schema_version",
        "header",
        "definition",
        "notices",
        "provenance",
        "tables",
    ]
    assert content["header"]["levels"][0] == "axi-cel"
    density = content["tables"]["density"]
    assert set(density) == {"title", "chapter", "definition", "sources", "columns", "rows"}
    assert all(len(row) == len(density["columns"]) for row in density["rows"])


def test_json_is_strict() -> None:
    """Numbers that JSON does not know are null, in tables and headline alike."""
    table = pa.table({"step": ["a"], "x": [math.nan], "y": [math.inf]})
    dossier = replace(only_table("flow", table=table), headline={"rate_per_100_days": math.nan})
    content = dossier_json(dossier)
    assert content["tables"]["flow"]["rows"] == [["a", None, None]]
    assert content["header"]["headline"] == {"rate_per_100_days": None}
    assert json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("mark", ["true", "primary", True])
def test_suppressed_numbers_leave_in_no_file(mark: object, tmp_path: Path) -> None:
    """Counts and rates of a suppressed row are in neither CSV, JSON nor page; its time is."""
    table = pa.table(
        {
            "level": ["all"],
            "window": ["0-30"],
            "stratum": ["all"],
            "episodes": [987123],
            "person_days": [555444],
            "rate_per_100_days": [987.123],
            "suppressed": [mark],
        }
    )
    write_dossier(only_table("density", table=table), tmp_path / "dossier")
    texts = [p.read_text("utf-8") for p in (tmp_path / "dossier").rglob("*") if p.is_file()]
    assert len(texts) == 3
    assert not [text for text in texts if "987" in text]
    assert all("555444" in text for text in texts)


def test_all_files_are_written(tmp_path: Path) -> None:
    """Page, JSON and one CSV a table, and nothing beside them."""
    write_dossier(small_dossier(), tmp_path / "new" / "dossier")
    found = {
        str(path.relative_to(tmp_path / "new"))
        for path in (tmp_path / "new").rglob("*")
        if path.is_file()
    }
    assert found == {"dossier/dossier.html", "dossier/dossier.json", "dossier/tables/flow.csv"}


def test_writing_again_replaces_the_earlier_dossier_with_the_same_bytes(tmp_path: Path) -> None:
    """An earlier dossier is replaced as a whole; tables it alone had are gone."""
    folder = tmp_path / "dossier"
    write_dossier(only_table("contacts"), folder)
    write_dossier(small_dossier(), folder)
    first = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    write_dossier(small_dossier(), folder)
    second = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert first == second
    assert set(first) == {"dossier.html", "dossier.json", "flow.csv"}


@pytest.mark.parametrize("other", ["thesis.txt", "tables/own.csv", "tables/flow/deep.csv"])
def test_a_folder_with_other_things_is_refused_and_left_alone(other: str, tmp_path: Path) -> None:
    """What a user put beside or into an earlier dossier is never deleted."""
    folder = tmp_path / "dossier"
    write_dossier(small_dossier(), folder)
    path = folder / other
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="holds other things"):
        write_dossier(small_dossier(), folder)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_only_looks_like_a_dossier_is_refused(tmp_path: Path) -> None:
    """Files with our names but not our content are not ours to replace."""
    folder = tmp_path / "dossier"
    folder.mkdir()
    (folder / "dossier.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="holds other things"):
        write_dossier(small_dossier(), folder)
    assert (folder / "dossier.json").read_text(encoding="utf-8") == "[]"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """A file with the name of the folder is not overwritten."""
    path = tmp_path / "dossier"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is a file"):
        write_dossier(small_dossier(), path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_failure_leaves_the_earlier_dossier_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the page cannot be made, the files of before are untouched and no trace is left."""
    folder = tmp_path / "dossier"
    write_dossier(small_dossier(), folder)
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(_dossier: Dossier) -> str:
        raise RuntimeError

    monkeypatch.setattr(writing, "render_html", fail)
    with pytest.raises(RuntimeError):
        write_dossier(only_table("contacts"), folder)
    after = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
    assert [path.name for path in tmp_path.iterdir()] == ["dossier"]


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "Upper", "x.csv"])
def test_a_table_name_that_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    """No table can be written outside its folder."""
    table = DossierTable(name, "cohort", "t", "d", pa.table({"x": [1]}))
    with pytest.raises(InvalidInputError, match="no file name"):
        write_dossier(make_dossier(tables=(table,)), tmp_path / "dossier")
    assert list(tmp_path.iterdir()) == []


def test_two_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    """One table may not silently overwrite another."""
    table = DossierTable("flow", "cohort", "t", "d", pa.table({"x": [1]}))
    with pytest.raises(InvalidInputError, match="same name"):
        write_dossier(make_dossier(tables=(table, table)), tmp_path / "dossier")
