"""The truth file of a cohort: the model, every planted number, and what the dice gave."""

import datetime as dt
import math
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iago.synthetic.course_tables import CENTRE_IDS
from iago.synthetic.courses import Centres
from iago.synthetic.episodes import LEVELS, OUTCOMES
from iago.synthetic.infections import STREAMS
from iago.synthetic.outcomes import CAUSES, ENDS
from iago.synthetic.parameters import infections, outcomes, population, treatment
from iago.synthetic.parameters.planted import Planted
from iago.synthetic.realised import HORIZONS, Tally, by_class, named

GENERATOR_VERSION = "1"
MODEL = (
    "Time is continuous from infusion; a day d is the interval (d - 1, d], so day 1 is the first "
    "after infusion and follow-up until day e holds e days.",
    "Hazard of an infection of a stream for a course on a day = baseline of the stream in the "
    "window x product hazard ratio x indication hazard ratio x exp(covariate effects) x exp(centre "
    "effect) x gamma frailty of the person x prophylaxis multiplier on days on a class that acts "
    "on the stream x relapse multiplier on days after relapse or progression. Moulds also x the "
    "ratio for an earlier mould infection. The same ratios hold for every stream and window.",
    "The baseline belongs to the reference patient without prophylaxis: tisa-cel, LBCL, reference "
    "value of every covariate. In myeloma the product ratio is against ide-cel, and the indication "
    "ratio compares ide-cel in myeloma with tisa-cel in LBCL.",
    "Product, prophylaxis and infection hazard share the covariates: crude comparisons of products "
    "and of days on and off prophylaxis are confounded, the latter also by time since infusion. "
    "Given covariates and centre there is no further confounding. The covariate effects are direct "
    "ones; as frailer patients get more prophylaxis, their effects on all infections are smaller "
    "where prophylaxis is not in the model.",
    "Immunoglobulin, G-CSF, corticosteroids, tocilizumab and hepatitis B prophylaxis have no "
    "planted effect on infections. Clostridioides difficile is not affected by antibacterial "
    "prophylaxis.",
    "Relapse, loss and death from other causes are independent of infections given the "
    "covariates. A fatal infection ends the course; later infections of that course are not seen. "
    "Frailer persons die of infection more often, so late rates lie slightly below what the "
    "hazards alone imply.",
    "Infections of one organism, or of one organism class at one site, never overlap in a course: "
    "the earlier one ends the day before the next begins. A share of those within the recurrence "
    "window of one of their stream repeats its organism and site; this changes what the infection "
    "is, not whether it happens.",
    "Values are absent completely at random, in the planted shares. Capture is complete for every "
    "capture method; late entries are observed from their entry day on, given that they got there.",
)


def describe_truth(patients: int, seed: int, centres: Centres, tally: Tally) -> dict[str, Any]:
    """Content of ``truth.json``."""
    return {
        "synthetic": True,
        "generator_version": GENERATOR_VERSION,
        "patients": patients,
        "seed": seed,
        "model": list(MODEL),
        "headline": _headline(),
        "product_hazard_ratios": population.PRODUCT_HAZARD_RATIOS.value,
        "windows": list(population.WINDOWS),
        "baseline_hazard_per_day": _baseline_by_stream(),
        "baseline_hazard_per_day_by_class": _baseline_by_class(),
        "prophylaxis": _prophylaxis(),
        "centre_log_hazard": named(CENTRE_IDS, centres.log_hazard),
        "centre_share": named(CENTRE_IDS, centres.share),
        "planted": {
            module.__name__.rpartition(".")[2]: _planted(module)
            for module in (population, infections, treatment, outcomes)
        },
        "published_densities": [asdict(one) for one in infections.PUBLISHED_DENSITIES],
        "realised": _realised(tally),
    }


def _headline() -> dict[str, Any]:
    ratios = population.PRODUCT_HAZARD_RATIOS.value
    return {
        "axi-cel_vs_tisa-cel_hazard_ratio": ratios["axi-cel"] / ratios["tisa-cel"],
        "cilta-cel_vs_ide-cel_hazard_ratio": ratios["cilta-cel"] / ratios["ide-cel"],
        "reference_products": population.REFERENCE_PRODUCTS,
        "frailty_variance": population.FRAILTY_VARIANCE.value,
    }


def _baseline_by_stream() -> dict[str, Any]:
    return {
        stream.name: named(population.WINDOWS, np.array(stream.per_100_days) / 100.0)
        for stream in STREAMS
    }


def _baseline_by_class() -> dict[str, Any]:
    total = {name: np.zeros(len(population.WINDOWS)) for name in infections.ORGANISM_CLASSES}
    for stream in STREAMS:
        total[stream.organism_class] += np.array(stream.per_100_days) / 100.0
    return {name: named(population.WINDOWS, rates) for name, rates in total.items()}


def _prophylaxis() -> list[dict[str, Any]]:
    return [
        {
            "stream": stream.name,
            "exposure_classes": list(stream.prophylaxis),
            "hazard_multiplier": stream.multiplier,
        }
        for stream in STREAMS
        if stream.prophylaxis
    ]


