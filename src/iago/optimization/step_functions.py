"""States that change over days, one history a course, as sorted arrays: the algebra of intervals.

A history is kept as its changes only, never as one row a day. A change is packed into one
integer (course, then day), so that sorting, laying histories over each other and looking up a day
are single passes over plain arrays. Nothing here knows what a state means.

Sorting is always stable: not for its stability, but because that sort turns into a merge where
the parts are sorted already, as histories are and as the rows of a snapshot mostly are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.int64]
Days: TypeAlias = NDArray[np.int32]
States: TypeAlias = NDArray[np.int8]
Flags: TypeAlias = NDArray[np.bool_]

# A day that lies beyond every day a record may hold (36,500): stands for "always" and "never".
FAR_DAY = 100_000
DAY_BITS = 18
DAY_OFFSET = 1 << (DAY_BITS - 1)
_TAG_BITS = 4
_HIGHEST_TAG = (1 << _TAG_BITS) - 1


def pack(course: NDArray[np.integer], day: NDArray[np.integer] | int) -> Keys:
    """Pack course numbers and days into sortable integers."""
    return (course.astype(np.int64) << DAY_BITS) + (np.asarray(day, np.int64) + DAY_OFFSET)


def course_of(key: Keys) -> Days:
    """Course numbers of packed keys."""
    return (key >> DAY_BITS).astype(np.int32)


def day_of(key: Keys) -> Days:
    """Days of packed keys."""
    return ((key & ((1 << DAY_BITS) - 1)) - DAY_OFFSET).astype(np.int32)


@dataclass(frozen=True, eq=False)
class StepFunction:
    """State of each course over time.

    ``state[i]`` holds from the day of ``key[i]`` until the next change of the same course;
    ``default`` holds before the first change and for courses without any.
    """

    key: Keys
    state: States
    default: int = 0


@dataclass(frozen=True, eq=False)
class Intervals:
    """Closed day intervals of courses."""

    course: Days
    first_day: Days
    last_day: Days

    def where(self, kept: Flags) -> "Intervals":
        """Those that fulfil a condition."""
        return Intervals(self.course[kept], self.first_day[kept], self.last_day[kept])


@dataclass(frozen=True, eq=False)
class Overlay:
    """All days of all courses, cut so that every history is constant within a piece.

    Pieces are sorted by course and day and leave no gap; the last one of a course ends on
    ``FAR_DAY``.
    """

    key: Keys
    course: Days
    first_day: Days
    last_day: Days
    states: tuple[States, ...]


def step_function(key: Keys, state: States, default: int = 0) -> StepFunction:
    """Drop the changes that change nothing; keys must be sorted and different."""
    before = np.empty_like(state)
    before[:1] = default
    before[1:] = np.where(course_of(key[1:]) == course_of(key[:-1]), state[:-1], default)
    kept = state != before
    return StepFunction(key[kept], state[kept], default)


def from_intervals(*layers: tuple[Intervals, States]) -> StepFunction:
    """Highest level among the intervals that cover a day, 0 where none does.

    Parameters
    ----------
    *layers
        Intervals with the level of each, 1 to 7. Intervals that end before they begin count as
        none; they may overlap.
    """
    intervals, level = _join(layers)
    opening = pack(intervals.course, intervals.first_day) << _TAG_BITS | 2 * level
    closing = pack(intervals.course, intervals.last_day + 1) << _TAG_BITS | 2 * level + 1
    tagged = np.concatenate([opening, closing])
    tagged.sort(kind="stable")
    key, tag = tagged >> _TAG_BITS, tagged & _HIGHEST_TAG
    state = np.zeros(key.size, np.int8)
    for number in np.unique(level):
        change = (tag == 2 * number).astype(np.int8) - (tag == 2 * number + 1).astype(np.int8)
        state[np.cumsum(change, dtype=np.int32) > 0] = number
    last = _last_of_equal(key)
    return step_function(key[last], state[last])


def longer_than(days: int, *layers: tuple[Intervals, int]) -> StepFunction:
    """Highest level among the intervals that cover a day and have lasted for more than ``days``."""
    return from_intervals(
        *(
            (
                Intervals(layer.course, layer.first_day + np.int32(days), layer.last_day),
                np.full(layer.course.size, level, np.int8),
            )
            for layer, level in layers
        )
    )


def from_readings(
    key: Keys, state: States, lasting_days: int, default: int, final: int | None = None
) -> StepFunction:
    """State of the latest reading, carried forward for some days, then ``default``.

    Parameters
    ----------
    key, state
        One reading a course and day, sorted.
    lasting_days
        A reading stands on its own day and this many days after it.
    final
        A reading of this state stands until the next one, however long.
    """
    if key.size == 0:
        return StepFunction(key, state, default)
    # A reading that repeats the standing state starts nothing; it only puts off the expiry.
    starts = np.ones(key.size, np.bool_)
    starts[1:] = (state[1:] != state[:-1]) | (key[1:] - key[:-1] > lasting_days + 1)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], key.size) - 1
    expiry = key[last] + (lasting_days + 1)
    following = np.append(key[first[1:]], np.iinfo(np.int64).max)
    state = state[first]
    pairs = np.stack([key[first], expiry], axis=1).ravel()
    states = np.stack([state, np.full_like(state, default)], axis=1).ravel()
    kept = np.ones(pairs.size, np.bool_)
    kept[1::2] = (expiry < following) & (state != final)
    return step_function(pairs[kept], states[kept], default)


def overlay(
    functions: Sequence[StepFunction], courses: range, breaks: Sequence[int] = (-FAR_DAY,)
) -> Overlay:
    """Lay histories of these courses over each other.

    ``breaks`` are days on which every course is cut in any case; the first must be early enough
    to come before every change.
    """
    if len(functions) > _HIGHEST_TAG:
        raise ValueError(f"at most {_HIGHEST_TAG} histories can be laid over each other")
    everyone = np.arange(courses.start, courses.stop)
    parts = [function.key << _TAG_BITS | tag for tag, function in enumerate(functions)]
    parts += [pack(everyone, day) << _TAG_BITS | _HIGHEST_TAG for day in breaks]
    tagged = np.concatenate(parts)
    del parts
    tagged.sort(kind="stable")
    tag = (tagged & _HIGHEST_TAG).astype(np.int8)
    tagged >>= _TAG_BITS
    last = _last_of_equal(tagged)
    key = tagged[last]
    course = course_of(key)
    states = tuple(
        _state_at(function, np.cumsum(tag == number, dtype=np.int32)[last] - 1, course)
        for number, function in enumerate(functions)
    )
    first_day = day_of(key)
    last_day = np.full(key.size, FAR_DAY, np.int32)
    last_day[:-1] = np.where(course[1:] == course[:-1], first_day[1:] - 1, FAR_DAY)
    return Overlay(key, course, first_day, last_day, states)


def runs(function: StepFunction, states: Sequence[int], courses: range, from_day: int) -> Intervals:
    """Longest intervals, from a day on, in which the state stays among ``states``."""
    inside = np.isin(function.state, states).astype(np.int8)
    two_valued = step_function(function.key, inside, int(function.default in states))
    # Neighbouring pieces now differ, except where the break cuts a run that began before it.
    pieces = overlay([two_valued], courses, (-FAR_DAY, from_day))
    kept = (pieces.states[0] == 1) & (pieces.first_day >= from_day)
    kept &= pieces.first_day <= pieces.last_day
    return Intervals(pieces.course, pieces.first_day, pieces.last_day).where(kept)


def pieces_between(
    pieces: Overlay, course: Days, first_day: Days, last_day: Days
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pieces that each span of days touches: number of the span, number of the piece."""
    begin = _piece_at(pieces, pack(course, first_day))
    end = _piece_at(pieces, pack(course, last_day))
    count = end - begin + 1
    span = np.repeat(np.arange(course.size), count)
    within = np.arange(span.size) - np.repeat(np.cumsum(count) - count, count)
    return span, begin[span] + within


