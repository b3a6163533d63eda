"""dataset.toml: what a data set is, in the words of those who hold it."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from iago.exchange.csv.findings import Finding, column_in_file, finding
from iago.tables.snapshot import Dataset

DATASET_FILE = "dataset.toml"
_MAX_BYTES = 1024**2
_LONGEST_TEXT = 10_000
_KINDS = {str: "text in quotation marks", bool: "true or false"}


def read_dataset(folder: Path) -> tuple[Dataset, list[Finding]]:
    """Read ``dataset.toml`` of a folder; without it the data set has no title."""
    path = folder / DATASET_FILE
    if not path.is_file():
        return Dataset(), []
    if path.stat().st_size > _MAX_BYTES:
        return Dataset(), [
            finding("IAGO-E113", path.name, "a file of more than 1 MiB", "a few lines")
        ]
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        found = finding("IAGO-E113", path.name, "text that is not TOML", 'lines like title = "…"')
        return Dataset(), [found]
    return parse_dataset(content, path.name)


def parse_dataset(content: dict[str, Any], file: str) -> tuple[Dataset, list[Finding]]:
    """Check the entries ``title``, ``clock``, ``synthetic`` and ``notes``, all optional."""
    defaults = Dataset()
    known = {field.name: type(getattr(defaults, field.name)) for field in fields(Dataset)}
    findings = [
        finding(
            "IAGO-E113",
            file,
            "an entry that is not known",
            f"one of {', '.join(known)}",
            column=column_in_file(name),
        )
        for name in content
        if name not in known
    ]
    for name, kind in known.items():
        value = content.get(name, getattr(defaults, name))
        if not isinstance(value, kind) or (kind is str and len(value) > _LONGEST_TEXT):
            found = "a value of another kind, or a very long one"
            findings.append(finding("IAGO-E113", file, found, _KINDS[kind], column=name))
    if findings:
        return Dataset(), findings
    return Dataset(**content), []


def render_dataset(dataset: Dataset) -> str:
    """The text of a ``dataset.toml``."""
    lines = [
        f"{field.name} = {_toml_value(getattr(dataset, field.name))}" for field in fields(Dataset)
    ]
    return "\n".join(lines) + "\n"


def _toml_value(value: object) -> str:
    # A JSON string is a TOML basic string but for the delete character, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
