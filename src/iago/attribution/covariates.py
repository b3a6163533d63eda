"""Baseline of a course as the comparison of products reads it: known before infusion, no later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iago.errors import EstimationError

UNKNOWN = "unknown"
# A covariate that is known in fewer courses than this is left out of the comparison; of the others,
# courses with an unknown value are left out. Counting the unknown as a category of its own would
# leave the confounding of those courses in place. A convention of this project.
LEAST_KNOWN = 0.5

# Every covariate is a category, so that no shape of dependence is assumed. CAR-HEMATOTOX is high
# from 2 on; lines and scores are pooled where they become rare.
COVARIATES = {
    "indication": "coalesce(c.indication, 'unknown')",
    "sex": "coalesce(p.sex, 'unknown')",
    "age": "coalesce((least(greatest(c.age_years, 0), 89) // 10 * 10)::varchar, 'unknown')",
    "prior_lines": "coalesce(least(c.prior_lines, 6)::varchar, 'unknown')",
    "prior_transplant": "coalesce(c.prior_transplant, 'unknown')",
    "bridging": "coalesce(c.bridging::varchar, 'unknown')",
    "ecog": "coalesce(c.ecog::varchar, 'unknown')",
    "car_hematotox": "coalesce(c.car_hematotox_score::varchar, 'unknown')",
    "earlier_infection": "coalesce(c.infection_100_days_before::varchar, 'unknown')",
    "earlier_mould": "coalesce(c.mould_infection_before::varchar, 'unknown')",
}
# Coarser groups of the same baseline, few enough that strata hold courses of both products.
STRATA = {
    "indication": COVARIATES["indication"],
    "age_group": (
        "case when c.age_years < 40 then 'below 40' when c.age_years < 65 then '40 to 64' "
        "when c.age_years >= 65 then '65 or more' else 'unknown' end"
    ),
    "lines_group": "coalesce(least(greatest(c.prior_lines, 1), 5)::varchar, 'unknown')",
    "ecog_group": "coalesce(least(c.ecog, 3)::varchar, 'unknown')",
    "car_hematotox_group": "coalesce(least(c.car_hematotox_score, 5)::varchar, 'unknown')",
    "infection_group": COVARIATES["earlier_infection"],
}
# A category of fewer courses than this is counted with the reference of its covariate: it is too
# rare to be balanced by a coefficient of its own.
_LEAST_IN_CATEGORY = 5

Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Category:
    """A covariate as positions in a list of names, one position a row."""

    names: list[str]
    code: Codes


@dataclass(frozen=True, eq=False)
class Design:
    """Indicator columns of the baseline categories, the most frequent of each left out."""

    values: NDArray[np.float64]
    names: tuple[str, ...]
    constant: tuple[str, ...]


def encode_known(
    table: pa.Table, names: Iterable[str], courses: NDArray[np.float64]
) -> tuple[dict[str, Category], NDArray[np.bool_], tuple[str, ...]]:
    """Covariates that are known often enough, and the rows in which all of them are known.

    Returns
    -------
    categories : dict
        The covariates that are used, categories in alphabetical order.
    known : array
        Whether a row has a value in each of them.
    left_out : tuple of str
        Covariates that are known too rarely.
    """
    categories: dict[str, Category] = {}
    known = np.ones(table.num_rows, dtype=bool)
    left_out = []
    for name in names:
        category = encode(table[name])
        has_value = np.array([entry != UNKNOWN for entry in category.names])[category.code]
        if float(courses @ has_value) < LEAST_KNOWN * float(courses.sum()):
            left_out.append(name)
            continue
        categories[name] = category
        known &= has_value
    return categories, known, tuple(left_out)


def number_patterns(
    categories: Mapping[str, Category], treated: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """A number for each combination of product and baseline; equal rows have equal numbers."""
    number = treated.astype(np.int64)
    for category in categories.values():
        number = number * len(category.names) + category.code
    return number


def rows_with_counterpart(
    categories: Mapping[str, Category], treated: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Known rows each of whose categories was given both products, found by repeated removal.

    Where a category was given one product only, nobody in it might have had the other.
    """
    kept = known.copy()
    while True:
        before = int(kept.sum())
        for category in categories.values():
            size = len(category.names)
            arms = [
                np.bincount(category.code[kept & arm], minlength=size)
                for arm in (treated, ~treated)
            ]
            kept &= ((arms[0] > 0) & (arms[1] > 0))[category.code]
        if int(kept.sum()) == before:
            return kept


def design_matrix(
    categories: Mapping[str, Category], courses: NDArray[np.float64], rows: NDArray[np.int64]
) -> Design:
    """Indicator columns for a model of product choice.

    Parameters
    ----------
    categories : mapping
        From :func:`encode_covariates`.
    courses : array
        Number of courses of each chosen row.
    rows : array
        Positions of the chosen rows.

    Raises
    ------
    EstimationError
        No covariate varies: there is nothing to weight by.
    """
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    constant: list[str] = []
    for covariate, category in categories.items():
        code = category.code[rows]
        sizes = np.bincount(code, weights=courses, minlength=len(category.names))
        reference = int(np.argmax(sizes))
        chosen = [
            position
            for position in range(len(sizes))
            if position != reference and sizes[position] >= _LEAST_IN_CATEGORY
        ]
        if not chosen:
            constant.append(covariate)
        names += [f"{covariate}={category.names[position]}" for position in chosen]
        columns += [(code == position).astype(np.float64) for position in chosen]
    if not columns:
        raise EstimationError(
            "No recorded baseline covariate varies between the courses; expected at least one. "
            "Record the baseline, or read the crude ratio as what it is."
        )
    return Design(np.column_stack(columns), tuple(names), tuple(constant))


def encode(column: pa.ChunkedArray) -> Category:
    """A text column as positions in its sorted distinct values."""
    encoded = column.combine_chunks().dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), dtype=str)
    order = np.argsort(names, kind="stable")
    position = np.empty(len(names), dtype=np.int32)
    position[order] = np.arange(len(names), dtype=np.int32)
    return Category([str(name) for name in names[order]], position[encoded.indices.to_numpy()])
