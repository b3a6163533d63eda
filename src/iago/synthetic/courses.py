"""Patients and their courses: who is treated where, with which product, at which baseline risk."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from iago.synthetic.draws import (
    Bools,
    Floats,
    Ints,
    draw_codes,
    draw_codes_by_row,
    draw_lognormal,
    draw_yes,
)
from iago.synthetic.parameters import population as planted
from iago.synthetic.parameters.infections import INDEX_STAY_DAYS, SETTINGS
from iago.synthetic.parameters.treatment import ANC, CD4, IGG, PROPHYLAXIS

TRANSPLANTS = ("none", "autologous", "allogeneic", "both")
HBV = ("negative", "anti-hbc-positive", "hbsag-positive")
CAPTURE = tuple(planted.CAPTURE_WEIGHTS.value)
SEXES = tuple(planted.SEX_SHARES.value)
REGIMENS = ("flu-cy", "bendamustine")
HIGH_SCORE = 2


@dataclass(frozen=True)
class Centres:
    """Centres of a cohort, drawn once: size, planted effect, capture and habits of prophylaxis."""

    share: Floats
    log_hazard: Floats
    capture: Ints
    habit: Floats  # one column a prophylaxis class
    start_rule: Ints
    stop_rule: Ints


@dataclass(frozen=True)
class Baseline:
    """What is known before lymphodepletion; one value a course."""

    person: Ints
    number: Ints
    centre: Ints
    indication: Ints
    age_years: Ints
    birth_year: Ints
    sex: Ints
    prior_lines: Ints
    ecog: Ints
    score: Ints
    transplant: Ints
    bridging: Bools
    infection_before: Bools
    mould_before: Bools
    hbv: Ints
    administrative_end: Ints
    frailty: Floats

    @property
    def size(self) -> int:
        """Number of courses."""
        return self.person.size

    @property
    def high_score(self) -> Bools:
        """CAR-HEMATOTOX score of 2 or more."""
        return np.asarray(self.score >= HIGH_SCORE)

    @property
    def days_since_epoch(self) -> Ints:
        """Infusion date as days since 1 January 1970."""
        return days_since_epoch(self.administrative_end)

    @property
    def infusion_year(self) -> Ints:
        """Calendar year of infusion."""
        return year_of(self.days_since_epoch)


def days_since_epoch(administrative_end: Ints) -> Ints:
    """Date on which so many days were left to the closing date, as days since 1 January 1970."""
    closed = planted.DATA_CLOSED.toordinal() - dt.date(1970, 1, 1).toordinal()
    return np.asarray(closed - administrative_end, dtype=np.int32)


def year_of(days: Ints) -> Ints:
    """Calendar year of days since 1 January 1970."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int32) + np.int32(1970)


@dataclass(frozen=True)
class Courses:
    """Infusion courses with what treatment adds to the baseline."""

    baseline: Baseline
    product: Ints
    log_risk: Floats  # planted effects of the covariates
    log_rate: Floats  # the same with product, indication and centre
    entry_day: Ints
    lymphodepletion_day: Ints
    regimen: Ints
    second_dose_day: Ints  # 0 = none
    discharge_day: Ints
    anc_recovery_day: Ints
    cd4_recovery_day: Ints
    igg_after: Floats

    @property
    def size(self) -> int:
        """Number of courses."""
        return self.product.size


def draw_centres(rng: Generator) -> Centres:
    """Draw the centres: unequal sizes, and effects that weigh to zero over the patients."""
    n = planted.CENTRES.value
    classes = PROPHYLAXIS.value
    sizes = 1.0 / (3.0 + np.arange(n, dtype=np.float64))
    share: Floats = rng.permutation(sizes / sizes.sum())
    effect = planted.CENTRE_LOG_HAZARD_SD.value * rng.standard_normal(n)
    habit = [rng.normal(0.0, rule.habit_sd, n) for rule in classes]
    return Centres(
        share=share,
        log_hazard=effect - np.log((share * np.exp(effect)).sum()),
        capture=draw_codes(rng, n, list(planted.CAPTURE_WEIGHTS.value.values())),
        habit=np.column_stack(habit),
        start_rule=np.column_stack([rng.integers(0, len(r.starts), n) for r in classes]),
        stop_rule=np.column_stack([rng.integers(0, len(r.stops), n) for r in classes]),
    )


