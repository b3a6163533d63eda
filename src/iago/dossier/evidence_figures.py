"""Figures of published non-relapse mortality, and the words that page and figures share."""

from collections.abc import Sequence

from iago.dossier.figures.drawing import Figure, LegendEntry
from iago.dossier.figures.follow_up import CohortPoint, draw_follow_up
from iago.dossier.figures.forest import ForestHeadings, ForestRow, draw_forest
from iago.dossier.number_format import (
    MISSING,
    format_count,
    format_interval,
    format_percent,
    is_number,
)
from iago.identification.published_mortality import (
    ENTITY,
    PRODUCT,
    MortalityGroup,
    estimate_cohort_mortality,
)
from iago.standard.published import PublishedCohort, PublishedEvidence

FOREST_READING = (
    "Cohorts stand in the order of their median follow-up (months). Squares are their crude "
    "values with exact 95% intervals; the area of a square follows the number of patients, on one "
    "scale for all plots down to the smallest size that is still seen, and a cohort without "
    "deaths is hollow. Diamonds are pooled values with "
    "their 95% intervals: hollow for the common effect, filled for random effects. The coloured "
    "line is the prediction interval: where 95% of new cohorts are expected. Arrow heads mark "
    "what goes on beyond the axis."
)
_LOOKS = (
    ("var(--c1)", "circle"),
    ("var(--c2)", "square"),
    ("var(--c3)", "triangle-up"),
    ("var(--c4)", "diamond"),
)
# Cohorts that a reader looks for in the drawing of follow-up: the longest and the largest by far.
_NAMED_FROM_MONTHS = 30.0
_NAMED_FROM_PATIENTS = 1000


def draw_overview(groups: Sequence[MortalityGroup], source: PublishedEvidence) -> Figure:
    """Pooled values of all groups in one drawing."""
    rows: list[ForestRow] = []
    for kind, heading in ((ENTITY, "By disease"), (PRODUCT, "By product (single-product cohorts)")):
        rows.append(ForestRow("heading", heading))
        rows += [_overview_row(group) for group in groups if group.kind == kind]
    rows.append(ForestRow("heading", "Together"))
    rows += [_overview_row(group) for group in groups if group.kind not in {ENTITY, PRODUCT}]
    caption = "Pooled crude non-relapse mortality, random effects"
    headings = ForestHeadings("Group", "")
    panels = draw_forest(rows, headings, "overview", caption, scale_patients=_largest(source))
    reading = (
        "Diamonds are random-effects values with their 95% intervals. The coloured line is the "
        "prediction interval: where 95% of new cohorts are expected; arrow heads mark what goes "
        "on beyond the axis. Months are the shortest and longest median follow-up of the cohorts; "
        f"an asterisk marks where the longest is {source.unlike_follow_up_ratio:g} times the "
        "shortest or more."
    )
    return Figure("overview", caption, panels, reading)


def draw_group(group: MortalityGroup, source: PublishedEvidence) -> Figure:
    """Forest plot of one group: cohorts in the order of follow-up, then pooled values."""
    caption = f"{group.label}: {group.pooled.k} cohorts"
    rows = [_cohort_row(cohort) for cohort in _by_follow_up(group.cohorts)]
    panels = draw_forest(
        rows + _pooled_rows(group),
        ForestHeadings("Cohort", "Product"),
        f"forest-{group.code}",
        caption,
        scale_patients=_largest(source),
    )
    reading = f"Cohorts range from {observed_range(group)}%. {in_sentences(group.pooled.notes)}"
    caveat = in_sentences(group.warnings)
    return Figure(f"forest-{group.code}", caption, panels, reading.strip(), (), caveat)


def draw_follow_up_figure(source: PublishedEvidence) -> Figure:
    """Crude mortality against follow-up, one mark a cohort with known follow-up."""
    looks = {entity.code: look for entity, look in zip(source.entities, _LOOKS, strict=True)}
    points = [
        _point(cohort, cohort.median_follow_up_months, looks[cohort.entity])
        for cohort in source.cohorts
        if cohort.median_follow_up_months is not None
    ]
    caption = "Crude non-relapse mortality against median follow-up"
    panels = draw_follow_up(points, "follow-up", caption, scale_patients=_largest(source))
    legend = tuple(
        LegendEntry(entity.label, looks[entity.code][0], "point", (), looks[entity.code][1])
        for entity in source.entities
    )
    reading = (
        "One mark a cohort; its area follows the number of patients down to the smallest size that "
        "is still seen. Cohorts followed for "
        f"{_NAMED_FROM_MONTHS:g} months or more, or of {format_count(_NAMED_FROM_PATIENTS)} "
        "patients or more, are named in the wide drawing."
    )
    return Figure("follow-up", caption, panels, reading, legend)


def cohort_name(cohort: PublishedCohort) -> str:
    """Name of a cohort as a reader writes it: ``Bethge 2022 A``."""
    return cohort.cohort.replace("_", " ")


def product_name(cohort: PublishedCohort) -> str:
    """Product, or the products of a mixed cohort: ``tisa-cel + axi-cel``."""
    return cohort.product.lower().replace("+", " + ")


