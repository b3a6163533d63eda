"""The clinical picture of an episode: where it began, how it was treated, how bad it became."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from iago.synthetic.courses import Courses
from iago.synthetic.draws import NEVER, Bools, Ints, draw_codes, draw_yes
from iago.synthetic.episodes import FATAL, LIFE_THREATENING, MILD, MODERATE, SEVERE, Episodes
from iago.synthetic.infections import SITES, STREAMS
from iago.synthetic.parameters import infections as planted

SETTINGS = (
    "inpatient-index-stay",
    "inpatient-readmission",
    "home",
    "temporary-lodging",
    "nursing-facility",
)
INDEX_STAY, READMISSION, HOME, LODGING, NURSING = range(5)
ACQUISITIONS = ("hospital-onset", "healthcare-associated", "community")
REPORTERS = tuple(planted.REPORTERS.value)
ROUTES = ("none", "oral", "intravenous")
_SEPTIC = np.isin([stream.name for stream in STREAMS], ("bacterial", "yeast", "mixed"))


@dataclass(frozen=True)
class Treatment:
    """Severity attributes in agreement with the latent severity of each episode."""

    route: Ints
    days: Ints
    hospitalised: Bools
    icu: Bools
    vasopressors: Bools
    ventilation: Bools
    severe_sepsis: Bools
    deep_organ: Bools


def draw_settings(rng: Generator, episodes: Episodes, courses: Courses) -> Ints:
    """Place of the patient when each infection began."""
    onsets = episodes.onsets
    share = planted.SETTINGS.value
    n = len(onsets)
    chance = rng.random(n)
    setting = np.full(n, HOME, dtype=np.int32)
    lodging = (onsets.day <= 60) & (chance < share["lodging_until_day_60"])
    setting[lodging] = LODGING
    setting[chance > 1.0 - share["readmission"] - share["nursing_facility"]] = READMISSION
    setting[chance > 1.0 - share["nursing_facility"]] = NURSING
    setting[onsets.day <= courses.discharge_day[onsets.course]] = INDEX_STAY
    return setting


def acquisition_of(rng: Generator, episodes: Episodes, courses: Courses, setting: Ints) -> Ints:
    """Hospital onset, health-care associated or community, from the place and the days before.

    Health-care associated: chemotherapy in the 30 days or a hospital stay in the 90 days before
    (Friedman, Ann Intern Med 2002;137:791).
    """
    onsets = episodes.onsets
    share = planted.SETTINGS.value
    recent_stay = onsets.day <= courses.discharge_day[onsets.course] + 90
    clinic = draw_yes(rng, share["clinic_in_past_30_days"], len(onsets))
    third_day = draw_yes(rng, share["readmission_day_3_or_later"], len(onsets))
    contact = (onsets.day <= 27) | recent_stay | clinic | (setting >= NURSING)
    hospital = (setting == INDEX_STAY) | ((setting == READMISSION) & third_day)
    outside = np.where(contact | (setting == READMISSION), 1, 2)
    return np.where(hospital, 0, outside).astype(np.int32)


def draw_treatment(rng: Generator, episodes: Episodes, end_day: Ints) -> Treatment:
    """Draw route, days and severity attributes that a grading must read back to the severity."""
    severity, onsets = episodes.severity, episodes.onsets
    share = planted.TREATMENT.value
    n = len(onsets)
    grave = severity >= LIFE_THREATENING
    admitted = draw_yes(rng, share["severe_admitted"], n)
    by_mouth = admitted & draw_yes(rng, share["severe_admitted_by_mouth"], n)
    oral = (severity == MODERATE) | ((severity == SEVERE) & by_mouth)
    route = np.where(severity == MILD, 0, np.where(oral, 1, 2)).astype(np.int32)
    pressors = grave & draw_yes(rng, share["vasopressors"], n)
    no_support = (severity == FATAL) & draw_yes(rng, share["fatal_without_ventilation"], n)
    also = ~pressors | draw_yes(rng, share["ventilation_too"], n)
    ventilated = grave & ~no_support & also
    septic = _SEPTIC[onsets.stream]
    deep = share["deep_organ"] * np.where(grave, 1.0, 0.1)
    blood = onsets.site == SITES.index("bloodstream")
    return Treatment(
        route=route,
        days=_therapy_days(rng, episodes, route, end_day),
        hospitalised=(severity >= SEVERE) & (admitted | grave),
        icu=(pressors | ventilated) & draw_yes(rng, share["icu_if_organ_support"], n),
        vasopressors=pressors,
        ventilation=ventilated,
        severe_sepsis=grave & septic & draw_yes(rng, share["severe_sepsis"], n),
        deep_organ=(severity >= SEVERE) & blood & septic & draw_yes(rng, deep, n),
    )


def _therapy_days(rng: Generator, episodes: Episodes, route: Ints, end_day: Ints) -> Ints:
    """Days of therapy: about as long as the infection was followed, at most ten weeks."""
    last = np.where(episodes.resolution_day < NEVER, episodes.resolution_day, end_day)
    length = (last - episodes.onsets.day + 1) * rng.uniform(0.6, 1.0, len(episodes))
    return np.where(route == 0, 0, np.clip(length, 1, 70)).astype(np.int32)


def draw_reporters(rng: Generator, episodes: Episodes) -> Ints:
    """Who reported: the centre early, community physicians more often late."""
    early, late = zip(*planted.REPORTERS.value.values(), strict=True)
    n = len(episodes)
    by_centre, by_others = draw_codes(rng, n, early), draw_codes(rng, n, late)
    return np.where(episodes.onsets.day <= 100, by_centre, by_others).astype(np.int32)
