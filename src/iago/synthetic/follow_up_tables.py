"""Rows of the tables ``contacts``, ``events`` and ``deaths``."""

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from iago.synthetic.courses import Courses
from iago.synthetic.draws import Bools, Ints, draw_codes, draw_yes
from iago.synthetic.episodes import Episodes
from iago.synthetic.infections import MARKS
from iago.synthetic.outcomes import CAUSES, DEATH, INFECTION, LOST, SECOND, Endings, Timeline
from iago.synthetic.parameters import outcomes as planted
from iago.synthetic.parameters import population
from iago.synthetic.sheets import Sheet, identifiers, take

PLACES = ("car-t-centre", "other-hospital", "community")
ANSWERED_BY = ("centre", "community-physician", "patient")
ANSWERS = ("no-infection", "infection", "not-asked")
NO_INFECTION, SOME_INFECTION, NOT_ASKED = range(3)
EVENT_KINDS = (
    "relapse-progression",
    "next-therapy",
    "transplant",
    "second-car-t",
    "end-of-follow-up",
    "lost-to-follow-up",
)
COVID = "2697049"
_DAY_SPAN = 1 << 20


def write_contacts(
    rng: Generator,
    episodes: Episodes,
    courses: Courses,
    end_day: Ints,
    course_ids: pa.Array,
    first_number: int,
) -> Sheet:
    """Fill the table: visits kept, each answered as the episodes since the last one imply."""
    rule = population.VISITS.value
    planned = np.array(rule.days, dtype=np.int32)
    jitter = rng.integers(-rule.jitter, rule.jitter, (courses.size, planned.size), endpoint=True)
    day = planned + jitter
    attended = draw_yes(rng, rule.attended, day.shape[0] * day.shape[1]).reshape(day.shape)
    kept = attended & (day <= end_day[:, None]) & (day > courses.entry_day[:, None])
    course, column = np.nonzero(kept)
    visit_day = day[course, column]
    n = course.size
    sheet = Sheet("contacts", n, rng)
    sheet.put("contact_id", identifiers("V", first_number, n))
    sheet.put("course_id", take(course_ids, course.astype(np.int32)))
    sheet.put_days("contact", visit_day)
    late = visit_day > rule.late_after_day
    elsewhere = np.where(
        late, draw_codes(rng, n, rule.places_late), draw_codes(rng, n, rule.places_early)
    )
    sheet.put_codes("place", PLACES, elsewhere)
    by_patient = draw_yes(rng, rule.answered_by_patient, n)
    professional = np.where(elsewhere == PLACES.index("community"), 1, 0)
    sheet.put_codes("answered_by", ANSWERED_BY, np.where(by_patient, 2, professional))
    infected = _contacts_with_infection(course, visit_day, episodes)
    not_asked = ~infected & draw_yes(rng, rule.not_asked, n)
    answer = np.where(infected, SOME_INFECTION, np.where(not_asked, NOT_ASKED, NO_INFECTION))
    sheet.put_codes("answer", ANSWERS, answer)
    return sheet


def _contacts_with_infection(course: Ints, visit_day: Ints, episodes: Episodes) -> Bools:
    """Whether any episode began since the contact before, the day of this contact included."""
    visits = course.astype(np.int64) * _DAY_SPAN + visit_day
    onsets = episodes.onsets.course.astype(np.int64) * _DAY_SPAN + episodes.written_day
    following = np.searchsorted(visits, onsets, side="left")
    inside = following < visits.size
    following, of_course = following[inside], episodes.onsets.course[inside]
    infected = np.zeros(visits.size, dtype=np.bool_)
    infected[following[course[following] == of_course]] = True
    return infected


def write_events(
    rng: Generator,
    timeline: Timeline,
    endings: Endings,
    course_ids: pa.Array,
    first_number: int,
) -> Sheet:
    """Fill the table: what happened within follow-up, and the end of courses without death."""
    planned = (
        timeline.relapse_day,
        timeline.next_therapy_day,
        timeline.transplant_day,
        timeline.second_car_t_day,
    )
    day = np.column_stack([*planned, endings.day, endings.day])
    happened = day <= endings.day[:, None]
    # A second CAR T planned for the day of another end did not take place.
    happened[:, 3] = endings.kind == SECOND
    happened[:, 4] = (endings.kind != DEATH) & (endings.kind != LOST)
    happened[:, 5] = endings.kind == LOST
    course, kind = np.nonzero(happened)
    sheet = Sheet("events", course.size, rng)
    sheet.put("event_id", identifiers("O", first_number, course.size))
    sheet.put("course_id", take(course_ids, course.astype(np.int32)))
    sheet.put_codes("kind", EVENT_KINDS, kind)
    sheet.put_days("event", day[course, kind])
    return sheet


def write_deaths(
    rng: Generator,
    timeline: Timeline,
    endings: Endings,
    episodes: Episodes,
    course_ids: pa.Array,
    episode_ids: pa.Array,
) -> Sheet:
    """Fill the table: one row a course that ended in death."""
    course = np.flatnonzero(endings.kind == DEATH).astype(np.int32)
    cause, day = endings.cause[course], endings.day[course]
    episode = endings.fatal_episode[course]
    infection = cause == INFECTION
    sheet = Sheet("deaths", course.size, rng)
    sheet.put("course_id", take(course_ids, course))
    sheet.put_days("death", day)
    sheet.put_codes("primary_cause", CAUSES, cause)
    relapsed = infection & (timeline.relapse_day[course] < day)
    contributing = relapsed & draw_yes(rng, planted.RELAPSE_CONTRIBUTES.value, course.size)
    sheet.put_codes("contributing_cause", CAUSES, np.zeros(course.size, np.int32), ~contributing)
    is_covid = np.array([COVID in mark.organisms for mark in MARKS])
    covid = np.zeros(course.size, dtype=np.bool_)
    covid[infection] = is_covid[episodes.onsets.mark[episode[infection]]]
    sheet.put_values("covid_19", covid)
    sheet.put("episode_id", episode_ids.take(pa.array(episode, mask=~infection)))
    return sheet