def draw_baseline(rng: Generator, patients: int, centres: Centres) -> Baseline:
    """Draw one first course a patient."""
    kinds = [planted.POPULATION.value[code] for code in planted.INDICATIONS]
    indication = draw_codes(rng, patients, [kind.share for kind in kinds])
    fewest, further = np.array([kind.lines for kind in kinds])[indication].T
    lines = np.minimum(fewest + rng.poisson(further), 12).astype(np.int32)
    ecog = draw_codes_by_row(rng, _ecog_weights(lines))
    transplant = np.array([kind.transplant for kind in kinds])
    history = planted.HISTORY.value
    recent = history["infection_before"] + history["infection_before_per_ecog_point"] * ecog
    variance = planted.FRAILTY_VARIANCE.value
    first, last = planted.FOLLOW_UP_DAYS.value
    end = rng.integers(first, last, patients, endpoint=True, dtype=np.int32)
    age = _draw_ages(rng, indication)
    birthday_to_come = rng.integers(0, 2, patients, dtype=np.int32)
    return Baseline(
        person=np.arange(patients, dtype=np.int32),
        number=np.ones(patients, dtype=np.int32),
        centre=draw_codes(rng, patients, centres.share),
        indication=indication,
        age_years=age,
        birth_year=year_of(days_since_epoch(end)) - age - birthday_to_come,
        sex=draw_codes(rng, patients, list(planted.SEX_SHARES.value.values())),
        prior_lines=lines,
        ecog=ecog,
        score=draw_scores(rng, ecog, lines),
        transplant=draw_codes_by_row(rng, transplant[indication]),
        bridging=draw_yes(rng, history["bridging"], patients),
        infection_before=draw_yes(rng, np.asarray(recent, np.float64), patients),
        mould_before=draw_yes(rng, history["mould_before"], patients),
        hbv=draw_codes(rng, patients, planted.HBV_SHARES.value),
        administrative_end=end,
        frailty=rng.standard_gamma(1.0 / variance, patients) * variance,
    )


def draw_scores(rng: Generator, ecog: Ints, prior_lines: Ints) -> Ints:
    """CAR-HEMATOTOX scores, higher in frailer and more heavily treated patients."""
    score = planted.SCORE.value
    log_mean = (
        score["log_mean"]
        + score["per_ecog_point"] * (ecog - 1)
        + score["per_line"] * (prior_lines - 3)
    )
    return np.minimum(rng.poisson(np.exp(log_mean)), 7).astype(np.int32)


def _ecog_weights(prior_lines: Ints) -> Floats:
    odds = planted.ECOG_LOG_ODDS_PER_LINE_AND_POINT.value * (prior_lines[:, None] - 3)
    return np.asarray(np.array(planted.ECOG_SHARES.value) * np.exp(odds * np.arange(4)))


def _draw_ages(rng: Generator, indication: Ints) -> Ints:
    kinds = [planted.POPULATION.value[code] for code in planted.INDICATIONS]
    mean, spread = np.array([kind.age for kind in kinds])[indication].T
    adults = np.clip(rng.normal(mean, spread), 18, 86)
    young_share = np.array([kind.young for kind in kinds], dtype=np.float64)
    young = draw_yes(rng, young_share[indication], indication.size)
    return np.where(young, rng.uniform(2, 26, indication.size), adults).astype(np.int32)


