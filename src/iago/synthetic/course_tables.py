"""Rows of the tables ``patients`` and ``courses``."""

import pyarrow as pa
from numpy.random import Generator

from iago.synthetic.courses import (
    CAPTURE,
    HBV,
    REGIMENS,
    SEXES,
    TRANSPLANTS,
    Baseline,
    Centres,
    Courses,
)
from iago.synthetic.draws import Ints
from iago.synthetic.parameters.population import CENTRES, INDICATIONS, PRODUCTS
from iago.synthetic.sheets import Sheet, take

CENTRE_IDS = tuple(f"centre-{number:02d}" for number in range(1, CENTRES.value + 1))


def write_patients(rng: Generator, baseline: Baseline, patient_ids: pa.Array) -> Sheet:
    """Fill the table: one row a first course, which is one row a person."""
    sheet = Sheet("patients", baseline.size, rng)
    sheet.put("patient_id", patient_ids)
    sheet.put_values("birth_year", baseline.birth_year)
    sheet.put_codes("sex", SEXES, baseline.sex)
    return sheet


def write_courses(
    rng: Generator,
    courses: Courses,
    centres: Centres,
    end_day: Ints,
    patient_ids: pa.Array,
    course_ids: pa.Array,
) -> Sheet:
    """Fill the table: one row an infusion course."""
    sheet = Sheet("courses", courses.size, rng)
    baseline = courses.baseline
    sheet.put("course_id", course_ids)
    sheet.put("patient_id", take(patient_ids, baseline.person))
    sheet.put_codes("centre_id", CENTRE_IDS, baseline.centre)
    sheet.put_codes("product", PRODUCTS, courses.product)
    sheet.put_codes("indication", INDICATIONS, baseline.indication)
    sheet.put("infusion_year", pa.array(baseline.infusion_year))
    sheet.put_values("age_years", baseline.age_years)
    sheet.put_days("lymphodepletion_start", courses.lymphodepletion_day)
    sheet.put_codes("lymphodepletion_regimen", REGIMENS, courses.regimen)
    no_split = (courses.second_dose_day == 0) | (courses.second_dose_day > end_day)
    sheet.put_days("second_dose", courses.second_dose_day, no_split)
    sheet.put_days("observation_start", courses.entry_day, courses.entry_day == 0)
    sheet.put_codes("capture_method", CAPTURE, centres.capture[baseline.centre])
    _put_history(sheet, baseline)
    return sheet


def _put_history(sheet: Sheet, baseline: Baseline) -> None:
    sheet.put_values("prior_lines", baseline.prior_lines)
    sheet.put_codes("prior_transplant", TRANSPLANTS, baseline.transplant)
    sheet.put_values("bridging", baseline.bridging)
    sheet.put_values("infection_100_days_before", baseline.infection_before)
    sheet.put_values("mould_infection_before", baseline.mould_before)
    sheet.put_codes("hbv_status", HBV, baseline.hbv)
    sheet.put_values("ecog", baseline.ecog)
    sheet.put_values("car_hematotox_score", baseline.score)
