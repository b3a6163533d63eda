"""Published evidence as a folder: a page that works offline, and the same numbers as data.

The folder is written whole or not at all, and the same version of IAGO writes the same bytes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from iago.dossier.csv_text import csv_text
from iago.dossier.evidence_page import render_mortality_page
from iago.errors import InvalidInputError
from iago.identification.published_mortality import (
    MortalityGroup,
    PublishedComparison,
    cohort_table,
    compare_with_published,
    heterogeneity_table,
    pool_published_mortality,
    pooled_table,
    published_table,
)
from iago.standard import STANDARD_VERSION
from iago.standard.published import PublishedEvidence, load_published_mortality
from iago.tables.folders import replaced_folder

FILES = (
    "pooled.csv",
    "cohorts.csv",
    "heterogeneity.csv",
    "published.csv",
    "evidence.json",
    "evidence.html",
)
COMMAND = "iago evidence nrm --out DIR"

DEFINITION = (
    "Crude non-relapse mortality: patients who died without relapse, divided by all patients of "
    "the cohort. It is no cumulative incidence: there is no time in it, and the longer a cohort "
    "was followed, the more deaths it has counted."
)


@dataclass(frozen=True)
class MortalityEvidence:
    """Published non-relapse mortality with everything that is shown of it."""

    source: PublishedEvidence
    groups: tuple[MortalityGroup, ...]
    comparisons: tuple[PublishedComparison, ...]

    def tables(self) -> Mapping[str, pa.Table]:
        """Tables by the name of their file without extension."""
        return {
            "pooled": pooled_table(self.groups),
            "cohorts": cohort_table(self.source.cohorts),
            "heterogeneity": heterogeneity_table(self.groups),
            "published": published_table(self.comparisons, f"doi {self.source.doi}, abstract"),
        }


def assess_mortality_evidence() -> MortalityEvidence:
    """Pool the published non-relapse mortality after CAR T-cell therapy."""
    source = load_published_mortality()
    groups = pool_published_mortality(source)
    return MortalityEvidence(source, groups, compare_with_published(groups, source))


def write_mortality_evidence(evidence: MortalityEvidence, folder: Path) -> None:
    """Write page, JSON and CSV files into a folder: all of them, or none.

    A folder that this function wrote before is replaced.

    Raises
    ------
    InvalidInputError
        The folder holds anything else, or cannot be written.
    """
    folder = folder.resolve()
    try:
        _check_replaceable(folder)
        with replaced_folder(folder) as staged:
            for name, text in _contents(evidence).items():
                (staged / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInputError(
            f"Could not write {folder} ({error.strerror}). Name a folder that can be written; "
            "nothing was changed."
        ) from error


def _contents(evidence: MortalityEvidence) -> dict[str, str]:
    tables = {
        name: [_plain_row(row) for row in table.to_pylist()]
        for name, table in evidence.tables().items()
    }
    contents = {f"{name}.csv": csv_text(list(rows[0]), rows) for name, rows in tables.items()}
    contents["evidence.json"] = _json(evidence, tables)
    contents["evidence.html"] = render_mortality_page(
        evidence.source, evidence.groups, evidence.comparisons, DEFINITION, _versions(evidence)
    )
    return contents


def _versions(evidence: MortalityEvidence) -> dict[str, str]:
    return {
        "software": version("iago-car-t"),
        "standard": STANDARD_VERSION,
        "evidence": evidence.source.version,
        "command": COMMAND,
    }


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Numbers to ten significant digits: more would differ between machines, and mean nothing."""
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value


def _json(evidence: MortalityEvidence, tables: Mapping[str, list[dict[str, Any]]]) -> str:
    source = evidence.source
    content = {
        "title": source.title,
        "definition": DEFINITION,
        "versions": _versions(evidence),
        "source": {
            "citation": source.citation,
            "doi": source.doi,
            "pubmed": source.pubmed,
            "search": source.search,
            "status": source.status,
            "doubt": source.doubt,
        },
        "convention": {
            "unlike_follow_up_ratio": source.unlike_follow_up_ratio,
            "source": source.unlike_follow_up_source,
        },
        "confidence": evidence.groups[0].pooled.confidence,
        **tables,
        "statements": [
            {"key": entry.key, "text": entry.text, "source": entry.source, "status": entry.status}
            for entry in source.statements
        ],
        "doubts": [
            {"cohorts": list(entry.cohorts), "text": entry.text} for entry in source.cohort_doubts
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(
            f"{folder} is a file; expected the name of a folder. Nothing was written."
        )
    if not folder.exists():
        return
    others = sorted({entry.name for entry in folder.iterdir()} - set(FILES))
    if others:
        raise InvalidInputError(
            f"{folder} holds files that are not of this command ({len(others)}, the first is "
            f"{others[0]}); expected a new or empty folder. Name another one; nothing was written."
        )
