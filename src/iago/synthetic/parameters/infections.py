"""Planted numbers on infections: baseline hazards, prophylaxis, organisms, severity.

A stream is one kind of infection with a hazard of its own. Streams keep apart what drugs act on:
herpes simplex and zoster from other viruses, yeasts from moulds and Pneumocystis, and
Clostridioides difficile from other bacteria.
"""

from dataclasses import dataclass, field

from iago.synthetic.parameters.planted import Planted

# Share of mild, moderate, severe, life-threatening and fatal.
Levels = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """What an infection of a stream turns out to be, with its weight by day 30 and later.

    ``organisms`` are NCBI Taxonomy ids; none means that no organism was found.
    """

    organisms: tuple[str, ...]
    site: str
    early: float
    late: float


@dataclass(frozen=True)
class Stream:
    """One kind of infection.

    ``per_100_days`` is the hazard of the reference patient without prophylaxis, per 100 days, by
    window (0-30, 31-100, 101-365, 366+). ``prophylaxis`` names the exposure classes that act on
    it; on any of them the hazard is multiplied by ``multiplier``.
    """

    name: str
    organism_class: str
    per_100_days: tuple[float, float, float, float]
    severity_early: Levels
    severity_late: Levels
    median_days: float
    marks: tuple[Mark, ...]
    prophylaxis: tuple[str, ...] = ()
    multiplier: float = 1.0


def _marks(*rows: tuple[str, str, float, float]) -> tuple[Mark, ...]:
    """Read rows of (organisms joined by +, site, early weight, late weight)."""
    return tuple(
        Mark(tuple(part for part in organisms.split("+") if part), site, early, late)
        for organisms, site, early, late in rows
    )


