"""The few numbers that a reader sees first, each with its unit and its interval."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from iago.dossier.content import Dossier
from iago.dossier.number_format import (
    Style,
    format_interval,
    format_number,
    format_percent,
    is_number,
)
from iago.dossier.wording import confidence_label, humanise, sentence_case

NOT_AVAILABLE = "not available"
_INCIDENCE = re.compile(r"cumulative_incidence_day_(\d+)")
# Shown inside another card.
_PARTS = ("patients", "patients_with_episode", "rate_lower", "rate_upper", "ci_lower", "ci_upper")


@dataclass(frozen=True)
class Card:
    """One number with its words."""

    label: str
    value: str
    detail: str = ""


def headline_cards(dossier: Dossier) -> tuple[Card, ...]:
    """Cards for the numbers that the dossier has; a number withheld or missing says so."""
    numbers = dossier.headline
    return tuple(_card(key, numbers, dossier) for key in numbers if key not in _PARTS)


def _card(key: str, numbers: Mapping[str, float | int | None], dossier: Dossier) -> Card:
    value = numbers[key]
    incidence = _INCIDENCE.fullmatch(key)
    if key == "courses":
        return Card("Infusion courses", _count(value), _of(numbers, "patients", "patients"))
    if key == "person_days":
        return Card("Patient-days at risk", _count(value))
    if key == "episodes":
        return Card("Episodes", _count(value), _with_episode(numbers))
    if key == "rate_per_100_days":
        limits = _limits(numbers, "rate_lower", "rate_upper", "rate", dossier)
        return Card("Episodes per 100 patient-days", _number(value, "rate"), limits)
    if incidence:
        limits = _limits(numbers, "ci_lower", "ci_upper", "percent", dossier)
        label = f"Cumulative incidence by day {incidence.group(1)}"
        return Card(label, _number(value, "percent"), limits)
    style: Style = "count" if isinstance(value, int) else "rate"
    return Card(sentence_case(humanise(key)), _number(value, style))


def _number(value: object, style: Style) -> str:
    return format_number(value, style) if is_number(value) else NOT_AVAILABLE


def _count(value: object) -> str:
    return _number(value, "count")


def _of(numbers: Mapping[str, float | int | None], key: str, words: str) -> str:
    return f"of {_count(numbers[key])} {words}" if is_number(numbers.get(key)) else ""


def _with_episode(numbers: Mapping[str, float | int | None]) -> str:
    with_episode, patients = numbers.get("patients_with_episode"), numbers.get("patients")
    if not is_number(with_episode):
        return ""
    text = f"in {_count(with_episode)} patients"
    if is_number(patients) and with_episode is not None and patients:
        text += f" ({format_percent(with_episode / patients)})"
    return text


def _limits(
    numbers: Mapping[str, float | int | None],
    lower: str,
    upper: str,
    style: Style,
    dossier: Dossier,
) -> str:
    low, high = numbers.get(lower), numbers.get(upper)
    if not is_number(low) or not is_number(high):
        return ""
    # An interval around itself prints its limits in brackets; the card needs the limits alone.
    text = format_interval(low, low, high, style)
    return f"{confidence_label(dossier)} {text[text.index('(') + 1 : -1]}"
