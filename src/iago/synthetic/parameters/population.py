"""Planted numbers on patients and centres: who is treated, where, with what, followed how long."""

import datetime as dt
from dataclasses import dataclass

from iago.synthetic.parameters.planted import Planted

# Windows of hazards: (0, 30], (30, 100], (100, 365] and (365, ...) days after infusion.
WINDOWS = ("0-30", "31-100", "101-365", "366+")
WINDOW_STARTS = (0.0, 30.0, 100.0, 365.0)

INDICATIONS = ("lbcl", "fl", "mcl", "b-all", "mm")
PRODUCTS = ("tisa-cel", "axi-cel", "liso-cel", "brexu-cel", "obe-cel", "ide-cel", "cilta-cel")
REFERENCE_PRODUCTS = {"CD19": "tisa-cel", "BCMA": "ide-cel"}


@dataclass(frozen=True)
class Population:
    """Baseline of one indication.

    ``age`` is mean and standard deviation of adults (18 to 86 years); ``young`` the share drawn
    evenly from 2 to 25 years instead. ``lines`` is the fewest prior lines and the mean number of
    further ones (Poisson). ``transplant`` weighs none, autologous, allogeneic and both.
    """

    share: float
    age: tuple[float, float]
    lines: tuple[int, float]
    transplant: tuple[float, float, float, float]
    young: float = 0.0


POPULATION = Planted(
    {
        "lbcl": Population(0.50, (62.0, 12.0), (1, 1.0), (0.78, 0.20, 0.015, 0.005)),
        "fl": Population(0.08, (60.0, 11.0), (1, 1.4), (0.80, 0.18, 0.015, 0.005)),
        "mcl": Population(0.07, (66.0, 9.0), (1, 1.3), (0.62, 0.35, 0.020, 0.010)),
        "b-all": Population(0.10, (48.0, 16.0), (1, 1.0), (0.63, 0.01, 0.360, 0.000), young=0.45),
        "mm": Population(0.25, (64.0, 9.0), (2, 2.2), (0.22, 0.75, 0.010, 0.020)),
    }
)
SEX_SHARES = Planted({"female": 0.42, "male": 0.578, "other": 0.002})
ECOG_SHARES = Planted((0.34, 0.47, 0.15, 0.04))  # 0, 1, 2, 3 with three prior lines
ECOG_LOG_ODDS_PER_LINE_AND_POINT = Planted(0.10)
SCORE = Planted(
    # CAR-HEMATOTOX: Poisson, cut at 7
    {"log_mean": 0.40, "per_ecog_point": 0.20, "per_line": 0.06},
    "median and high share not taken from a report; high is 2 or more",
    "Rejeski, Blood 2021;138:2499 (definition only)",
)
HISTORY = Planted(
    {
        "bridging": 0.55,
        "infection_before": 0.12,
        "infection_before_per_ecog_point": 0.05,
        "mould_before": 0.025,
        "ecog_worse_at_second_course": 0.30,
    }
)
HBV_SHARES = Planted((0.93, 0.06, 0.01))  # negative, anti-HBc positive, HBsAg positive
LYMPHODEPLETION_DAYS = Planted(((-3, 0.2), (-4, 0.2), (-5, 0.6)))
BENDAMUSTINE_SHARE = Planted(0.10)  # of lymphomas; flu-cy otherwise
SECOND_DOSE_DAYS = Planted((9, 11), "split dose of obe-cel about day 10", "recalled from the label")


@dataclass(frozen=True)
class Choice:
    """How readily a product is chosen: logit = intercept + slope x baseline log risk."""

    intercept: float
    slope: float


# Fitter patients get axi-cel, frailer ones tisa-cel: the crude comparison hides the hazard ratio.
PRODUCT_CHOICE = Planted(
    {
        "lbcl": {
            "tisa-cel": Choice(0.0, 0.0),
            "axi-cel": Choice(1.6, -2.6),
            "liso-cel": Choice(0.5, -0.8),
        },
        "fl": {
            "tisa-cel": Choice(0.0, 0.0),
            "axi-cel": Choice(1.2, -2.6),
            "liso-cel": Choice(0.2, -0.8),
        },
        "mcl": {"brexu-cel": Choice(0.8, -1.5), "liso-cel": Choice(0.0, 0.0)},
        "b-all": {
            "tisa-cel": Choice(0.0, 0.0),
            "brexu-cel": Choice(0.6, -1.0),
            "obe-cel": Choice(0.2, 1.0),
        },
        "mm": {"ide-cel": Choice(0.0, 0.0), "cilta-cel": Choice(0.9, -1.5)},
    },
)
PRODUCT_HAZARD_RATIOS = Planted(
    {
        "tisa-cel": 1.00,
        "axi-cel": 1.30,
        "liso-cel": 0.95,
        "brexu-cel": 1.40,
        "obe-cel": 1.05,
        "ide-cel": 1.00,
        "cilta-cel": 1.15,
    },
    "direction only: axi-cel against tisa-cel is a risk factor for infection by day 100",
    "Wudhikarn, Blood Adv 2025 (CIBMTR, n = 3,350)",
)
INDICATION_HAZARD_RATIOS = Planted(
    {"lbcl": 1.00, "fl": 0.85, "mcl": 1.00, "b-all": 1.20, "mm": 1.35},
    "direction only: any infection 64 % after BCMA and 39 % after CD19 CAR T cells",
    "meta-analysis of 33 reports, 2,866 patients (ASH abstract)",
)


