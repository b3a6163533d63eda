"""Histories of days against a plain list of one state a day."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iago.optimization.step_functions import (
    FAR_DAY,
    Intervals,
    StepFunction,
    from_intervals,
    from_readings,
    longer_than,
    overlay,
    pack,
    pieces_between,
    runs,
)

COURSES = range(1, 4)
DAYS = range(-6, 15)
DAY = st.integers(-3, 9)
INTERVALS = st.lists(st.tuples(st.sampled_from(COURSES), DAY, DAY, st.integers(1, 3)), max_size=8)
READINGS = st.dictionaries(st.tuples(st.sampled_from(COURSES), DAY), st.integers(0, 3), max_size=12)


def columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Any]:
    """Columns of rows as arrays."""
    return list(np.array(rows, np.int32).reshape(-1, width).T)


def history_of(rows: list[tuple[int, int, int, int]]) -> StepFunction:
    """History of intervals with levels."""
    course, first, last, level = columns(rows, 4)
    return from_intervals((Intervals(course, first, last), level.astype(np.int8)))


def level_on(rows: list[tuple[int, int, int, int]], course: int, day: int) -> int:
    """Highest level of the intervals that cover a day."""
    found = [level for c, first, last, level in rows if c == course and first <= day <= last]
    return max(found, default=0)


def reading_history(readings: dict[tuple[int, int], int], lasting: int, final: int) -> StepFunction:
    """History of readings, unknown being 9."""
    course, day, state = columns([(*key, value) for key, value in sorted(readings.items())], 3)
    return from_readings(pack(course, day), state.astype(np.int8), lasting, 9, final)


def reading_on(
    readings: dict[tuple[int, int], int], lasting: int, final: int, course: int, day: int
) -> int:
    """State of the latest reading that stands on a day."""
    past = [found for c, found in readings if c == course and found <= day]
    if not past:
        return 9
    state = readings[course, max(past)]
    return state if state == final or day - max(past) <= lasting else 9


def states_on(function: StepFunction) -> dict[tuple[int, int], int]:
    """State on every course and day, by way of an overlay."""
    pieces = overlay([function], COURSES)
    asked = [(course, day) for course in COURSES for day in DAYS]
    course, day = columns(asked, 2)
    span, piece = pieces_between(pieces, course, day, day)
    assert span.tolist() == list(range(len(asked)))
    return dict(zip(asked, pieces.states[0][piece].tolist(), strict=True))


@given(INTERVALS)
def test_intervals(rows: list[tuple[int, int, int, int]]) -> None:
    """The highest level of the intervals that cover a day holds on it."""
    wanted = {(c, day): level_on(rows, c, day) for c in COURSES for day in DAYS}
    assert states_on(history_of(rows)) == wanted


@given(READINGS, st.integers(0, 4), st.integers(0, 4))
def test_readings(readings: dict[tuple[int, int], int], lasting: int, final: int) -> None:
    """A reading stands for its days, or until the next one if it is final."""
    wanted = {
        (c, day): reading_on(readings, lasting, final, c, day) for c in COURSES for day in DAYS
    }
    assert states_on(reading_history(readings, lasting, final)) == wanted


@given(READINGS, st.integers(0, 4), st.sets(st.sampled_from([0, 1, 2, 3, 9])), st.integers(0, 4))
def test_lasting_states(
    readings: dict[tuple[int, int], int], lasting: int, states: set[int], days: int
) -> None:
    """A state has lasted for more than n days if it held on this day and on n days before."""
    function = reading_history(readings, lasting, 4)
    long = longer_than(days, (runs(function, sorted(states), COURSES, from_day=0), 2))
    found = states_on(long)
    for course, day in found:
        held = all(
            asked >= 0 and reading_on(readings, lasting, 4, course, asked) in states
            for asked in range(day - days, day + 1)
        )
        assert found[course, day] == (2 if held else 0)


@given(INTERVALS, READINGS, st.lists(st.integers(-5, 12), max_size=2))
def test_overlay(
    rows: list[tuple[int, int, int, int]],
    readings: dict[tuple[int, int], int],
    breaks: list[int],
) -> None:
    """Pieces leave no gap, and each holds the state of every history on all of its days."""
    functions = [history_of(rows), reading_history(readings, 2, 3)]
    pieces = overlay(functions, COURSES, (-FAR_DAY, *breaks))
    for course in COURSES:
        own = pieces.course == course
        first, last = pieces.first_day[own], pieces.last_day[own]
        assert (first[0], last[-1]) == (-FAR_DAY, FAR_DAY)
        assert (first[1:] == last[:-1] + 1).all()
        assert set(breaks) <= set(first.tolist())
        levels, states = (state[own] for state in pieces.states)
        for day in DAYS:
            (here,) = np.flatnonzero((first <= day) & (day <= last))
            assert levels[here] == level_on(rows, course, day)
            assert states[here] == reading_on(readings, 2, 3, course, day)


@given(READINGS, st.sampled_from(COURSES), DAY, st.integers(0, 8))
def test_pieces_between(
    readings: dict[tuple[int, int], int], course: int, first: int, length: int
) -> None:
    """A span of days touches exactly the pieces that hold one of its days."""
    pieces = overlay([reading_history(readings, 2, 3)], COURSES)
    spans = [np.array([value], np.int32) for value in (course, first, first + length)]
    _, piece = pieces_between(pieces, *spans)
    own = pieces.course == course
    touched = own & (pieces.first_day <= first + length) & (pieces.last_day >= first)
    assert piece.tolist() == np.flatnonzero(touched).tolist()
