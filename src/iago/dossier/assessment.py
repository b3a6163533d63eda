"""Infections through Identification, Attribution, Grading and Optimization, in that order.

This module reads like the paper: it calls the four steps on one snapshot and collects what they
say into a :class:`~iago.dossier.content.Dossier`. It alone knows all four of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from iago.attribution.comparison import DEFINITION as COMPARISON
from iago.attribution.comparison import compare_products
from iago.attribution.who_umc import attribute_episodes
from iago.dossier import chapters
from iago.dossier.content import Definition, Dossier, DossierTable, Notice
from iago.dossier.notices import data_notices, result_notices
from iago.dossier.options import DossierOptions
from iago.dossier.provenance import describe_provenance
from iago.errors import EstimationError
from iago.grading.infections import grade_episodes
from iago.identification import density, description, incidence, persistence, relations, severity
from iago.identification.cases import CaseCounts, derive_cases
from iago.identification.follow_up import (
    STRATEGIES,
    FollowUpCounts,
    competing_kinds,
    derive_follow_up,
    levels_of,
)
from iago.identification.stratum_incidence import DEFINITION as STRATUM_INCIDENCE
from iago.identification.stratum_incidence import estimate_stratum_incidence
from iago.optimization.disagreement import tally_disagreement
from iago.optimization.patient_days import tally_exposure_days, tally_patient_days
from iago.optimization.prophylaxis import derive_episode_prophylaxis
from iago.standard import load_codelist
from iago.standard.definitions import load_case_definition, load_window_set
from iago.tables.engine import Connection, connect
from iago.tables.snapshot import Snapshot

Progress = Callable[[str], None]
STAGES = (
    "time at risk",
    "grading",
    "prophylaxis at onset",
    "cases",
    "cohort",
    "density",
    "curves",
    "persistence",
    "causality",
    "comparison of products",
    "guidance",
)


@dataclass(frozen=True)
class _Counts:
    follow_up: FollowUpCounts
    cases: CaseCounts


def assess_infections(
    snapshot: Snapshot, options: DossierOptions, progress: Progress | None = None
) -> Dossier:
    """Make the infection dossier of a snapshot.

    Parameters
    ----------
    progress : callable, optional
        Told the name of each stage, one of :data:`STAGES`, when it begins.

    Raises
    ------
    EstimationError
        No course has a known time at risk.
    """
    report = progress or _silent
    with connect(snapshot) as connection:
        counts = _prepare(connection, options, report)
        tables = [
            *_identification(connection, options, report, counts),
            *_attribution(connection, options, report),
            *_grading(connection, options),
            *_optimization(connection, report),
        ]
        levels = tuple(
            str(level) for level in levels_of(connection, options.by)["level"].to_pylist()
        )
        definition = _definition(connection, snapshot, options, counts.cases)
        notices = data_notices(connection, snapshot, options, counts.follow_up, counts.cases)
    return _compose(snapshot, options, levels, definition, tables, notices)


def _silent(_stage: str) -> None:
    pass


def _prepare(connection: Connection, options: DossierOptions, report: Progress) -> _Counts:
    """Derived tables in which the steps meet."""
    report("time at risk")
    follow_up = derive_follow_up(connection, options.strategy)
    if follow_up.courses == 0:
        raise EstimationError(
            f"None of {follow_up.without_end + follow_up.without_time} courses has a known time "
            "at risk; expected an end of follow-up, a contact with an answer or a death for at "
            "least one. Add events.csv, contacts.csv or deaths.csv."
        )
    report("grading")
    grade_episodes(connection)
    report("prophylaxis at onset")
    derive_episode_prophylaxis(connection, options.guidance)
    report("cases")
    cases = derive_cases(connection, load_case_definition(options.case_definition))
    return _Counts(follow_up, cases)


def _identification(
    connection: Connection, options: DossierOptions, report: Progress, counts: _Counts
) -> list[DossierTable]:
    by = options.by
    report("cohort")
    tables = [
        chapters.table("flow", chapters.flow_table(counts.follow_up, counts.cases), chapters.FLOW),
        chapters.table("cohort", description.describe_cohort(connection, by), description.COHORT),
        chapters.table("contacts", description.tally_contacts(connection), description.CONTACTS),
        chapters.table(
            "completeness", description.tally_completeness(connection), description.COMPLETENESS
        ),
    ]
    report("density")
    windows = load_window_set(options.window_set)
    rates = chapters.label_severity(density.tally_density(connection, by, windows))
    tables.append(chapters.table("density", rates, density.DEFINITION, (windows.source,)))
    report("curves")
    curves = incidence.estimate_curves(connection, by, options.strategy, options.horizon_day)
    tables += [
        chapters.table(
            "cumulative_incidence", curves.cumulative_incidence, incidence.CUMULATIVE_INCIDENCE
        ),
        chapters.table("competing_events", curves.competing_events, incidence.COMPETING_EVENTS),
        chapters.table(
            "mean_cumulative_count", curves.mean_cumulative_count, incidence.MEAN_CUMULATIVE_COUNT
        ),
    ]
    days = sorted({*chapters.INCIDENCE_DAYS, options.horizon_day})
    kinds = estimate_stratum_incidence(connection, by, options.strategy, days)
    tables.append(
        chapters.table("incidence_by_stratum", chapters.label_severity(kinds), STRATUM_INCIDENCE)
    )
    report("persistence")
    lasting = persistence.estimate_persistence(connection, by, options.horizon_day)
    durations = persistence.estimate_durations(connection, by)
    return [
        *tables,
        chapters.table("persistence", lasting, persistence.PERSISTENCE),
        chapters.table("duration", durations, persistence.DURATION),
        chapters.table("relations", relations.tally_relations(connection), relations.DEFINITION),
    ]


def _attribution(
    connection: Connection, options: DossierOptions, report: Progress
) -> list[DossierTable]:
    report("causality")
    attribute_episodes(connection)
    causality = chapters.tally_causality(connection, options.by)
    report("comparison of products")
    compared = compare_products(connection, options.comparison_day)
    return [
        chapters.table("causality", causality, chapters.CAUSALITY),
        chapters.table("comparison", compared["comparison"], COMPARISON),
        chapters.table("comparison_notes", compared["comparison_notes"], chapters.COMPARISON_NOTES),
        chapters.table("balance", compared["balance"], chapters.BALANCE),
    ]


def _grading(connection: Connection, options: DossierOptions) -> list[DossierTable]:
    graded = chapters.label_grades(severity.tally_severity(connection, options.by))
    return [
        chapters.table("severity", graded, severity.DEFINITION),
        chapters.table("grading_systems", chapters.grading_systems(), chapters.GRADING_SYSTEMS),
    ]


def _optimization(connection: Connection, report: Progress) -> list[DossierTable]:
    report("guidance")
    days = tally_patient_days(connection, among="cases")
    given = tally_exposure_days(connection, among="cases")
    return [
        chapters.table("prophylaxis", days, chapters.PROPHYLAXIS),
        chapters.table("prophylaxis_rates", given, chapters.PROPHYLAXIS_RATES),
        chapters.table(
            "guidance_disagreement", tally_disagreement(connection), chapters.DISAGREEMENT
        ),
        chapters.table("guidance_sets", chapters.guidance_sets(), chapters.GUIDANCE_SETS),
    ]


def _definition(
    connection: Connection, snapshot: Snapshot, options: DossierOptions, cases: CaseCounts
) -> Definition:
    case = load_case_definition(options.case_definition)
    windows = load_window_set(options.window_set)
    return Definition(
        toxicity="infection",
        case_definition=case.name,
        case_definition_text=case.label_en,
        case_definition_status=case.status,
        case_definition_doubt=case.doubt,
        window_set=windows.name,
        windows=tuple(window.label for window in windows.windows),
        clock=snapshot.dataset.clock,
        denominator="days at risk of all courses with known follow-up",
        ends_of_risk=competing_kinds(options.strategy),
        strategy=STRATEGIES[options.strategy],
        capture_methods=description.tally_capture(connection),
        partial_onsets=(
            f"{cases.partial_onset} of {cases.counted} onsets are known to the month or year only "
            "and stand at the midpoint of their possible days"
        ),
        guidance=options.guidance,
        confidence=0.95,
    )


def _compose(
    snapshot: Snapshot,
    options: DossierOptions,
    levels: tuple[str, ...],
    definition: Definition,
    tables: list[DossierTable],
    notices: list[Notice],
) -> Dossier:
    by_name: dict[str, pa.Table] = {entry.name: entry.table for entry in tables}
    return Dossier(
        title="Infections after CAR T-cell therapy",
        by=options.by,
        levels=levels,
        level_labels=_labels(options.by, levels),
        headline=chapters.headline(by_name),
        definition=definition,
        tables=tuple(tables),
        provenance=describe_provenance(snapshot, options),
        notices=(*notices, *result_notices(by_name, options)),
        texts=chapters.TEXTS,
    )


def _labels(by: str, levels: tuple[str, ...]) -> dict[str, str]:
    names = {"all": "All courses", "unknown": "Unknown"}
    lists = {"product": "products", "indication": "indications"}
    if by in lists:
        codes = load_codelist(lists[by])
        names |= {level: codes.label(level) for level in levels if level != "unknown"}
    return {level: names.get(level, level) for level in ("all", *levels)}
