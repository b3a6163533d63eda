"""Histories of laboratory values: their level, how long it has lasted, whether an end was reached.

Assumptions, each a proposal of this project:

- A value stands for a limited time (:data:`CARRY_FORWARD_DAYS`), then the state is unknown.
- Of several values on a day the lowest counts. Values whose day is not known exactly are not used.
- A value that ends prophylaxis (CD4 above 200) counts from day 1 on; the end is the first day on
  which it is documented, and stays an end even if the value falls again.
- How long a state has lasted is counted from infusion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iago.errors import DefinitionError
from iago.optimization.class_plans import FALSE, TRUE, UNKNOWN, LabLevel
from iago.optimization.cohort import Cohort
from iago.optimization.step_functions import (
    DAY_BITS,
    DAY_OFFSET,
    FAR_DAY,
    Keys,
    States,
    StepFunction,
    course_of,
    day_of,
    from_readings,
    longer_than,
    runs,
)
from iago.standard.guidance_vocabulary import LabEnd, LabState

# How many days a value stands after its own. ANC: the published grading code for haematotoxicity
# bridges gaps of up to 7 days. CD4: recovers over months (half of recipients below 200/uL at
# 18 months; Baird, Blood Adv 2021;5:143), so a quarter of a year. IgG: half-life about three
# weeks, and the tables that were read reassess every 4 weeks or monthly, so one month.
CARRY_FORWARD_DAYS: Mapping[str, int] = {"anc": 7, "cd4": 90, "igg": 31}

_LEVEL_BITS = 5
_ANALYTE_SHIFT = 50  # above 27 bits of course, 18 of day and 5 of level


@dataclass(frozen=True, eq=False)
class Readings:
    """Level of an analyte, one reading a course and day, sorted."""

    key: Keys
    level: States

    def of(self, courses: range) -> "Readings":
        """Readings of some courses."""
        ends = np.array([courses.start, courses.stop]) << DAY_BITS
        first, last = np.searchsorted(self.key, ends)
        return Readings(self.key[first:last], self.level[first:last])


def load_readings(cohort: Cohort, levels: Sequence[LabLevel]) -> dict[str, Readings]:
    """Lowest level of each analyte, course and day, sorted; one pass over the laboratory table."""
    packed = _packed_readings(cohort, levels)
    packed.sort(kind="stable")
    bounds = np.searchsorted(packed, np.arange(len(levels) + 1) << _ANALYTE_SHIFT)
    readings = {}
    for number, level in enumerate(levels):
        own = packed[bounds[number] : bounds[number + 1]] - (number << _ANALYTE_SHIFT)
        key = own >> _LEVEL_BITS
        first = np.ones(key.size, np.bool_)
        first[1:] = key[1:] != key[:-1]
        state = (own[first] & ((1 << _LEVEL_BITS) - 1)).astype(np.int8)
        readings[level.analyte] = Readings(key[first], state)
    return readings


def _packed_readings(cohort: Cohort, levels: Sequence[LabLevel]) -> Keys:
    """Analyte, course, day and level of every value in one sortable integer."""
    number = "".join(f" when '{level.analyte}' then {i}" for i, level in enumerate(levels))
    limits = "".join(
        f" when '{level.analyte}' then "
        + " + ".join(f"(value >= {x})::bigint + (value > {x})::bigint" for x in level.limits)
        for level in levels
    )
    names = ", ".join(f"'{level.analyte}'" for level in levels)
    (packed,) = cohort.columns(
        f"""
        select ((case analyte{number} end)::bigint << {_ANALYTE_SHIFT})
               + (course::bigint << {DAY_BITS + _LEVEL_BITS})
               + ((sample_day + {DAY_OFFSET})::bigint << {_LEVEL_BITS})
               + (case analyte{limits} end) as packed
        from labs join {cohort.index} using (course_id)
        where analyte in ({names}) and value is not null
              and sample_day_earliest = sample_day_latest
        """
    ).values()
    return np.array(packed, np.int64)


def level_history(level: LabLevel, readings: Readings) -> StepFunction:
    """Level of the standing value."""
    return from_readings(
        readings.key, readings.level, CARRY_FORWARD_DAYS[level.analyte], level.unknown
    )


def lasting_history(
    state: LabState, level: LabLevel, history: StepFunction, courses: range
) -> StepFunction:
    """Whether a value has been within limits for more than some days.

    Surely where each day has a standing value within the surely meant limits; possibly where none
    has a standing value outside the possibly meant ones.
    """
    surely = np.flatnonzero(level.holds(state.surely)).tolist()
    possibly = [*np.flatnonzero(level.holds(state.possibly)).tolist(), level.unknown]
    return longer_than(
        state.more_than_days,
        (runs(history, surely, courses, from_day=0), TRUE),
        (runs(history, possibly, courses, from_day=0), UNKNOWN),
    )


def end_history(end: LabEnd, level: LabLevel, readings: Readings, courses: range) -> StepFunction:
    """Whether a value that ends prophylaxis has been documented since infusion.

    Known not to have been while a standing value says so; true for good from the first day on.
    """
    since = day_of(readings.key) >= 1
    key, day = readings.key[since], day_of(readings.key[since])
    course = course_of(key) - courses.start
    holds = np.asarray(level.holds(end.comparison))[readings.level[since]]
    first_day = np.full(len(courses), FAR_DAY, np.int32)
    # In reverse, so that the earliest day of a course is the one that stays.
    first_day[course[holds][::-1]] = day[holds][::-1]
    kept = day <= first_day[course]
    reached = np.where(holds[kept], np.int8(TRUE), np.int8(FALSE))
    days = _standing_days(end.analyte)
    return from_readings(key[kept], reached, days, UNKNOWN, final=TRUE)


def _standing_days(analyte: str) -> int:
    if analyte not in CARRY_FORWARD_DAYS:
        raise DefinitionError(
            f"A guidance rule reads {analyte}, and it is not said how long a value of it stands. "
            f"Known: {', '.join(CARRY_FORWARD_DAYS)}. Add it to CARRY_FORWARD_DAYS with a reason."
        )
    return CARRY_FORWARD_DAYS[analyte]
