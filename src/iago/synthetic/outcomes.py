"""Relapse, further therapy, loss and death: what ends a course, on which day and why."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from iago.synthetic.courses import Courses
from iago.synthetic.draws import (
    NEVER,
    Bools,
    Floats,
    Ints,
    PiecewiseHazard,
    draw_codes,
    draw_first_event,
    draw_yes,
    to_day,
)
from iago.synthetic.parameters import outcomes as planted
from iago.synthetic.parameters import population

CAUSES = ("relapse-progression", "infection", *planted.OTHER_CAUSES.value)
INFECTION = CAUSES.index("infection")
ENDS = ("administrative", "lost", "second-car-t", "death")
ADMINISTRATIVE, LOST, SECOND, DEATH = range(4)
_NOT_DEAD = -1


@dataclass(frozen=True)
class Timeline:
    """Planned course of events without regard to infections; NEVER where none happens.

    ``end_day`` is the first of closing date, loss, second CAR T and death from another cause.
    """

    relapse_day: Ints
    next_therapy_day: Ints
    transplant_day: Ints
    second_car_t_day: Ints
    end_day: Ints
    end_kind: Ints
    cause: Ints

    @property
    def first_competing_day(self) -> Ints:
        """First of relapse, next therapy, transplant and second CAR T."""
        first = np.minimum(self.relapse_day, self.next_therapy_day)
        return np.minimum(np.minimum(first, self.transplant_day), self.second_car_t_day)


@dataclass(frozen=True)
class Endings:
    """How each course really ended."""

    day: Ints
    kind: Ints
    cause: Ints  # position in CAUSES, -1 where the course did not end in death
    fatal_episode: Ints  # row of the episode that led to death, -1 for none


def plan_timeline(rng: Generator, courses: Courses) -> Timeline:
    """Draw relapse, further therapy, loss and death from other causes than infection."""
    n = courses.size
    relapse = _draw_relapse(rng, courses)
    other, other_cause = _draw_other_death(rng, courses)
    after = rng.standard_exponential(n) / planted.DEATH_AFTER_RELAPSE_PER_DAY.value
    from_relapse = np.where(relapse < NEVER, relapse + np.ceil(after), NEVER)
    loss = PiecewiseHazard((0.0,), (population.LOSS_PER_DAY.value,))
    lost = draw_first_event(rng, loss, np.ones(n), courses.entry_day)
    death = np.minimum(other, from_relapse).astype(np.int32)
    second = _draw_second_car_t(rng, courses, relapse)
    days = np.column_stack([courses.baseline.administrative_end, lost, second, death])
    # A death on the last day of observation counts as a death.
    kind = (DEATH - np.argmin(days[:, ::-1], axis=1)).astype(np.int32)
    cause = np.where(other <= from_relapse, other_cause, CAUSES.index("relapse-progression"))
    next_therapy = _draw_next_therapy(rng, relapse)
    return Timeline(
        relapse_day=relapse,
        next_therapy_day=next_therapy,
        transplant_day=_draw_transplant(rng, courses, relapse, next_therapy),
        second_car_t_day=second,
        end_day=days.min(axis=1).astype(np.int32),
        end_kind=kind,
        cause=np.where(kind == DEATH, cause, _NOT_DEAD).astype(np.int32),
    )


def _draw_relapse(rng: Generator, courses: Courses) -> Ints:
    effects = planted.RELAPSE_LOG_HAZARD_RATIOS.value
    log_hazard = effects["prior_lines"] * (courses.baseline.prior_lines - 3.0)
    log_hazard += effects["ecog"] * (courses.baseline.ecog - 1.0)
    days = np.full(courses.size, NEVER, dtype=np.int32)
    for position, indication in enumerate(population.INDICATIONS):
        rows = courses.baseline.indication == position
        hazard = PiecewiseHazard(planted.RELAPSE_STARTS, planted.RELAPSE_PER_DAY.value[indication])
        days[rows] = draw_first_event(
            rng, hazard, np.exp(log_hazard[rows]), courses.entry_day[rows]
        )
    return days


def _draw_other_death(rng: Generator, courses: Courses) -> tuple[Ints, Ints]:
    hazard = PiecewiseHazard(population.WINDOW_STARTS, planted.OTHER_DEATH_PER_DAY.value)
    ratios = planted.OTHER_DEATH_HAZARD_RATIOS.value
    multiplier = np.array([ratios[code] for code in population.INDICATIONS])
    day = draw_first_event(rng, hazard, multiplier[courses.baseline.indication], courses.entry_day)
    early, late = zip(*planted.OTHER_CAUSES.value.values(), strict=True)
    drawn = np.where(day <= 100, draw_codes(rng, day.size, early), draw_codes(rng, day.size, late))
    first = CAUSES.index(next(iter(planted.OTHER_CAUSES.value)))
    return day, (first + drawn).astype(np.int32)


def _draw_next_therapy(rng: Generator, relapse: Ints) -> Ints:
    lag = 1 + rng.exponential(planted.NEXT_THERAPY.value["mean_days_after_relapse"], relapse.size)
    treated = draw_yes(rng, planted.NEXT_THERAPY.value["share_of_relapses"], relapse.size)
    return _after(relapse, lag, treated)


def _draw_transplant(rng: Generator, courses: Courses, relapse: Ints, next_therapy: Ints) -> Ints:
    n = courses.size
    share, days = planted.TRANSPLANT_SHARES.value, planted.TRANSPLANT_DAYS.value
    leukaemia = courses.baseline.indication == population.INDICATIONS.index("b-all")
    day = rng.integers(*days["in_remission"], n, endpoint=True)
    planned = leukaemia & draw_yes(rng, share["b_all_in_remission"], n) & (day < relapse)
    rescue = draw_yes(rng, share["after_next_therapy"], n)
    later = _after(next_therapy, rng.uniform(*days["after_next_therapy"], n), rescue)
    return np.where(planned, day, later).astype(np.int32)


def _draw_second_car_t(rng: Generator, courses: Courses, relapse: Ints) -> Ints:
    lag = rng.uniform(*planted.SECOND_CAR_T_DAYS_AFTER_RELAPSE.value, courses.size)
    first_course = courses.baseline.number == 1
    chosen = draw_yes(rng, planted.SECOND_CAR_T_SHARE.value, courses.size) & first_course
    day = _after(relapse, lag, chosen)
    latest = courses.baseline.administrative_end - planted.SECOND_CAR_T_DAYS_LEFT.value
    return np.where(day <= latest, day, NEVER).astype(np.int32)


def _after(start: Ints, lag: Floats, happens: Bools) -> Ints:
    day = to_day(start + lag)
    return np.where(happens & (start < NEVER), day, NEVER).astype(np.int32)


def resolve_endings(timeline: Timeline, fatal_course: Ints, fatal_day: Ints) -> Endings:
    """Let the first fatal infection of a course end it, if it comes before every other end.

    ``fatal_course`` and ``fatal_day`` hold the course and the day of death of every candidate
    episode; a day of NEVER marks an episode that is not fatal.
    """
    n = timeline.end_day.size
    first_fatal = np.full(n, NEVER, dtype=np.int32)
    np.minimum.at(first_fatal, fatal_course, fatal_day)
    killed = first_fatal <= timeline.end_day
    episode = np.full(n, -1, dtype=np.int32)
    leading = np.flatnonzero((fatal_day == first_fatal[fatal_course]) & killed[fatal_course])
    episode[fatal_course[leading]] = leading
    return Endings(
        day=np.where(killed, first_fatal, timeline.end_day).astype(np.int32),
        kind=np.where(killed, DEATH, timeline.end_kind).astype(np.int32),
        cause=np.where(killed, INFECTION, timeline.cause).astype(np.int32),
        fatal_episode=episode,
    )