def months_text(cohort: PublishedCohort) -> str:
    """Median follow-up in months as published, or ``not given``."""
    months = cohort.median_follow_up_months
    return "not given" if months is None else f"{months:g}"


def months_range(group: MortalityGroup) -> str:
    """Shortest and longest median follow-up in months."""
    spread = group.follow_up
    return f"{spread.shortest:.3g}\u2013{spread.longest:.3g}"


def deaths_of_patients(deaths: int, patients: int) -> str:
    """Deaths over patients, such as ``9 / 148``."""
    return f"{format_count(deaths)} / {format_count(patients)}"


def crude_text(cohort: PublishedCohort) -> str:
    """Crude percentage of a cohort with its exact interval."""
    estimate = estimate_cohort_mortality(cohort)
    return format_interval(estimate.proportion, estimate.lower, estimate.upper, "percent")


def common_text(group: MortalityGroup) -> str:
    """Common-effect percentage with its interval."""
    pooled = group.pooled
    return format_interval(pooled.fixed, pooled.fixed_lower, pooled.fixed_upper, "percent")


def random_text(group: MortalityGroup) -> str:
    """Random-effects percentage with its interval."""
    pooled = group.pooled
    return format_interval(pooled.random, pooled.random_lower, pooled.random_upper, "percent")


def prediction_text(group: MortalityGroup) -> str:
    """Prediction interval in percent; a dash where there is none."""
    limits = _prediction(group)
    return MISSING if limits is None else _span_text(*limits)


def observed_range(group: MortalityGroup) -> str:
    """Lowest and highest percentage of the cohorts."""
    return _span_text(group.pooled.lowest, group.pooled.highest)


def in_sentences(parts: Sequence[str]) -> str:
    """Phrases as one sentence, parted by semicolons."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _marked_months(group: MortalityGroup) -> str:
    return months_range(group) + ("*" if group.unlike_follow_up else "")


def _span_text(lower: float, upper: float) -> str:
    return f"{format_percent(lower, '')} to {format_percent(upper, '')}"


def _prediction(group: MortalityGroup) -> tuple[float, float] | None:
    limits = (group.pooled.prediction_lower, group.pooled.prediction_upper)
    return limits if all(is_number(limit) for limit in limits) else None


def _largest(source: PublishedEvidence) -> int:
    return max(cohort.n_patients for cohort in source.cohorts)


def _by_follow_up(cohorts: Sequence[PublishedCohort]) -> list[PublishedCohort]:
    """Shortest follow-up first, unknown last; then by name."""
    return sorted(
        cohorts,
        key=lambda cohort: (
            cohort.median_follow_up_months is None,
            cohort.median_follow_up_months or 0.0,
            cohort.cohort,
        ),
    )


def _point(cohort: PublishedCohort, months: float, look: tuple[str, str]) -> CohortPoint:
    return CohortPoint(
        label=cohort_name(cohort),
        months=months,
        share=cohort.n_nonrelapse_deaths / cohort.n_patients,
        patients=cohort.n_patients,
        colour=look[0],
        shape=look[1],
        named=months >= _NAMED_FROM_MONTHS or cohort.n_patients >= _NAMED_FROM_PATIENTS,
    )


def _cohort_row(cohort: PublishedCohort) -> ForestRow:
    estimate = estimate_cohort_mortality(cohort)
    return ForestRow(
        kind="cohort",
        label=cohort_name(cohort),
        detail=product_name(cohort),
        follow_up=months_text(cohort),
        count=deaths_of_patients(cohort.n_nonrelapse_deaths, cohort.n_patients),
        value=crude_text(cohort),
        estimate=estimate.proportion,
        lower=estimate.lower,
        upper=estimate.upper,
        patients=cohort.n_patients,
    )


def _pooled_rows(group: MortalityGroup) -> list[ForestRow]:
    pooled = group.pooled
    return [
        ForestRow(
            kind="common",
            label="Common effect",
            count=deaths_of_patients(pooled.events, pooled.n),
            value=common_text(group),
            estimate=pooled.fixed,
            lower=pooled.fixed_lower,
            upper=pooled.fixed_upper,
        ),
        ForestRow(
            kind="random",
            label="Random effects",
            follow_up=_marked_months(group),
            value=random_text(group),
            estimate=pooled.random,
            lower=pooled.random_lower,
            upper=pooled.random_upper,
            strong=True,
            stress=group.unlike_follow_up,
        ),
        ForestRow(
            kind="prediction",
            label="Prediction interval",
            value=prediction_text(group),
            prediction=_prediction(group),
        ),
    ]


def _overview_row(group: MortalityGroup) -> ForestRow:
    pooled = group.pooled
    return ForestRow(
        kind="random",
        label=group.label,
        detail=f"{pooled.k} cohorts",
        follow_up=_marked_months(group),
        count=deaths_of_patients(pooled.events, pooled.n),
        value=random_text(group),
        estimate=pooled.random,
        lower=pooled.random_lower,
        upper=pooled.random_upper,
        prediction=_prediction(group),
        stress=group.unlike_follow_up,
    )