def complete_courses(rng: Generator, baseline: Baseline, centres: Centres) -> Courses:
    """Choose the product of each course and draw what follows from baseline and product."""
    n = baseline.size
    log_risk = baseline_log_risk(baseline)
    product = _choose_products(rng, baseline, log_risk)
    ratios = planted.PRODUCT_HAZARD_RATIOS.value
    by_product = np.log([ratios[code] for code in planted.PRODUCTS])
    by_indication = np.log(
        [planted.INDICATION_HAZARD_RATIOS.value[code] for code in planted.INDICATIONS]
    )
    obe_cel = product == planted.PRODUCTS.index("obe-cel")
    lymphoma = baseline.indication <= planted.INDICATIONS.index("fl")
    benda = lymphoma & draw_yes(rng, planted.BENDAMUSTINE_SHARE.value, n)
    first_split, last_split = planted.SECOND_DOSE_DAYS.value
    split = rng.integers(first_split, last_split, n, endpoint=True)
    start_days, start_shares = zip(*planted.LYMPHODEPLETION_DAYS.value, strict=True)
    return Courses(
        baseline=baseline,
        product=product,
        log_risk=log_risk,
        log_rate=log_risk
        + by_product[product]
        + by_indication[baseline.indication]
        + centres.log_hazard[baseline.centre],
        entry_day=_entry_days(rng, baseline),
        lymphodepletion_day=np.array(start_days, np.int32)[draw_codes(rng, n, start_shares)],
        regimen=benda.astype(np.int32),
        second_dose_day=np.where(obe_cel, split, 0).astype(np.int32),
        discharge_day=_discharge_days(rng, n),
        anc_recovery_day=_anc_recovery_days(rng, baseline.high_score),
        cd4_recovery_day=draw_lognormal(rng, n, CD4.value["recovery_day"]).astype(np.int32),
        igg_after=draw_lognormal(rng, n, IGG.value["after_mg_per_dl"]),
    )


def baseline_log_risk(baseline: Baseline) -> Floats:
    """Planted log hazard of the covariates, against the reference patient."""
    values = {
        "age_years": baseline.age_years / 10.0,
        "prior_lines": baseline.prior_lines,
        "ecog": baseline.ecog,
        "car_hematotox_high": baseline.high_score,
        "infection_100_days_before": baseline.infection_before,
        "bridging": baseline.bridging,
        "prior_allogeneic": baseline.transplant >= TRANSPLANTS.index("allogeneic"),
    }
    total = np.zeros(baseline.size)
    for name, effect in planted.COVARIATE_EFFECTS.value.items():
        reference = effect.reference / 10.0 if name == "age_years" else effect.reference
        total += effect.log_hazard_ratio * (values[name].astype(np.float64) - reference)
    return total


def _choose_products(rng: Generator, baseline: Baseline, log_risk: Floats) -> Ints:
    weights = np.zeros((baseline.size, len(planted.PRODUCTS)))
    for position, indication in enumerate(planted.INDICATIONS):
        chosen = baseline.indication == position
        for product, choice in planted.PRODUCT_CHOICE.value[indication].items():
            logit = choice.intercept + choice.slope * log_risk[chosen]
            weights[chosen, planted.PRODUCTS.index(product)] = np.exp(logit)
    leukaemia = baseline.indication == planted.INDICATIONS.index("b-all")
    for product, (youngest, oldest) in planted.AGE_LIMITS.value.items():
        outside = (baseline.age_years < youngest) | (baseline.age_years > oldest)
        weights[leukaemia & outside, planted.PRODUCTS.index(product)] = 0.0
    since = planted.OBE_CEL_SINCE.value.toordinal() - dt.date(1970, 1, 1).toordinal()
    too_early = baseline.days_since_epoch < since
    weights[too_early, planted.PRODUCTS.index("obe-cel")] = 0.0
    return draw_codes_by_row(rng, weights)


def _entry_days(rng: Generator, baseline: Baseline) -> Ints:
    late = draw_yes(rng, planted.LATE_ENTRY_SHARE.value, baseline.size) & (baseline.number == 1)
    days = rng.integers(*planted.LATE_ENTRY_DAYS.value, baseline.size, endpoint=True)
    return np.where(late, days, 0).astype(np.int32)


def _discharge_days(rng: Generator, size: int) -> Ints:
    stay = draw_lognormal(rng, size, INDEX_STAY_DAYS.value)
    outpatient = draw_yes(rng, SETTINGS.value["outpatient_infusion"], size)
    return np.where(outpatient, 0, np.maximum(stay, 5)).astype(np.int32)


def _anc_recovery_days(rng: Generator, high_score: Bools) -> Ints:
    low = draw_lognormal(rng, high_score.size, ANC.value["recovery_day_low_score"])
    high = draw_lognormal(rng, high_score.size, ANC.value["recovery_day_high_score"])
    return np.clip(np.where(high_score, high, low), 5, 120).astype(np.int32)
