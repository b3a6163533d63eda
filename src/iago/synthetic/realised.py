"""What the dice gave: plain counts over the generated courses, without any estimator.

Counts of batches are added up, so they are exact for a cohort of any size.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from iago.synthetic.blocks import Block
from iago.synthetic.draws import NEVER, Bools, Ints
from iago.synthetic.episode_table import earlier_episode
from iago.synthetic.episodes import LEVELS, OUTCOMES
from iago.synthetic.exposures import Interval
from iago.synthetic.infections import STREAMS, on_prophylaxis, recurrence_days
from iago.synthetic.outcomes import CAUSES, DEATH, ENDS, INFECTION
from iago.synthetic.parameters.infections import ORGANISM_CLASSES, Stream
from iago.synthetic.parameters.population import INDICATIONS, PRODUCTS, WINDOW_STARTS, WINDOWS

Tally: TypeAlias = dict[str, NDArray[np.int64]]
HORIZONS = (30, 100, 365)
_LAST_DAYS = (*(int(day) for day in WINDOW_STARTS[1:]), NEVER)


def add_tallies(total: Tally, more: Tally) -> Tally:
    """Sum of two tallies."""
    return {name: total[name] + counts for name, counts in more.items()} if total else more


def tally_block(block: Block) -> Tally:
    """Count person-days, episodes, deaths and first infections of a block."""
    last_at_risk = np.minimum(block.endings.day, block.timeline.first_competing_day)
    onsets = block.episodes.onsets
    at_risk = onsets.day <= last_at_risk[onsets.course]
    window = np.searchsorted(_LAST_DAYS, onsets.day)
    return {
        "courses": np.array([block.courses.size]),
        **_tally_time(block, last_at_risk),
        "episodes": _count(onsets.stream, len(STREAMS), window, len(WINDOWS)),
        "episodes_at_risk": _count(
            onsets.stream[at_risk], len(STREAMS), window[at_risk], len(WINDOWS)
        ),
        **_tally_products(block, last_at_risk, at_risk),
        **_tally_prophylaxis(block, window),
        **_tally_first(block, last_at_risk),
        **_tally_outcomes(block),
    }


def _count(rows: Ints, n_rows: int, columns: Ints, n_columns: int) -> NDArray[np.int64]:
    cells = np.bincount(rows.astype(np.int64) * n_columns + columns, minlength=n_rows * n_columns)
    return cells.reshape(n_rows, n_columns)


def days_between(first: Ints, last: Ints, after: Ints, until: Ints) -> NDArray[np.int64]:
    """Days of [first, last] that lie in (after, until]."""
    days = np.minimum(last, until).astype(np.int64) - np.maximum(first - 1, after)
    return np.maximum(days, 0)


def _windows(entry: Ints, end: Ints) -> list[tuple[Ints, Ints]]:
    """Time of each course in each window as (after, until]; empty where until <= after."""
    return [
        (np.maximum(entry, int(start)).astype(np.int32), np.minimum(end, last).astype(np.int32))
        for start, last in zip(WINDOW_STARTS, _LAST_DAYS, strict=True)
    ]


def _tally_time(block: Block, last_at_risk: Ints) -> Tally:
    entry = block.courses.entry_day
    tally = {}
    for name, end in (("person_days", block.endings.day), ("person_days_at_risk", last_at_risk)):
        spans = [np.maximum(until - after, 0).sum() for after, until in _windows(entry, end)]
        tally[name] = np.array(spans, dtype=np.int64)
    return tally


def _tally_products(block: Block, last_at_risk: Ints, at_risk: Bools) -> Tally:
    courses = block.courses
    kind = courses.baseline.indication * len(PRODUCTS) + courses.product
    cells = len(INDICATIONS) * len(PRODUCTS)
    shape = (len(INDICATIONS), len(PRODUCTS))
    time = np.maximum(last_at_risk - courses.entry_day, 0)
    episodes = np.bincount(kind[block.episodes.onsets.course[at_risk]], minlength=cells)
    days = np.bincount(kind, weights=time, minlength=cells).astype(np.int64)
    return {
        "product_courses": np.bincount(kind, minlength=cells).reshape(shape),
        "product_days_at_risk": days.reshape(shape),
        "product_episodes_at_risk": episodes.reshape(shape),
    }


def _tally_prophylaxis(block: Block, window: NDArray[np.int64]) -> Tally:
    on_days = np.zeros((len(STREAMS), len(WINDOWS)), dtype=np.int64)
    on_episodes = np.zeros_like(on_days)
    onsets = block.episodes.onsets
    spans = _windows(block.courses.entry_day, block.endings.day)
    for position, stream in enumerate(STREAMS):
        if not stream.prophylaxis:
            continue
        on_days[position] = [_days_on(stream, block.exposures, *span) for span in spans]
        rows = onsets.stream == position
        on = on_prophylaxis(stream, block.exposures, onsets.course[rows], onsets.day[rows])
        on_episodes[position] = np.bincount(window[rows][on], minlength=len(WINDOWS))
    return {"on_days": on_days, "on_episodes": on_episodes}


def _days_on(
    stream: Stream, exposures: Mapping[str, Interval], after: Ints, until: Ints
) -> np.int64:
    """Days on any of the classes that act on a stream, over all courses."""
    intervals = [exposures[name] for name in stream.prophylaxis]
    total = sum(days_between(one.start_day, one.stop_day, after, until).sum() for one in intervals)
    if len(intervals) == 2:
        both_from = np.maximum(intervals[0].start_day, intervals[1].start_day)
        both_to = np.minimum(intervals[0].stop_day, intervals[1].stop_day)
        total -= days_between(both_from, both_to, after, until).sum()
    return np.int64(total)


def _tally_first(block: Block, last_at_risk: Ints) -> Tally:
    """First infection by a day, among courses seen from infusion whose data reach that day."""
    onsets = block.episodes.onsets
    first = np.full(block.courses.size, NEVER, dtype=np.int32)
    np.minimum.at(first, onsets.course, onsets.day)
    first[first > last_at_risk] = NEVER
    from_start = block.courses.entry_day == 0
    reached = [from_start & (block.courses.baseline.administrative_end >= t) for t in HORIZONS]
    dead = (block.endings.kind == DEATH) & (block.endings.day < block.timeline.relapse_day)
    by_day = [block.endings.day <= day for day in HORIZONS]
    infection = block.endings.cause == INFECTION
    pairs = list(zip(reached, by_day, strict=True))
    return {
        "observable": np.array([rows.sum() for rows in reached]),
        "infected": np.array(
            [(rows & (first <= day)).sum() for rows, day in zip(reached, HORIZONS, strict=True)]
        ),
        "non_relapse_deaths_by": np.array([(rows & dead & by).sum() for rows, by in pairs]),
        "infection_deaths_by": np.array([(rows & infection & by).sum() for rows, by in pairs]),
    }


def _tally_outcomes(block: Block) -> Tally:
    episodes, endings = block.episodes, block.endings
    died = endings.kind == DEATH
    before_relapse = died & (endings.day < block.timeline.relapse_day)
    earlier = earlier_episode(episodes)
    gap = episodes.onsets.day - episodes.onsets.day[earlier]
    within = (earlier >= 0) & (gap <= recurrence_days()[episodes.onsets.mark])
    early = (episodes.onsets.day > int(WINDOW_STARTS[1])).astype(np.int32)
    causes = np.where(died, endings.cause, 0)
    return {
        "severity": _count(early, 2, episodes.severity, len(LEVELS)),
        "outcome": np.bincount(episodes.outcome, minlength=len(OUTCOMES)),
        "ended_by": np.bincount(endings.kind, minlength=len(ENDS)),
        "causes": np.bincount(causes[died], minlength=len(CAUSES)),
        "non_relapse_causes": np.bincount(causes[before_relapse], minlength=len(CAUSES)),
        "onset_month_only": np.array([(episodes.half_width > 0).sum()]),
        "onset_unknown": np.array([episodes.onset_unknown.sum()]),
        "within_recurrence_days": np.array([within.sum()]),
    }


def by_class(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of streams added up to organism classes."""
    rows = [ORGANISM_CLASSES.index(stream.organism_class) for stream in STREAMS]
    total = np.zeros((len(ORGANISM_CLASSES), *counts.shape[1:]), dtype=np.int64)
    np.add.at(total, rows, counts)
    return total


def named(names: tuple[str, ...], values: Any) -> dict[str, Any]:
    """Numbers by name, as plain Python numbers."""
    return dict(zip(names, np.asarray(values).tolist(), strict=True))
