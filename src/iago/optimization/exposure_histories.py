"""Histories of drugs: which class was surely, possibly or not given on a day.

Assumptions, each a proposal of this project:

- Exposures are collected completely where they are collected: a centre that has recorded one
  interval of any prophylaxis class records all of them, so that no interval means not given. At
  other centres it means not known. Without a centre, the course itself must have an interval.
- Prophylaxis is an interval with the intent prophylaxis; one without intent counts, and is said
  to be such. Pre-emptive therapy and treatment do not count.
- A class is also given while a drug of another class that covers it is (mould-active drugs cover
  yeasts; ``prophylaxis_class_also`` of the organism groups).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iago.optimization.class_plans import CLASSES, TRUE, UNKNOWN
from iago.optimization.cohort import Cohort
from iago.optimization.step_functions import (
    FAR_DAY,
    Days,
    Intervals,
    States,
    StepFunction,
    from_intervals,
    longer_than,
    runs,
)
from iago.standard.codelists import load_codelist
from iago.standard.guidance_vocabulary import ExposureState

# Levels of the history of a drug class; the highest of all intervals that cover a day counts.
NOT_GIVEN, DATES_UNKNOWN, NOT_RECORDED, INTENT_NOT_RECORDED, GIVEN = range(5)
EXPOSURE_WORDS = {
    NOT_GIVEN: "off",
    DATES_UNKNOWN: "unknown",
    NOT_RECORDED: "unknown",
    INTENT_NOT_RECORDED: "on",
    GIVEN: "on",
}
EXPOSURE_REASONS = {
    NOT_GIVEN: "no interval covers the day",
    DATES_UNKNOWN: "start or stop of the drug, or the day itself, is not known exactly",
    NOT_RECORDED: "the centre has recorded no prophylaxis of any class",
    INTENT_NOT_RECORDED: "an interval covers the day; its intent is not recorded",
    GIVEN: "an interval of prophylaxis covers the day",
}


@dataclass(frozen=True, eq=False)
class Exposures:
    """Intervals of drug classes: the days that each surely and possibly covers.

    An unknown stop leaves only the first day sure, an unknown start only the last; ``ongoing``
    without a stop covers every later day. ``level`` is that of a day surely covered.
    """

    classes: tuple[str, ...]
    class_number: NDArray[np.int8]
    level: States
    surely: Intervals
    possibly: Intervals
    unrecorded: Days

    def of(self, wanted: Sequence[str]) -> "Exposures":
        """Intervals of some classes only."""
        numbers = [self.classes.index(name) for name in wanted]
        return self.where(np.isin(self.class_number, numbers))

    def of_courses(self, courses: range) -> "Exposures":
        """Intervals of some courses only."""
        own = _among(self.surely.course, courses)
        unrecorded = self.unrecorded[_among(self.unrecorded, courses)]
        return replace(self.where(own), unrecorded=unrecorded)

    def is_vague(self) -> NDArray[np.bool_]:
        """Whether an interval possibly covers more days than it surely does."""
        return np.asarray(
            (self.possibly.first_day < self.surely.first_day)
            | (self.possibly.last_day > self.surely.last_day)
        )

    def where(self, kept: NDArray[np.bool_]) -> "Exposures":
        """Intervals that fulfil a condition."""
        return replace(
            self,
            class_number=self.class_number[kept],
            level=self.level[kept],
            surely=self.surely.where(kept),
            possibly=self.possibly.where(kept),
        )


def load_exposures(cohort: Cohort, classes: tuple[str, ...]) -> Exposures:
    """Read the intervals of the classes."""
    numbers = "".join(f" when '{name}' then {i}" for i, name in enumerate(classes))
    columns = cohort.columns(
        f"""
        select (case exposure_class{numbers} end)::tinyint as class_number,
               (case when intent is null then {INTENT_NOT_RECORDED}
                     when intent = 'prophylaxis' then {GIVEN} else {NOT_GIVEN} end)::tinyint
                   as level,
               course,
               coalesce(start_day_latest, stop_day_latest, {FAR_DAY})::integer as surely_from,
               coalesce(stop_day_earliest, case when ongoing then {FAR_DAY} end,
                        start_day_earliest, -{FAR_DAY})::integer as surely_to,
               coalesce(start_day_earliest, -{FAR_DAY})::integer as possibly_from,
               coalesce(stop_day_latest, {FAR_DAY})::integer as possibly_to
        from exposures join {cohort.index} using (course_id)
        where exposure_class in ({_listed(classes)})
        """
    )
    course = columns["course"]
    return Exposures(
        classes,
        columns["class_number"],
        columns["level"],
        Intervals(course, columns["surely_from"], columns["surely_to"]),
        Intervals(course, columns["possibly_from"], columns["possibly_to"]),
        _unrecorded_courses(cohort),
    )


def given_history(exposures: Exposures, exposure_class: str) -> StepFunction:
    """Level of a class given as prophylaxis, covering classes included."""
    own = exposures.of(_covering(exposure_class))
    own = own.where(own.level != NOT_GIVEN)
    vague = own.where(own.is_vague()).possibly
    always = _always(own.unrecorded)
    return from_intervals(
        (own.surely, own.level),
        (vague, np.full(vague.course.size, DATES_UNKNOWN, np.int8)),
        (always, np.full(own.unrecorded.size, NOT_RECORDED, np.int8)),
    )


def lasting_exposure_history(
    state: ExposureState, exposures: Exposures, courses: range
) -> StepFunction:
    """Whether a class has been given, whatever the intent, for more than some days, and still is.

    Intervals that touch or overlap are one.
    """
    own = exposures.of((state.exposure_class,))
    number = own.level.size
    always = _always(own.unrecorded)
    surely = from_intervals((own.surely, np.ones(number, np.int8)))
    possibly = from_intervals(
        (own.possibly, np.ones(number, np.int8)),
        (always, np.ones(own.unrecorded.size, np.int8)),
    )
    return longer_than(
        state.more_than_days,
        (runs(surely, (1,), courses, from_day=-FAR_DAY), TRUE),
        (runs(possibly, (1,), courses, from_day=-FAR_DAY), UNKNOWN),
    )


def _covering(exposure_class: str) -> tuple[str, ...]:
    groups = load_codelist("organism_groups")
    classes = groups.attribute("prophylaxis_class")
    also = groups.attribute("prophylaxis_class_also")
    more = (also[group] for group in also if classes.get(group) == exposure_class)
    return tuple(dict.fromkeys((exposure_class, *more)))


def _unrecorded_courses(cohort: Cohort) -> Days:
    """Courses of which it is not known whether exposures were recorded."""
    columns = cohort.columns(
        f"""
        with recording as (
            select course_id, centre_id
            from courses semi join (select course_id from exposures
                                    where exposure_class in ({_listed(CLASSES)}))
            using (course_id)
        )
        select course
        from {cohort.index} join courses c using (course_id)
        where course_id not in (select course_id from recording)
              and (c.centre_id is null
                   or c.centre_id not in (select distinct centre_id from recording
                                          where centre_id is not null))
        """
    )
    return np.asarray(columns["course"], np.int32)


def _among(course: Days, courses: range) -> NDArray[np.bool_]:
    return np.asarray((course >= courses.start) & (course < courses.stop))


def _always(courses: Days) -> Intervals:
    first_day = np.full(courses.size, -FAR_DAY, np.int32)
    return Intervals(courses, first_day, -first_day)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