def _planted(module: Any) -> dict[str, Any]:
    """Every planted value of a module, with the published figure beside it."""
    return {
        name.lower(): {
            "value": _plain(entry.value),
            "published": entry.published,
            "source": entry.source,
        }
        for name, entry in vars(module).items()
        if isinstance(entry, Planted)
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(part) for name, part in vars(value).items()}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _realised(tally: Tally) -> dict[str, Any]:
    """Counts and crude figures of the generated data."""
    return {
        "note": "Plain counts by the true day of onset, before any value was made absent or "
        "imprecise. At risk ends at relapse or progression, next therapy, transplant, second CAR T "
        "or the end of the course.",
        "courses": int(tally["courses"][0]),
        "person_days": named(population.WINDOWS, tally["person_days"]),
        "person_days_at_risk": named(population.WINDOWS, tally["person_days_at_risk"]),
        "episodes_by_stream": _by_row([s.name for s in STREAMS], tally["episodes"]),
        "episodes_at_risk_by_stream": _by_row([s.name for s in STREAMS], tally["episodes_at_risk"]),
        "density_per_100_days_at_risk": _densities(tally),
        "density_per_100_days_at_risk_day_0_to_100": _densities_to_100(tally),
        "first_infection": _by_horizon(tally, "infected"),
        "non_relapse_deaths": _by_horizon(tally, "non_relapse_deaths_by"),
        "infection_deaths": _by_horizon(tally, "infection_deaths_by"),
        "products": _products(tally),
        "naive_axi_cel_vs_tisa_cel_rate_ratio_lbcl_fl": _naive_product_ratio(tally),
        "naive_on_vs_off_prophylaxis": _naive_prophylaxis(tally),
        "severity_until_day_30": named(LEVELS, tally["severity"][0]),
        "severity_after_day_30": named(LEVELS, tally["severity"][1]),
        "outcomes": named(OUTCOMES, tally["outcome"]),
        "courses_ended_by": named(ENDS, tally["ended_by"]),
        "causes_of_death": named(CAUSES, tally["causes"]),
        "causes_of_non_relapse_death": named(CAUSES, tally["non_relapse_causes"]),
        "onsets_known_to_the_month": int(tally["onset_month_only"][0]),
        "onsets_unknown": int(tally["onset_unknown"][0]),
        "same_organism_and_site_within_recurrence_days": int(tally["within_recurrence_days"][0]),
    }


def _by_row(names: list[str], counts: NDArray[np.int64]) -> dict[str, Any]:
    return {name: named(population.WINDOWS, row) for name, row in zip(names, counts, strict=True)}


def _densities(tally: Tally) -> dict[str, Any]:
    days = tally["person_days_at_risk"]
    events = by_class(tally["episodes_at_risk"])
    rows = {
        "all": events.sum(axis=0),
        **dict(zip(infections.ORGANISM_CLASSES, events, strict=True)),
    }
    return {
        name: dict(zip(population.WINDOWS, map(_per_100, row, days), strict=True))
        for name, row in rows.items()
    }


def _densities_to_100(tally: Tally) -> dict[str, Any]:
    days = tally["person_days_at_risk"][:2].sum()
    events = by_class(tally["episodes_at_risk"])[:, :2].sum(axis=1)
    each = {
        name: _per_100(count, days)
        for name, count in zip(infections.ORGANISM_CLASSES, events, strict=True)
    }
    return {"all": _per_100(events.sum(), days), **each}


def _per_100(events: np.int64, days: np.int64) -> float | None:
    return None if days == 0 else float(100.0 * events / days)


def _by_horizon(tally: Tally, name: str) -> dict[str, Any]:
    return {
        f"by_day_{day}": {
            "courses": int(number),
            "with": int(count),
            "share": None if number == 0 else float(count / number),
        }
        for day, number, count in zip(HORIZONS, tally["observable"], tally[name], strict=True)
    }


def _products(tally: Tally) -> list[dict[str, Any]]:
    return [
        {
            "indication": population.INDICATIONS[row],
            "product": population.PRODUCTS[column],
            "courses": int(tally["product_courses"][row, column]),
            "days_at_risk": int(tally["product_days_at_risk"][row, column]),
            "episodes_at_risk": int(tally["product_episodes_at_risk"][row, column]),
        }
        for row, column in zip(*np.nonzero(tally["product_courses"]), strict=True)
    ]


def _naive_product_ratio(tally: Tally) -> float | None:
    lymphoma = [population.INDICATIONS.index(code) for code in ("lbcl", "fl")]
    axi, tisa = (population.PRODUCTS.index(code) for code in ("axi-cel", "tisa-cel"))
    events = tally["product_episodes_at_risk"][lymphoma].sum(axis=0)
    days = tally["product_days_at_risk"][lymphoma].sum(axis=0)
    return _ratio(events[axi], days[axi], events[tisa], days[tisa])


def _naive_prophylaxis(tally: Tally) -> dict[str, Any]:
    """Rate on prophylaxis over rate off it, of all days and of days 0 to 30, nothing adjusted."""
    result = {}
    for position, stream in enumerate(STREAMS):
        if not stream.prophylaxis:
            continue
        on_days, on_episodes = tally["on_days"][position], tally["on_episodes"][position]
        off_days = tally["person_days"] - on_days
        off_episodes = tally["episodes"][position] - on_episodes
        result[stream.name] = {
            "all_days": _ratio(
                on_episodes.sum(), on_days.sum(), off_episodes.sum(), off_days.sum()
            ),
            "days_0_to_30": _ratio(on_episodes[0], on_days[0], off_episodes[0], off_days[0]),
            "days_on": named(population.WINDOWS, on_days),
            "episodes_on": named(population.WINDOWS, on_episodes),
        }
    return result


def _ratio(
    events: np.int64, days: np.int64, others: np.int64, other_days: np.int64
) -> float | None:
    if min(events, days, others, other_days) == 0:
        return None
    ratio = float(events / days / (others / other_days))
    return ratio if math.isfinite(ratio) else None
