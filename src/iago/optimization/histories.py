"""All that the rules of guidance ask about over time, as histories of every course.

The material is read once, for all courses; histories are built for a block of courses at a time,
so that the arrays stay small and blocks can be worked on side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iago.optimization.class_plans import (
    CLASSES,
    TRUE,
    UNKNOWN,
    ClassPlan,
    History,
    LabLevel,
    lab_level,
)
from iago.optimization.cohort import Cohort
from iago.optimization.exposure_histories import (
    Exposures,
    given_history,
    lasting_exposure_history,
    load_exposures,
)
from iago.optimization.laboratory_histories import (
    Readings,
    end_history,
    lasting_history,
    level_history,
    load_readings,
)
from iago.optimization.step_functions import (
    FAR_DAY,
    Days,
    Flags,
    Intervals,
    Keys,
    StepFunction,
    course_of,
    day_of,
    from_intervals,
    pack,
)
from iago.standard.guidance_vocabulary import EpisodeCount, ExposureState, LabEnd, LabState


@dataclass(frozen=True, eq=False)
class Onsets:
    """Onsets of infections at some sites: sorted keys of the sure ones and of all possible ones."""

    surely: Keys
    possibly: Keys


@dataclass(frozen=True, eq=False)
class Starts:
    """First day on which lymphodepletion has possibly and surely begun."""

    course: Days
    possibly: Days
    surely: Days


@dataclass(frozen=True, eq=False)
class Material:
    """What histories are made of, for all courses."""

    wanted: tuple[History, ...]
    readings: Mapping[str, Readings]
    exposures: Exposures
    onsets: Mapping[tuple[str, ...], Onsets]
    starts: Starts


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of some courses: what the rules ask about, and when each class was given."""

    asked: Mapping[History, StepFunction]
    given: Mapping[str, StepFunction]


def load_material(cohort: Cohort, plans: Sequence[ClassPlan]) -> Material:
    """Read all that the plans ask about."""
    wanted = tuple(dict.fromkeys(history for plan in plans for history in plan.histories))
    analytes = [h.analyte for h in wanted if isinstance(h, LabLevel | LabState | LabEnd)]
    during = [h.exposure_class for h in wanted if isinstance(h, ExposureState)]
    sites = {h.sites for h in wanted if isinstance(h, EpisodeCount)}
    return Material(
        wanted,
        load_readings(cohort, [lab_level(analyte) for analyte in dict.fromkeys(analytes)]),
        load_exposures(cohort, tuple(dict.fromkeys((*CLASSES, *during)))),
        {found: _load_onsets(cohort, found) for found in sites},
        _load_starts(cohort),
    )


def build_histories(material: Material, courses: range) -> Histories:
    """Build every history of some courses."""
    exposures = material.exposures.of_courses(courses)
    readings = {analyte: found.of(courses) for analyte, found in material.readings.items()}
    levels = {
        analyte: level_history(lab_level(analyte), found) for analyte, found in readings.items()
    }
    asked: dict[History, StepFunction] = {}
    for history in material.wanted:
        if isinstance(history, LabLevel):
            asked[history] = levels[history.analyte]
        elif isinstance(history, LabState):
            level = lab_level(history.analyte)
            asked[history] = lasting_history(history, level, levels[history.analyte], courses)
        elif isinstance(history, LabEnd):
            level = lab_level(history.analyte)
            asked[history] = end_history(history, level, readings[history.analyte], courses)
        elif isinstance(history, ExposureState):
            asked[history] = lasting_exposure_history(history, exposures, courses)
        elif isinstance(history, EpisodeCount):
            asked[history] = _counted_episodes(material.onsets[history.sites], history, courses)
        else:
            asked[history] = _lymphodepletion(material.starts, courses)
    return Histories(asked, {name: given_history(exposures, name) for name in CLASSES})


def _load_onsets(cohort: Cohort, sites: tuple[str, ...]) -> Onsets:
    """Onsets at the sites: surely the latest possible day; possibly the earliest, site open."""
    listed = ", ".join(f"'{site}'" for site in sites)
    columns = cohort.columns(
        f"""
        select course, site is not null and onset_day_latest is not null as sure,
               coalesce(onset_day_latest, {FAR_DAY})::integer as latest,
               coalesce(onset_day_earliest, -{FAR_DAY})::integer as earliest
        from episodes join {cohort.index} using (course_id)
        where toxicity = 'infection' and (site in ({listed}) or site is null)
        """
    )
    course, sure = columns["course"], columns["sure"]
    return Onsets(
        np.sort(pack(course[sure], columns["latest"][sure])),
        np.sort(pack(course, columns["earliest"])),
    )


def _load_starts(cohort: Cohort) -> Starts:
    """Start of lymphodepletion; where it is not known, possibly always and surely by infusion.

    Only a day before infusion can come before it, so only courses of which such days matter are
    read; for all others nobody asks.
    """
    columns = cohort.columns(
        f"""
        select course,
               coalesce(lymphodepletion_start_day_earliest, -{FAR_DAY})::integer as possibly,
               coalesce(lymphodepletion_start_day_latest, 0)::integer as surely
        from {cohort.index} join courses using (course_id)
        where {cohort.looks_before_infusion}
        """
    )
    return Starts(**columns)


def _counted_episodes(onsets: Onsets, count: EpisodeCount, courses: range) -> StepFunction:
    """Whether enough infections have begun before a day; one that begins on it does not count."""
    surely = _after_nth(count.at_least, onsets.surely, courses)
    possibly = _after_nth(count.possibly_at_least, onsets.possibly, courses)
    return from_intervals(
        (surely, np.full(surely.course.size, TRUE, np.int8)),
        (possibly, np.full(possibly.course.size, UNKNOWN, np.int8)),
    )


def _after_nth(number: int, onset: Keys, courses: range) -> Intervals:
    """Time after the n-th onset of each course that has so many."""
    first, last = np.searchsorted(onset, pack(np.array([courses.start, courses.stop]), -FAR_DAY))
    key = onset[first:last]
    course = course_of(key)
    nth = course[number - 1 :]
    # An entry is an n-th onset if n - 1 onsets of the course come before it, and not n.
    found: Flags = nth == course[: nth.size]
    found[1:] &= nth[1:] != course[: max(nth.size - 1, 0)]
    chosen = key[number - 1 :][found]
    return Intervals(
        course_of(chosen), day_of(chosen) + np.int32(1), np.full(chosen.size, FAR_DAY, np.int32)
    )


def _lymphodepletion(starts: Starts, courses: range) -> StepFunction:
    own = (starts.course >= courses.start) & (starts.course < courses.stop)
    course = starts.course[own]
    always = np.full(course.size, FAR_DAY, np.int32)
    return from_intervals(
        (Intervals(course, starts.surely[own], always), np.full(course.size, TRUE, np.int8)),
        (Intervals(course, starts.possibly[own], always), np.full(course.size, UNKNOWN, np.int8)),
    )
