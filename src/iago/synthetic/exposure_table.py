"""Rows of the table ``exposures``."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from iago.synthetic.draws import Bools, Ints, draw_yes
from iago.synthetic.exposures import INTENTS, Interval
from iago.synthetic.parameters.treatment import SUPPORT
from iago.synthetic.sheets import Sheet, identifiers, take


def write_exposures(
    rng: Generator,
    exposures: Mapping[str, Interval],
    end_day: Ints,
    course_ids: pa.Array,
    first_number: int,
) -> Sheet:
    """Fill the table: one row an interval that starts within follow-up, grouped by course.

    A drug that is still given on the last day has no stop but is ongoing; of a planted few the
    stop is unknown.
    """
    classes = list(exposures)
    intervals = list(exposures.values())
    start = np.column_stack([interval.start_day for interval in intervals])
    stop = np.column_stack([interval.stop_day for interval in intervals])
    course, kind = (axis.astype(np.int32) for axis in np.nonzero(start <= end_day[:, None]))
    begun, ended = start[course, kind], stop[course, kind]
    n = course.size
    sheet = Sheet("exposures", n, rng)
    sheet.put("exposure_id", identifiers("X", first_number, n))
    sheet.put("course_id", take(course_ids, course))
    sheet.put_codes("exposure_class", classes, kind)
    drug_names, drug = _drugs(intervals, course, kind)
    sheet.put_codes("drug", drug_names, drug)
    intent = np.column_stack([interval.intent for interval in intervals])
    sheet.put_codes("intent", INTENTS, intent[course, kind])
    unknown = draw_yes(rng, SUPPORT.value["unknown_stop"], n)
    _put_times(sheet, begun, ended, ended >= end_day[course], unknown)
    return sheet


def _put_times(sheet: Sheet, start: Ints, stop: Ints, ongoing: Bools, unknown: Bools) -> None:
    sheet.put_days("start", start)
    sheet.put_days("stop", stop, ongoing | unknown)
    sheet.say_why("stop", unknown, "UNK")
    sheet.put_values("ongoing", ongoing, unknown)
    sheet.say_why("ongoing", unknown, "UNK")


def _drugs(intervals: list[Interval], course: Ints, kind: Ints) -> tuple[list[str], Ints]:
    """All drug names in one list, and the position of the drug of each row in it."""
    names = [name for interval in intervals for name in interval.drugs]
    first = np.cumsum([0, *(len(interval.drugs) for interval in intervals)])[:-1]
    within = np.column_stack([interval.drug for interval in intervals])
    return names, (first[kind] + within[course, kind]).astype(np.int32)