def _piece_at(pieces: Overlay, key: Keys) -> NDArray[np.int64]:
    """Number of the piece that holds each key; asked in order, which the search rewards."""
    order = np.argsort(key, kind="stable")
    found = np.empty(key.size, np.int64)
    found[order] = np.searchsorted(pieces.key, key[order], side="right") - 1
    return found


def _state_at(function: StepFunction, position: NDArray[np.int32], course: Days) -> States:
    """State after the change at a position, or the default where that is of an earlier course."""
    if function.key.size == 0:
        return np.full(course.size, function.default, np.int8)
    found = np.maximum(position, 0)
    own = (position >= 0) & (course_of(function.key)[found] == course)
    return np.where(own, function.state[found], np.int8(function.default))


def _join(layers: Sequence[tuple[Intervals, States]]) -> tuple[Intervals, NDArray[np.int64]]:
    """All intervals of all layers that hold a day, with their levels."""
    joined = Intervals(
        np.concatenate([intervals.course for intervals, _ in layers]),
        np.concatenate([intervals.first_day for intervals, _ in layers]),
        np.concatenate([intervals.last_day for intervals, _ in layers]),
    )
    level = np.concatenate([level for _, level in layers]).astype(np.int64)
    kept = joined.first_day <= joined.last_day
    return joined.where(kept), level[kept]


def _last_of_equal(values: Keys) -> Flags:
    """Mark the last of each group of equal neighbours."""
    last = np.ones(values.size, np.bool_)
    last[:-1] = values[1:] != values[:-1]
    return last
