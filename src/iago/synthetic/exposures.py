"""Prophylaxis, immunoglobulin and supportive drugs as intervals of days.

A drug is given on every day from its start to its stop, both included. Who gets prophylaxis
depends on the baseline risk (confounding by indication) and on the habit of the centre.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from iago.synthetic.courses import Centres, Courses
from iago.synthetic.draws import NEVER, Bools, Ints, draw_yes, expit
from iago.synthetic.parameters import treatment as planted
from iago.synthetic.parameters.population import PRODUCTS

INTENTS = ("prophylaxis", "pre-emptive", "treatment")
LOW_IGG_MG_PER_DL = 400.0


@dataclass(frozen=True)
class Interval:
    """One drug class: given from start to stop, with NEVER as the start where it is not given."""

    start_day: Ints
    stop_day: Ints
    intent: Ints
    drug: Ints
    drugs: tuple[str, ...]

    def on(self, course: Ints, day: Ints) -> Bools:
        """Whether the drug is given to a course on a day."""
        return np.asarray((self.start_day[course] <= day) & (day <= self.stop_day[course]))


def draw_exposures(rng: Generator, courses: Courses, centres: Centres) -> dict[str, Interval]:
    """Draw the intervals of each drug class for every course."""
    exposures = {
        rule.exposure_class: _draw_prophylaxis(rng, courses, centres, column)
        for column, rule in enumerate(planted.PROPHYLAXIS.value)
    }
    exposures["antiviral-hbv"] = _draw_hbv(rng, courses)
    exposures["immunoglobulin"] = _draw_immunoglobulin(rng, courses)
    exposures["g-csf"] = _draw_g_csf(rng, courses)
    exposures["corticosteroid"] = _draw_rescue(rng, courses, "corticosteroid")
    exposures["tocilizumab"] = _draw_rescue(rng, courses, "tocilizumab")
    return exposures


def _draw_prophylaxis(rng: Generator, courses: Courses, centres: Centres, column: int) -> Interval:
    rule = planted.PROPHYLAXIS.value[column]
    centre = courses.baseline.centre
    logit = rule.intercept + rule.slope * courses.log_risk + centres.habit[centre, column]
    if rule.exposure_class == "antifungal-mould":
        logit += planted.MOULD_PROPHYLAXIS_IF_MOULD_BEFORE.value * courses.baseline.mould_before
    given = draw_yes(rng, expit(logit), courses.size)
    starts = [_days_of(courses, name) for name in rule.starts]
    stops = [_days_of(courses, name) for name in rule.stops]
    start = np.choose(centres.start_rule[centre, column], starts)
    planned = np.choose(centres.stop_rule[centre, column], stops)
    stop = np.maximum(planned * rng.uniform(*planted.STOP_JITTER.value, courses.size), start + 1)
    return _interval(rng, given, start, stop, rule.drugs)


def _days_of(courses: Courses, name: str) -> Ints:
    """Day of a start or stop rule for every course."""
    if name == "lymphodepletion":
        return courses.lymphodepletion_day
    if name == "anc":
        return courses.anc_recovery_day
    if name == "cd4":
        return np.maximum(courses.cd4_recovery_day, 180)
    return np.full(courses.size, int(name), dtype=np.int32)


def _draw_hbv(rng: Generator, courses: Courses) -> Interval:
    exposed = courses.baseline.hbv > 0
    given = exposed & draw_yes(
        rng, planted.SUPPORT.value["hbv_prophylaxis_if_exposed"], exposed.size
    )
    stop = rng.choice(planted.SUPPORT_DAYS.value["hbv_stop_either"], exposed.size)
    return _interval(rng, given, courses.lymphodepletion_day, stop, ("entecavir",))


def _draw_immunoglobulin(rng: Generator, courses: Courses) -> Interval:
    low = courses.igg_after < LOW_IGG_MG_PER_DL
    support = planted.SUPPORT.value
    share = np.where(
        low, support["immunoglobulin_igg_below_400"], support["immunoglobulin_igg_400_or_more"]
    )
    given = draw_yes(rng, share, low.size)
    days = planted.SUPPORT_DAYS.value
    start = rng.integers(*days["immunoglobulin_start"], low.size, endpoint=True)
    length = rng.integers(*days["immunoglobulin_length"], low.size, endpoint=True)
    return _interval(rng, given, start, start + length, ("human immunoglobulin",))


def _draw_g_csf(rng: Generator, courses: Courses) -> Interval:
    support = planted.SUPPORT.value
    n = courses.size
    early = courses.baseline.high_score & draw_yes(rng, support["g_csf_high_score"], n)
    first_early, first_rescue = planted.SUPPORT_DAYS.value["g_csf_start_early_or_rescue"]
    low_late = courses.anc_recovery_day >= first_rescue
    rescue = low_late & draw_yes(rng, support["g_csf_anc_low_after_day_14"], n) & ~early
    start = np.where(early, first_early, first_rescue)
    stop = np.maximum(courses.anc_recovery_day + 2, start)
    intent = np.where(early, INTENTS.index("prophylaxis"), INTENTS.index("treatment"))
    return _interval(rng, early | rescue, start, stop, ("filgrastim", "pegfilgrastim"), intent)


def _draw_rescue(rng: Generator, courses: Courses, drug: str) -> Interval:
    support = planted.SUPPORT.value
    n = courses.size
    cd28 = np.isin(courses.product, [PRODUCTS.index(code) for code in planted.CD28_PRODUCTS])
    given = draw_yes(rng, np.where(cd28, support[f"{drug}_cd28"], support[f"{drug}_4_1bb"]), n)
    days = planted.SUPPORT_DAYS.value
    first = rng.integers(*days[f"{drug}_start"], n, endpoint=True)
    last = first + rng.integers(*days[f"{drug}_length"], n, endpoint=True)
    drugs = ("dexamethasone", "methylprednisolone") if drug == "corticosteroid" else (drug,)
    return _interval(rng, given, first, last, drugs, np.full(n, INTENTS.index("treatment")))


def _interval(
    rng: Generator,
    given: Bools,
    start: Ints,
    stop: Ints,
    drugs: tuple[str, ...],
    intent: Ints | None = None,
) -> Interval:
    """Assemble an interval; days become whole, and prophylaxis is the intent unless named."""
    return Interval(
        start_day=np.where(given, start, NEVER).astype(np.int32),
        stop_day=np.where(given, stop, NEVER).astype(np.int32),
        intent=np.zeros(given.size, np.int32) if intent is None else intent.astype(np.int32),
        drug=rng.integers(0, len(drugs), given.size, dtype=np.int32),
        drugs=drugs,
    )
