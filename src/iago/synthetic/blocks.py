"""One block of courses, simulated from baseline to end; second courses follow from first ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from iago.synthetic.courses import (
    TRANSPLANTS,
    Baseline,
    Centres,
    Courses,
    complete_courses,
    days_since_epoch,
    draw_scores,
    year_of,
)
from iago.synthetic.draws import Bools, Ints, draw_yes
from iago.synthetic.episodes import Episodes, follow_episodes
from iago.synthetic.exposures import Interval, draw_exposures
from iago.synthetic.infections import STREAMS, Onsets, draw_onsets
from iago.synthetic.labs import Labs, draw_labs
from iago.synthetic.outcomes import SECOND, Endings, Timeline, plan_timeline
from iago.synthetic.parameters.population import HISTORY

ALLOGENEIC, BOTH = TRANSPLANTS.index("allogeneic"), TRANSPLANTS.index("both")
_MOULD = [stream.name for stream in STREAMS].index("mould")


@dataclass(frozen=True)
class Block:
    """Courses with everything that happened to them."""

    courses: Courses
    timeline: Timeline
    exposures: Mapping[str, Interval]
    episodes: Episodes
    endings: Endings
    labs: Labs


def simulate_block(rng: Generator, baseline: Baseline, centres: Centres) -> Block:
    """Simulate all courses of a baseline."""
    courses = complete_courses(rng, baseline, centres)
    timeline = plan_timeline(rng, courses)
    exposures = draw_exposures(rng, courses, centres)
    onsets = draw_onsets(rng, courses, timeline, exposures)
    episodes, endings = follow_episodes(rng, onsets, timeline)
    return Block(courses, timeline, exposures, episodes, endings, draw_labs(rng, courses))


def second_baseline(rng: Generator, block: Block) -> Baseline:
    """Baseline of the second courses: what the first course made of it, on its last day."""
    rows = np.flatnonzero(block.endings.kind == SECOND).astype(np.int32)
    first, day = block.courses.baseline, block.endings.day[rows]
    left = (first.administrative_end[rows] - day).astype(np.int32)
    lines = first.prior_lines[rows] + 1 + (block.timeline.next_therapy_day[rows] <= day)
    lines = np.minimum(lines, 12).astype(np.int32)
    worse = draw_yes(rng, HISTORY.value["ecog_worse_at_second_course"], rows.size)
    ecog = np.minimum(first.ecog[rows] + worse, 3).astype(np.int32)
    onsets = block.episodes.onsets
    recent = _courses_with(onsets, onsets.day > block.endings.day[onsets.course] - 100, first.size)
    mould = _courses_with(onsets, onsets.stream == _MOULD, first.size)
    allogeneic = block.timeline.transplant_day[rows] <= day
    before = first.transplant[rows]
    after = np.where(before == TRANSPLANTS.index("none"), ALLOGENEIC, BOTH)
    return replace(
        _select(first, rows),
        number=np.full(rows.size, 2, dtype=np.int32),
        age_years=_age_later(first, rows, day, left),
        prior_lines=lines,
        ecog=ecog,
        score=draw_scores(rng, ecog, lines),
        transplant=np.where(allogeneic & (before < ALLOGENEIC), after, before).astype(np.int32),
        bridging=draw_yes(rng, HISTORY.value["bridging"], rows.size),
        infection_before=recent[rows],
        mould_before=first.mould_before[rows] | mould[rows],
        administrative_end=left,
    )


def _age_later(first: Baseline, rows: Ints, day: Ints, left: Ints) -> Ints:
    """Age on a later day, in agreement with the year of birth."""
    oldest = year_of(days_since_epoch(left)) - first.birth_year[rows]
    age = first.age_years[rows] + day // 365
    return np.asarray(np.clip(age, oldest - 1, oldest), dtype=np.int32)


def _courses_with(onsets: Onsets, chosen: Bools, size: int) -> Bools:
    """Which courses have any of the chosen infections."""
    found = np.zeros(size, dtype=np.bool_)
    found[onsets.course[chosen]] = True
    return found


def _select(baseline: Baseline, rows: Ints) -> Baseline:
    return Baseline(**{name: values[rows] for name, values in vars(baseline).items()})
