"""Is product A worse than product B? Crude, stratified and weighted, side by side.

The crude ratio is what tables of percentages show. The stratified and the weighted ratio compare
like with like as far as the recorded baseline goes; they cannot mend what was not recorded.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iago.attribution.covariates import (
    COVARIATES,
    STRATA,
    design_matrix,
    encode,
    encode_known,
    number_patterns,
    rows_with_counterpart,
)
from iago.attribution.patterns import (
    create_courses,
    product_pairs,
    product_sums,
    shared_patterns,
    stratum_sums,
)
from iago.errors import EstimationError
from iago.statistics.clustered_rates import (
    RateSums,
    compare_clustered_rates,
    estimate_clustered_rate_from_sums,
)
from iago.statistics.propensity import estimate_balance, fit_propensity, overlap_weights
from iago.statistics.rates import estimate_rate_ratio
from iago.statistics.stratified import estimate_mantel_haenszel_rate_ratio
from iago.statistics.weighted_rates import RateTally, estimate_weighted_rate_ratio_from_tally
from iago.tables.engine import Connection

# From so many centres on, the interval is clustered by centre; below, by patient only. A
# convention of this project: with fewer, the clustered interval is hardly more than a guess.
LEAST_CENTRES = 10

DEFINITION = (
    "Ratio of infection densities (episodes per patient-day at risk, from infusion to the day that "
    "the estimand names) of two products; A vs B means A divided by B. Crude: all courses of both "
    "products as they are. "
    "Mantel-Haenszel: within strata of indication, age, prior lines, performance status, "
    "CAR-HEMATOTOX and earlier infection. Overlap-weighted: courses weighted by the probability of "
    "the other product given the baseline, so that patients who might have had either count most "
    "(Li, Morgan, Zaslavsky, J Am Stat Assoc 2018;113:390). The last two are restricted to the "
    "indications in which both products were given and to courses whose baseline is known, which "
    "is right where values are missing whatever the outcome. What was not recorded is not adjusted "
    "for; several pairs are compared, without correction for their number."
)


@dataclass
class Comparisons:
    """Estimates, notes and balance of all pairs of products."""

    estimand: str
    estimates: list[dict[str, object]] = field(default_factory=list)
    notes: list[dict[str, object]] = field(default_factory=list)
    balance: list[pa.Table] = field(default_factory=list)

    def add(
        self, method: str, contrast: str, numbers: tuple[float, float, float], note: str
    ) -> None:
        """Keep an estimate with its limits, and what its reader must know."""
        estimate, lower, upper = (_finite(number) for number in numbers)
        self.estimates.append(
            {
                "method": method,
                "estimand": self.estimand,
                "contrast": contrast,
                "estimate": estimate,
                "lower": lower,
                "upper": upper,
            }
        )
        self.notes.append({"contrast": contrast, "method": method, "note": note})

    def refuse(self, method: str, contrast: str, reason: str) -> None:
        """Keep that there is no estimate, and why."""
        self.add(method, contrast, (np.nan, np.nan, np.nan), reason)

    def tables(self) -> dict[str, pa.Table]:
        """Tables ``comparison``, ``comparison_notes`` and ``balance``."""
        balance = pa.concat_tables(self.balance) if self.balance else _BALANCE.empty_table()
        return {
            "comparison": pa.Table.from_pylist(self.estimates, schema=_ESTIMATES),
            "comparison_notes": pa.Table.from_pylist(self.notes, schema=_NOTES),
            "balance": balance,
        }


def _schema(texts: tuple[str, ...], numbers: tuple[str, ...]) -> pa.Schema:
    fields = [(name, pa.string()) for name in texts] + [(name, pa.float64()) for name in numbers]
    return pa.schema(fields)


_ESTIMATES = _schema(("method", "estimand", "contrast"), ("estimate", "lower", "upper"))
_NOTES = _schema(("contrast", "method", "note"), ())
_BALANCE = _schema(
    ("contrast", "covariate"),
    (
        "mean_a",
        "mean_b",
        "standardised_difference_before",
        "standardised_difference_after",
        "variance_ratio_before",
        "variance_ratio_after",
    ),
)


def compare_products(connection: Connection, last_day: int = 100) -> dict[str, pa.Table]:
    """Compare all pairs of products that share an indication.

    Needs ``follow_up`` and ``cases``.

    Parameters
    ----------
    last_day : int
        Episodes and time at risk count from infusion to this day.

    Returns
    -------
    dict of pyarrow.Table
        ``comparison`` (method, estimand, contrast, estimate, lower, upper; an estimate that
        cannot be had is empty and its reason is a note), ``comparison_notes`` (contrast, method,
        note) and ``balance`` (contrast, covariate, means, standardised differences and variance
        ratios before and after weighting).
    """
    create_courses(connection, last_day)
    results = Comparisons(f"rate ratio of episodes, days 0-{last_day}")
    sums = product_sums(connection)
    for product_a, product_b, indications in product_pairs(connection):
        contrast = f"{product_a} vs {product_b}"
        _compare_crude(results, contrast, sums[product_a], sums[product_b])
        strata = stratum_sums(connection, product_a, product_b, indications)
        _compare_stratified(results, contrast, strata)
        patterns = shared_patterns(connection, product_a, product_b, indications)
        try:
            _compare_weighted(results, contrast, patterns)
        except EstimationError as error:
            results.refuse("overlap-weighted", contrast, str(error))
    return results.tables()


def _compare_crude(results: Comparisons, contrast: str, a: RateSums, b: RateSums) -> None:
    try:
        rates = [estimate_clustered_rate_from_sums(sums) for sums in (a, b)]
        ratio = compare_clustered_rates(rates[0], rates[1])
    except EstimationError:
        exact = estimate_rate_ratio(int(a.events), a.person_time, int(b.events), b.person_time)
        note = exact.reason or "exact interval; no adjustment"
        results.add("crude", contrast, (exact.ratio, exact.lower, exact.upper), note)
        return
    note = "robust interval by patient; no adjustment"
    results.add("crude", contrast, (ratio.ratio, ratio.lower, ratio.upper), note)


def _compare_stratified(results: Comparisons, contrast: str, strata: pa.Table) -> None:
    courses = strata["courses"].to_numpy()
    categories, known, left_out = encode_known(strata, STRATA, courses)
    number = number_patterns(categories, np.zeros(strata.num_rows, dtype=bool))[known]
    _, stratum = np.unique(number, return_inverse=True)
    sums = [
        np.bincount(stratum, weights=strata[name].to_numpy()[known])
        for name in ("events_a", "days_a", "events_b", "days_b")
    ]
    try:
        ratio = estimate_mantel_haenszel_rate_ratio(*sums)
    except EstimationError as error:
        results.refuse("mantel-haenszel", contrast, str(error))
        return
    notes = [f"{ratio.informative} of {ratio.strata} strata carry information"]
    notes += _unknown_notes(float(courses[~known].sum()), left_out)
    numbers = (ratio.ratio, ratio.lower, ratio.upper)
    results.add("mantel-haenszel", contrast, numbers, "; ".join([*notes, *ratio.notes]))


def _compare_weighted(results: Comparisons, contrast: str, patterns: pa.Table) -> None:
    """Fit product choice on baseline patterns, then weigh the sums of patterns by centre."""
    all_courses = patterns["courses"].to_numpy()
    categories, known, rarely_known = encode_known(patterns, COVARIATES, all_courses)
    centres = encode(patterns["centre"])
    treated = patterns["treated"].to_numpy(zero_copy_only=False)
    number = number_patterns(categories, treated)
    # In a fixed order, so that the sums of floating point numbers are the same each time.
    order = np.lexsort((centres.code, number))
    kept = order[rows_with_counterpart(categories, treated, known)[order]]
    if not len(kept):
        results.refuse("overlap-weighted", contrast, _NOBODY)
        return
    sums = {name: patterns[name].to_numpy()[kept] for name in _SUMS}
    _, first, pattern = np.unique(number[kept], return_index=True, return_inverse=True)
    courses = np.bincount(pattern, weights=sums["courses"]).astype(np.float64)
    design = design_matrix(categories, courses, kept[first])
    model = fit_propensity(design.values, treated[kept[first]], design.names, courses)
    by_centre = replace(
        model,
        propensity=model.propensity[pattern],
        covariates=model.covariates[pattern],
        treated=treated[kept],
        frequencies=sums["courses"],
    )
    clustered = _enough_centres(centres.code[kept], treated[kept])
    ratio = estimate_weighted_rate_ratio_from_tally(
        RateTally(*sums.values()), by_centre, cluster=centres.code[kept] if clustered else None
    )
    weights = overlap_weights(model.propensity, model.treated)
    balance = estimate_balance(design.values, model.treated, weights, design.names, courses)
    left_out = float(all_courses[known].sum() - courses.sum())
    note = _weighted_note(left_out, design.constant, clustered=clustered)
    note += _unknown_notes(float(all_courses[~known].sum()), rarely_known)
    numbers = (ratio.ratio, ratio.lower, ratio.upper)
    text = (
        f"effective numbers {ratio.effective_a:.0f} and {ratio.effective_b:.0f}; largest "
        f"standardised difference after weighting {balance.largest_difference:.3f}"
    )
    results.add("overlap-weighted", contrast, numbers, "; ".join([*note, text, *ratio.notes]))
    results.balance.append(_balance_table(contrast, balance.table()))


_SUMS = ("courses", "episodes", "days", "episodes_squared", "days_squared", "episodes_days")
_NOBODY = (
    "Each course belongs to a category of the baseline that was given one product only; expected "
    "patients who might have had either. These data cannot compare the two products."
)


def _enough_centres(centre: NDArray[np.int32], treated: NDArray[np.bool_]) -> bool:
    arms = [len(np.unique(centre[arm])) for arm in (treated, ~treated)]
    return min(arms) >= 2 and len(np.unique(centre)) >= LEAST_CENTRES


def _weighted_note(left_out: float, constant: tuple[str, ...], *, clustered: bool) -> list[str]:
    unit = "centre" if clustered else "patient; centres are not accounted for"
    notes = [f"robust interval by {unit}"]
    if left_out:
        notes.append(
            f"{left_out:.0f} courses left out, in categories of the baseline that were given one "
            "product only"
        )
    if constant:
        notes.append(f"same in all courses: {', '.join(constant)}")
    return notes


def _unknown_notes(courses: float, rarely_known: tuple[str, ...]) -> list[str]:
    notes = []
    if courses:
        notes.append(f"{courses:.0f} courses left out, with an unknown baseline value")
    if rarely_known:
        notes.append(f"not adjusted for, as mostly unknown: {', '.join(rarely_known)}")
    return notes


def _balance_table(contrast: str, balance: pa.Table) -> pa.Table:
    columns = {
        "contrast": [contrast] * balance.num_rows,
        "covariate": balance["name"],
        "mean_a": balance["mean_a"],
        "mean_b": balance["mean_b"],
        "standardised_difference_before": balance["difference_before"],
        "standardised_difference_after": balance["difference"],
        "variance_ratio_before": balance["variance_ratio_before"],
        "variance_ratio_after": balance["variance_ratio"],
    }
    return pa.table(columns).cast(_BALANCE)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
