"""Words of the page: labels of codes and columns, and what to say where there is nothing."""

import re
from collections.abc import Mapping

from iago.dossier.content import Dossier
from iago.standard.codelists import LOCAL_PREFIX, codelist_names, load_codelist

ALL = "all"

# Code lists that label the codes of a column or of a stratum dimension, first match first.
_LISTS: Mapping[str, tuple[str, ...]] = {
    "cause": ("event_kinds", "causes_of_death", "toxicities"),
    "exposure_class": ("exposure_classes",),
    "organism_class": ("organism_classes",),
    "site": ("sites",),
    "setting_at_onset": ("settings",),
    "place": ("contact_places",),
    "answer": ("contact_answers",),
    "relation": ("relations",),
    "acquisition": ("acquisitions",),
    "toxicity": ("toxicities",),
    "indication": ("indications",),
    "sex": ("sexes",),
    "prior_transplant": ("prior_transplants",),
    "lymphodepletion_regimen": ("lymphodepletion_regimens",),
    "end_of_time_at_risk": ("event_kinds",),
    "capture_method": ("capture_methods",),
}

# Longer names do not fit beside a plot.
_LONGEST_LEVEL_LABEL = 24
_HYPHENATED = frozenset({"life-threatening", "off-indicated", "not-identified"})

_WORDS: Mapping[str, str] = {
    "on": "on",
    "off-indicated": "off though indicated",
    "off-not-indicated": "off, not indicated",
    "none-directed": "no class directed against it",
    "bounded": "between two grades",
    "ungradable": "ungradable",
    "not-applicable": "not applicable",
    "false": "no",
    "true": "yes",
    "overlap-weighted": "Overlap-weighted",
    "person_days": "patient-days at risk",
    "who-umc": "WHO-UMC",
    "mantel-haenszel": "Mantel-Haenszel",
}

COLUMN_TITLES: Mapping[str, str] = {
    "by": "Split by",
    "level": "Group",
    "n": "Number",
    "share": "Share",
    "person_days": "Patient-days at risk",
    "rate_per_100_days": "Episodes per 100 patient-days",
    "lower": "Lower limit",
    "upper": "Upper limit",
    "day": "Day",
    "at_risk": "At risk",
    "share_known": "Share known",
    "system_status": "Status of the system",
    "lowest": "Lowest grade",
    "highest": "Highest grade",
    "median_days": "Median duration, days",
    "lower_quartile_days": "Lower quartile, days",
    "upper_quartile_days": "Upper quartile, days",
    "mean_a": "Mean, first group",
    "mean_b": "Mean, second group",
    "standardised_difference_before": "Standardised difference before",
    "standardised_difference_after": "Standardised difference after",
    "variance_ratio_before": "Variance ratio before",
    "variance_ratio_after": "Variance ratio after",
    "guidance_a": "Guidance A",
    "guidance_b": "Guidance B",
    "both": "Indicated by both",
    "both_indicated": "Indicated by both",
    "days_indicated": "Days indicated",
    "days_no_statement": "Days without a statement",
    "only_a": "Only by A",
    "only_b": "Only by B",
    "neither": "By neither",
    "by_rule": "Found by rule",
    "reported": "As reported",
}

CHAPTERS: Mapping[str, tuple[str, str, str]] = {
    "cohort": ("", "Cohort", "Who was treated and how long each patient was observed"),
    "identification": ("I", "Identification", "How often, by which organisms, and how long"),
    "attribution": ("A", "Attribution", "Is it caused by the therapy, and do products differ?"),
    "grading": ("G", "Grading", "How severe, by each grading system"),
    "optimization": ("O", "Optimization", "Prophylaxis at onset, and what guidance says"),
    "provenance": ("", "Provenance", "What this dossier was derived from"),
}

# Tables a complete dossier holds; one that is absent is named in its chapter.
EXPECTED: Mapping[str, tuple[str, str]] = {
    "flow": ("cohort", "selection of courses and episodes"),
    "cohort": ("cohort", "characteristics of the cohort"),
    "completeness": ("cohort", "completeness of the records"),
    "contacts": ("cohort", "contacts at which infection was asked for"),
    "density": ("identification", "incidence density"),
    "cumulative_incidence": ("identification", "cumulative incidence"),
    "competing_events": ("identification", "competing events"),
    "mean_cumulative_count": ("identification", "mean cumulative count"),
    "persistence": ("identification", "persistence"),
    "duration": ("identification", "duration of episodes"),
    "relations": ("identification", "relation to earlier episodes"),
    "causality": ("attribution", "causality of single episodes"),
    "comparison": ("attribution", "comparison of groups"),
    "balance": ("attribution", "balance of covariates"),
    "severity": ("grading", "severity"),
    "grading_systems": ("grading", "grading systems used"),
    "prophylaxis": ("optimization", "prophylaxis at onset"),
    "guidance_disagreement": ("optimization", "disagreement of guidance sets"),
}

