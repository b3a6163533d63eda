"""Days of courses cut into situations: stretches in which nothing changes that a rule can see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iago.errors import DefinitionError
from iago.optimization.class_plans import FALSE, TRUE, UNKNOWN, ClassPlan
from iago.optimization.cohort import Cohort
from iago.optimization.histories import Histories
from iago.optimization.step_functions import Days, Overlay, States, overlay, pieces_between
from iago.tables.schema import snapshot_schemas

Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TimeAtRisk:
    """Days (entry_day, end_day] of each course number, and its group.

    A course without known follow-up has no time at risk; days before infusion are never at risk.
    """

    entry_day: Days
    end_day: Days
    group: Days


@dataclass(frozen=True, eq=False)
class SituatedDays:
    """All days of some courses for one class of drug.

    Every piece has a code for facts and states, and the level at which the class is given
    (:mod:`iago.optimization.exposure_histories`). The calendar window is the last digit of a
    situation and is added for the days in question.
    """

    plan: ClassPlan
    pieces: Overlay
    code: Codes
    given: States


def load_time_at_risk(cohort: Cohort, groups: str, by: Sequence[str]) -> TimeAtRisk:
    """Read the time at risk of every course; number the values of ``by`` in a table ``groups``.

    Raises
    ------
    DefinitionError
        A column in ``by`` is not one of ``courses``.
    """
    _number_groups(cohort, groups, by)
    same_group = " and ".join(f"c.{column} is not distinct from g.{column}" for column in by)
    columns = cohort.columns(
        f"""
        select coalesce(greatest(f.entry_day, 0), 0)::integer as entry_day,
               coalesce(f.end_day, -1)::integer as end_day, group_number as "group"
        from {cohort.index} i
        join courses c using (course_id) join {groups} g on {same_group or "true"}
        left join follow_up f using (course_id)
        order by i.course
        """
    )
    return TimeAtRisk(**columns)


def load_facts(cohort: Cohort, plans: Iterable[ClassPlan]) -> Mapping[str, NDArray[np.int8]]:
    """Three-valued answer of every course to every fact that the plans ask for."""
    facts = dict.fromkeys(fact for plan in plans for fact in plan.facts)
    coded = ", ".join(
        f"(case when {fact.sql} then {TRUE} when not {fact.sql} then {FALSE} else {UNKNOWN} end)"
        f"::tinyint as fact_{number}"
        for number, fact in enumerate(facts)
    )
    columns = cohort.columns(
        f"""
        select {coded} from {cohort.index} i join courses using (course_id) order by i.course
        """
    )
    return {fact.name: columns[f"fact_{number}"] for number, fact in enumerate(facts)}


def situate_days(
    plan: ClassPlan,
    facts: Mapping[str, NDArray[np.int8]],
    histories: Histories,
    courses: range,
) -> SituatedDays:
    """Lay the histories that matter for a class over each other, for some courses."""
    asked = [histories.asked[history] for history in plan.histories]
    pieces = overlay([*asked, histories.given[plan.exposure_class]], courses)
    answers = np.zeros(len(courses), np.int64)
    for fact in plan.facts:
        answers *= 3
        answers += facts[fact.name][courses.start : courses.stop]
    code = answers[pieces.course - courses.start]
    for state, size in zip(pieces.states, plan.history_sizes, strict=False):
        code *= size
        code += state
    return SituatedDays(plan, pieces, code, pieces.states[-1])


def situations_between(
    days: SituatedDays, course: Days, first_day: Days, last_day: Days
) -> tuple[NDArray[np.int64], Codes, States]:
    """Every situation that spans of days touch: number of the span, situation, level given."""
    span, piece = pieces_between(days.pieces, course, first_day, last_day)
    ends = np.asarray(days.plan.window_ends)
    first = np.searchsorted(ends, np.maximum(days.pieces.first_day[piece], first_day[span]))
    last = np.searchsorted(ends, np.minimum(days.pieces.last_day[piece], last_day[span]))
    count = last - first + 1
    entry = np.repeat(np.arange(count.size), count)
    window = first[entry] + np.arange(entry.size) - np.repeat(np.cumsum(count) - count, count)
    situation = days.code[piece][entry] * days.plan.windows + window
    return span[entry], situation, days.given[piece][entry]


def _number_groups(cohort: Cohort, groups: str, by: Sequence[str]) -> None:
    known = snapshot_schemas()["courses"].names
    for column in by:
        if column not in known:
            raise DefinitionError(
                f"Cannot group by {column!r}. Choose columns of courses: {', '.join(known)}."
            )
    columns = "".join(f", {column}" for column in by)
    distinct = f"(select distinct {', '.join(by)} from courses)" if by else "(select 0)"
    cohort.connection.execute(
        f"""
        create or replace temp table {groups} as
        select (row_number() over () - 1)::integer as group_number{columns} from {distinct}
        """
    )
