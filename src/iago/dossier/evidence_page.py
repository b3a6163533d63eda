"""The page of published non-relapse mortality: one file that works offline."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from iago.dossier import evidence_figures as words
from iago.dossier.number_format import (
    MISSING,
    THIN_SPACE,
    format_count,
    format_percent,
    is_number,
)
from iago.dossier.render import NumberedFigure, link_dois
from iago.dossier.table_views import Cell, TableRow, TableView
from iago.identification.published_mortality import (
    ENTITY,
    PRODUCT,
    MortalityGroup,
    PublishedComparison,
)
from iago.standard.codelists import load_codelist
from iago.standard.published import PublishedCohort, PublishedEvidence

# As the pooling notes it: below this the variance between cohorts is hardly known.
FEW_COHORTS = 5
_MARK = "\u00a0†"


@dataclass(frozen=True)
class _Card:
    label: str
    value: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class _Spread:
    label: str
    ratio: str
    months: str


def render_mortality_page(
    source: PublishedEvidence,
    groups: Sequence[MortalityGroup],
    comparisons: Sequence[PublishedComparison],
    definition: str,
    versions: Mapping[str, str],
) -> str:
    """Render the page as one HTML file that asks the network for nothing.

    Parameters
    ----------
    source : PublishedEvidence
        Citation, statements and doubts.
    groups : sequence of MortalityGroup
        Pooled groups, in the order in which they are shown.
    comparisons : sequence of PublishedComparison
        Printed beside estimated values.
    definition : str
        What the number is.
    versions : mapping
        ``software``, ``standard``, ``evidence`` and ``command``.
    """
    environment = Environment(
        loader=PackageLoader("iago.dossier", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["linked"] = link_dois
    html = environment.get_template("evidence.html.jinja").render(
        source=source,
        definition=definition,
        versions=versions,
        totals=_totals(source),
        cards=[_card(group) for group in groups if group.kind == ENTITY],
        tables=_tables(source, groups, comparisons),
        forest_reading=words.FOREST_READING,
        **_warnings(source, groups),
        **_figures(source, groups),
    )
    # The template's own blank lines say nothing.
    return re.sub(r"\n\s*\n+", "\n", html).strip() + "\n"


def format_p(value: float) -> str:
    """P value with three decimals; a smaller one is given as its bound."""
    if not is_number(value):
        return MISSING
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def _figures(source: PublishedEvidence, groups: Sequence[MortalityGroup]) -> dict[str, Any]:
    entities = [group for group in groups if group.kind == ENTITY]
    forests = [
        NumberedFigure(number, words.draw_group(group, source))
        for number, group in enumerate(entities, start=2)
    ]
    return {
        "overview": NumberedFigure(1, words.draw_overview(groups, source)),
        "forests": forests,
        "follow_up": NumberedFigure(len(forests) + 2, words.draw_follow_up_figure(source)),
    }


def _warnings(source: PublishedEvidence, groups: Sequence[MortalityGroup]) -> dict[str, Any]:
    without = [cohort for cohort in source.cohorts if cohort.median_follow_up_months is None]
    return {
        "group_count": len(groups),
        "unlike": [_spread(group) for group in groups if group.unlike_follow_up],
        "alike": [_spread(group) for group in groups if not group.unlike_follow_up],
        "without_follow_up": [words.cohort_name(cohort) for cohort in without],
    }


def _totals(source: PublishedEvidence) -> dict[str, str]:
    return {
        "cohorts": format_count(len(source.cohorts)),
        "patients": format_count(sum(cohort.n_patients for cohort in source.cohorts)),
        "deaths": format_count(sum(cohort.n_nonrelapse_deaths for cohort in source.cohorts)),
    }


def _spread(group: MortalityGroup) -> _Spread:
    return _Spread(group.label, _ratio(group), words.months_range(group))


def _ratio(group: MortalityGroup) -> str:
    return f"{group.follow_up.ratio:.1f}-fold"


def _card(group: MortalityGroup) -> _Card:
    pooled = group.pooled
    lower, upper = (
        format_percent(limit, "") for limit in (pooled.random_lower, pooled.random_upper)
    )
    return _Card(
        label=group.label,
        value=format_percent(pooled.random, f"{THIN_SPACE}%"),
        details=(
            f"95% CI {lower} to {upper}",
            f"{pooled.k} cohorts, {words.months_range(group)} months",
        ),
    )


def _tables(
    source: PublishedEvidence,
    groups: Sequence[MortalityGroup],
    comparisons: Sequence[PublishedComparison],
) -> dict[str, TableView]:
    return {
        "pooled": _pooled_view(groups, source),
        "follow_up": _follow_up_view(groups),
        "heterogeneity": _heterogeneity_view(groups),
        "published": _published_view(groups, comparisons),
        "cohorts": _cohorts_view(source),
    }


def _view(
    caption: str,
    columns: Mapping[str, bool],
    rows: Iterable[tuple[str, ...]],
    note: str = "",
) -> TableView:
    """Table of ready texts; ``columns`` says of each heading whether it stands over numbers."""
    return TableView(
        caption,
        tuple(columns),
        tuple(columns.values()),
        tuple(TableRow(row[0], tuple(Cell(text) for text in row[1:])) for row in rows),
        note,
    )


def _pooled_view(groups: Sequence[MortalityGroup], source: PublishedEvidence) -> TableView:
    columns = {
        "Group": False,
        "Diseases": False,
        "Cohorts": True,
        "Deaths / patients": True,
        "Common effect": True,
        "Random effects": True,
        "Prediction interval": True,
    }
    rows = (
        (
            _long_label(group),
            _diseases(group, source),
            str(group.pooled.k),
            words.deaths_of_patients(group.pooled.events, group.pooled.n),
            words.common_text(group),
            words.random_text(group),
            words.prediction_text(group),
        )
        for group in groups
    )
    codes = "; ".join(f"{entity.code.upper()}: {entity.label}" for entity in source.entities)
    return _view("Pooled values, % with 95% interval", columns, rows, f"{codes}.")


def _diseases(group: MortalityGroup, source: PublishedEvidence) -> str:
    if len(group.entities) == len(source.entities):
        return "all"
    codes = [entity.code for entity in source.entities if entity.code in group.entities]
    return ", ".join(code.upper() for code in codes)


def _long_label(group: MortalityGroup) -> str:
    """Label of a group; a product with its brand."""
    if group.kind != PRODUCT:
        return group.label
    brand = load_codelist("products").codes[group.code].attributes["brand"]
    return f"{group.label} ({brand})"


def _follow_up_view(groups: Sequence[MortalityGroup]) -> TableView:
    columns = {
        "Group": False,
        "Cohorts": True,
        "Shortest to longest": True,
        "Ratio": True,
        "Not given": True,
        "Warning": False,
    }
    rows = (
        (
            group.label,
            str(group.pooled.k),
            words.months_range(group),
            _ratio(group),
            str(group.follow_up.missing),
            "mixes unlike follow-up" if group.unlike_follow_up else "none",
        )
        for group in groups
    )
    return _view("Median follow-up of the cohorts, months", columns, rows)


def _heterogeneity_view(groups: Sequence[MortalityGroup]) -> TableView:
    columns = {
        "Group": False,
        "Cohorts": True,
        "τ²": True,
        "I², %": True,
        "Q (df), P": True,
        "Likelihood ratio, P": True,
        "Cohorts range, %": True,
        "Prediction interval, %": True,
    }
    rows = (
        (
            group.label + (_MARK if group.pooled.k < FEW_COHORTS else ""),
            str(group.pooled.k),
            f"{group.pooled.tau2:.3f}",
            format_percent(group.pooled.i2, ""),
            f"{group.pooled.wald_statistic:.1f} ({group.pooled.degrees_of_freedom}), "
            f"{format_p(group.pooled.wald_p)}",
            f"{group.pooled.likelihood_ratio_statistic:.1f}, "
            f"{format_p(group.pooled.likelihood_ratio_p)}",
            words.observed_range(group),
            words.prediction_text(group),
        )
        for group in groups
    )
    note = (
        f"† Fewer than {FEW_COHORTS} cohorts: the variance between cohorts is hardly known, and "
        "the prediction interval says little; read the range."
    )
    return _view("Heterogeneity of crude mortality", columns, rows, note)


def _published_view(
    groups: Sequence[MortalityGroup], comparisons: Sequence[PublishedComparison]
) -> TableView:
    columns = {
        "Disease": False,
        "Published": True,
        "Ours": True,
        "Ours with 95% interval": True,
        "To the printed digit": False,
    }
    by_code = {group.code: group for group in groups}
    rows = (
        (
            row.label,
            f"{row.published_percent:.1f}",
            f"{row.estimated_percent:.1f}",
            words.random_text(by_code[row.group]),
            "the same" if row.agrees else "different",
        )
        for row in comparisons
    )
    return _view("Random-effects values, %", columns, rows)


def _cohorts_view(source: PublishedEvidence) -> TableView:
    columns = {
        "Cohort": False,
        "Disease": False,
        "Product": False,
        "Study": False,
        "Line": False,
        "Follow-up, months": True,
        "Deaths / patients": True,
        "% (95% CI)": True,
    }
    doubted = {name for entry in source.cohort_doubts for name in entry.cohorts}
    rows = (_cohort_cells(cohort, doubted) for cohort in source.cohorts)
    caption = "Crude non-relapse mortality of each cohort, exact (Clopper-Pearson) interval"
    return _view(caption, columns, rows)


def _cohort_cells(cohort: PublishedCohort, doubted: set[str]) -> tuple[str, ...]:
    study = "real-world" if cohort.study_type == "RW" else cohort.study_type
    return (
        words.cohort_name(cohort) + (_MARK if cohort.cohort in doubted else ""),
        cohort.entity.upper(),
        words.product_name(cohort),
        study.replace("Phase", "phase"),
        cohort.line,
        words.months_text(cohort),
        words.deaths_of_patients(cohort.n_nonrelapse_deaths, cohort.n_patients),
        words.crude_text(cohort),
    )
