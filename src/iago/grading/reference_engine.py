"""Grading of one patient, slow and plain, with reasons: the clause, its inputs, what is missing.

Shares the rule files with the table engine and nothing else: predicates are evaluated by Kleene's
logic in Python, not by SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from iago.errors import InvalidInputError
from iago.standard.codelists import LOCAL_PREFIX, load_codelist
from iago.standard.rule_model import Clause, Rule, RuleInput
from iago.standard.three_valued import Value, evaluate, open_inputs

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
}


@dataclass(frozen=True)
class OpenInput:
    """An unknown input that could change the grade.

    Attributes
    ----------
    name, asks_for : str
        Name of the input, and of the element that a reporter completes.
    definition : str
        What it means; for an input that no record can answer, why not.
    could_reach : int or None
        Highest grade of a clause that it keeps open; None if it decides whether the scale applies.
    answerable : bool
        Whether a record can answer it.
    """

    name: str
    asks_for: str
    definition: str
    could_reach: int | None
    answerable: bool


@dataclass(frozen=True)
class Explanation:
    """Grade of one episode with its reasons.

    ``lowest`` and ``highest`` are None unless the status is ``exact`` or ``bounded``. ``fired`` is
    the clause that gives the lowest grade, ``inputs_read`` the known values that it was read with;
    ``open_clauses`` are the higher ones that missing values leave open, highest first. ``missing``
    names the elements to complete; where none would help, what the published rule leaves open.
    """

    system: str
    edition: str
    lowest: int | None
    highest: int | None
    status: str
    reason: str
    fired: Clause | None
    inputs_read: Mapping[str, Value]
    open_clauses: tuple[Clause, ...]
    open_inputs: tuple[OpenInput, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Verdict:
    applies: bool | None
    low: int | None
    high: int | None
    fired: Clause | None
    open_clauses: tuple[Clause, ...]
    values: Mapping[str, Value]


def grade_one(rule: Rule, values: Mapping[str, Value]) -> Explanation:
    """Grade one episode by one rule and explain the answer.

    Parameters
    ----------
    rule : Rule
        A rule of kind ``ladder``.
    values : mapping
        Known inputs by name; absent or None is unknown. Inputs that no record can answer may be
        given too, to see what they would change.

    Raises
    ------
    InvalidInputError
        A name that the rule does not read, or a value of the wrong type or code.
    """
    check_inputs(rule, values)
    verdict = _judge(rule, values)
    status = _status(rule, verdict)
    graded = status in {"exact", "bounded"}
    undecided = status in {"bounded", "ungradable"}
    opened = _open_inputs(rule, verdict) if undecided else ()
    return Explanation(
        system=rule.id,
        edition=rule.edition,
        lowest=verdict.low if graded else None,
        highest=verdict.high if graded else None,
        status=status,
        reason=_reason(rule, verdict, status),
        fired=verdict.fired if graded else None,
        inputs_read=_inputs_read(verdict) if graded else {},
        open_clauses=verdict.open_clauses if undecided else (),
        open_inputs=opened,
        missing=_missing(rule, opened),
    )


def check_inputs(rule: Rule, values: Mapping[str, Value]) -> None:
    """Check names, types and codes of the inputs of one patient.

    Raises
    ------
    InvalidInputError
        The message names the input and what it may hold, never the value that was given.
    """
    for name, value in values.items():
        if name not in rule.inputs:
            raise InvalidInputError(
                f"{rule.id} does not read {name!r}. It reads: {', '.join(rule.inputs)}."
            )
        if value is not None:
            _check_value(rule.inputs[name], value)


def _check_value(entry: RuleInput, value: Value) -> None:
    expected = _PYTHON_TYPES[entry.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise InvalidInputError(f"{entry.name} must be of type {entry.type}, or None if unknown.")
    if entry.codelist:
        known = load_codelist(entry.codelist)
        local = known.extensible and str(value).startswith(LOCAL_PREFIX)
        if value not in known.codes and not local:
            raise InvalidInputError(
                f"{entry.name} must be a code of {entry.codelist}: {', '.join(known.codes)}."
            )


def _judge(rule: Rule, values: Mapping[str, Value]) -> _Verdict:
    constants = {e.name: e.constant for e in rule.inputs.values() if e.constant is not None}
    values = {**values, **constants}
    applies = evaluate(rule.applies, values)
    truths = [(clause, evaluate(clause.predicate, values)) for clause in rule.clauses]
    met = [clause for clause, truth in truths if truth is True]
    possible = [clause for clause, truth in truths if truth is not False]
    low = max((clause.grade for clause in met), default=rule.floor)
    high = max((clause.grade for clause in possible), default=rule.floor)
    fired = next((clause for clause in met if clause.grade == low), None)
    opened = tuple(
        clause
        for clause, truth in truths
        if applies and truth is None and (low is None or clause.grade > low)
    )
    return _Verdict(applies, low, high, fired, opened, values)


def _status(rule: Rule, verdict: _Verdict) -> str:
    if verdict.applies is not True:
        return "ungradable" if verdict.applies is None else "not-applicable"
    whole_scale = (verdict.low, verdict.high) == (rule.grades[0], rule.grades[-1])
    if verdict.low is None or whole_scale:
        return "ungradable"
    return "exact" if verdict.low == verdict.high else "bounded"


def _reason(rule: Rule, verdict: _Verdict, status: str) -> str:
    low, high = verdict.low, verdict.high
    wording = _wording(rule, verdict.fired, verdict.values)
    if status == "exact":
        return wording
    if status == "bounded":
        return f"At least grade {low}, up to grade {high}. Criterion of grade {low}: {wording}"
    if verdict.applies is not True:
        return "Whether this scale applies is unknown." if verdict.applies is None else rule.outside
    if high is None:
        return rule.unmatched
    nothing_certain = "What is recorded meets no clause of the scale with certainty."
    return (
        nothing_certain if low is None else "What is recorded leaves every grade of the scale open."
    )


def _wording(rule: Rule, clause: Clause | None, values: Mapping[str, Value]) -> str:
    if clause is None:
        return "No clause of the scale is met."
    for term in rule.terms:
        wanted = term.name == clause.term if clause.term else evaluate(term.predicate, values)
        if wanted and clause.grade in term.text:
            return f"{term.name}: {term.text[clause.grade]}"
    return clause.wording


def _inputs_read(verdict: _Verdict) -> dict[str, Value]:
    if verdict.fired is None:
        return {}
    names = sorted(verdict.fired.predicate.columns)
    return {name: verdict.values[name] for name in names if verdict.values.get(name) is not None}


def _open_inputs(rule: Rule, verdict: _Verdict) -> tuple[OpenInput, ...]:
    reach: dict[str, int | None] = dict.fromkeys(open_inputs(rule.applies, verdict.values))
    for clause in verdict.open_clauses:
        for name in open_inputs(clause.predicate, verdict.values):
            reach[name] = max(clause.grade, reach.get(name) or clause.grade)
    return tuple(
        OpenInput(
            entry.name,
            entry.asks_for,
            entry.unanswerable or entry.definition,
            reach[entry.name],
            answerable=not entry.unanswerable,
        )
        for entry in rule.inputs.values()
        if entry.name in reach
    )


def _missing(rule: Rule, opened: tuple[OpenInput, ...]) -> tuple[str, ...]:
    wanted = {entry.asks_for for entry in opened if entry.answerable}
    wanted = wanted or {entry.asks_for for entry in opened}
    in_order = dict.fromkeys(entry.asks_for for entry in rule.inputs.values())
    return tuple(name for name in in_order if name in wanted)
