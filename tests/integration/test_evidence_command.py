"""``iago evidence nrm``: what it writes, twice the same, and what it leaves alone."""

import csv
import json

import pytest
from typer.testing import CliRunner

from iago.cli.evidence import commands
from iago.dossier.evidence import (
    FILES,
    assess_mortality_evidence,
    write_mortality_evidence,
)
from iago.errors import InvalidInputError


@pytest.fixture(scope="module")
def evidence():
    return assess_mortality_evidence()


@pytest.fixture(scope="module")
def written(evidence, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence") / "out"
    write_mortality_evidence(evidence, folder)
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_command_writes_the_folder_and_says_the_values(tmp_path):
    """The command names the four pooled values, warns, and leaves all files."""
    result = CliRunner().invoke(commands, ["nrm", "--out", str(tmp_path / "evidence")])
    assert result.exit_code == 0, result.output
    for value in ("6.1% (95% CI 4.9 to 7.6)", "8.0%", "10.6%", "5.7%"):
        assert value in result.output
    assert "Warning: in 10 of 11 groups" in result.output
    assert {path.name for path in (tmp_path / "evidence").iterdir()} == set(FILES)
    assert {path.name for path in tmp_path.iterdir()} == {"evidence"}


def test_pooled_csv_holds_every_group(written):
    """Columns are those promised; mantle cell lymphoma is 36 deaths of 340 patients."""
    table = rows(written / "pooled.csv")
    assert ",".join(table[0]) == (
        "group,k,deaths,n,fixed,fixed_lower,fixed_upper,random,random_lower,random_upper"
    )
    assert len(table) == 11
    mcl = next(row for row in table if row["group"] == "mcl")
    assert (mcl["k"], mcl["deaths"], mcl["n"]) == ("5", "36", "340")
    assert float(mcl["fixed"]) == pytest.approx(36 / 340, rel=1e-9)


def test_cohorts_csv_keeps_unknown_follow_up_empty(written):
    """An unpublished follow-up is an empty cell, never a zero."""
    table = {row["cohort"]: row for row in rows(written / "cohorts.csv")}
    assert len(table) == 52
    assert table["Dores_2021"]["median_follow_up_months"] == ""
    assert table["De_Philippis_2024"]["proportion"] == "0.0"
    assert float(table["De_Philippis_2024"]["upper"]) > 0


def test_published_csv_agrees_for_all_diseases(written):
    """The printed and the estimated percentage agree in every row, with their source."""
    table = rows(written / "published.csv")
    assert {row["agrees_to_printed_digit"] for row in table} == {"true"}
    assert all("10.1038/s41591-024-03084-6" in row["source"] for row in table)


def test_json_holds_the_same_numbers_as_the_tables(written):
    """One content, two views: JSON and CSV give equal pooled and heterogeneity values."""
    content = json.loads((written / "evidence.json").read_text(encoding="utf-8"))
    for name in ("pooled", "heterogeneity", "cohorts", "published"):
        table = rows(written / f"{name}.csv")
        assert len(table) == len(content[name])
        for printed, kept in zip(table, content[name], strict=True):
            assert list(printed) == list(kept)
            numbers = {key: value for key, value in kept.items() if isinstance(value, float)}
            assert {key: float(printed[key]) for key in numbers} == numbers


def test_writing_again_gives_the_same_bytes(written, tmp_path):
    """A fresh assessment into another folder gives byte for byte the same files."""
    write_mortality_evidence(assess_mortality_evidence(), tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes()


def test_an_earlier_folder_is_replaced_whole(evidence, tmp_path):
    """A damaged earlier result is replaced, not mixed with the new one."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "pooled.csv").write_text("damaged", encoding="utf-8")
    write_mortality_evidence(evidence, folder)
    assert (folder / "pooled.csv").read_text(encoding="utf-8").startswith("group,k,")
    assert {path.name for path in folder.iterdir()} == set(FILES)


def test_a_folder_with_other_files_is_left_alone(evidence, tmp_path):
    """Foreign files are never deleted, and nothing is added to them."""
    (tmp_path / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="not of this command"):
        write_mortality_evidence(evidence, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_file_in_the_way_is_refused(evidence, tmp_path):
    """The name of an existing file is refused before anything is written."""
    target = tmp_path / "out"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is a file"):
        write_mortality_evidence(evidence, target)
    assert target.read_text(encoding="utf-8") == "mine"


def test_nothing_is_left_half_written(evidence, tmp_path, monkeypatch):
    """When the disk fails in the middle, the earlier folder stands as it was."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "pooled.csv").write_text("earlier", encoding="utf-8")
    original = type(folder).write_text

    def fail(path, *args, **kwargs):
        if path.name == "evidence.json":
            raise OSError(28, "No space left on device")
        return original(path, *args, **kwargs)

    monkeypatch.setattr(type(folder), "write_text", fail)
    with pytest.raises(InvalidInputError, match="No space left"):
        write_mortality_evidence(evidence, folder)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (folder / "pooled.csv").read_text(encoding="utf-8") == "earlier"
