"""A dossier that may leave the house: small cells suppressed, curves on a coarse grid."""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from iago.dossier.content import Dossier, DossierTable, Notice
from iago.tables.disclosure import (
    CellRule,
    coarsen_curve,
    outbound_threshold,
    suppress_small_cells,
)

CURVE_GRID_DAYS = 30
_CURVES = {
    "cumulative_incidence": ("by", "level"),
    "competing_events": ("by", "level", "cause"),
    "mean_cumulative_count": ("by", "level"),
    "persistence": ("by", "level"),
}
# `part` stands for the dimension of a stratum: the strata of one dimension add up to the whole.
_RULES: Mapping[str, CellRule] = {
    "density": CellRule(
        "patients",
        ("episodes", "patients", "rate_per_100_days", "lower", "upper"),
        (
            ("by", "level", "window", "part"),
            ("by", "level", "stratum"),
            ("by", "window", "stratum"),
        ),
    ),
    "incidence_by_stratum": CellRule(
        "patients",
        ("at_risk", "patients", "estimate", "lower", "upper"),
        (("by", "level", "day", "part"), ("by", "day", "stratum")),
    ),
    "cohort": CellRule(
        "n",
        ("n", "share", "value"),
        (("by", "level", "characteristic"), ("by", "characteristic", "category")),
    ),
    "flow": CellRule("episodes", ("courses", "episodes"), (("part",),)),
    "contacts": CellRule("contacts", ("contacts",), (("place",), ("answer",))),
    "severity": CellRule(
        "episodes",
        ("episodes", "share"),
        (("by", "level", "system"), ("by", "system", "label")),
    ),
    "duration": CellRule(
        "episodes",
        (
            "episodes",
            "resolved",
            "median_days",
            "lower_quartile_days",
            "upper_quartile_days",
        ),
        (("by", "level"), ("by", "stratum")),
    ),
    "causality": CellRule(
        "episodes", ("episodes", "share"), (("by", "level", "method"), ("by", "category"))
    ),
    "relations": CellRule("episodes", ("episodes",), (("by_rule",), ("reported",))),
    "prophylaxis": CellRule(
        "episodes",
        ("episodes", "share", "rate_per_100_days", "lower", "upper"),
        (("guidance", "exposure_class"),),
    ),
    "prophylaxis_rates": CellRule(
        "episodes",
        ("episodes", "rate_per_100_days", "lower", "upper"),
        (("exposure_class",),),
    ),
}
# Their numbers come from groups of any size and would need rules of their own.
_LEFT_OUT = {"comparison_notes", "balance", "completeness"}


def share_dossier(dossier: Dossier) -> Dossier:
    """The same dossier fit to leave the data holder: disclosure control applied to each table.

    Raises
    ------
    InvalidInputError
        The threshold of this machine is not usable.
    """
    threshold = outbound_threshold()
    tables = tuple(
        _protect(entry, threshold) for entry in dossier.tables if entry.name not in _LEFT_OUT
    )
    text = (
        f"Prepared to leave the data holder: counts from 1 to {threshold - 1} and what would give "
        f"them away are suppressed; curves stand every {CURVE_GRID_DAYS} days while {threshold} or "
        "more are at risk."
    )
    small = {
        key: value if not isinstance(value, int) or value == 0 or value >= threshold else None
        for key, value in dossier.headline.items()
    }
    notice = Notice("note", "provenance", text)
    return replace(
        dossier,
        tables=tables,
        headline=small,
        notices=(*dossier.notices, notice),
        audience="outbound",
    )


def _protect(entry: DossierTable, threshold: int) -> DossierTable:
    if entry.name in _CURVES:
        table = coarsen_curve(entry.table, _CURVES[entry.name], CURVE_GRID_DAYS, threshold)
        return replace(entry, table=table)
    rule = _RULES.get(entry.name)
    if rule is None:
        return entry
    table = entry.table
    if "at_risk" in table.column_names:
        table = table.filter(pc.greater_equal(table["at_risk"], threshold))
    keyed = _with_part(table, entry.name)
    table = suppress_small_cells(keyed, rule, threshold)
    return replace(
        entry, table=table.drop_columns("part") if "part" in table.column_names else table
    )


def _with_part(table: pa.Table, name: str) -> pa.Table:
    if "stratum" in table.column_names and name != "duration":
        dimension = pc.list_element(pc.split_pattern(table["stratum"], "="), 0)
        return table.append_column("part", dimension)
    if name == "flow":
        steps = pc.if_else(pc.is_in(table["step"], pa.array(["recorded", "analysed"])), "end", "in")
        return table.append_column("part", steps)
    return table
