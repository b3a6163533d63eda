"""Rows of a made-up dossier from simple formulas: plausible shapes, no patient behind them.

Rates fall over time, small strata have no episode and wide intervals, one cell is suppressed.
"""

import math
from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]

PRODUCTS = {"axi-cel": 1.0, "tisa-cel": 0.72, "liso-cel": 0.8, "ide-cel": 1.15, "cilta-cel": 1.3}
COURSES = {"axi-cel": 1804, "tisa-cel": 746, "liso-cel": 512, "ide-cel": 398, "cilta-cel": 121}
WINDOWS = {"0-30": (31, 1.1), "31-100": (70, 0.62), "101-365": (265, 0.3), "366+": (365, 0.14)}
GROUPS = [("all", "all"), *(("product", product) for product in PRODUCTS)]
GUIDANCE = ("guidance-a", "guidance-b", "guidance-c")
CONTRASTS = tuple(f"{product} vs axi-cel" for product in list(PRODUCTS)[1:])
EXPOSURES = {"antibacterial": 0.3, "antiviral-hsv-vzv": 0.6, "antifungal-mould": 0.4, "pjp": 0.5}
STRATA = {
    "organism_class": "bacterial .48 viral .34 fungal .06 mycobacterial .003 parasitic 0 "
    "not-identified .11",
    "setting_at_onset": "inpatient-index-stay .38 inpatient-readmission .09 home .49 "
    "temporary-lodging .04",
    "severity": "mild .18 moderate .34 severe .3 life-threatening .06 fatal .03 unknown .09",
    "site": "bloodstream .14 lower-respiratory .24 upper-respiratory .2 gastrointestinal .1 "
    "genitourinary .12 skin-soft-tissue .08 cns .004",
    "prophylaxis": "on .52 off-indicated .21 off-not-indicated .17 unknown .1",
}


def courses_of(level: str) -> int:
    return sum(COURSES.values()) if level == "all" else COURSES[level]


def rows_from(columns: str, *values: tuple[Any, ...]) -> Rows:
    return [dict(zip(columns.split(), row, strict=True)) for row in values]


def flow_rows() -> Rows:
    return rows_from(
        "step courses episodes note",
        ("in the snapshot", 3720, 4105, None),
        ("infused", 3655, 4040, "65 not infused"),
        ("follow-up known", 3581, 3911, "74 courses without any date after infusion"),
        ("meets the case definition", 3581, 3127, "784 episodes did not require treatment"),
    )


def cohort_rows() -> Rows:
    return [row for by, level in GROUPS for row in _cohort_of(by, level)]


def _cohort_of(by: str, level: str) -> Rows:
    n = courses_of(level)
    shares = {
        "sex": {"female": 0.41, "male": 0.59},
        "indication": {"lbcl": 0.61, "mm": 0.22, "mcl": 0.09, "b-all": 0.08},
    }
    ages = {"lower_quartile": 54.5, "median": 63.0, "upper_quartile": 70.0}
    return rows_from(
        "by level characteristic category n share value",
        (by, level, "size", "courses", n, None, None),
        *((by, level, "age_years", part, None, None, value) for part, value in ages.items()),
        *(
            (by, level, characteristic, category, round(n * share), share, None)
            for characteristic, parts in shares.items()
            for category, share in parts.items()
        ),
    )


def completeness_rows() -> Rows:
    known = (
        ("episodes", "onset_day", 3086, 3127),
        ("episodes", "organism", 1721, 3127),
        ("episodes", "setting_at_onset", 2988, 3127),
        ("episodes", "resolution_day", 2402, 3127),
        ("courses", "lymphodepletion", 3522, 3581),
    )
    return rows_from(
        "table element known absent share_known",
        *((table, element, n, total - n, n / total) for table, element, n, total in known),
    )


def contact_rows() -> Rows:
    return rows_from(
        "place answer contacts",
        ("car-t-centre", "no-infection", 9120),
        ("car-t-centre", "infection", 2240),
        ("community", "no-infection", 4411),
        ("community", "infection", 871),
        ("community", "not-asked", 1502),
    )


