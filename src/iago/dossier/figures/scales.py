"""Axes: where they end, where their ticks stand, and which points of a step curve are visible."""

import math
from collections.abc import Iterable, Sequence
from statistics import median

from iago.dossier.number_format import is_number

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LANDMARK_DAYS = (0, 100, 365, 30, 180, 730, 270, 60, 545, 1095, 14)
# A step lower than this, in pixels, is not drawn: it could not be seen.
INVISIBLE_PX = 0.2


def nice_ticks(maximum: float, count: int = 5) -> list[float]:
    """Ticks from 0 to the first round number at or above the maximum."""
    if not math.isfinite(maximum) or maximum <= 0:
        maximum = 1.0
    rough = maximum / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(magnitude * factor for factor in _STEPS if magnitude * factor >= rough * (1 - 1e-9))
    number = math.ceil(maximum / step - 1e-9)
    return [round(step * index, 12) for index in range(number + 1)]


def axis_reach(estimates: Sequence[float], uppers: Sequence[float]) -> float:
    """How far an axis from zero reaches: far enough for most intervals, not for the widest.

    It ends at the highest upper limit, but no further than two and a half times the highest
    estimate; where all estimates are zero, three times the middle upper limit.
    """
    highest = max([*estimates, *uppers], default=1.0)
    if max(estimates, default=0.0) > 0.0:
        return min(highest, 2.5 * max(estimates))
    return min(highest, 3.0 * median(uppers)) if uppers else 1.0


def log_ticks(lowest: float, highest: float) -> list[float]:
    """Ticks of a log axis that spans the two values and 1; few enough to read."""
    low, high = min(lowest, 1.0), max(highest, 1.0)
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    wide = high / low > 30
    parts = (1.0, 3.0) if wide else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    ticks = [float(f"{part * 10.0**decade:.6g}") for decade in decades for part in parts]
    first = max(tick for tick in ticks if tick <= low * 1.0001)
    last = min(tick for tick in ticks if tick >= high * 0.9999)
    return [tick for tick in ticks if first <= tick <= last]


def day_ticks(last_day: int, width: int, gap: int = 44) -> list[int]:
    """Landmark days that fit on an axis of the given width without touching each other."""
    chosen: list[int] = []
    for day in (0, last_day, *_LANDMARK_DAYS):
        pixels = [abs(day - other) / max(last_day, 1) * width for other in chosen]
        if day <= last_day and all(distance >= gap for distance in pixels):
            chosen.append(day)
    return sorted(chosen)


def largest(values: Iterable[object], default: float = 1.0) -> float:
    """Largest finite number among values that may be missing."""
    return max((float(value) for value in values if is_number(value)), default=default)


def thin_steps(points: Sequence[tuple[float, ...]], tolerance: float) -> list[tuple[float, ...]]:
    """Points of step curves without the steps that nobody can see.

    Parameters
    ----------
    points : sequence of tuple
        Day first, then one value a curve; all curves share their days.
    tolerance : float
        Largest change that is left out, in the unit of the values.

    Returns
    -------
    list of tuple
        First and last point, and every point that differs from the last one kept by more than
        the tolerance in any curve.
    """
    kept: list[tuple[float, ...]] = []
    for index, point in enumerate(points):
        visible = not kept or any(
            abs(value - before) > tolerance
            for value, before in zip(point[1:], kept[-1][1:], strict=True)
        )
        if visible or index == len(points) - 1:
            kept.append(point)
    return kept