_BACTERIA = _marks(
    ("1282", "bloodstream", 10, 4),
    ("1282", "catheter", 4, 2),
    ("1280", "bloodstream", 4, 3),
    ("1280", "skin-soft-tissue", 3, 4),
    ("1280", "bone-joint", 0.3, 0.6),
    ("28037", "bloodstream", 4, 1),
    ("1351", "genitourinary", 3, 3),
    ("1352", "bloodstream", 4, 1),
    ("562", "bloodstream", 9, 5),
    ("562", "genitourinary", 10, 14),
    ("573", "bloodstream", 4, 3),
    ("573", "genitourinary", 3, 4),
    ("573", "hepatobiliary", 0.3, 0.5),
    ("287", "bloodstream", 3, 2),
    ("287", "lower-respiratory", 3, 4),
    ("40324", "lower-respiratory", 0.8, 0.4),
    ("1313", "lower-respiratory", 1, 8),
    ("727", "lower-respiratory", 1, 6),
    ("28901", "gastrointestinal", 0.3, 1),
    ("197", "gastrointestinal", 0.5, 2),
    ("43675", "bloodstream", 1, 0.3),
    ("1639", "cns", 0.1, 0.2),
    ("1817", "lower-respiratory", 0.1, 0.3),
    ("", "lower-respiratory", 8, 14),
    ("", "skin-soft-tissue", 5, 6),
    ("", "sinus", 1, 5),
)
_HERPES = _marks(
    ("10298", "oropharyngeal", 8, 2),
    ("10310", "genitourinary", 2, 1),
    ("10335", "skin-soft-tissue", 3, 9),
    ("10335", "disseminated", 0.3, 0.6),
    ("10335", "eye", 0.1, 0.4),
)
# DNA of a latent virus in blood is documented as an asymptomatic reactivation.
LATENT_IN_BLOOD = ("10359", "10376", "32604")
_VIRUSES = _marks(
    ("10359", "bloodstream", 10, 3),
    ("10359", "gastrointestinal", 1, 0.6),
    ("10359", "lower-respiratory", 0.5, 0.4),
    ("10376", "bloodstream", 2, 1.5),
    ("32604", "bloodstream", 3, 0.5),
    ("32604", "cns", 0.8, 0.1),
    ("1891762", "genitourinary", 4, 1.5),
    ("10509", "gastrointestinal", 1, 0.8),
    ("12059", "upper-respiratory", 8, 14),
    ("12059", "lower-respiratory", 1.5, 3),
    ("11250", "upper-respiratory", 2, 5),
    ("11250", "lower-respiratory", 1, 3),
    ("11320", "upper-respiratory", 2, 5),
    ("11320", "lower-respiratory", 1, 2),
    ("11216", "upper-respiratory", 2, 3),
    ("162145", "upper-respiratory", 1, 3),
    ("162145", "lower-respiratory", 0.5, 1.5),
    ("2697049", "upper-respiratory", 6, 12),
    ("2697049", "lower-respiratory", 5, 8),
    ("142786", "gastrointestinal", 2, 3),
)
_YEASTS = _marks(
    ("5476", "oropharyngeal", 14, 10),
    ("5476", "gastrointestinal", 2, 1.5),
    ("5476", "bloodstream", 3, 1),
    ("5478", "bloodstream", 2, 0.7),
    ("4909", "bloodstream", 1, 0.3),
    ("5480", "bloodstream", 1, 0.4),
)
_MOULDS = _marks(
    ("746128", "lower-respiratory", 5, 5),
    ("5052", "lower-respiratory", 2, 2),
    ("4842", "lower-respiratory", 0.6, 0.4),
    ("4827", "sinus", 0.8, 0.6),
    ("5506", "disseminated", 0.3, 0.1),
    ("", "lower-respiratory", 5, 4),
    ("", "sinus", 0.8, 0.8),
)
_NOT_IDENTIFIED = _marks(
    ("", "fever-without-focus", 12, 3),
    ("", "lower-respiratory", 4, 5),
    ("", "upper-respiratory", 2, 8),
    ("", "gastrointestinal", 2.5, 2),
    ("", "skin-soft-tissue", 1, 1.5),
    ("", "genitourinary", 0.5, 0.8),
)
# Organisms that no other stream holds.
_MIXED = _marks(
    ("550+5482", "bloodstream", 2, 1),
    ("1350+42374", "bloodstream", 1, 0.5),
    ("11520+480", "lower-respiratory", 1, 3),
    ("277944+1314", "lower-respiratory", 2, 3),
    ("470+5059", "lower-respiratory", 1, 1),
)
_MYCOBACTERIA = _marks(
    ("1773", "lower-respiratory", 1, 1),
    ("120793", "lower-respiratory", 1, 2),
    ("36809", "skin-soft-tissue", 0.5, 0.5),
)
_PARASITES = _marks(
    ("5811", "cns", 1, 1), ("5806", "gastrointestinal", 1, 1), ("5741", "gastrointestinal", 1, 2)
)