def byar_limits(events: int, time: float) -> tuple[float, float]:
    """Limits near the exact ones, for plausible pictures only."""
    if events == 0:
        return 0.0, 369.0 / time
    more, width = events + 1, 1.96 / 3
    lower = events * max(0.0, 1 - 1 / (9 * events) - width / math.sqrt(events)) ** 3
    upper = more * (1 - 1 / (9 * more) + width / math.sqrt(more)) ** 3
    return 100 * lower / time, 100 * upper / time


def density_rows() -> Rows:
    strata = {"all": 1.0}
    for dimension, text in STRATA.items():
        words = text.split()
        shares = zip(words[::2], words[1::2], strict=True)
        strata |= {f"{dimension}={code}": float(share) for code, share in shares}
    return [
        _density_row(by, level, window, stratum, share)
        for by, level in GROUPS
        for window in WINDOWS
        for stratum, share in strata.items()
    ]


def _density_row(by: str, level: str, window: str, stratum: str, share: float) -> dict[str, Any]:
    days, rate = WINDOWS[window]
    time = round(courses_of(level) * days * (0.95 if days < 100 else 0.62))
    if (level, window) == ("cilta-cel", "366+"):
        time = 41
    episodes = round(time * rate * PRODUCTS.get(level, 0.95) * share / 100)
    lower, upper = byar_limits(episodes, time)
    small = (level, window, stratum) == ("liso-cel", "366+", "organism_class=fungal")
    return {
        "by": by,
        "level": level,
        "window": window,
        "stratum": stratum,
        "episodes": episodes,
        "patients": round(episodes * 0.7),
        "person_days": time,
        "rate_per_100_days": 100 * episodes / time,
        "lower": lower,
        "upper": upper,
        "suppressed": "true" if small else None,
    }


def curve_rows(
    shape: Callable[[float, int], float], causes: dict[str, float] | None = None
) -> Rows:
    rows: Rows = []
    for by, level in GROUPS:
        for cause, weight in (causes or {"": 1.0}).items():
            for day in range(366):
                estimate = weight * shape(PRODUCTS.get(level, 0.95), day)
                spread = max(estimate * (1 - min(estimate, 0.99)), 1e-4) / courses_of(level)
                row = {
                    "by": by,
                    "level": level,
                    "day": day,
                    "at_risk": round(courses_of(level) * math.exp(-day / 420)),
                    "estimate": estimate,
                    "lower": max(estimate - 1.96 * math.sqrt(spread), 0.0),
                    "upper": estimate + 1.96 * math.sqrt(spread),
                }
                rows.append({"cause": cause, **row} if causes else row)
    return rows


def incidence_shape(factor: float, day: int) -> float:
    return 0.38 * factor * (1 - math.exp(-day / 70))


def count_shape(factor: float, day: int) -> float:
    return 1.15 * factor * (1 - math.exp(-day / 150))


def active_shape(factor: float, day: int) -> float:
    return factor * (0.0047 * (day + 2) * math.exp(1 - (day + 2) / 22) + 0.012)


CAUSES = {
    "infection": 1.0,
    "relapse-progression": 0.55,
    "next-therapy": 0.1,
    "death": 0.08,
    "transplant": 0.03,
}


def duration_rows() -> Rows:
    return rows_from(
        "by level stratum episodes resolved median_days lower_quartile_days upper_quartile_days",
        *(
            (by, level, "all", 300, 231, 11.0, 6.0, None if level == "cilta-cel" else 24.0)
            for by, level in GROUPS
        ),
    )


def relation_rows() -> Rows:
    return rows_from(
        "relation by_rule reported episodes",
        ("new", 2701, 2588, 3127),
        ("recurrence", 291, 214, 3127),
        ("same", 135, 101, 3127),
    )


def causality_rows() -> Rows:
    shares = {
        "certain": 0.03,
        "probable": 0.24,
        "possible": 0.51,
        "unlikely": 0.12,
        "unassessable": 0.1,
    }
    return rows_from(
        "by level method category episodes share",
        *(
            (by, level, "who-umc", category, round(300 * share), share)
            for by, level in GROUPS
            for category, share in shares.items()
        ),
    )


def comparison_rows() -> Rows:
    rows: Rows = []
    for step, method in enumerate(("crude", "mantel-haenszel", "weighted")):
        for i, contrast in enumerate(CONTRASTS):
            middle, half = 0.25 * step - 0.3 + 0.14 * i, 0.22 + 0.06 * i
            known = (method, i) != ("weighted", len(CONTRASTS) - 1)
            limits = [math.exp(middle + sign * half) if known else None for sign in (0, -1, 1)]
            rows += rows_from(
                "method estimand contrast estimate lower upper",
                (method, "rate ratio of episodes, days 0-100", contrast, *limits),
            )
    return rows


def note_rows() -> Rows:
    text = "Not estimated: 121 courses leave no overlap of the propensity scores."
    return rows_from("contrast method note", (CONTRASTS[-1], "weighted", text))


def _differences(i: int, j: int) -> tuple[float, float]:
    return 0.45 * math.sin(1 + i * 2.1 + j), 0.08 * math.cos(i + 2 * j)


def balance_rows() -> Rows:
    names = ("age", "lbcl", "prior_transplant", "ldh_above_normal", "bridging", "igg_below_400")
    return rows_from(
        "contrast covariate mean_a mean_b standardised_difference_before "
        "standardised_difference_after variance_ratio_before variance_ratio_after",
        *(
            (contrast, name, 0.3, 0.4, *_differences(i, j), 1.3, 1.04)
            for i, contrast in enumerate(CONTRASTS)
            for j, name in enumerate(names)
        ),
    )


GRADES = {
    "five-level": (
        "provisional",
        {"mild": 0.17, "moderate": 0.34, "severe": 0.24, "life-threatening": 0.04, "fatal": 0.03},
    ),
    "ctcae-5.0": (
        "verified",
        {"grade 1": 0.02, "grade 2": 0.41, "grade 3": 0.3, "grade 4": 0.05, "grade 5": 0.03},
    ),
    "bmt-ctn-2013": ("verified", {"grade 1": 0.5, "grade 2": 0.26, "grade 3": 0.09}),
}


def severity_rows() -> Rows:
    return [
        row for by, level in GROUPS for system in GRADES for row in _severity_of(by, level, system)
    ]


def _severity_of(by: str, level: str, system: str) -> Rows:
    status, shares = GRADES[system]
    known = {label: share * min(1.0, PRODUCTS.get(level, 0.95)) for label, share in shares.items()}
    left = 1 - sum(known.values())
    entries: list[tuple[int | None, int | None, str, str, float]] = [
        (grade, grade, label, "exact", share)
        for grade, (label, share) in enumerate(known.items(), start=1)
    ]
    entries += [
        (2, 3, "grade 2 to grade 3", "bounded", left * 0.4),
        (1, 3, "grade 1 to grade 3", "bounded", left * 0.2),
        (None, None, "ungradable", "ungradable", left * 0.4),
    ]
    return rows_from(
        "by level system system_status lowest highest label status episodes share",
        *(
            (by, level, system, status, low, high, label, kind, round(400 * share), share)
            for low, high, label, kind, share in entries
        ),
    )


def grading_system_rows() -> Rows:
    return rows_from(
        "system edition title status doubt source",
        ("five-level", "1", "Five-level severity", "provisional", "A doubt of the test.", "Test"),
        ("ctcae-5.0", "5.0", "CTCAE", "verified", "", "Test"),
        ("bmt-ctn-2013", "2013", "BMT CTN grade", "verified", None, "Test"),
    )


def prophylaxis_rows() -> Rows:
    rows: Rows = []
    for place, guidance in enumerate(GUIDANCE):
        for exposure_class, on in EXPOSURES.items():
            shares = {"on": on, "off-indicated": 0.35 * (1 - on) + 0.08 * place, "unknown": 0.08}
            shares["off-not-indicated"] = 1 - sum(shares.values())
            for status, share in shares.items():
                key = (guidance, exposure_class, status, round(420 * share), share)
                rows += rows_from(
                    "guidance exposure_class status episodes share person_days "
                    "rate_per_100_days lower upper",
                    (*key, *_rate_of(status, share)),
                )
    return rows


def _rate_of(status: str, share: float) -> tuple[float | None, ...]:
    if status == "unknown":
        return (None,) * 4
    episodes, time = round(420 * share), round(120_000 * (share + 0.05))
    return (time, 100 * episodes / time, *byar_limits(episodes, time))


def disagreement_rows() -> Rows:
    return rows_from(
        "exposure_class guidance_a guidance_b both only_a only_b neither unknown",
        *((name, GUIDANCE[0], GUIDANCE[1], 210, 31, 12, 140, 27) for name in EXPOSURES),
    )
