"""What the rules of all guidance sets ask about one class of drug, and how it is coded.

From the rules follow the histories, the facts of the course and the calendar limits that matter
for a class. Between two changes of them nothing that a rule can see differs, so one number, the
situation, stands for any number of patient-days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from iago.optimization.verdicts import Lymphodepleted, Situation, Truth, target_fact
from iago.standard.codelists import load_codelist
from iago.standard.expressions import Expression
from iago.standard.guidance import TOPICS, load_guidance_sets
from iago.standard.guidance_vocabulary import (
    Comparison,
    EpisodeCount,
    ExposureState,
    GuidanceRule,
    GuidanceSet,
    LabEnd,
    LabState,
)

# Topics of guidance, and one class without any statement: whether it was given is still told.
CLASSES = (*TOPICS, "antiviral-cmv")
# Three-valued states in arrays.
FALSE, UNKNOWN, TRUE = 0, 1, 2
_TRUTHS: tuple[Truth, ...] = (False, None, True)


@dataclass(frozen=True)
class LabLevel:
    """Where the standing value of an analyte lies among the limits of all rules.

    Level 0 is below the first limit, 1 equal to it, 2 between it and the second, and so on; the
    level after the highest stands for an unknown value.
    """

    analyte: str
    limits: tuple[float, ...]

    @property
    def unknown(self) -> int:
        """Level of an unknown value."""
        return 2 * len(self.limits) + 1

    def holds(self, comparison: Comparison) -> tuple[bool, ...]:
        """Whether a comparison with one of the limits holds, for each known level."""
        limits = self.limits
        between = [(low + high) / 2 for low, high in pairwise(limits)]
        gaps = [limits[0] - 1, *between, limits[-1] + 1]
        values = [value for pair in zip(gaps, limits, strict=False) for value in pair]
        return tuple(comparison.holds(value) for value in (*values, gaps[-1]))


History: TypeAlias = LabLevel | LabState | LabEnd | ExposureState | EpisodeCount | Lymphodepleted


@dataclass(frozen=True)
class Fact:
    """A yes-or-no question on a course, as a name and as SQL over the table ``courses``."""

    name: str
    sql: str


@dataclass(frozen=True)
class ClassPlan:
    """What has to be known of a course, and when, to judge one class of drug.

    ``window_ends`` are the days after which a calendar limit of some rule changes something.
    """

    exposure_class: str
    histories: tuple[History, ...]
    facts: tuple[Fact, ...]
    window_ends: tuple[int, ...]

    @property
    def history_sizes(self) -> tuple[int, ...]:
        """Number of states of each history."""
        return tuple(_size(history) for history in self.histories)

    @property
    def fact_codes(self) -> int:
        """Number of combinations of facts."""
        return int(3 ** len(self.facts))

    @property
    def windows(self) -> int:
        """Number of stretches between calendar limits."""
        return len(self.window_ends) + 1

    def situation(self, code: int) -> Situation:
        """Decode a situation: facts, then histories, then window, mixed radix."""
        code, window = divmod(code, self.windows)
        states: dict[History, int] = {}
        for history, size in reversed(list(zip(self.histories, self.history_sizes, strict=True))):
            code, states[history] = divmod(code, size)
        facts: dict[str, Truth] = {}
        for fact in reversed(self.facts):
            code, value = divmod(code, 3)
            facts[fact.name] = _TRUTHS[value]
        return self._situation(window, facts, states)

    def _situation(
        self, window: int, facts: dict[str, Truth], states: dict[History, int]
    ) -> Situation:
        last = window == len(self.window_ends)
        day = self.window_ends[-1] + 1 if last else self.window_ends[window]
        truths: dict[LabState | LabEnd | ExposureState | EpisodeCount | Lymphodepleted, Truth] = {}
        measured: set[str] = set()
        for history, state in states.items():
            if not isinstance(history, LabLevel):
                truths[history] = _TRUTHS[state]
                continue
            if state != history.unknown:
                measured.add(history.analyte)
            for condition in self._lab_states(history.analyte):
                truths[condition] = _lab_truth(history, condition, state)
        return Situation(day, facts, truths, frozenset(measured))

    def _lab_states(self, analyte: str) -> Iterator[LabState]:
        for rule in _rules_on(load_guidance_sets(), self.exposure_class):
            lab = rule.lab
            if lab is not None and lab.analyte == analyte and not lab.more_than_days:
                yield lab


def _lab_truth(level: LabLevel, state: LabState, at: int) -> Truth:
    if at == level.unknown:
        return None
    surely, possibly = level.holds(state.surely)[at], level.holds(state.possibly)[at]
    return surely if surely == possibly else None


def _size(history: History) -> int:
    return history.unknown + 1 if isinstance(history, LabLevel) else 3


def class_plans() -> tuple[ClassPlan, ...]:
    """Plan of every class, from the rules of all guidance sets."""
    sets = load_guidance_sets()
    return tuple(
        ClassPlan(
            exposure_class=exposure_class,
            histories=_histories(sets, exposure_class),
            facts=_facts(sets, exposure_class),
            window_ends=_window_ends(sets, exposure_class),
        )
        for exposure_class in CLASSES
    )


def lab_level(analyte: str) -> LabLevel:
    """Level of an analyte with the limits of all rules on all classes."""
    limits: set[float] = set()
    for rule in (rule for guidance in load_guidance_sets() for rule in guidance.rules):
        if rule.lab is not None and rule.lab.analyte == analyte:
            limits |= {rule.lab.surely.limit, rule.lab.possibly.limit}
        limits |= {end.comparison.limit for end in rule.lab_ends if end.analyte == analyte}
    return LabLevel(analyte, tuple(sorted(limits)))


def _rules_on(sets: Sequence[GuidanceSet], exposure_class: str) -> Iterator[GuidanceRule]:
    for guidance in sets:
        yield from guidance.rules_for(exposure_class)


def _histories(sets: Sequence[GuidanceSet], exposure_class: str) -> tuple[History, ...]:
    found: dict[History, None] = {}
    for rule in _rules_on(sets, exposure_class):
        if rule.start.at == "lymphodepletion":
            found[Lymphodepleted()] = None
        if rule.lab is not None:
            timed = rule.lab.more_than_days > 0
            found[rule.lab if timed else lab_level(rule.lab.analyte)] = None
        for condition in (*rule.lab_ends, rule.during, rule.episodes):
            if condition is not None:
                found[condition] = None
    return tuple(found)


def _facts(sets: Sequence[GuidanceSet], exposure_class: str) -> tuple[Fact, ...]:
    found: dict[Fact, None] = {}
    for guidance in sets:
        if guidance.target and guidance.rules_for(exposure_class):
            found[_target_fact(guidance.target)] = None
    for rule in _rules_on(sets, exposure_class):
        for expression in (rule.when, rule.when_surely):
            if expression is not None:
                found[_predicate_fact(expression)] = None
    return tuple(found)


def _predicate_fact(expression: Expression) -> Fact:
    return Fact(expression.text, f"({expression.sql})")


def _target_fact(target: str) -> Fact:
    """Fact on the antigen of the product; unknown for a product outside the code list."""
    targets = load_codelist("products").attribute("target")
    inside = ", ".join(f"'{code}'" for code, found in targets.items() if found == target)
    outside = ", ".join(f"'{code}'" for code, found in targets.items() if found != target)
    sql = f"case when product in ({inside}) then true when product in ({outside}) then false end"
    return Fact(target_fact(target), f"({sql})")


def _window_ends(sets: Sequence[GuidanceSet], exposure_class: str) -> tuple[int, ...]:
    """Last day before infusion, before each start, and of each end by the calendar."""
    ends = {-1}
    for rule in _rules_on(sets, exposure_class):
        ends.add(rule.start.day - 1)
        ends |= {
            end.last_day
            for end in (rule.sure_until, rule.possible_until)
            if end.last_day is not None
        }
    return tuple(sorted(ends))
