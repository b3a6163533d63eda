"""What a guidance set says of one class of drug for one situation of one patient, and why.

Three-valued: a rule surely holds, surely does not, or is open because an input is missing or
because the words leave it open. Both reasons are kept apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from iago.standard.guidance_vocabulary import (
    EpisodeCount,
    ExposureState,
    GuidanceRule,
    GuidanceSet,
    LabEnd,
    LabState,
)

Truth: TypeAlias = bool | None


@dataclass(frozen=True)
class Lymphodepleted:
    """Whether lymphodepletion has begun; asked only before infusion."""


Condition: TypeAlias = LabState | LabEnd | ExposureState | EpisodeCount | Lymphodepleted


@dataclass(frozen=True)
class Situation:
    """All that the rules on one class of drug can ask about a course on a day.

    Attributes
    ----------
    day : int
        Days from infusion; any day between the same two calendar limits of the rules will do.
    facts : mapping
        Predicates over the course by their text, and ``target`` of the product by antigen.
    states : mapping
        Each condition that changes over time; for a :class:`LabEnd`, whether it was reached.
    measured : frozenset of str
        Analytes with a value that still stands on this day.
    """

    day: int
    facts: Mapping[str, Truth]
    states: Mapping[Condition, Truth]
    measured: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """What a set says: status, the rule or the gap behind it, and the missing inputs."""

    status: str
    reason: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Finding:
    """One condition of a rule: whether it holds, why not or why open, what is missing."""

    value: Truth
    text: str = ""
    missing: tuple[str, ...] = ()


_HOLDS = _Finding(value=True)


def target_fact(target: str) -> str:
    """Key of the fact that a product is directed against an antigen."""
    return f"product directed against {target}"


def judge(guidance: GuidanceSet, exposure_class: str, situation: Situation) -> Verdict:
    """Say whether a set indicates a class of drug in a situation.

    Returns
    -------
    Verdict
        ``indicated`` where a recommended rule surely holds; ``not-indicated`` where no rule can;
        ``unknown`` where words or data leave it open; ``no-statement`` where the set is silent or
        not about the patient.
    """
    rules = guidance.rules_for(exposure_class)
    if not rules:
        return Verdict("no-statement", "the set does not speak of this class")
    inside = situation.facts[target_fact(guidance.target)] if guidance.target else True
    if inside is False:
        text = f"the set is about products directed against {guidance.target} only"
        return Verdict("no-statement", text)
    if rules[0].strength == "no-statement":
        return Verdict("no-statement", rules[0].wording)
    if rules[0].strength == "not-read":
        return Verdict("unknown", "this row of the set was not read")
    if inside is None:
        return Verdict("unknown", f"not known: {target_fact(guidance.target)}", ("product",))
    return _combine([(rule, tuple(_findings(rule, situation))) for rule in rules])


def _combine(judged: list[tuple[GuidanceRule, tuple[_Finding, ...]]]) -> Verdict:
    """Join the rules of a class by 'or'."""
    for rule, findings in judged:
        if all(finding.value for finding in findings):
            return Verdict("indicated", rule.wording)
    open_findings = [
        finding
        for _, findings in judged
        if all(finding.value is not False for finding in findings)
        for finding in findings
        if finding.value is None
    ]
    if open_findings:
        missing = (name for finding in open_findings for name in finding.missing)
        return Verdict("unknown", _join(open_findings), tuple(dict.fromkeys(missing)))
    first_failing = [
        next(finding for finding in findings if finding.value is False) for _, findings in judged
    ]
    return Verdict("not-indicated", _join(first_failing))


def _join(findings: list[_Finding]) -> str:
    return "; ".join(dict.fromkeys(finding.text for finding in findings))


def _findings(rule: GuidanceRule, situation: Situation) -> Iterator[_Finding]:
    """Each condition of a rule in turn."""
    yield _whom(rule, situation)
    if rule.strength == "not-recommended":
        yield _Finding(value=False, text=rule.wording)
    yield _start(rule, situation)
    yield _end(rule, situation)
    if rule.lab is not None:
        yield _lab(rule.lab, situation)
    if rule.during is not None:
        yield _during(rule.during, situation)
    if rule.episodes is not None:
        value = situation.states[rule.episodes]
        sites = ", ".join(rule.episodes.sites)
        words = "open whether enough" if value is None else "not enough"
        yield _Finding(value, f"{words} earlier infections ({sites})")
    if rule.unresolved:
        yield _Finding(None, rule.unresolved)
    if rule.strength == "may-be-considered":
        yield _Finding(None, "may be considered: the set leaves it to the clinician")


def _whom(rule: GuidanceRule, situation: Situation) -> _Finding:
    if rule.when is None:
        return _HOLDS
    value = situation.facts[rule.when.text]
    if value is False:
        return _Finding(value, f"not fulfilled: {rule.when.text}")
    if value is None:
        columns = tuple(sorted(rule.when.columns))
        return _Finding(value, f"not recorded: {', '.join(columns)}", columns)
    if rule.when_surely is not None and situation.facts[rule.when_surely.text] is not True:
        return _Finding(
            None, f"the wording leaves open whether it means more than: {rule.when_surely.text}"
        )
    return _HOLDS


def _start(rule: GuidanceRule, situation: Situation) -> _Finding:
    start = rule.start
    begun: Truth
    if start.at == "any":
        return _HOLDS
    if start.at == "lymphodepletion" and situation.day < 0:
        begun = situation.states[Lymphodepleted()]
    else:
        begun = situation.day >= start.day
    if begun is None:
        text = "the start of lymphodepletion is not recorded"
        return _Finding(None, text, ("lymphodepletion_start",))
    if begun or not start.before_is_unknown:
        return _Finding(begun, "before the start")
    return _Finding(None, "the wording leaves open when it starts")


def _end(rule: GuidanceRule, situation: Situation) -> _Finding:
    reached = {end: situation.states[end] for end in rule.lab_ends}
    value = _before_end(rule, situation.day, reached)
    if value is not None:
        return _Finding(value, "after the end")
    unmeasured = [end for end, known in reached.items() if known is None]
    if unmeasured and any(
        _before_end(rule, situation.day, dict.fromkeys(reached, known)) is not None
        for known in (True, False)
    ):
        names = tuple(dict.fromkeys(end.analyte for end in unmeasured))
        return _Finding(None, f"the end depends on a value not known: {', '.join(names)}", names)
    return _Finding(None, "between the earliest and the latest end that the wording allows")


def _before_end(rule: GuidanceRule, day: int, reached: Mapping[LabEnd, Truth]) -> Truth:
    sure, possible = rule.sure_until, rule.possible_until
    if possible.surely_past(day, reached=reached[possible.lab] if possible.lab else None):
        return False
    if sure.surely_within(day, reached=reached[sure.lab] if sure.lab else None):
        return True
    return None


def _lab(state: LabState, situation: Situation) -> _Finding:
    value = situation.states[state]
    duration = f" for more than {state.more_than_days} days" if state.more_than_days else ""
    if value is not None:
        return _Finding(value, f"{state.analyte} not {state.possibly}{duration}")
    if state.surely != state.possibly and state.analyte in situation.measured:
        return _Finding(None, f"the wording leaves the limit of {state.analyte} open")
    text = f"not known whether {state.analyte} {state.possibly}{duration}"
    return _Finding(None, text, (state.analyte,))


def _during(state: ExposureState, situation: Situation) -> _Finding:
    value = situation.states[state]
    name = state.exposure_class
    duration = f" for more than {state.more_than_days} days" if state.more_than_days else ""
    words = "not known whether given" if value is None else "not given"
    return _Finding(value, f"{words}{duration}: {name}", () if value is not None else (name,))
