"""A rich made-up dossier for tests of its rendering; its numbers are in ``dossier_numbers``."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
from tests.unit import dossier_numbers as numbers

from iago.dossier.content import Definition, Dossier, DossierTable, Notice, Provenance

_DENSITY_SOURCE = "Rejeski et al., Nat Med 2025, doi 10.1038/s41591-025-03813-5"
_METHOD_SOURCE = "A method of the test, doi 10.1000/182"

# Name, chapter, title, definition, rows, sources.
_TABLES: tuple[tuple[str, str, str, str, numbers.Rows, tuple[str, ...]], ...] = (
    (
        "flow",
        "cohort",
        "From the snapshot to the analysis",
        "Courses and episodes left after each step.",
        numbers.flow_rows(),
        (),
    ),
    (
        "cohort",
        "cohort",
        "Characteristics at infusion",
        "Numbers and shares of courses; medians with their quartiles.",
        numbers.cohort_rows(),
        (),
    ),
    (
        "completeness",
        "cohort",
        "Completeness of the records",
        "Share of records in which the element is known.",
        numbers.completeness_rows(),
        (),
    ),
    (
        "contacts",
        "cohort",
        "Contacts at which infection was asked for",
        "Contacts after infusion by place and answer.",
        numbers.contact_rows(),
        (),
    ),
    (
        "density",
        "identification",
        "Incidence density",
        "Episodes divided by patient-days at risk in the window, times 100. All episodes count, "
        "repeated ones included. Exact Poisson limits.",
        numbers.density_rows(),
        (_DENSITY_SOURCE,),
    ),
    (
        "cumulative_incidence",
        "identification",
        "Cumulative incidence of the first episode",
        "Aalen-Johansen estimate; death, relapse, next therapy and transplant compete. Pointwise "
        "log-log limits.",
        numbers.curve_rows(numbers.incidence_shape),
        (_METHOD_SOURCE,),
    ),
    (
        "competing_events",
        "identification",
        "Competing events",
        "Aalen-Johansen estimates of the first event by cause.",
        numbers.curve_rows(numbers.incidence_shape, numbers.CAUSES),
        (_METHOD_SOURCE,),
    ),
    (
        "mean_cumulative_count",
        "identification",
        "Mean cumulative count",
        "Mean number of episodes per patient with competing events.",
        numbers.curve_rows(numbers.count_shape),
        (),
    ),
    (
        "persistence",
        "identification",
        "Persistence",
        "Probability of having an unresolved episode on the day, among those at risk.",
        numbers.curve_rows(numbers.active_shape),
        (),
    ),
    (
        "duration",
        "identification",
        "Duration of episodes",
        "Days from onset to resolution, both included; unresolved episodes are censored.",
        numbers.duration_rows(),
        (),
    ),
    (
        "relations",
        "identification",
        "New, same or recurrent",
        "Relation to an earlier episode of the same organism and site.",
        numbers.relation_rows(),
        (),
    ),
    (
        "causality",
        "attribution",
        "Causality of single episodes",
        "Category by method, share of assessed episodes.",
        numbers.causality_rows(),
        (),
    ),
    (
        "comparison",
        "attribution",
        "Comparison of products",
        "Ratio of incidence densities: crude, stratified by indication, and weighted.",
        numbers.comparison_rows(),
        (),
    ),
    (
        "comparison_notes",
        "attribution",
        "Notes on the comparison",
        "What the methods could not do.",
        numbers.note_rows(),
        (),
    ),
    (
        "balance",
        "attribution",
        "Balance of covariates",
        "Difference of means divided by the pooled standard deviation.",
        numbers.balance_rows(),
        (),
    ),
    (
        "severity",
        "grading",
        "Severity by grading system",
        "Share of episodes by grade; a grade with a missing input is an interval.",
        numbers.severity_rows(),
        (),
    ),
    (
        "grading_systems",
        "grading",
        "Grading systems used",
        "Edition and state of verification of each system.",
        numbers.grading_system_rows(),
        (),
    ),
    (
        "prophylaxis",
        "optimization",
        "Prophylaxis at onset",
        "Status on the day of onset under each guidance set.",
        numbers.prophylaxis_rows(),
        (),
    ),
    (
        "guidance_disagreement",
        "optimization",
        "Where guidance sets disagree",
        "Episodes for which prophylaxis was indicated by both, one or neither of two sets.",
        numbers.disagreement_rows(),
        (),
    ),
)


def make_dossier(**changes: Any) -> Dossier:
    """The whole dossier; keywords replace its fields."""
    dossier = Dossier(
        title="Infections after CAR T-cell therapy, by product",
        by="product",
        levels=tuple(numbers.PRODUCTS),
        level_labels={product: product for product in numbers.PRODUCTS},
        headline={
            "courses": 3581,
            "patients": 3502,
            "person_days": 1_012_334,
            "episodes": 3127,
            "patients_with_episode": 1466,
            "rate_per_100_days": 0.3089,
            "rate_lower": 0.2961,
            "rate_upper": 0.3222,
            "cumulative_incidence_day_100": 0.3312,
            "ci_lower": 0.3157,
            "ci_upper": 0.3469,
            "deaths_from_infection": 87,
        },
        definition=_definition(),
        tables=tuple(
            DossierTable(name, chapter, title, definition, pa.Table.from_pylist(rows), sources)
            for name, chapter, title, definition, rows, sources in _TABLES
        ),
        provenance=_provenance(),
        notices=_notices(),
        texts=_texts(),
    )
    return replace(dossier, **changes)


def without_tables(*names: str) -> Dossier:
    """The dossier without the named tables."""
    dossier = make_dossier()
    return replace(dossier, tables=tuple(t for t in dossier.tables if t.name not in names))


def only_table(name: str, **changes: Any) -> Dossier:
    """The dossier with one table alone; keywords replace fields of that table."""
    dossier = make_dossier()
    return replace(
        dossier, tables=tuple(replace(t, **changes) for t in dossier.tables if t.name == name)
    )


def _definition() -> Definition:
    return Definition(
        toxicity="infection",
        case_definition="required-treatment",
        case_definition_text="infection that required treatment (CIBMTR)",
        case_definition_status="provisional",
        case_definition_doubt="An exclusion of the manual cannot be derived in this version.",
        window_set="30-100-365",
        windows=tuple(numbers.WINDOWS),
        clock="days from infusion, day 0 is the day of infusion",
        denominator="patient-days at risk from infusion until the first end of risk",
        ends_of_risk=("death", "relapse-progression", "next-therapy", "transplant"),
        strategy="while at risk: time after an end of risk and episodes in it are not counted",
        capture_methods={"registry": 2431, "chart-review": 1020, "prospective": 130},
        partial_onsets="placed at the midpoint of the possible days inside follow-up",
        guidance=numbers.GUIDANCE[0],
        confidence=0.95,
    )


def _provenance() -> Provenance:
    return Provenance(
        snapshot_id="sha256:6f1c2a9b4e7d8035ab12cd34ef56ab78cd90ef12ab34cd56ef7890ab12cd34ef",
        dataset_title="Synthetic cohort of five products",
        dataset_notes="Made-up courses with planted rates. No patient is in it.",
        synthetic=True,
        standard_version="0.1.0",
        software_version="0.1.0",
        rule_versions={"five-level": "1", "ctcae-5.0": "5.0", "guidance-a": "1.0.0"},
        command="iago dossier infection --by product --windows 30-100-365",
    )


def _notices() -> tuple[Notice, ...]:
    return (
        Notice(
            "warning",
            "identification",
            "Capture methods differ between groups: 68% of courses come from a registry and 28% "
            "from chart review. Registries find fewer mild infections. Differences between "
            "products may be differences of capture.",
        ),
        Notice("warning", "grading", "One grading system is provisional."),
        Notice("note", "cohort", "Onset is known to the month only in 41 episodes."),
        Notice("note", "attribution", "Two contrasts with fewer than 10 events have no interval."),
    )


def _texts() -> dict[str, str]:
    return {
        "cohort": "All infusion courses with known follow-up are included. A patient who was "
        "infused twice contributes two courses; the first ends at the second infusion.",
        "identification": "Frequency is given twice: as episodes per 100 patient-days, which "
        "counts every episode, and as the cumulative incidence of the first, with competing "
        "events. The two answer different questions and may point in different directions.",
        "attribution": "Two questions are kept apart: whether the therapy contributed to one "
        "episode, and whether groups differ after what is known about their patients is taken "
        "into account.",
        "grading": "Each episode is graded by every system that applies to it. A grade with "
        "missing inputs is an interval, not a guess.",
        "optimization": "Prophylaxis at onset is derived from start and stop dates, never asked.",
        "provenance": "The same snapshot, rules and options give the same bytes.",
    }
