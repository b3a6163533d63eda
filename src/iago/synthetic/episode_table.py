"""Rows of the tables ``episodes`` and ``organisms``: what a centre would have written down."""

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from iago.standard.codelists import load_codelist
from iago.synthetic.courses import Courses
from iago.synthetic.draws import NEVER, Bools, Ints, draw_codes, draw_lognormal, draw_yes
from iago.synthetic.episodes import (
    FATAL_OUTCOME,
    LIFE_THREATENING,
    MARK_IS_REACTIVATION,
    OUTCOMES,
    SEVERE,
    Episodes,
)
from iago.synthetic.infections import (
    MARK_HAS_ORGANISM,
    MARKS,
    ORGANISMS,
    SITES,
    STREAM_CLASS,
    STREAMS,
    recurrence_days,
    same_as_previous,
)
from iago.synthetic.parameters import infections as planted
from iago.synthetic.pictures import (
    ACQUISITIONS,
    REPORTERS,
    ROUTES,
    SETTINGS,
    acquisition_of,
    draw_reporters,
    draw_settings,
    draw_treatment,
)
from iago.synthetic.sheets import Sheet, take

DOCUMENTATIONS = ("mdi", "cdi", "fuf", "asymptomatic-reactivation")
MDI, CDI, FUF, REACTIVATION = range(4)
ONSET_BASES = ("first-symptom", "first-positive-sample", "treatment-start")
CERTAINTIES = ("proven", "probable", "possible")
PROVEN, PROBABLE, POSSIBLE = range(3)
RELATIONS = ("new", "same", "recurrence")
NEW, SAME, RECURRENCE = range(3)
DIFFICILE = "1496"

_STREAM_NAMES = tuple(stream.name for stream in STREAMS)


def documentation_of(episodes: Episodes) -> Ints:
    """Position in DOCUMENTATIONS, as the organism and the site imply it."""
    mark = episodes.onsets.mark
    no_focus = episodes.onsets.site == SITES.index("fever-without-focus")
    found = np.where(MARK_IS_REACTIVATION[mark], REACTIVATION, MDI)
    return np.where(MARK_HAS_ORGANISM[mark], found, np.where(no_focus, FUF, CDI)).astype(np.int32)


def write_episodes(
    rng: Generator,
    episodes: Episodes,
    courses: Courses,
    end_day: Ints,
    course_ids: pa.Array,
    episode_ids: pa.Array,
) -> Sheet:
    """Fill the table of episodes."""
    sheet = Sheet("episodes", len(episodes), rng)
    sheet.put("episode_id", episode_ids)
    sheet.put("course_id", take(course_ids, episodes.onsets.course))
    sheet.put_codes("toxicity", ("infection",), np.zeros(len(episodes), np.int32))
    _put_times(sheet, rng, episodes)
    setting = draw_settings(rng, episodes, courses)
    sheet.put_codes("setting_at_onset", SETTINGS, setting)
    acquisition = acquisition_of(rng, episodes, courses, setting)
    sheet.put_codes("acquisition", ACQUISITIONS, acquisition)
    sheet.put_codes("reporter", REPORTERS, draw_reporters(rng, episodes))
    _put_organism(sheet, rng, episodes)
    _put_treatment(sheet, rng, episodes, end_day[episodes.onsets.course])
    _put_difficile(sheet, rng, episodes)
    _put_relation(sheet, rng, episodes, episode_ids)
    return sheet


def _put_times(sheet: Sheet, rng: Generator, episodes: Episodes) -> None:
    sheet.put_days("onset", episodes.written_day, episodes.onset_unknown, episodes.half_width)
    sheet.say_why("onset", episodes.onset_unknown, "UNK")
    basis = draw_codes(rng, len(episodes), planted.ONSET_BASIS_SHARES.value)
    # Without an organism no sample was positive; a reactivation shows in a sample only.
    documentation = documentation_of(episodes)
    unnamed = (documentation == CDI) | (documentation == FUF)
    basis = np.where(unnamed & (basis == 1), 0, basis)
    basis = np.where(documentation == REACTIVATION, 1, basis)
    sheet.put_codes("onset_basis", ONSET_BASES, basis)
    unresolved = episodes.resolution_day >= NEVER
    unknown = episodes.resolution_unknown
    sheet.put_days("resolution", episodes.resolution_day, unresolved | unknown)
    sheet.say_why("resolution", unknown, "UNK")
    sheet.say_why("resolution", episodes.outcome == FATAL_OUTCOME, "NA")


def _put_organism(sheet: Sheet, rng: Generator, episodes: Episodes) -> None:
    onsets = episodes.onsets
    documentation = documentation_of(episodes)
    sheet.put_codes("documentation", DOCUMENTATIONS, documentation)
    sheet.put_codes("organism_class", planted.ORGANISM_CLASSES, STREAM_CLASS[onsets.stream])
    sheet.put_codes("site", SITES, onsets.site)
    mould = onsets.stream == _STREAM_NAMES.index("mould")
    pneumocystis = onsets.stream == _STREAM_NAMES.index("pneumocystis")
    blood = onsets.site == SITES.index("bloodstream")
    candidaemia = (onsets.stream == _STREAM_NAMES.index("yeast")) & blood
    seen = draw_yes(rng, planted.PROVEN_SHARE.value, len(onsets))
    named = np.where(candidaemia | seen, PROVEN, PROBABLE)
    certainty = np.where(documentation == CDI, POSSIBLE, named)
    invasive = mould | pneumocystis | candidaemia
    sheet.put_codes("invasive_fungal_certainty", CERTAINTIES, certainty, ~invasive)


