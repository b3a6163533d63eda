"""Types of guidance rules: comparisons, states, starts and ends, each with an unknown.

What the words of a rule file mean is said in :mod:`iago.standard.guidance`, which reads them.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from iago.standard.expressions import Expression

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Comparison:
    """A laboratory value against a limit in the canonical unit of the analyte."""

    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a value satisfies the comparison."""
        return _SIGNS[self.sign](value, self.limit)

    def __str__(self) -> str:
        """As written in the rule file."""
        return f"{self.sign} {self.limit:g}"


@dataclass(frozen=True)
class LabState:
    """An analyte within limits, perhaps for longer than some days.

    ``surely`` and ``possibly`` differ where the words leave the limit open.
    """

    analyte: str
    surely: Comparison
    possibly: Comparison
    more_than_days: int = 0


@dataclass(frozen=True)
class LabEnd:
    """A measured value that ends prophylaxis, from the day it is first documented."""

    analyte: str
    comparison: Comparison


@dataclass(frozen=True)
class End:
    """Last day of a rule: a day, a laboratory value, the earlier or the later of both, or none.

    An unmeasured value never shortens the stated time, because stopping needs a documented value;
    and it never surely lengthens it.
    """

    last_day: int | None = None
    lab: LabEnd | None = None
    joined: str = "earlier"

    def surely_within(self, day: int, *, reached: bool | None) -> bool:
        """Whether a day surely lies before the end; ``reached`` says it of the laboratory value."""
        if self.last_day is None:
            return self.lab is None or reached is False
        if self.lab is None:
            return day <= self.last_day
        if self.joined == "earlier":
            return day <= self.last_day and reached is not True
        return day <= self.last_day or reached is False

    def surely_past(self, day: int, *, reached: bool | None) -> bool:
        """Whether a day surely lies after the end."""
        if self.last_day is None:
            return self.lab is not None and reached is True
        if self.lab is None:
            return day > self.last_day
        if self.joined == "earlier":
            return day > self.last_day or reached is True
        return day > self.last_day and reached is True


@dataclass(frozen=True)
class Start:
    """First day of a rule; ``at`` is lymphodepletion, infusion, day or any."""

    at: str = "any"
    day: int = 0
    before_is_unknown: bool = False


@dataclass(frozen=True)
class ExposureState:
    """A drug class given for more than some days and still given."""

    exposure_class: str
    more_than_days: int


@dataclass(frozen=True)
class EpisodeCount:
    """A number of earlier infections at some sites."""

    sites: tuple[str, ...]
    at_least: int
    possibly_at_least: int


@dataclass(frozen=True)
class GuidanceRule:
    """One rule of a set on one class; its conditions must all hold."""

    exposure_class: str
    strength: str
    wording: str
    status: str
    doubt: str
    when: Expression | None
    when_surely: Expression | None
    start: Start
    sure_until: End
    possible_until: End
    lab: LabState | None
    during: ExposureState | None
    episodes: EpisodeCount | None
    unresolved: str

    @property
    def lab_ends(self) -> tuple[LabEnd, ...]:
        """Laboratory values that end the rule in one of its readings."""
        ends = (self.sure_until.lab, self.possible_until.lab)
        return tuple(dict.fromkeys(end for end in ends if end is not None))


@dataclass(frozen=True)
class GuidanceCase:
    """A patient on one day, and what the set says; tests run it."""

    guidance: str
    title: str
    exposure_class: str
    day: int
    status: str
    course: Mapping[str, Any]
    labs: tuple[Mapping[str, Any], ...]
    exposures: tuple[Mapping[str, Any], ...]
    episodes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class GuidanceSet:
    """One published guidance.

    ``target`` is the antigen to which the products of its population are directed, or empty.
    """

    id: str
    title_en: str
    title_de: str
    source: str
    edition: str
    status: str
    doubt: str
    population: str
    target: str
    rules: tuple[GuidanceRule, ...]
    cases: tuple[GuidanceCase, ...]

    def rules_for(self, exposure_class: str) -> tuple[GuidanceRule, ...]:
        """Rules on one class, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.exposure_class == exposure_class)
