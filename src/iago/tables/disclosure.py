"""Disclosure control: small cells do not leave the house, and cannot be computed from the rest.

A count of patients from 1 to just below the threshold is suppressed together with everything
derived from it. Where one cell alone is suppressed among cells that add up to a published total,
a second one is suppressed too (secondary suppression). A suppressed cell is shown as suppressed
and never as 0. The threshold belongs to the data holder: it is a setting of the machine that
holds the data, never an argument of whoever asks.

The defaults are those of CMS and PCORnet (11, outbound) and of PEDSnet (5, inside).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iago.errors import InvalidInputError

INSIDE_THRESHOLD = 5
OUTBOUND_THRESHOLD = 11
SETTING = "IAGO_OUTBOUND_THRESHOLD"
SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class CellRule:
    """How a table is protected.

    Attributes
    ----------
    count : str
        Column whose small values identify people.
    hidden : tuple of str
        Columns that are emptied with it, the count included.
    sums : tuple of tuple of str
        Each is a set of key columns: rows that agree in them add up to a published total.
    """

    count: str
    hidden: tuple[str, ...]
    sums: tuple[tuple[str, ...], ...] = ()


def outbound_threshold() -> int:
    """Smallest count that may leave, as the data holder has set it on this machine.

    Raises
    ------
    InvalidInputError
        The setting is not a whole number, or is below the threshold for use inside.
    """
    text = os.environ.get(SETTING, str(OUTBOUND_THRESHOLD))
    if not text.isdigit() or int(text) < INSIDE_THRESHOLD:
        raise InvalidInputError(
            f"{SETTING} is not a whole number of {INSIDE_THRESHOLD} or more. Mend the setting of "
            "this machine, or remove it for the default."
        )
    return int(text)


def suppress_small_cells(table: pa.Table, rule: CellRule, threshold: int) -> pa.Table:
    """Empty small cells and what would give them away; adds the column ``suppressed``.

    Parameters
    ----------
    threshold : int
        Counts from 1 to threshold - 1 are suppressed.
    """
    counts = table[rule.count].to_numpy(zero_copy_only=False).astype(np.float64)
    counts = np.nan_to_num(counts)
    hidden = (counts > 0) & (counts < threshold)
    groups = [_groups(table, keys) for keys in rule.sums]
    while _suppress_partners(hidden, counts, groups):
        pass
    mask = pa.array(hidden)
    for name in rule.hidden:
        position = table.schema.get_field_index(name)
        null = pa.scalar(None, table.schema.field(name).type)
        column = pc.if_else(mask, null, table[name])
        table = table.set_column(position, name, column)
    return table.append_column(SUPPRESSED, mask)


def coarsen_curve(table: pa.Table, keys: Sequence[str], grid_days: int, threshold: int) -> pa.Table:
    """Keep a daily curve only on a coarse grid of days, and only while enough are at risk.

    Steps of a daily curve give away single events; a coarse grid shows sums of many days.
    """
    day = table["day"].to_numpy()
    at_risk = table["at_risk"].to_numpy()
    keep = (day % grid_days == 0) & (at_risk >= threshold)
    for rows in _groups(table, tuple(keys)):
        small = np.flatnonzero(at_risk[rows] < threshold)
        if len(small):
            keep[rows[small[0] :]] = False
    return table.filter(pa.array(keep))


def _groups(table: pa.Table, keys: tuple[str, ...]) -> list[NDArray[np.int64]]:
    values = zip(*(table[key].to_pylist() for key in keys), strict=True)
    rows: dict[tuple[object, ...], list[int]] = {}
    for row, key in enumerate(values):
        rows.setdefault(key, []).append(row)
    return [np.array(group) for group in rows.values()]


def _suppress_partners(
    hidden: NDArray[np.bool_],
    counts: NDArray[np.float64],
    groupings: Sequence[Sequence[NDArray[np.int64]]],
) -> bool:
    """Give each lone suppressed cell a partner; true while something changed."""
    changed = False
    for groups in groupings:
        for rows in groups:
            if hidden[rows].sum() != 1:
                continue
            open_rows = rows[~hidden[rows] & (counts[rows] > 0)]
            if len(open_rows):
                hidden[open_rows[np.argmin(counts[open_rows])]] = True
                changed = True
    return changed
