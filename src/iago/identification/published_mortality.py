"""Pool published non-relapse mortality by disease and by product, and say how far it misleads.

The number pooled is crude: non-relapse deaths over patients. It is no cumulative incidence, so a
cohort that was followed longer has counted more deaths. Every group therefore carries how far
the follow-up of its cohorts is apart, and warns where that is several-fold.
"""

import math
from dataclasses import dataclass

import pyarrow as pa

from iago.standard.codelists import load_codelist
from iago.standard.published import PublishedCohort, PublishedEvidence
from iago.statistics.meta_analysis import (
    FollowUpSpread,
    PooledProportion,
    follow_up_spread,
    pool_proportions,
)
from iago.statistics.rates import Proportion, estimate_proportion

ALL = "all"
ENTITY = "entity"
PRODUCT = "product"

POOLED_COLUMNS = (
    "group",
    "k",
    "deaths",
    "n",
    "fixed",
    "fixed_lower",
    "fixed_upper",
    "random",
    "random_lower",
    "random_upper",
)


@dataclass(frozen=True)
class MortalityGroup:
    """Cohorts of one disease, one product or all, with their pooled crude mortality.

    ``kind`` is ``entity``, ``product`` or ``all``; ``warnings`` say what forbids to read the
    pooled value as a risk, and are empty where nothing known does.
    """

    code: str
    kind: str
    label: str
    cohorts: tuple[PublishedCohort, ...]
    pooled: PooledProportion
    follow_up: FollowUpSpread
    warnings: tuple[str, ...]
    unlike_follow_up: bool

    @property
    def entities(self) -> tuple[str, ...]:
        """Codes of the diseases of its cohorts, alphabetically."""
        return tuple(sorted({cohort.entity for cohort in self.cohorts}))


@dataclass(frozen=True)
class PublishedComparison:
    """A pooled percentage as printed by its authors beside the one estimated here."""

    group: str
    label: str
    published_percent: float
    estimated: float

    @property
    def estimated_percent(self) -> float:
        """Estimate as a percentage, rounded to the one decimal that was printed."""
        return round(100 * self.estimated, 1)

    @property
    def agrees(self) -> bool:
        """Whether the two agree to the printed digit."""
        return self.estimated_percent == self.published_percent


def pool_published_mortality(evidence: PublishedEvidence) -> tuple[MortalityGroup, ...]:
    """Pool the crude non-relapse mortality of published cohorts: by disease, by product, over all.

    Each group is pooled twice: common effect (all deaths over all patients) and random effects
    (random-intercept logistic model, see :func:`iago.statistics.meta_analysis.pool_proportions`).
    A product group holds the cohorts in which every patient got that product, whatever the
    disease; cohorts that mix products count in their disease and in ``all`` only. Cohorts without
    deaths enter as they are. A cohort without published follow-up is pooled and counted as
    missing in the spread of follow-up.

    Returns
    -------
    tuple of MortalityGroup
        Diseases in the order of the evidence, products in the order of the code list, then all.

    Raises
    ------
    EstimationError
        A group whose variance between cohorts has no finite maximum.
    """
    groups = [
        (entity.code, ENTITY, entity.label, _of_entity(evidence, entity.code))
        for entity in evidence.entities
    ]
    groups += [
        (product, PRODUCT, product, _of_product(evidence, product))
        for product in single_products(evidence)
    ]
    groups.append((ALL, ALL, "All cohorts", evidence.cohorts))
    return tuple(_pool(*group, evidence.unlike_follow_up_ratio) for group in groups)


def single_products(evidence: PublishedEvidence) -> tuple[str, ...]:
    """Products that some cohort used alone, in the order of the code list."""
    used = {cohort.product for cohort in evidence.cohorts}
    return tuple(code for code in load_codelist("products").codes if code in used)


def estimate_cohort_mortality(cohort: PublishedCohort) -> Proportion:
    """Estimate the crude mortality of one cohort with the exact Clopper-Pearson 95% interval."""
    return estimate_proportion(cohort.n_nonrelapse_deaths, cohort.n_patients)


def compare_with_published(
    groups: tuple[MortalityGroup, ...], evidence: PublishedEvidence
) -> tuple[PublishedComparison, ...]:
    """Set the printed random-effects percentages beside those estimated here."""
    estimated = {group.code: group.pooled.random for group in groups}
    return tuple(
        PublishedComparison(
            entity.code, entity.label, entity.published_random_percent, estimated[entity.code]
        )
        for entity in evidence.entities
    )


