"""Laboratory values in the canonical unit of their analyte, converted by an exact factor."""

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from iago.exchange.csv.columns import ParsedColumn, ParsedTable
from iago.exchange.csv.findings import Finding, row_findings
from iago.standard.codelists import load_codelist

_MARKED_PAIRS = 20_000_000
_VALUES = ("value", "lower_limit_of_normal", "upper_limit_of_normal")


def derive_canonical_labs(labs: ParsedTable) -> tuple[dict[str, pa.Array], list[Finding]]:
    """Columns ``unit``, ``value`` and the limits of normal in canonical units.

    The factor is the decimal number of the code list and the product is rounded once, so that
    0.5 in 10*9/L is exactly 500 per microlitre.

    Returns
    -------
    dict of str to pyarrow.Array, list of Finding
        Null where the unit does not fit or is missing; each such row has a finding.
    """
    analyte, unit = labs.columns["analyte"], labs.columns["unit"]
    factors, factor_of_row = _row_factors(analyte, unit)
    columns = {name: _convert(labs.columns[name], factors, factor_of_row) for name in _VALUES}
    fits = factor_of_row >= 0
    canonical = load_codelist("analytes").attribute("canonical_unit")
    units = pa.array([canonical.get(value) for value in analyte.values], pa.string())
    codes = pa.array(analyte.codes, mask=~fits)
    return {"unit": units.take(codes), **columns}, _unit_findings(labs, fits)


def _row_factors(
    analyte: ParsedColumn, unit: ParsedColumn
) -> tuple[list[Decimal], npt.NDArray[np.int32]]:
    """Distinct factors, and the index of each row into them (-1 where no unit fits)."""
    units_of = load_codelist("analytes").attribute("units")
    pairs, pair_of_row = _distinct(analyte.codes, unit.codes, len(unit.values))
    index: dict[Decimal, int] = {}
    of_pair = []
    for pair in pairs.tolist():
        known = units_of.get(analyte.values[pair // len(unit.values)], {})
        factor = known.get(unit.values[pair % len(unit.values)])
        if factor is None:
            of_pair.append(-1)
        else:
            of_pair.append(index.setdefault(Decimal(str(factor)), len(index)))
    return list(index), np.array(of_pair, dtype=np.int32)[pair_of_row]


def _convert(
    column: ParsedColumn, factors: list[Decimal], factor_of_row: npt.NDArray[np.int32]
) -> pa.Array:
    width = len(factors)
    given = column.is_given() & (factor_of_row >= 0)
    products = np.zeros(len(given))
    pairs, pair_of_row = _distinct(column.codes[given], factor_of_row[given], width)
    # repr of a float is the shortest decimal that reads back as it: the number as written.
    of_pair = [
        float(Decimal(repr(column.values[pair // width])) * factors[pair % width])
        for pair in pairs.tolist()
    ]
    products[given] = np.array(of_pair, dtype=float)[pair_of_row]
    return pa.array(products, pa.float64(), mask=~given)


def _distinct(
    first: npt.NDArray[np.int32], second: npt.NDArray[np.int32], width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct pairs of codes as first * width + second, and the index of each row into them."""
    pair = first.astype(np.int64) * width + second
    size = int(pair.max(initial=-1)) + 1
    if size > _MARKED_PAIRS:
        return np.unique(pair, return_inverse=True)
    # Marking the pairs that occur takes one pass, where sorting ten million rows takes many.
    occurs = np.zeros(size, dtype=bool)
    occurs[pair] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[pair]


def _unit_findings(labs: ParsedTable, fits: npt.NDArray[np.bool_]) -> list[Finding]:
    unit, analyte = labs.columns["unit"], labs.columns["analyte"]
    unread = unit.is_wrong() | ~analyte.is_given()
    unfit = unit.is_given() & ~fits & ~unread
    valued = np.logical_or.reduce([labs.columns[name].is_given() for name in _VALUES])
    bare = valued & ~unit.is_given() & ~unread
    expected = "a unit of the analyte in this row"
    return [
        *row_findings(
            "IAGO-E213",
            labs.source,
            np.flatnonzero(unfit),
            "unit",
            "a unit that the analyte of this row does not have",
            expected,
        ),
        *row_findings("IAGO-E214", labs.source, np.flatnonzero(bare), "unit", "no unit", expected),
    ]
