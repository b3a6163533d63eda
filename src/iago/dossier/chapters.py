"""Titles, definitions and final shape of the tables of an infection dossier."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from iago.dossier.content import DossierTable
from iago.grading.infections import systems
from iago.identification.cases import SEVERITY_SYSTEM, CaseCounts
from iago.identification.follow_up import FollowUpCounts, level_column
from iago.optimization.patient_days import CAVEAT
from iago.standard.guidance import load_guidance_sets
from iago.tables.engine import Connection, fetch

# Days at which the cumulative incidence is given for every kind of infection.
INCIDENCE_DAYS = (30, 100, 365)

FLOW = "Every recorded course and episode in exactly one place."
CAUSALITY = (
    "WHO-UMC category of each counted episode from the recorded evidence. Dechallenge and "
    "rechallenge do not exist for a living drug. Episodes without recorded evidence stay in the "
    "category that the published wording gives to missing information."
)
COMPARISON_NOTES = "What the reader of a comparison must know: interval, strata, refusals."
BALANCE = (
    "Baseline of the two products of a contrast before and after overlap weighting: means, "
    "standardised differences (below 0.1 is usually read as balanced) and variance ratios."
)
GRADING_SYSTEMS = (
    "The systems by which the episodes were graded, side by side. Provisional means that the "
    "operational wording could not be read in its source; the doubt says which."
)
PROPHYLAXIS = (
    "Episodes and days at risk by whether the guidance set indicates prophylaxis on that day and "
    "whether it was given; a set counts only for the classes of infection against which the "
    f"prophylaxis is directed. {CAVEAT}"
)
PROPHYLAXIS_RATES = (
    "Infections against which a class of drug is directed, per 100 days at risk on and off it, "
    f"whatever any guidance says of the day. {CAVEAT}"
)
DISAGREEMENT = (
    "Days at risk on which two published guidance sets say different things of the same patient: "
    "indicated by both, by one of them only, by neither, or unknown for at least one."
)
GUIDANCE_SETS = "Published guidance compared here, as it was read; nothing was filled in."

TEXTS: Mapping[str, str] = {
    "cohort": (
        "Who is described, how infections were captured, and what is missing. No rate below is "
        "better than this page."
    ),
    "identification": (
        "How often, when and where infections occurred, of which class, and how long they lasted. "
        "Density counts all episodes; cumulative incidence counts the first; the two can point in "
        "opposite directions where follow-up differs, so both are shown."
    ),
    "attribution": (
        "Is it truly linked to the therapy? For one case, the WHO-UMC category with its reasons; "
        "between products, the crude ratio beside those that compare like with like."
    ),
    "grading": (
        "How severe, by three systems side by side. A grade with a missing input is an interval "
        "of grades."
    ),
    "optimization": (
        "Was prophylaxis indicated on the day an infection began, by each published guidance set, "
        "and was it given? Where the sets disagree, they are shown side by side."
    ),
    "provenance": "What this dossier was derived from; the same inputs give the same bytes.",
}

_TITLES = {
    "flow": ("cohort", "From records to counted episodes"),
    "cohort": ("cohort", "The cohort"),
    "contacts": ("cohort", "Who was asked, and what was answered"),
    "completeness": ("cohort", "Completeness of the records"),
    "density": ("identification", "Infection density by window"),
    "cumulative_incidence": ("identification", "Cumulative incidence of the first infection"),
    "competing_events": ("identification", "What came first"),
    "incidence_by_stratum": ("identification", "Cumulative incidence by kind of infection"),
    "mean_cumulative_count": ("identification", "Mean number of infections"),
    "persistence": ("identification", "Probability of having an active infection"),
    "duration": ("identification", "Duration of infections"),
    "relations": ("identification", "New, same or recurrent"),
    "causality": ("attribution", "Causality of single cases"),
    "comparison": ("attribution", "Products compared"),
    "comparison_notes": ("attribution", "Notes to the comparisons"),
    "balance": ("attribution", "Balance of the baseline"),
    "severity": ("grading", "Severity by three systems"),
    "grading_systems": ("grading", "The grading systems"),
    "prophylaxis": ("optimization", "Prophylaxis: indicated and given"),
    "prophylaxis_rates": ("optimization", "Rates on and off prophylaxis"),
    "guidance_disagreement": ("optimization", "Where guidance disagrees"),
    "guidance_sets": ("optimization", "The guidance sets"),
}


def table(
    name: str, content: pa.Table, definition: str, sources: tuple[str, ...] = ()
) -> DossierTable:
    """Give a table its chapter, title and definition."""
    chapter, title = _TITLES[name]
    return DossierTable(name, chapter, title, definition, content, sources)


def flow_table(follow_up: FollowUpCounts, cases: CaseCounts) -> pa.Table:
    """Flow of courses and episodes: step, courses, episodes, note."""
    recorded = follow_up.courses + follow_up.without_end + follow_up.without_time
    rows: list[tuple[str, int | None, int | None, str]] = [
        ("recorded", recorded, cases.recorded, ""),
        ("no known end of follow-up", follow_up.without_end, None, "left out"),
        ("no time at risk", follow_up.without_time, None, "left out"),
        ("not a case by the definition", None, cases.not_a_case, "not counted"),
        (
            "unknown whether a case",
            None,
            cases.unknown_definition,
            "not counted: values that the definition needs are missing",
        ),
        (
            "same as an earlier episode",
            None,
            cases.continuation,
            "not counted again, as reported",
        ),
        ("unknown onset", None, cases.unknown_onset, "not counted: cannot be placed in time"),
        (
            "onset outside the time at risk",
            None,
            cases.outside_time_at_risk,
            "not counted: before infusion or entry, or after the end of the time at risk",
        ),
        ("analysed", follow_up.courses, cases.counted, ""),
    ]
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(("step", "courses", "episodes", "note"), columns, strict=True)))


def label_grades(graded: pa.Table) -> pa.Table:
    """Add ``system_status`` and the words for a grade, in the stable column order."""
    known = {system.id: system for system in systems()}
    rows = graded.to_pylist()
    labels = [_grade_label(known[row["system"]].grade_labels, row) for row in rows]
    status = [known[row["system"]].status for row in rows]
    extended = graded.append_column("label", pa.array(labels, pa.string())).append_column(
        "system_status", pa.array(status, pa.string())
    )
    order = ["by", "level", "system", "system_status", "lowest", "highest", "label", "status"]
    return extended.select([*order, "episodes", "share"])


def label_severity(rates: pa.Table) -> pa.Table:
    """Name the levels of the five-level scale in the strata of a table."""
    system = next(entry for entry in systems() if entry.id == SEVERITY_SYSTEM)
    names = {
        f"severity={grade}": f"severity={label}" for grade, label in system.grade_labels.items()
    }
    strata = [names.get(stratum, stratum) for stratum in rates["stratum"].to_pylist()]
    position = rates.schema.get_field_index("stratum")
    return rates.set_column(position, "stratum", pa.array(strata, pa.string()))


def _grade_label(labels: Mapping[int, str], row: Mapping[str, Any]) -> str:
    if row["status"] == "not-applicable":
        return "not covered by the system"
    if row["lowest"] is None or row["highest"] is None:
        return "ungradable"
    low, high = (labels.get(row[end], f"grade {row[end]}") for end in ("lowest", "highest"))
    return low if row["lowest"] == row["highest"] else f"{low} to {high}"


def grading_systems() -> pa.Table:
    """The grading systems: system, edition, title, status, doubt, source."""
    return pa.Table.from_pylist(
        [
            {
                "system": system.id,
                "edition": system.edition,
                "title": system.title_en,
                "status": system.status,
                "doubt": system.doubt,
                "source": system.source,
            }
            for system in systems()
        ]
    )


def guidance_sets() -> pa.Table:
    """The guidance sets: guidance, edition, title, population, status, source."""
    return pa.Table.from_pylist(
        [
            {
                "guidance": entry.id,
                "edition": entry.edition,
                "title": entry.title_en,
                "population": entry.population,
                "source": entry.source,
            }
            for entry in load_guidance_sets()
        ]
    )


def tally_causality(connection: Connection, by: str) -> pa.Table:
    """Counted episodes by category: by, level, method, category, episodes, share."""
    return pa.concat_tables(
        fetch(
            connection,
            f"""
            with counted as (
                select coalesce({level_column(grouping)}, 'unknown') as level, e.method,
                       e.category, count(*) as episodes
                from cases join episode_causality e using (episode_id) group by all
            )
            select '{grouping}' as "by", *,
                   episodes / sum(episodes) over (partition by level, method) as share
            from counted order by level, method, category
            """,
        )
        for grouping in dict.fromkeys(("all", by))
    )


def headline(tables: Mapping[str, pa.Table]) -> dict[str, float | int | None]:
    """The few numbers that a reader sees first, for all courses together."""
    whole = _only(tables["density"], by="all", window="all", stratum="all")[0]
    sizes = {
        row["category"]: row["n"]
        for row in _only(tables["cohort"], by="all", characteristic="size")
    }
    figures: dict[str, float | int | None] = {
        "courses": sizes.get("courses"),
        "patients": sizes.get("patients"),
        "person_days": whole["person_days"],
        "episodes": whole["episodes"],
        "patients_with_episode": whole["patients"],
        "rate_per_100_days": whole["rate_per_100_days"],
        "rate_lower": whole["lower"],
        "rate_upper": whole["upper"],
    }
    for row in _only(tables["cumulative_incidence"], by="all", day=100):
        figures |= {
            "cumulative_incidence_day_100": row["estimate"],
            "ci_lower": row["lower"],
            "ci_upper": row["upper"],
        }
    return figures


def _only(content: pa.Table, **values: object) -> list[dict[str, Any]]:
    mask = pa.array([True] * content.num_rows)
    for column, value in values.items():
        mask = pc.and_(mask, pc.equal(content[column], value))
    rows: list[dict[str, Any]] = content.filter(mask).to_pylist()
    return rows