def pooled_table(groups: tuple[MortalityGroup, ...]) -> pa.Table:
    """Pooled proportions, one row a group, in the columns :data:`POOLED_COLUMNS`."""
    rows = [
        {
            "group": group.code,
            "k": group.pooled.k,
            "deaths": group.pooled.events,
            "n": group.pooled.n,
            **{name: getattr(group.pooled, name) for name in POOLED_COLUMNS[4:]},
        }
        for group in groups
    ]
    return pa.Table.from_pylist(rows)


def heterogeneity_table(groups: tuple[MortalityGroup, ...]) -> pa.Table:
    """How unlike the cohorts of each group are, in mortality and in follow-up; one row a group.

    ``q`` is the Wald statistic of one common proportion, with ``df`` and ``p``; the
    likelihood-ratio test of the same also uses cohorts without deaths. ``i2`` runs from 0 to 1
    and only describes. The prediction interval is for the share in a new cohort.
    """
    return pa.Table.from_pylist([_heterogeneity_row(group) for group in groups])


def cohort_table(cohorts: tuple[PublishedCohort, ...]) -> pa.Table:
    """Cohorts as published with crude mortality and exact interval; one row a cohort."""
    rows = []
    for cohort in cohorts:
        estimate = estimate_cohort_mortality(cohort)
        rows.append(
            {
                "cohort": cohort.cohort,
                "entity": cohort.entity,
                "study_type": cohort.study_type,
                "product": cohort.product,
                "line": cohort.line or None,
                "inclusion_ended_2020": cohort.inclusion_ended_2020 or None,
                "median_follow_up_months": cohort.median_follow_up_months,
                "deaths": cohort.n_nonrelapse_deaths,
                "n": cohort.n_patients,
                "proportion": estimate.proportion,
                "lower": estimate.lower,
                "upper": estimate.upper,
            }
        )
    return pa.Table.from_pylist(rows)


def published_table(comparisons: tuple[PublishedComparison, ...], source: str) -> pa.Table:
    """Printed and estimated percentages, one row a disease."""
    rows = [
        {
            "group": row.group,
            "published_percent": row.published_percent,
            "estimated_percent": row.estimated_percent,
            "estimated": row.estimated,
            "agrees_to_printed_digit": row.agrees,
            "source": source,
        }
        for row in comparisons
    ]
    return pa.Table.from_pylist(rows)


def _of_entity(evidence: PublishedEvidence, code: str) -> tuple[PublishedCohort, ...]:
    return tuple(cohort for cohort in evidence.cohorts if cohort.entity == code)


def _of_product(evidence: PublishedEvidence, code: str) -> tuple[PublishedCohort, ...]:
    return tuple(cohort for cohort in evidence.cohorts if cohort.product == code)


def _pool(
    code: str, kind: str, label: str, cohorts: tuple[PublishedCohort, ...], threshold: float
) -> MortalityGroup:
    pooled = pool_proportions(
        [cohort.n_nonrelapse_deaths for cohort in cohorts],
        [cohort.n_patients for cohort in cohorts],
    )
    months = [cohort.median_follow_up_months for cohort in cohorts]
    spread = follow_up_spread([math.nan if value is None else value for value in months])
    unlike = spread.ratio >= threshold
    warnings = _warnings(spread, threshold, unlike=unlike)
    return MortalityGroup(code, kind, label, cohorts, pooled, spread, warnings, unlike)


def _warnings(spread: FollowUpSpread, threshold: float, *, unlike: bool) -> tuple[str, ...]:
    warnings = []
    if unlike:
        warnings.append(
            f"median follow-up differs {spread.ratio:.1f}-fold between cohorts "
            f"({spread.shortest:g} to {spread.longest:g} months; warned from {threshold:g}-fold)"
        )
    if spread.missing:
        plural = "cohort" if spread.missing == 1 else "cohorts"
        warnings.append(f"{spread.missing} {plural} without published follow-up")
    return tuple(warnings)


def _heterogeneity_row(group: MortalityGroup) -> dict[str, object]:
    pooled, follow_up = group.pooled, group.follow_up
    return {
        "group": group.code,
        "k": pooled.k,
        "tau2": pooled.tau2,
        "i2": pooled.i2,
        "q": pooled.wald_statistic,
        "df": pooled.degrees_of_freedom,
        "p": pooled.wald_p,
        "likelihood_ratio": pooled.likelihood_ratio_statistic,
        "likelihood_ratio_p": pooled.likelihood_ratio_p,
        "prediction_lower": pooled.prediction_lower,
        "prediction_upper": pooled.prediction_upper,
        "lowest": pooled.lowest,
        "highest": pooled.highest,
        "follow_up_min_months": follow_up.shortest,
        "follow_up_max_months": follow_up.longest,
        "follow_up_ratio": follow_up.ratio,
        "follow_up_missing": follow_up.missing,
        "warning": "; ".join(group.warnings) or None,
        "notes": "; ".join(pooled.notes) or None,
    }
