"""Planted numbers on prophylaxis, supportive care and blood values."""

from dataclasses import dataclass

from iago.synthetic.parameters.planted import Planted


@dataclass(frozen=True)
class Prophylaxis:
    """Who gets a drug, from when and until when; one stop rule a centre.

    ``logit`` = intercept + slope x baseline log risk + a centre's habit (normal, ``habit_sd``).
    Stop rules: a day, ``anc`` (ANC recovery), ``cd4`` (CD4 above 200/uL, from day 180 on).
    """

    exposure_class: str
    intercept: float
    slope: float
    habit_sd: float
    starts: tuple[str, ...]
    stops: tuple[str, ...]
    drugs: tuple[str, ...]


PROPHYLAXIS = Planted(
    (
        Prophylaxis(
            "antibacterial", -0.90, 2.2, 0.5, ("0",), ("anc", "anc", "30", "90"), ("levofloxacin",)
        ),
        Prophylaxis(
            "antiviral-hsv-vzv",
            1.80,
            0.8,
            0.5,
            ("lymphodepletion",),
            ("180", "365", "540", "cd4"),
            ("aciclovir", "valaciclovir"),
        ),
        Prophylaxis(
            "pjp",
            1.30,
            0.8,
            0.5,
            ("0", "14", "30"),
            ("180", "365", "cd4"),
            ("co-trimoxazole", "atovaquone"),
        ),
        Prophylaxis(
            "antifungal-yeast", -0.90, 1.2, 0.5, ("0",), ("anc", "30", "60"), ("fluconazole",)
        ),
        Prophylaxis("antifungal-mould", -2.90, 2.2, 0.5, ("0",), ("60", "90"), ("posaconazole",)),
    ),
    "antiviral from lymphodepletion for 6 months, 1 year, 12-18 months or 18 months or more, or "
    "CD4 above 200/uL; Pneumocystis from day 14 or 30 for 6-18 months or CD4 above 200/uL; "
    "antibacterial and antifungal while ANC is below 500/uL",
    "Blood 2023;142:865 Table 3; Baird, Blood Adv 2021;5:143; review tables 12523856 and 12050824",
)
MOULD_PROPHYLAXIS_IF_MOULD_BEFORE = Planted(2.5)  # added to the logit
SUPPORT = Planted(
    {
        "g_csf_high_score": 0.60,
        "g_csf_anc_low_after_day_14": 0.55,
        "corticosteroid_cd28": 0.38,
        "corticosteroid_4_1bb": 0.18,
        "tocilizumab_cd28": 0.40,
        "tocilizumab_4_1bb": 0.24,
        "immunoglobulin_igg_below_400": 0.38,
        "immunoglobulin_igg_400_or_more": 0.06,
        "hbv_prophylaxis_if_exposed": 0.85,
        "unknown_stop": 0.01,
    },
    "replacement at IgG of 400 mg/dL or below, or below 400; G-CSF from day 2 at high score, or "
    "for ANC below 500/uL beyond day 14",
    "review tables 12523856 and 12050824; Blood 2023;142:865 Table 3",
)
# Days, both ends included.
SUPPORT_DAYS = Planted(
    {
        "immunoglobulin_start": (28, 120),
        "immunoglobulin_length": (90, 540),
        "corticosteroid_start": (2, 9),
        "corticosteroid_length": (2, 20),
        "tocilizumab_start": (1, 8),
        "tocilizumab_length": (0, 2),
        "g_csf_start_early_or_rescue": (2, 15),
        "hbv_stop_either": (365, 540),
    },
    "G-CSF from day 2 at high score or beyond day 14; entecavir 12 months",
    "Blood 2023;142:865 Table 3; review table 12523856",
)
STOP_JITTER = Planted((0.85, 1.15))  # the true stop day is the planned one times this
CD28_PRODUCTS = ("axi-cel", "brexu-cel")

# Blood counts and immunoglobulin: log-normal, given as (median, sigma of the logarithm).
ANC = Planted(
    {
        "recovery_day_low_score": (12.0, 0.45),
        "recovery_day_high_score": (22.0, 0.55),
        "before_nadir_per_ul": (2200.0, 0.50),
        "nadir_per_ul": (150.0, 0.90),
        "recovered_per_ul": (1900.0, 0.50),
    },
    "grade 3 or worse neutropenia at day 30 in 21 of 70 (30 %)",
    "Logue, Haematologica 2021",
)
CD4 = Planted(
    {"recovery_day": (430.0, 0.75)},
    "median CD4 155/uL at 1 year (n = 19); 50 % below 200/uL at 18 months",
    "Logue, Haematologica 2021; Baird, Blood Adv 2021;5:143",
)
IGG = Planted(
    {"before_mg_per_dl": (520.0, 0.55), "after_mg_per_dl": (320.0, 0.48)},
    "mean 587 mg/dL before and 362 after; 600 mg/dL or less in 60 % before and 91 % after",
    "J Allergy Clin Immunol 2024, doi 10.1016/j.jaci.2024.10.021 (n = 579)",
)

# Sampling gaps up to day 30 stay within a week or so, as neutropenia gradings need.
SAMPLING_DAYS = Planted(
    {
        "anc": (0, 5, 11, 16, 22, 28, 41, 57),
        "cd4": (30, 100, 365),
        "igg": (-3, 30, 100, 365),
    }
)
SAMPLING_JITTER_DAYS = Planted(1)
SAMPLE_SIGMA = Planted({"anc": 0.35, "cd4": 0.30, "igg": 0.12})  # of the logarithm, each sample
CD4_GROWTH_POWER = Planted(0.7)  # CD4 = 200/uL x (day / recovery day) to this power