STREAMS = Planted(
    (
        Stream(
            name="bacterial",
            organism_class="bacterial",
            per_100_days=(0.34, 0.095, 0.034, 0.014),
            severity_early=(0.05, 0.36, 0.50, 0.055, 0.035),
            severity_late=(0.09, 0.58, 0.255, 0.040, 0.035),
            median_days=9.0,
            marks=_BACTERIA,
            prophylaxis=("antibacterial",),
            multiplier=0.60,
        ),
        Stream(
            name="c-difficile",
            organism_class="bacterial",
            per_100_days=(0.040, 0.012, 0.0035, 0.0014),
            severity_early=(0.02, 0.75, 0.21, 0.015, 0.005),
            severity_late=(0.03, 0.80, 0.15, 0.015, 0.005),
            median_days=10.0,
            marks=_marks(("1496", "gastrointestinal", 1, 1)),
        ),
        Stream(
            name="hsv-vzv",
            organism_class="viral",
            per_100_days=(0.040, 0.040, 0.024, 0.014),
            severity_early=(0.08, 0.76, 0.15, 0.009, 0.001),
            severity_late=(0.08, 0.78, 0.13, 0.009, 0.001),
            median_days=11.0,
            marks=_HERPES,
            prophylaxis=("antiviral-hsv-vzv",),
            multiplier=0.20,
        ),
        Stream(
            name="other-viral",
            organism_class="viral",
            per_100_days=(0.080, 0.105, 0.040, 0.018),
            severity_early=(0.42, 0.26, 0.26, 0.035, 0.025),
            severity_late=(0.48, 0.32, 0.145, 0.028, 0.027),
            median_days=13.0,
            marks=_VIRUSES,
        ),
        Stream(
            name="yeast",
            organism_class="fungal",
            per_100_days=(0.040, 0.010, 0.003, 0.0012),
            severity_early=(0.10, 0.55, 0.28, 0.040, 0.030),
            severity_late=(0.14, 0.66, 0.15, 0.025, 0.025),
            median_days=14.0,
            marks=_YEASTS,
            prophylaxis=("antifungal-yeast", "antifungal-mould"),
            multiplier=0.45,
        ),
        Stream(
            name="mould",
            organism_class="fungal",
            per_100_days=(0.008, 0.005, 0.0015, 0.0008),
            severity_early=(0.00, 0.12, 0.58, 0.12, 0.18),
            severity_late=(0.00, 0.20, 0.52, 0.10, 0.18),
            median_days=60.0,
            marks=_MOULDS,
            prophylaxis=("antifungal-mould",),
            multiplier=0.35,
        ),
        Stream(
            name="pneumocystis",
            organism_class="fungal",
            per_100_days=(0.002, 0.003, 0.0025, 0.0015),
            severity_early=(0.00, 0.15, 0.60, 0.15, 0.10),
            severity_late=(0.00, 0.18, 0.60, 0.13, 0.09),
            median_days=21.0,
            marks=_marks(("42068", "lower-respiratory", 1, 1)),
            prophylaxis=("pjp",),
            multiplier=0.10,
        ),
        Stream(
            name="not-identified",
            organism_class="not-identified",
            per_100_days=(0.120, 0.034, 0.013, 0.006),
            severity_early=(0.10, 0.34, 0.52, 0.030, 0.010),
            severity_late=(0.20, 0.55, 0.22, 0.020, 0.010),
            median_days=6.0,
            marks=_NOT_IDENTIFIED,
        ),
        Stream(
            name="mixed",
            organism_class="mixed",
            per_100_days=(0.008, 0.005, 0.0020, 0.0009),
            severity_early=(0.02, 0.18, 0.58, 0.12, 0.10),
            severity_late=(0.03, 0.25, 0.52, 0.11, 0.09),
            median_days=16.0,
            marks=_MIXED,
        ),
        Stream(
            name="mycobacterial",
            organism_class="mycobacterial",
            per_100_days=(0.0002, 0.0004, 0.0006, 0.0006),
            severity_early=(0.00, 0.45, 0.45, 0.050, 0.050),
            severity_late=(0.00, 0.45, 0.45, 0.050, 0.050),
            median_days=150.0,
            marks=_MYCOBACTERIA,
        ),
        Stream(
            name="parasitic",
            organism_class="parasitic",
            per_100_days=(0.0003, 0.0004, 0.0004, 0.0002),
            severity_early=(0.10, 0.40, 0.38, 0.060, 0.060),
            severity_late=(0.10, 0.40, 0.38, 0.060, 0.060),
            median_days=21.0,
            marks=_PARASITES,
        ),
    ),
    "densities: see published_densities; by day 100 between the registry and the single-centre "
    "reports, later below them (no published density after day 365 except for viruses); severe or "
    "worse in 25 % of events (16-34) pooled, 50 % by day 30 and 13 % in days 31-100 after ide-cel",
    "Hill, Blood 2018;131:121; Wudhikarn, Blood Adv 2025; Crit Rev Oncol Hematol 2023;192:104134; "
    "Logue, Blood Adv 2022;6:6109",
)
ORGANISM_CLASSES = tuple(dict.fromkeys(stream.organism_class for stream in STREAMS.value))


@dataclass(frozen=True)
class Density:
    """A published infection density, per 100 patient-days, with the days it covers."""

    organism_class: str
    first_day: int
    last_day: int
    per_100_days: float
    source: str
    note: str = field(default="")


