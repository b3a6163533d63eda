"""The documentation is current, complete, and its commands exist."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from iago.cli.application import application
from iago.standard.definitions import load_case_definitions, load_window_sets
from iago.standard.guidance import load_guidance_sets
from iago.standard.rules import grading_names

_ROOT = Path(__file__).resolve().parents[2]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", _ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", generator().PAGES)
def test_generated_pages_are_current(name: str) -> None:
    """A reference page is what `make docs` would write now."""
    written = (_ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == generator().page(name)


def test_every_definition_is_documented() -> None:
    """Case definitions, windows, gradings and guidance sets all have their entry."""
    pages = {path.name: path.read_text() for path in (_ROOT / "docs" / "reference").iterdir()}
    for name in (*load_case_definitions(), *load_window_sets()):
        assert name in pages["definitions.md"]
    for name in grading_names():
        assert f"`{name}`" in pages["gradings.md"]
    for guidance in load_guidance_sets():
        assert f"`{guidance.id}`" in pages["guidance.md"]


def documents() -> list[Path]:
    return sorted(
        [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md"), *_ROOT.glob("*/README.md")]
    )


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link and picture of a document exists."""
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http", "mailto")):
            assert (path.parent / target).exists(), target


def commands_in(path: Path) -> set[tuple[str, ...]]:
    found = set()
    for line in re.findall(r"`(iago [^`]+)`|^\$ (iago .+)$", path.read_text(), flags=re.MULTILINE):
        words = (line[0] or line[1]).split()[1:]
        found.add(tuple(word for word in words[:2] if re.fullmatch(r"[a-z]+", word)))
    return found


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_commands_that_are_named_exist(path: Path) -> None:
    """Every `iago ...` that a document shows is a command of the program."""
    for words in commands_in(path):
        assert CliRunner().invoke(application, [*words, "--help"]).exit_code == 0, words


def test_decisions_are_numbered_without_gap() -> None:
    """Decision records are numbered from 1 and each has context or decision and consequences."""
    records = sorted((_ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert "**Decision" in path.read_text(encoding="utf-8"), path.name
        assert "**Consequences" in path.read_text(encoding="utf-8"), path.name


def test_privacy_properties_name_a_module_and_a_test_that_exist() -> None:
    """Each row of the table in ARCHITECTURE.md points at real files."""
    rows = re.findall(r"^\| P\d \|.*$", (_ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE)
    assert len(rows) >= 5
    for row in rows:
        module, test = re.findall(r"`([^`]+)`", row)[-2:]
        assert (_ROOT / "src" / "iago" / module).exists(), module
        assert (_ROOT / test).exists(), test
