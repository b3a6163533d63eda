"""Published evidence that the standard carries as data: cohorts of other authors, with source.

A body of evidence is a TOML file in ``evidence/`` (citation, printed results, doubts) and a CSV
beside it (one row a cohort). This module loads and checks them; it computes nothing.
"""

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from iago.errors import DefinitionError

_FOLDER = files("iago.standard").joinpath("evidence")
_COLUMNS = (
    "cohort",
    "entity",
    "study_type",
    "product",
    "n_patients",
    "n_nonrelapse_deaths",
    "median_follow_up_months",
    "line",
    "inclusion_ended_2020",
)


@dataclass(frozen=True)
class PublishedCohort:
    """Non-relapse deaths of one published cohort of CAR T recipients.

    ``entity`` is ``lbcl``, ``mm``, ``mcl`` or ``il`` (indolent lymphoma); ``product`` a code of
    the list ``products``, or the products of a mixed cohort joined by ``+`` as published.
    ``study_type`` is a trial phase or ``RW`` (real-world). Follow-up is the published median in
    months, None where none was given.
    """

    cohort: str
    entity: str
    study_type: str
    product: str
    n_patients: int
    n_nonrelapse_deaths: int
    median_follow_up_months: float | None
    line: str
    inclusion_ended_2020: str

    @property
    def is_mixed(self) -> bool:
        """Whether the patients got different products, not told apart by the report."""
        return "+" in self.product


@dataclass(frozen=True)
class PublishedEntity:
    """A disease group with the pooled random-effects value that its authors printed."""

    code: str
    label: str
    published_random_percent: float


@dataclass(frozen=True)
class PublishedStatement:
    """What the authors found, in our words, with where it was read."""

    key: str
    text: str
    source: str
    status: str


@dataclass(frozen=True)
class CohortDoubt:
    """What is missing or contradictory about some cohorts."""

    cohorts: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class PublishedEvidence:
    """One meta-analysis: its source, its printed results and the cohorts behind them."""

    name: str
    version: str
    title: str
    citation: str
    doi: str
    pubmed: str
    search: str
    status: str
    doubt: str
    unlike_follow_up_ratio: float
    unlike_follow_up_source: str
    entities: tuple[PublishedEntity, ...]
    statements: tuple[PublishedStatement, ...]
    cohort_doubts: tuple[CohortDoubt, ...]
    cohorts: tuple[PublishedCohort, ...]

    def entity(self, code: str) -> PublishedEntity:
        """Entity by its code.

        Raises
        ------
        KeyError
            The evidence has no such entity.
        """
        for entity in self.entities:
            if entity.code == code:
                return entity
        raise KeyError(code)

    def statement(self, key: str) -> PublishedStatement:
        """Statement by its key.

        Raises
        ------
        KeyError
            The evidence has no such statement.
        """
        for statement in self.statements:
            if statement.key == key:
                return statement
        raise KeyError(key)


@cache
def load_published_mortality() -> PublishedEvidence:
    """Read the cohorts of the meta-analysis of non-relapse mortality after CAR T-cell therapy.

    Source: Cordas dos Santos et al., Nat Med 2024;30:2667, doi 10.1038/s41591-024-03084-6.

    Raises
    ------
    DefinitionError
        A file does not follow its format, or the cohorts do not add up to the printed totals.
    """
    content = tomllib.loads(_FOLDER.joinpath("nrm.toml").read_text(encoding="utf-8"))
    cohorts = parse_cohorts(_FOLDER.joinpath("nrm_cohorts.csv").read_text(encoding="utf-8"))
    try:
        evidence = _from_toml(content, cohorts)
        totals = tuple(content[key] for key in ("cohorts", "patients", "deaths"))
    except KeyError as error:
        raise DefinitionError(f"nrm.toml lacks the key {error}.") from error
    check_totals(cohorts, totals)
    return evidence


def parse_cohorts(text: str) -> tuple[PublishedCohort, ...]:
    """Read cohorts from the text of a CSV file with one row a cohort.

    Raises
    ------
    DefinitionError
        Other columns than expected, a cohort twice, a number that is none, or more deaths than
        patients.
    """
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise DefinitionError(
            f"The file of cohorts has the columns {', '.join(reader.fieldnames or ())}; expected "
            f"{', '.join(_COLUMNS)}."
        )
    cohorts = tuple(_cohort(row) for row in reader)
    names = [cohort.cohort for cohort in cohorts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(f"Cohorts named twice: {', '.join(twice)}; expected one row each.")
    return cohorts


def check_totals(cohorts: tuple[PublishedCohort, ...], printed: tuple[int, int, int]) -> None:
    """Check that cohorts, patients and deaths add up to the printed totals.

    Raises
    ------
    DefinitionError
        They do not.
    """
    found = (
        len(cohorts),
        sum(cohort.n_patients for cohort in cohorts),
        sum(cohort.n_nonrelapse_deaths for cohort in cohorts),
    )
    if found != printed:
        raise DefinitionError(
            f"Found {found[0]} cohorts with {found[1]} patients and {found[2]} deaths; the "
            f"published totals are {printed[0]}, {printed[1]} and {printed[2]}. Compare the file "
            "of cohorts with its source."
        )


def _cohort(row: dict[str, str]) -> PublishedCohort:
    months = row["median_follow_up_months"]
    try:
        cohort = PublishedCohort(
            cohort=row["cohort"],
            entity=row["entity"],
            study_type=row["study_type"],
            product=row["product"],
            n_patients=int(row["n_patients"]),
            n_nonrelapse_deaths=int(row["n_nonrelapse_deaths"]),
            median_follow_up_months=float(months) if months else None,
            line=row["line"],
            inclusion_ended_2020=row["inclusion_ended_2020"],
        )
    except ValueError as error:
        raise DefinitionError(
            f"Cohort {row['cohort']}: a count or a follow-up is not a number ({error})."
        ) from error
    if not 0 <= cohort.n_nonrelapse_deaths <= cohort.n_patients or cohort.n_patients == 0:
        raise DefinitionError(
            f"Cohort {cohort.cohort}: {cohort.n_nonrelapse_deaths} deaths among "
            f"{cohort.n_patients} patients; expected deaths among one patient or more."
        )
    return cohort


def _from_toml(content: dict[str, Any], cohorts: tuple[PublishedCohort, ...]) -> PublishedEvidence:
    doubts = tuple(
        CohortDoubt(tuple(entry["cohorts"]), entry["text"]) for entry in content["cohort_doubt"]
    )
    return PublishedEvidence(
        name=content["name"],
        version=content["version"],
        title=content["title"],
        citation=content["citation"],
        doi=content["doi"],
        pubmed=content["pubmed"],
        search=content["search"],
        status=content["status"],
        doubt=content["doubt"],
        unlike_follow_up_ratio=content["convention"]["unlike_follow_up_ratio"],
        unlike_follow_up_source=content["convention"]["source"],
        entities=tuple(PublishedEntity(**entry) for entry in content["entity"]),
        statements=tuple(PublishedStatement(**entry) for entry in content["statement"]),
        cohort_doubts=doubts,
        cohorts=cohorts,
    )