_CIBMTR = "Wudhikarn, Blood Adv 2025 (CIBMTR, n = 3,350, LBCL)"
_HILL = "Hill, Blood 2018;131:121 (n = 133; ALL, CLL, NHL)"
PUBLISHED_DENSITIES = (
    Density("all", 0, 28, 1.19, _HILL),
    Density("all", 29, 90, 0.67, _HILL),
    Density("all", 0, 28, 2.36, "Maron, Front Oncol 2022;12:845540 (n = 38, up to young adults)"),
    Density("all", 29, 90, 0.98, "Maron, Front Oncol 2022;12:845540 (n = 38, up to young adults)"),
    Density("all", 0, 100, 0.43, _CIBMTR, "required treatment"),
    Density("bacterial", 0, 100, 0.23, _CIBMTR, "required treatment"),
    Density("viral", 0, 100, 0.15, _CIBMTR, "required treatment"),
    Density("fungal", 0, 100, 0.04, _CIBMTR, "required treatment"),
    Density(
        "viral",
        91,
        730,
        0.25,
        "Hill, Blood Adv 2019;3:3590 (n = 39, durable remission with aplasia)",
        "computed from 0.91 per person-year after day 90; the last day is not published",
    ),
)

DURATION_SIGMA = Planted(0.60)  # of the logarithm
DURATION_FACTOR_BY_SEVERITY = Planted((0.8, 1.0, 1.4, 2.0, 2.0))
UNKNOWN_RESOLUTION_SHARE = Planted(0.02)
SEQUELAE_SHARE_OF_SEVERE = Planted(0.03)
IMPROVING_SHARE_OF_UNRESOLVED = Planted(0.40)
FATAL_DELAY_DAYS = Planted({"shape": 1.5, "mean": 15.0})
ONSET_PRECISION = Planted({"month_only": 0.02, "month_only_after_day": 60, "unknown": 0.004})
RECURRENCE_SHARE = Planted(0.30)  # of episodes that follow one of their own stream in its window
REPORTED_NEW_AFTER_WINDOW = Planted(0.30)  # of episodes like an earlier one, after its window
INDEX_STAY_DAYS = Planted((15.0, 0.40))  # log-normal: median, sigma of the logarithm
SETTINGS = Planted(
    {
        "outpatient_infusion": 0.10,
        "readmission": 0.10,
        "lodging_until_day_60": 0.18,
        "nursing_facility": 0.02,
        "clinic_in_past_30_days": 0.15,
        "readmission_day_3_or_later": 0.70,
    }
)
TREATMENT = Planted(
    {
        "severe_admitted": 0.85,
        "severe_admitted_by_mouth": 0.12,
        "vasopressors": 0.55,
        "ventilation_too": 0.45,
        "fatal_without_ventilation": 0.15,
        "icu_if_organ_support": 0.95,
        "severe_sepsis": 0.60,
        "deep_organ": 0.30,
        "changed": 0.08,
        "invasive_intervention": 0.06,
    }
)
STOOL_ML_PER_DAY = Planted((700.0, 0.6))  # log-normal: median, sigma of the logarithm
DIFFICILE = Planted({"stool_not_measured": 0.45, "abdominal_pain": 0.40, "toxic_if_grave": 0.40})
RESISTANCE_TESTED = Planted(0.85)  # of bacteria
RESISTANCE = Planted(
    {
        "1280": ("mrsa", 0.08),
        "1352": ("vre", 0.20),
        "562": ("esbl", 0.14),
        "573": ("esbl", 0.12),
        "287": ("carbapenem-resistant", 0.10),
    }
)
RESISTANCE_NAMES = (
    "none-detected",
    *dict.fromkeys(name for name, _ in RESISTANCE.value.values()),
)
ONSET_BASIS_SHARES = Planted((0.55, 0.30, 0.15))  # symptom, positive sample, start of treatment
PROVEN_SHARE = Planted(0.25)  # of invasive mould infection and Pneumocystis with an organism
REPORTERS = Planted(
    # reporter: (weight by day 100, weight later)
    {
        "centre": (90.0, 45.0),
        "community-physician": (4.0, 42.0),
        "patient": (3.0, 9.0),
        "registry": (3.0, 4.0),
    }
)
EVIDENCE = Planted(
    {
        "share_of_episodes": 0.12,
        "other_cause_likely": 0.05,
        "contradictory": 0.03,
        "further_data_expected_if_unresolved": 0.30,
    }
)