@dataclass(frozen=True)
class Effect:
    """Log hazard ratio for one unit of a covariate above its reference value."""

    log_hazard_ratio: float
    reference: float
    unit: str


COVARIATE_EFFECTS = Planted(
    {
        "age_years": Effect(0.05, 60.0, "10 years"),
        "prior_lines": Effect(0.08, 3.0, "1 line"),
        "ecog": Effect(0.22, 1.0, "1 point"),
        "car_hematotox_high": Effect(0.45, 0.0, "score of 2 or more against 0 or 1"),
        "infection_100_days_before": Effect(0.40, 0.0, "yes against no"),
        "bridging": Effect(0.10, 0.0, "yes against no"),
        "prior_allogeneic": Effect(0.20, 0.0, "allogeneic or both against none or autologous"),
    },
    "direction only: Karnofsky 80 or less and prior infection are risk factors; infections by day "
    "90 in 45 % of the development cohort of the CAR-HEMATOTOX score",
    "Wudhikarn, Blood Adv 2025 (CIBMTR); table 13003075 of the CAR-HEMATOTOX infection report",
)
MOULD_BEFORE_LOG_HAZARD_RATIO = Planted(1.10)  # acts on moulds only
FRAILTY_VARIANCE = Planted(0.50)  # gamma with mean 1, one value a person
AFTER_RELAPSE_HAZARD_RATIO = Planted(1.30)

CENTRES = Planted(30)
CAPTURE_WEIGHTS = Planted(
    {
        "prospective": 3.0,
        "chart-review": 4.0,
        "registry": 2.0,
        "ehr-import": 1.0,
        "community-report": 0.3,
    }
)
CENTRE_LOG_HAZARD_SD = Planted(0.10)

# Follow-up: staggered entry before one closing date.
DATA_CLOSED = dt.date(2026, 6, 30)
FOLLOW_UP_DAYS = Planted(
    (180, 1500), "median follow-up 12.9 months", "Cordas dos Santos, preprint rs-3907430/v1"
)
LOSS_PER_DAY = Planted(0.00012)
LATE_ENTRY_SHARE = Planted(0.02)
LATE_ENTRY_DAYS = Planted((5, 55))
OBE_CEL_SINCE = Planted(dt.date(2024, 11, 8), "US approval 8 November 2024", "FDA approval date")
AGE_LIMITS = Planted(
    {"tisa-cel": (0, 25), "brexu-cel": (18, 110), "obe-cel": (18, 110)},
    "tisa-cel in B-ALL up to 25 years",
    "US label, as tabulated in doi 10.1186/s13046-022-02327-z",
)


@dataclass(frozen=True)
class Visits:
    """Planned contacts; places are the CAR T centre, another hospital and the community."""

    days: tuple[int, ...]
    jitter: int
    attended: float
    late_after_day: int
    places_early: tuple[float, float, float]
    places_late: tuple[float, float, float]
    answered_by_patient: float
    not_asked: float


VISITS = Planted(
    Visits(
        days=(30, 100, 180, 365, 545, 730, 1095, 1460),
        jitter=6,
        attended=0.96,
        late_after_day=150,
        places_early=(0.92, 0.05, 0.03),
        places_late=(0.38, 0.10, 0.52),
        answered_by_patient=0.10,
        not_asked=0.05,
    ),
    "reports to CIBMTR at 100 days, 6 months and yearly",
    "CIBMTR cellular therapy forms",
)


@dataclass(frozen=True)
class Missing:
    """How often an element is absent, at random, and with which null flavours."""

    share: float
    flavours: tuple[str, ...] = ("UNK",)


MISSING = Planted(
    {
        "patients.birth_year": Missing(0.010, ("MSK",)),
        "patients.sex": Missing(0.002),
        "courses.indication": Missing(0.002),
        "courses.age_years": Missing(0.003, ("MSK", "UNK")),
        "courses.prior_lines": Missing(0.020),
        "courses.prior_transplant": Missing(0.015),
        "courses.bridging": Missing(0.020, ("UNK", "NASK")),
        "courses.infection_100_days_before": Missing(0.025, ("UNK", "NASK")),
        "courses.mould_infection_before": Missing(0.020, ("UNK", "NASK")),
        "courses.hbv_status": Missing(0.040, ("NASK", "UNK")),
        "courses.ecog": Missing(0.030, ("UNK", "NASK")),
        "courses.car_hematotox_score": Missing(0.060, ("NASK", "UNK")),
        "episodes.setting_at_onset": Missing(0.030, ("UNK", "NASK")),
        "episodes.acquisition": Missing(0.060, ("NASK", "UNK")),
        "episodes.organism_class": Missing(0.008, ("UNK",)),
        "episodes.site": Missing(0.012, ("UNK",)),
        "episodes.therapy_route": Missing(0.020, ("UNK",)),
        "episodes.therapy_days": Missing(0.080, ("UNK", "NASK")),
        "episodes.hospitalised": Missing(0.015, ("UNK",)),
        "episodes.icu": Missing(0.015, ("UNK", "NASK")),
        "episodes.vasopressors": Missing(0.020, ("UNK", "NASK")),
        "episodes.outcome": Missing(0.010, ("UNK",)),
        "deaths.primary_cause": Missing(0.020, ("UNK", "NASK")),
        "exposures.drug": Missing(0.030, ("UNK", "NASK")),
        "contacts.answered_by": Missing(0.010, ("UNK",)),
    }
)