def _put_treatment(sheet: Sheet, rng: Generator, episodes: Episodes, course_end: Ints) -> None:
    share = planted.TREATMENT.value
    treatment = draw_treatment(rng, episodes, course_end)
    n = len(episodes)
    treated = treatment.route > 0
    severe = episodes.severity >= SEVERE
    sheet.put_values("required_treatment", treated)
    sheet.put_codes("therapy_route", ROUTES, treatment.route)
    sheet.put_values("therapy_days", treatment.days)
    sheet.put_values("therapy_changed", treated & draw_yes(rng, share["changed"], n))
    intervention = severe & draw_yes(rng, share["invasive_intervention"], n)
    sheet.put_values("invasive_intervention", intervention)
    sheet.put_values("hospitalised", treatment.hospitalised)
    sheet.put_values("icu", treatment.icu)
    sheet.put_values("vasopressors", treatment.vasopressors)
    sheet.put_values("ventilation", treatment.ventilation)
    sheet.put_values("severe_sepsis", treatment.severe_sepsis)
    sheet.put_values("deep_organ_involvement", treatment.deep_organ)
    sheet.put_codes("outcome", OUTCOMES, episodes.outcome)


def _put_difficile(sheet: Sheet, rng: Generator, episodes: Episodes) -> None:
    """Fill what is asked for Clostridioides difficile only."""
    is_difficile = np.array([mark.organisms == (DIFFICILE,) for mark in MARKS])
    other = ~is_difficile[episodes.onsets.mark]
    n = len(episodes)
    rule = planted.DIFFICILE.value
    volume = np.round(draw_lognormal(rng, n, planted.STOOL_ML_PER_DAY.value), -1).astype(np.int32)
    unmeasured = ~other & draw_yes(rng, rule["stool_not_measured"], n)
    sheet.put_values("stool_volume_ml_per_day", np.minimum(volume, 9000), other | unmeasured)
    sheet.say_why("stool_volume_ml_per_day", unmeasured, "NASK")
    sheet.put_values("abdominal_pain", draw_yes(rng, rule["abdominal_pain"], n), other)
    toxic = (episodes.severity >= LIFE_THREATENING) & draw_yes(rng, rule["toxic_if_grave"], n)
    sheet.put_values("toxic_dilatation_or_renal_failure", toxic, other)


def _put_relation(sheet: Sheet, rng: Generator, episodes: Episodes, episode_ids: pa.Array) -> None:
    """Relate an episode to the last earlier one of the same organism and site, as reporters do.

    The same infection where the earlier one ended only the day before and the recurrence window
    is not over; a recurrence otherwise, but for some called new after the window.
    """
    earlier = earlier_episode(episodes)
    onsets = episodes.onsets
    within = onsets.day - onsets.day[earlier] <= recurrence_days()[onsets.mark]
    adjoining = episodes.resolution_day[earlier] >= onsets.day - 1
    called_new = draw_yes(rng, planted.REPORTED_NEW_AFTER_WINDOW.value, len(episodes))
    again = np.where(within & adjoining, SAME, np.where(~within & called_new, NEW, RECURRENCE))
    has = earlier >= 0
    sheet.put("earlier_episode_id", episode_ids.take(pa.array(earlier, mask=~has)))
    sheet.put_codes("relation_to_earlier", RELATIONS, np.where(has, again, NEW))


def earlier_episode(episodes: Episodes) -> Ints:
    """Row of the last earlier episode with the same organism and site in the course, or -1."""
    onsets = episodes.onsets
    named = np.flatnonzero(MARK_HAS_ORGANISM[onsets.mark])
    order = named[np.lexsort((onsets.day[named], onsets.mark[named], onsets.course[named]))]
    follows = np.flatnonzero(same_as_previous(onsets.course[order], onsets.mark[order]))
    earlier = np.full(len(onsets), -1, dtype=np.int32)
    earlier[order[follows]] = order[follows - 1]
    return earlier


def write_organisms(rng: Generator, episodes: Episodes, episode_ids: pa.Array) -> Sheet:
    """Fill the table of organisms: one row an organism of a documented episode."""
    most = max(len(mark.organisms) for mark in MARKS)
    table = np.full((len(MARKS), most), -1, dtype=np.int32)
    for row, mark in enumerate(MARKS):
        for place, code in enumerate(mark.organisms):
            table[row, place] = ORGANISMS.index(code)
    found = table[episodes.onsets.mark]
    episode, column = np.nonzero(found >= 0)
    organism = found[episode, column]
    sheet = Sheet("organisms", episode.size, rng)
    sheet.put("episode_id", take(episode_ids, episode.astype(np.int32)))
    sheet.put_codes("organism", ORGANISMS, organism)
    resistance, tested = _draw_resistance(rng, organism)
    sheet.put_codes("resistance", tuple(planted.RESISTANCE_NAMES), resistance, ~tested)
    return sheet


def _draw_resistance(rng: Generator, organism: Ints) -> tuple[Ints, Bools]:
    """Resistance of organisms that are tested for it; others have none recorded."""
    rules = planted.RESISTANCE.value
    names = planted.RESISTANCE_NAMES
    chance = np.zeros(len(ORGANISMS))
    which = np.zeros(len(ORGANISMS), dtype=np.int32)
    for code, (name, share) in rules.items():
        chance[ORGANISMS.index(code)] = share
        which[ORGANISMS.index(code)] = names.index(name)
    classes = load_codelist("organisms").attribute("organism_class")
    bacterium = np.array([classes[code] == "bacterial" for code in ORGANISMS])
    tested = bacterium[organism] & draw_yes(rng, planted.RESISTANCE_TESTED.value, organism.size)
    resistant = draw_yes(rng, chance[organism], organism.size)
    none_detected = names.index("none-detected")
    return np.where(resistant, which[organism], none_detected).astype(np.int32), tested
