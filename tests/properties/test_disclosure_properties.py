"""P4: small cells never leave, and cannot be computed from what does."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iago.errors import InvalidInputError
from iago.tables.disclosure import (
    SETTING,
    CellRule,
    coarsen_curve,
    outbound_threshold,
    suppress_small_cells,
)

THRESHOLD = 11
RULE = CellRule("n", ("n",), (("row",), ("column",)))


@st.composite
def count_tables(draw: st.DrawFn) -> pa.Table:
    rows, columns = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    cells = [(r, c, draw(st.integers(0, 40))) for r in range(rows) for c in range(columns)]
    names = ("row", "column", "n")
    return pa.table(dict(zip(names, zip(*cells, strict=True), strict=True)))


@given(count_tables())
def test_no_small_count_is_left(table: pa.Table) -> None:
    """No count from 1 to just below the threshold is shown, and zero stays zero."""
    shown = suppress_small_cells(table, RULE, THRESHOLD)
    for before, after in zip(table["n"].to_pylist(), shown["n"].to_pylist(), strict=True):
        assert after is None or after == before
        assert after is None or after == 0 or after >= THRESHOLD
        assert before != 0 or after == 0


@given(count_tables())
def test_no_lone_suppressed_cell_can_be_subtracted(table: pa.Table) -> None:
    """In each group that adds up to a total, one suppressed cell never stands alone with others."""
    shown = suppress_small_cells(table, RULE, THRESHOLD).to_pylist()
    for key in ("row", "column"):
        for value in {row[key] for row in shown}:
            group = [row for row in shown if row[key] == value]
            hidden = [row for row in group if row["suppressed"]]
            others = [row for row in group if not row["suppressed"] and row["n"]]
            assert len(hidden) != 1 or not others


def test_a_suppressed_cell_is_not_zero() -> None:
    """A suppressed count is empty and marked, so that nobody reads it as 0."""
    table = pa.table({"row": [1, 1, 1], "column": [1, 2, 3], "n": [3, 20, 0]})
    rows = suppress_small_cells(table, RULE, THRESHOLD).to_pylist()
    assert [(row["n"], row["suppressed"]) for row in rows] == [
        (None, True),
        (None, True),
        (0, False),
    ]


def test_curves_stop_where_too_few_are_at_risk() -> None:
    """A curve is kept on the grid, and ends for good when fewer than the threshold remain."""
    table = pa.table({"level": ["a"] * 91, "day": list(range(91)), "at_risk": [50] * 61 + [8] * 30})
    assert coarsen_curve(table, ["level"], 30, THRESHOLD)["day"].to_pylist() == [0, 30, 60]


@pytest.mark.parametrize("setting", ["4", "-1", "many"])
def test_the_threshold_cannot_be_set_too_low(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting below the threshold for use inside is refused."""
    monkeypatch.setenv(SETTING, setting)
    with pytest.raises(InvalidInputError, match=SETTING):
        outbound_threshold()
