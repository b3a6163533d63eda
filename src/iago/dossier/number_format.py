"""Numbers as a reader expects them: few digits, honest small values, intervals in words.

The digits are for reading only. CSV and JSON carry the numbers themselves.
"""

import math
from typing import Any, Literal, TypeAlias, TypeGuard

Style: TypeAlias = Literal["count", "percent", "rate", "ratio", "days", "plain"]

THIN_SPACE = "\u202f"
MINUS = "\u2212"
NOT_ESTIMABLE = "not estimable"
SUPPRESSED = "suppressed"
MISSING = "\u2013"


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a cell holds a finite number (a truth value is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def format_count(value: float) -> str:
    """Whole number with thin spaces between thousands."""
    return _signed(f"{round(value):,}")


def format_percent(share: float, sign: str = "%") -> str:
    """Share between 0 and 1 as a percentage with one decimal; tiny shares are not called zero."""
    percent = 100.0 * share
    if 0.0 < percent < 0.05:
        return f"<0.1{sign}"
    if 99.95 <= percent < 100.0:
        return f">99.9{sign}"
    return _signed(f"{percent:.1f}") + sign


def format_rate(value: float) -> str:
    """Rate with two decimals; below 0.005 one significant digit, so that it is not read as 0."""
    if 0.0 < abs(value) < 0.005:
        return _signed(f"{value:.1g}") if abs(value) >= 0.0001 else "<0.0001"
    return _signed(f"{value:,.2f}")


def format_plain(value: float) -> str:
    """Whole numbers as such, others with one decimal."""
    if float(value).is_integer():
        return format_count(value)
    return _signed(f"{value:,.1f}")


def format_number(value: Any, style: Style) -> str:
    """One number in the given style; a dash where there is none."""
    if not is_number(value):
        return MISSING
    if style == "count":
        return format_count(value)
    if style == "percent":
        return format_percent(value)
    if style in ("rate", "ratio"):
        return format_rate(value)
    return format_plain(value)


def format_interval(estimate: Any, lower: Any, upper: Any, style: Style) -> str:
    """Estimate with its limits, such as ``0.43 (0.40 to 0.46)``.

    A missing estimate reads ``not estimable``; a missing limit is named, never dropped.
    """
    if not is_number(estimate):
        return NOT_ESTIMABLE
    if not is_number(lower) and not is_number(upper):
        return f"{_bare(estimate, style)} (no interval)"
    return f"{_bare(estimate, style)} ({_limit(lower, style)} to {_limit(upper, style)})"


def _limit(value: Any, style: Style) -> str:
    return _bare(value, style) if is_number(value) else "no limit"


def _bare(value: Any, style: Style) -> str:
    # The percent sign stands in the heading of the column, once.
    return format_percent(value, sign="") if style == "percent" else format_number(value, style)


def _signed(text: str) -> str:
    return text.replace("-", MINUS).replace(",", THIN_SPACE)