EMPTY: Mapping[str, str] = {
    "density": "No episode and no time at risk in any stratum.",
    "comparison": "No comparison could be estimated; the notes say why.",
    "causality": "No episode was assessed for causality.",
    "guidance_disagreement": "The guidance sets do not disagree for any episode.",
    "prophylaxis": "No episode by an organism against which prophylaxis is directed.",
    "contacts": "No contact was recorded.",
    "comparison_notes": "No note.",
}
NOTHING = "No row in this table: nothing was counted."


_ABBREVIATIONS: Mapping[str, str] = {
    "alc": "ALC",
    "anc": "ANC",
    "car": "CAR",
    "crp": "CRP",
    "crs": "CRS",
    "ecog": "ECOG",
    "hbv": "HBV",
    "hematotox": "HEMATOTOX",
    "icans": "ICANS",
    "icu": "ICU",
    "igg": "IgG",
    "lbcl": "LBCL",
    "ldh": "LDH",
}
# A unit at the end of a name, such as that of ``age_years``.
_UNIT = re.compile(r"_(years|days|months)$")


def label_code(code: object, kind: str = "") -> str:
    """Label of a code in words.

    Parameters
    ----------
    code : object
        A code of the standard, or any text. None reads ``not recorded``.
    kind : str
        Column or stratum dimension the code stands in, such as ``organism_class``.
    """
    if code is None or code == "":
        return "not recorded"
    text = str(code)
    for name in _LISTS.get(kind, ()):
        if name in codelist_names() and text in load_codelist(name).codes:
            return load_codelist(name).label(text)
    if text in _WORDS:
        return _WORDS[text]
    return humanise(text)


def humanise(text: str) -> str:
    """Turn a code into words: ``share_known`` into ``share known``; other text stays as it is."""
    text = text.removeprefix(LOCAL_PREFIX)
    if " " in text:
        return text
    words = _UNIT.sub(r", \1", text).replace("_", " ").split(" ")
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words)


def sentence_case(text: str) -> str:
    """Same text with a capital first letter; a code such as ``axi-cel`` stays as it is."""
    first, space, _ = text.partition(" ")
    is_product = first.rstrip(":").endswith("-cel")
    is_code = is_product or (not space and "-" in first and first not in _HYPHENATED)
    return text if is_code else text[:1].upper() + text[1:]


def lower_case(text: str) -> str:
    """Same text with a small first letter, unless it begins with an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def column_title(name: str) -> str:
    """Heading of a column in words."""
    return COLUMN_TITLES.get(name, sentence_case(humanise(name)))


def level_label(dossier: Dossier, code: object) -> str:
    """Name of a group in figures and tables: its label, or its code where the label is long.

    The definition of the page lists both, so that a code such as ``axi-cel`` can be looked up.
    """
    text = str(code)
    if text == ALL:
        return dossier.level_labels.get(ALL, "All courses")
    label = dossier.level_labels.get(text, label_code(text))
    return label if len(label) <= _LONGEST_LEVEL_LABEL else humanise(text)


def level_key(dossier: Dossier) -> str:
    """Codes of groups with their labels, where the two differ."""
    pairs = [
        (level_label(dossier, code), dossier.level_labels.get(code)) for code in dossier.levels
    ]
    named = [f"{name}: {label}" for name, label in pairs if label and label != name]
    return "; ".join(named)


def stratum_label(stratum: str) -> str:
    """Stratum in words: ``organism_class=viral`` as ``Organism class: Viral``."""
    dimension, separator, code = stratum.partition("=")
    if not separator:
        return "All episodes" if stratum == ALL else sentence_case(humanise(stratum))
    label = sentence_case(label_code(code, dimension))
    return f"{sentence_case(humanise(dimension))}: {label}"


def window_label(window: object) -> str:
    """Window in words, such as ``Day 0–30``; ``all`` is the whole time at risk."""
    return "Whole time at risk" if window == ALL else f"Day {short_window(window)}"


def short_window(window: object) -> str:
    """Window for a narrow place, such as ``0–30``."""
    return str(window).replace("-", "\u2013")


def confidence_label(dossier: Dossier) -> str:
    """Such as ``95% CI``."""
    return f"{100 * dossier.definition.confidence:g}% CI"


def shorten_middle(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters, cut in the middle: names of groups differ at an end."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail].rstrip()}…{text[-tail:].lstrip()}"


def shorten(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
