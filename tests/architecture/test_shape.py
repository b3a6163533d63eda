"""The shape of the code: sizes, imports, and a project that speaks of itself alone."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_FUNCTION_LINES = 60
LONGEST_FILE_LINES = 600
TEXT_SUFFIXES = {".py", ".md", ".toml", ".csv", ".R", ".jinja", ".css", ".cfg", ".txt", ""}


def python_files(root: Path) -> Iterator[Path]:
    for folder in ("src", "tests", "benchmarks", "docs"):
        yield from sorted((root / folder).rglob("*.py"))


def tracked_texts(root: Path) -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the list of files is unknown")
    for name in listed.stdout.split("\0"):
        path = root / name
        if name and path.suffix in TEXT_SUFFIXES and path.is_file():
            yield path


def test_no_function_is_longer_than_a_screen(project_root: Path) -> None:
    """A function has at most 60 lines."""
    long = [
        f"{path.relative_to(project_root)}:{node.lineno} {node.name}"
        for path in python_files(project_root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION_LINES
        and not _mostly_docstring(node)
    ]
    assert not long


def _mostly_docstring(node: ast.FunctionDef) -> bool:
    doc = ast.get_docstring(node)
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    return doc is not None and lines - len(doc.splitlines()) < LONGEST_FUNCTION_LINES


def test_no_file_is_too_long_to_read(project_root: Path) -> None:
    """A module has at most 600 lines."""
    long = [
        str(path.relative_to(project_root))
        for path in python_files(project_root)
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE_LINES
    ]
    assert not long


def test_imports_point_down(project_root: Path) -> None:
    """The import contracts of pyproject.toml hold."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter], cwd=project_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_has_a_name_that_says_nothing(project_root: Path) -> None:
    """No module is called utils, helpers, common or the like."""
    empty = {"utils", "util", "helpers", "helper", "common", "stuff", "misc"}
    assert not [path for path in python_files(project_root) if path.stem in empty]


def test_no_path_of_a_machine_is_written_down(project_root: Path) -> None:
    """No tracked text names a folder or a registry of the machine it was written on."""
    pattern = re.compile(r"/(?:work|home|root|tmp)/[A-Za-z.]|https?://[^\s\"')]*(?:pypi|simple/)")
    own = Path(__file__).name
    found = [
        str(path.relative_to(project_root))
        for path in tracked_texts(project_root)
        if path.name != own and pattern.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found


def test_every_test_says_what_it_shows(project_root: Path) -> None:
    """Each test function has a docstring of one sentence."""
    silent = [
        f"{path.name}:{node.name}"
        for path in sorted((project_root / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent
