"""Onsets of infections: a multiplicative intensity, thinned for prophylaxis and remission.

The hazard of a stream on a day is its baseline for the window, times the planted effects of the
course, times the frailty of the person, times the prophylaxis multiplier on days on a class that
acts on the stream, times the relapse multiplier on days after relapse. A candidate is drawn at
the highest hazard the course can have and kept with the ratio of its own hazard to that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from iago.standard.codelists import load_codelist
from iago.synthetic.courses import Courses
from iago.synthetic.draws import Bools, Floats, Ints, PiecewiseHazard, draw_codes, draw_yes, to_day
from iago.synthetic.exposures import Interval
from iago.synthetic.outcomes import Timeline
from iago.synthetic.parameters import infections as planted
from iago.synthetic.parameters.population import (
    AFTER_RELAPSE_HAZARD_RATIO,
    MOULD_BEFORE_LOG_HAZARD_RATIO,
    WINDOW_STARTS,
)

STREAMS = planted.STREAMS.value
EARLY_UNTIL = 30

# All marks of all streams in one row of numbers; a stream owns the marks from its first on.
MARKS = tuple(mark for stream in STREAMS for mark in stream.marks)
FIRST_MARK = np.cumsum([0, *(len(stream.marks) for stream in STREAMS)])[:-1].astype(np.int32)
SITES = tuple(sorted({mark.site for mark in MARKS}))
MARK_SITE = np.array([SITES.index(mark.site) for mark in MARKS], dtype=np.int32)
STREAM_CLASS = np.array(
    [planted.ORGANISM_CLASSES.index(stream.organism_class) for stream in STREAMS], dtype=np.int32
)
# The first organism of a mark, or -1; an organism belongs to one stream only.
ORGANISMS = tuple(sorted({code for mark in MARKS for code in mark.organisms}))
MARK_ORGANISM = np.array(
    [ORGANISMS.index(mark.organisms[0]) if mark.organisms else -1 for mark in MARKS], dtype=np.int32
)
MARK_HAS_ORGANISM = np.array([bool(mark.organisms) for mark in MARKS])


@dataclass(frozen=True)
class Onsets:
    """Infections with their day of onset, sorted by course, stream and day."""

    course: Ints
    stream: Ints
    day: Ints
    mark: Ints

    def __len__(self) -> int:
        """Number of infections."""
        return self.course.size

    @property
    def site(self) -> Ints:
        """Position of the site in SITES."""
        return MARK_SITE[self.mark]

    def select(self, rows: Bools | Ints) -> "Onsets":
        """Infections of the given rows."""
        return Onsets(self.course[rows], self.stream[rows], self.day[rows], self.mark[rows])


def draw_onsets(
    rng: Generator, courses: Courses, timeline: Timeline, exposures: Mapping[str, Interval]
) -> Onsets:
    """Draw all infections of all courses from entry to the planned end."""
    parts = [
        _draw_stream(rng, position, courses, timeline, exposures)
        for position in range(len(STREAMS))
    ]
    course, stream, day, mark = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((day, stream, course))
    onsets = Onsets(course[order], stream[order], day[order], mark[order])
    return _drop_twins(_separate_same_day(_repeat_some(rng, onsets)))


def baseline_hazard(stream: planted.Stream) -> PiecewiseHazard:
    """Hazard per day of the reference patient without prophylaxis."""
    return PiecewiseHazard(WINDOW_STARTS, tuple(rate / 100.0 for rate in stream.per_100_days))


def _draw_stream(
    rng: Generator,
    position: int,
    courses: Courses,
    timeline: Timeline,
    exposures: Mapping[str, Interval],
) -> tuple[Ints, Ints, Ints, Ints]:
    stream = STREAMS[position]
    hazard = baseline_hazard(stream)
    relapse_ratio = AFTER_RELAPSE_HAZARD_RATIO.value
    rate = courses.baseline.frailty * np.exp(courses.log_rate) * relapse_ratio
    if stream.name == "mould":
        rate *= np.exp(MOULD_BEFORE_LOG_HAZARD_RATIO.value * courses.baseline.mould_before)
    start = hazard.cumulative(courses.entry_day)
    length = hazard.cumulative(timeline.end_day) - start
    course = np.repeat(np.arange(courses.size, dtype=np.int32), rng.poisson(rate * length))
    day = to_day(hazard.inverse(start[course] + rng.random(course.size) * length[course]))
    day = np.minimum(day, timeline.end_day[course])
    relapsed = day > timeline.relapse_day[course]
    keep = np.where(relapsed, 1.0, 1.0 / relapse_ratio)
    keep *= np.where(on_prophylaxis(stream, exposures, course, day), stream.multiplier, 1.0)
    kept = draw_yes(rng, keep, course.size)
    course, day = course[kept], day[kept]
    return course, np.full(course.size, position, np.int32), day, _draw_marks(rng, position, day)


def on_prophylaxis(
    stream: planted.Stream, exposures: Mapping[str, Interval], course: Ints, day: Ints
) -> Bools:
    """Whether a course is on any class that acts on the stream on that day."""
    on = np.zeros(course.size, dtype=np.bool_)
    for exposure_class in stream.prophylaxis:
        on |= exposures[exposure_class].on(course, day)
    return on


def _draw_marks(rng: Generator, position: int, day: Ints) -> Ints:
    marks = STREAMS[position].marks
    early = draw_codes(rng, day.size, [mark.early for mark in marks])
    late = draw_codes(rng, day.size, [mark.late for mark in marks])
    return np.asarray(FIRST_MARK[position] + np.where(day <= EARLY_UNTIL, early, late))


def recurrence_days() -> Floats:
    """Recurrence window of each mark in days by the code lists; 0 where there is none."""
    groups = load_codelist("organisms").attribute("organism_group")
    windows = load_codelist("organism_groups").attribute("recurrence_days")
    return np.array(
        [
            float(windows.get(groups[mark.organisms[0]], 0)) if mark.organisms else 0.0
            for mark in MARKS
        ]
    )


def _repeat_some(rng: Generator, onsets: Onsets) -> Onsets:
    """Turn a share of the infections soon after another of their stream into recurrences.

    Only what the infection is changes, never whether and when it happens: hazards stay exact.
    """
    if len(onsets) < 2:
        return onsets
    gap = np.diff(onsets.day, prepend=0)
    follows = same_as_previous(onsets.course, onsets.stream)
    previous = np.concatenate([onsets.mark[:1], onsets.mark[:-1]])
    within = follows & (gap > 0) & (gap <= recurrence_days()[previous])
    chosen = within & draw_yes(rng, planted.RECURRENCE_SHARE.value, len(onsets))
    return replace(onsets, mark=np.where(chosen, previous, onsets.mark))


def _separate_same_day(onsets: Onsets) -> Onsets:
    """Give two infections of a stream on one day unlike organisms and sites; drop a third."""
    if len(onsets) < 2:
        return onsets
    same_day = same_as_previous(onsets.course, onsets.stream, onsets.day)
    third = same_day & np.concatenate([[False], same_day[:-1]])
    onsets, same_day = onsets.select(~third), same_day[~third]
    previous = np.concatenate([onsets.mark[:1], onsets.mark[:-1]])
    clash = same_day & _MARKS_ALIKE[previous, onsets.mark]
    other = _UNLIKE_MARK[previous]
    moved = replace(onsets, mark=np.where(clash, other, onsets.mark).astype(np.int32))
    return moved.select(~(clash & (other < 0)))


def _drop_twins(onsets: Onsets) -> Onsets:
    """Keep one of two infections of a class at one site on one day, from different streams."""
    keys = (onsets.course, onsets.day, STREAM_CLASS[onsets.stream], onsets.site)
    order = np.lexsort(keys[::-1])
    twin = same_as_previous(*(key[order] for key in keys))
    keep = np.ones(len(onsets), dtype=np.bool_)
    keep[order[twin]] = False
    return onsets.select(keep)


def _alike(one: planted.Mark, other: planted.Mark) -> bool:
    """Whether two marks share the site or an organism."""
    return one.site == other.site or bool(set(one.organisms) & set(other.organisms))


def _unlike_mark(mark: int) -> int:
    """Heaviest late mark of the same stream that is not alike, or -1 where there is none."""
    position = int(np.searchsorted(FIRST_MARK, mark, side="right")) - 1
    own = range(FIRST_MARK[position], FIRST_MARK[position] + len(STREAMS[position].marks))
    unlike = [number for number in own if not _alike(MARKS[mark], MARKS[number])]
    return max(unlike, key=lambda number: MARKS[number].late, default=-1)


def same_as_previous(*keys: Ints) -> Bools:
    """Whether a row has the same keys as the row before it."""
    same = np.ones(keys[0].size, dtype=np.bool_)
    for key in keys:
        same[1:] &= key[1:] == key[:-1]
    same[:1] = False
    return same


_MARKS_ALIKE = np.array([[_alike(one, other) for other in MARKS] for one in MARKS])
_UNLIKE_MARK = np.array([_unlike_mark(mark) for mark in range(len(MARKS))], dtype=np.int32)
