"""Neutrophils, CD4 cells and IgG of every course, and the rows of the table ``labs``."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from iago.standard.codelists import load_codelist
from iago.synthetic.courses import Courses
from iago.synthetic.draws import Bools, Floats, Ints, draw_lognormal
from iago.synthetic.parameters import treatment as planted
from iago.synthetic.sheets import Sheet, take

ANALYTES = tuple(planted.SAMPLING_DAYS.value)
# Limits that prophylaxis and replacement tables use: ASH review tables 12523856 and 12050824.
IMMUNE_DEFECT_BELOW = {"anc": 500.0, "cd4": 200.0, "igg": 400.0}
# How long before an infection a value still speaks for it.
RELEVANT_DAYS = {"anc": 14, "cd4": 180, "igg": 180}
RECOVERED_CD4_PER_UL = 200.0


@dataclass(frozen=True)
class Labs:
    """Samples of all courses: one row a course, one column a sample."""

    analyte: Ints  # one value a column
    day: Ints
    value: Floats

    def immune_defect(self, course: Ints, day: Ints) -> tuple[Bools, Bools]:
        """Whether a defect was measured shortly before a day, and whether anything was measured.

        Neutrophils below 500/uL in the 14 days before, CD4 cells below 200/uL or IgG below
        400 mg/dL in the 180 days before; samples before infusion do not count.
        """
        below = np.array([IMMUNE_DEFECT_BELOW[name] for name in ANALYTES])[self.analyte]
        window = np.array([RELEVANT_DAYS[name] for name in ANALYTES])[self.analyte]
        sampled = self.day[course]
        near = (sampled <= day[:, None]) & (sampled >= day[:, None] - window) & (sampled >= 0)
        low = near & (self.value[course] < below)
        return low.any(axis=1), near.any(axis=1)


def draw_labs(rng: Generator, courses: Courses) -> Labs:
    """Draw the samples of all courses as if each were followed to the end."""
    schedule = planted.SAMPLING_DAYS.value
    samples = [len(days) for days in schedule.values()]
    expected = np.concatenate([np.array(days, dtype=np.int32) for days in schedule.values()])
    jitter = planted.SAMPLING_JITTER_DAYS.value
    day = expected + rng.integers(
        -jitter, jitter, (courses.size, expected.size), endpoint=True, dtype=np.int32
    )
    # Never before lymphodepletion, and the first count is that of the infusion day.
    day = np.maximum(day, np.where(expected < 0, courses.lymphodepletion_day[:, None], 0))
    anc_day, cd4_day, igg_day = np.split(day, np.cumsum(samples)[:-1], axis=1)
    values = (
        _draw_anc(rng, courses, anc_day),
        _draw_cd4(rng, courses, cd4_day),
        _draw_igg(rng, courses, igg_day),
    )
    return Labs(
        analyte=np.repeat(np.arange(len(ANALYTES), dtype=np.int32), samples),
        day=day.astype(np.int32),
        value=np.concatenate(values, axis=1),
    )


def _noise(rng: Generator, analyte: str, day: Ints) -> Floats:
    return np.asarray(np.exp(planted.SAMPLE_SIGMA.value[analyte] * rng.standard_normal(day.shape)))


def _draw_anc(rng: Generator, courses: Courses, day: Ints) -> Floats:
    """Neutrophils: before the nadir, from day 3 in it, and after recovery; rounded to 10."""
    rule = planted.ANC.value
    recovery = courses.anc_recovery_day[:, None]
    noise = _noise(rng, "anc", day)
    before = draw_lognormal(rng, courses.size, rule["before_nadir_per_ul"])[:, None]
    nadir = draw_lognormal(rng, courses.size, rule["nadir_per_ul"])[:, None]
    after = draw_lognormal(rng, courses.size, rule["recovered_per_ul"])[:, None]
    low = np.minimum(nadir * noise, 490.0)
    high = np.maximum(after * noise, 510.0)
    value = np.where(day < 3, before * noise, np.where(day < recovery, low, high))
    return np.asarray(np.round(value, -1))


def _draw_cd4(rng: Generator, courses: Courses, day: Ints) -> Floats:
    """CD4 cells: reach 200/uL on the recovery day."""
    share = np.maximum(day, 5) / np.maximum(courses.cd4_recovery_day, 20)[:, None]
    level = RECOVERED_CD4_PER_UL * share**planted.CD4_GROWTH_POWER.value
    return np.asarray(np.round(level * _noise(rng, "cd4", day)))


def _draw_igg(rng: Generator, courses: Courses, day: Ints) -> Floats:
    """IgG: falls from the value before infusion to that of the course."""
    before = draw_lognormal(rng, courses.size, planted.IGG.value["before_mg_per_dl"])
    level = np.where(day < 0, before[:, None], courses.igg_after[:, None])
    return np.asarray(np.round(level * _noise(rng, "igg", day)))


def write_labs(
    rng: Generator, labs: Labs, courses: Courses, end_day: Ints, course_ids: pa.Array
) -> Sheet:
    """Fill the table: the samples taken up to the end of follow-up, of late entries after entry."""
    entry = np.where(courses.entry_day > 0, courses.entry_day, courses.lymphodepletion_day)
    course, column = np.nonzero((labs.day <= end_day[:, None]) & (labs.day >= entry[:, None]))
    analyte = labs.analyte[column].astype(np.int32)
    sheet = Sheet("labs", course.size, rng)
    sheet.put("course_id", take(course_ids, course.astype(np.int32)))
    sheet.put_codes("analyte", ANALYTES, analyte)
    sheet.put_days("sample", labs.day[course, column])
    sheet.put_values("value", labs.value[course, column])
    units = load_codelist("analytes").attribute("canonical_unit")
    sheet.put_codes("unit", [units[name] for name in ANALYTES], analyte)
    return sheet
