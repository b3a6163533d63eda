"""One patient on one day: what each guidance set says of each class, why, and what is missing."""

import numpy as np
import pyarrow as pa

from iago.errors import InvalidInputError
from iago.optimization.class_plans import class_plans
from iago.optimization.cohort import number_one_course
from iago.optimization.exposure_histories import EXPOSURE_REASONS, EXPOSURE_WORDS
from iago.optimization.histories import build_histories, load_material
from iago.optimization.situations import load_facts, situate_days, situations_between
from iago.optimization.verdicts import Situation, judge
from iago.standard.guidance import load_guidance_sets
from iago.standard.guidance_vocabulary import GuidanceSet
from iago.tables.engine import Connection

_INDEX = "explained_course"
EXPLANATION = pa.schema(
    [
        ("guidance", pa.string()),
        ("exposure_class", pa.string()),
        ("exposure", pa.string()),
        ("exposure_reason", pa.string()),
        # indicated | not-indicated | unknown | no-statement
        ("status", pa.string()),
        ("reason", pa.string()),
        ("missing", pa.string()),
        ("wording", pa.string()),
        ("doubt", pa.string()),
        ("source", pa.string()),
    ]
)


def explain_indications(connection: Connection, course_id: str, day: int) -> pa.Table:
    """Say what each guidance set says of a course on a day, why, and what is missing.

    The same derivation as for the tables of all courses, for one course and day; needs no
    follow-up.

    Parameters
    ----------
    day
        Days from infusion (day 0).

    Returns
    -------
    pyarrow.Table
        Columns of :data:`EXPLANATION`, one row a class and guidance set: whether the class is
        given (on, off, unknown) and how that is known; the status with the rule that holds, the
        condition that fails or what leaves it open; missing inputs; the words of the set on the
        class, the doubts about them, and the source.

    Raises
    ------
    InvalidInputError
        The snapshot has no such course.
    """
    plans = class_plans()
    cohort = number_one_course(connection, _INDEX, course_id)
    if cohort.courses == 0:
        raise InvalidInputError(
            "The snapshot has no course with this identifier. Give a course_id of courses."
        )
    courses = range(1)
    facts = load_facts(cohort, plans)
    histories = build_histories(load_material(cohort, plans), courses)
    rows = []
    for plan in plans:
        days = situate_days(plan, facts, histories, courses)
        here, when = np.zeros(1, np.int32), np.full(1, day, np.int32)
        _, codes, given = situations_between(days, here, when, when)
        situation = plan.situation(int(codes[0]))
        rows += [
            _row(guidance, plan.exposure_class, int(given[0]), situation)
            for guidance in load_guidance_sets()
        ]
    return pa.Table.from_pylist(rows, schema=EXPLANATION)


def _row(
    guidance: GuidanceSet, exposure_class: str, given: int, situation: Situation
) -> dict[str, str]:
    verdict = judge(guidance, exposure_class, situation)
    rules = guidance.rules_for(exposure_class)
    return {
        "guidance": guidance.id,
        "exposure_class": exposure_class,
        "exposure": EXPOSURE_WORDS[given],
        "exposure_reason": EXPOSURE_REASONS[given],
        "status": verdict.status,
        "reason": verdict.reason,
        "missing": ", ".join(verdict.missing),
        "wording": " | ".join(rule.wording for rule in rules),
        "doubt": " | ".join(dict.fromkeys(rule.doubt for rule in rules if rule.doubt)),
        "source": guidance.source,
    }
