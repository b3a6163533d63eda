"""Vectorised random draws that the cohorts are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.signedinteger[Any]]
Bools: TypeAlias = NDArray[np.bool_]

# A day that never comes, far beyond every follow-up.
NEVER = 1_000_000
_HORIZON = 1.0e7


@dataclass(frozen=True)
class PiecewiseHazard:
    """A hazard per day that is constant between the given start days; the last piece is open."""

    starts: tuple[float, ...]
    per_day: tuple[float, ...]

    def _knots(self) -> tuple[Floats, Floats]:
        days = np.asarray([*self.starts, _HORIZON])
        steps = np.diff(days) * np.asarray(self.per_day)
        return days, np.concatenate([[0.0], np.cumsum(steps)])

    def cumulative(self, day: Ints | Floats) -> Floats:
        """Hazard accumulated from day 0 to a day."""
        days, total = self._knots()
        return np.interp(day.astype(np.float64), days, total)

    def inverse(self, cumulated: Floats) -> Floats:
        """Time at which so much hazard has accumulated."""
        days, total = self._knots()
        return np.interp(cumulated, total, days)


def to_day(time: Floats) -> Ints:
    """Day in whose interval (day - 1, day] a time falls; day 1 is the first after infusion."""
    return np.clip(np.ceil(time), 1, NEVER).astype(np.int32)


def draw_first_event(
    rng: Generator, hazard: PiecewiseHazard, multiplier: Floats, entry: Ints
) -> Ints:
    """Day of the first event of each course after its entry."""
    extra = rng.standard_exponential(multiplier.size) / multiplier
    return to_day(hazard.inverse(hazard.cumulative(entry) + extra))


def draw_codes(rng: Generator, size: int, weights: Sequence[float] | Floats) -> Ints:
    """Independent draws of a position with the given weights."""
    cumulated = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(cumulated / cumulated[-1], rng.random(size), side="right")
    return np.minimum(drawn, cumulated.size - 1).astype(np.int32)


def draw_codes_by_row(rng: Generator, weights: Floats) -> Ints:
    """One draw a row from the weights of that row."""
    cumulated = np.cumsum(weights, axis=1)
    threshold = rng.random(weights.shape[0]) * cumulated[:, -1]
    drawn: Ints = (cumulated <= threshold[:, None]).sum(axis=1)
    return np.asarray(np.minimum(drawn, weights.shape[1] - 1), dtype=np.int32)


def draw_lognormal(rng: Generator, size: int, median_and_sigma: tuple[float, float]) -> Floats:
    """Log-normal draws given by median and standard deviation of the logarithm."""
    median, sigma = median_and_sigma
    return median * np.exp(sigma * rng.standard_normal(size))


def draw_yes(rng: Generator, probability: float | Floats, size: int) -> Bools:
    """Yes with the given probability."""
    return np.asarray(rng.random(size) < probability)


def expit(logit: Floats) -> Floats:
    """Probability of a logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))
