"""What must hold for every episode: engines agree, intervals are sound, worse is never lower."""

import itertools
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as exp

from iago.attribution.who_umc import category_query, explain_causality
from iago.grading.ladders import ladder_query
from iago.grading.reference_engine import Explanation, grade_one
from iago.standard.codelists import load_codelist
from iago.standard.rule_model import Rule, RuleInput
from iago.standard.rules import grading_names, load_causality_scale, load_grading
from iago.standard.three_valued import expression_tree

GRADINGS = [load_grading(name) for name in grading_names()]
WHO_UMC = load_causality_scale("who-umc")
_ARROW = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "number": pa.float64(),
    "text": pa.string(),
}
# Findings in the order from better to worse, for the inputs of which one can say so.
WORSE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        (
            "fatal",
            "icu",
            "vasopressors",
            "ventilation",
            "hospitalised",
            "invasive_intervention",
            "severe_sepsis",
            "deep_organ_involvement",
            "therapy_changed",
            "abdominal_pain",
            "toxic_dilatation_or_renal_failure",
        ),
        (False, True),
    ),
    "therapy_route": ("none", "topical", "oral", "intravenous"),
    "therapy_days": (0, 7, 14, 15, 60),
    "stool_volume_ml_per_day": (0, 999, 1000, 1001, 3000),
}


def _domain(rule: Rule, entry: RuleInput) -> tuple[Any, ...]:
    """Values worth trying: both truths, the codes a rule names and another, around each limit."""
    if entry.type == "boolean":
        return (False, True)
    expressions = [rule.applies, *(clause.predicate for clause in rule.clauses)]
    expressions += [term.predicate for term in rule.terms]
    named: set[Any] = set()
    for expression in expressions:
        for column in expression_tree(expression).find_all(exp.Column):
            if column.name == entry.name and column.parent is not None:
                named |= {lit.this for lit in column.parent.find_all(exp.Literal)}
    if entry.type == "text":
        other = [code for code in load_codelist(entry.codelist).codes if code not in named]
        return tuple(sorted(named)) + tuple(other[:1])
    limits = {int(value) for value in named}
    return tuple(sorted({max(0, value + step) for value in limits for step in (-1, 0, 1)}))


DOMAINS = {rule.id: {e.name: _domain(rule, e) for e in rule.inputs.values()} for rule in GRADINGS}


def _answerable(rule: Rule) -> list[RuleInput]:
    return [entry for entry in rule.inputs.values() if not entry.unanswerable]


def _episodes(rule: Rule, *, unknown: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    def values(entry: RuleInput) -> st.SearchStrategy[Any]:
        known = st.sampled_from(DOMAINS[rule.id][entry.name])
        return st.none() | known if unknown else known

    return st.fixed_dictionaries({entry.name: values(entry) for entry in _answerable(rule)})


def _changed_cases(
    rule: Rule, *, unknown: bool = True, most: int = 6
) -> st.SearchStrategy[dict[str, Any]]:
    """A spec case with a few values changed: wholly random episodes rarely reach a clause."""
    names = [entry.name for entry in _answerable(rule)]
    chosen = st.lists(st.sampled_from(names), max_size=most, unique=True)
    episodes = _episodes(rule, unknown=unknown)
    cases = st.sampled_from(rule.cases)
    return st.tuples(cases, chosen, episodes).map(
        lambda drawn: {**drawn[0].given, **{name: drawn[2][name] for name in drawn[1]}}
    )


def _table_answers(inputs: list[RuleInput], query: str, rows: list[Any]) -> list[dict[str, Any]]:
    columns = {e.name: pa.array([r.get(e.name) for r in rows], _ARROW[e.type]) for e in inputs}
    columns |= {f"disputed_{e.name}": pa.array([False] * len(rows)) for e in inputs}
    keys = pa.array([f"{k:05d}" for k in range(len(rows))])
    with duckdb.connect() as connection:
        connection.register("rows", pa.table({"episode_id": keys, **columns}))
        answers = connection.sql(f"from ({query}) order by episode_id").to_arrow_table()
    return [dict(row) for row in answers.to_pylist()]


def _as_row(explained: Explanation) -> dict[str, Any]:
    return {
        "system": explained.system,
        "lowest": explained.lowest,
        "highest": explained.highest,
        "status": explained.status,
        "reason": explained.reason,
        "missing": ", ".join(explained.missing),
    }


def _random_rows(rule: Rule, random: Random, count: int) -> list[dict[str, Any]]:
    """Half wholly random episodes, half a spec case with a few values changed or lost."""
    names = [entry.name for entry in _answerable(rule)]
    rows = []
    for number in range(count):
        drawn = {n: random.choice((None, *DOMAINS[rule.id][n])) for n in names}
        changed = names if number % 2 else random.sample(names, random.randrange(6))
        rows.append({**random.choice(rule.cases).given, **{n: drawn[n] for n in changed}})
    return rows


@pytest.mark.parametrize("rule", GRADINGS, ids=lambda rule: rule.id)
@settings(max_examples=5, deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_engines_agree_on_random_episodes(rule: Rule, random: Random) -> None:
    """The table engine and the one-patient engine give the same row, missing values included."""
    rows = _random_rows(rule, random, 400)
    answers = _table_answers(_answerable(rule), ladder_query(rule, "rows"), rows)
    for row, answer in zip(rows, answers, strict=True):
        answer.pop("episode_id")
        assert answer == _as_row(grade_one(rule, row)), row


def _completions(rule: Rule, episode: dict[str, Any]) -> list[dict[str, Any]]:
    """Every way to fill in the unknown inputs, those that no record can answer included."""
    open_names = [name for name in rule.inputs if episode.get(name) is None]
    domains = [DOMAINS[rule.id][name] for name in open_names]
    return [
        {**episode, **dict(zip(open_names, filled, strict=True))}
        for filled in itertools.product(*domains)
    ]


def _with_few_unknown(rule: Rule, episode: dict[str, Any], keep: int) -> dict[str, Any]:
    """Fill all but a few unknown inputs, so that the completions can be counted out."""
    unknown = [name for name in rule.inputs if episode.get(name) is None]
    fill = {name: DOMAINS[rule.id][name][0] for name in unknown[keep:]}
    return {**episode, **fill}


@pytest.mark.parametrize("rule", GRADINGS, ids=lambda rule: rule.id)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_interval_holds_the_grade_of_every_completion(rule: Rule, data: st.DataObject) -> None:
    """However the unknown values turn out, the grade lies in the interval that was given."""
    episode = data.draw(_changed_cases(rule) | _episodes(rule))
    order = data.draw(st.permutations(list(rule.inputs)))
    episode = _with_few_unknown(rule, {name: episode.get(name) for name in order}, keep=4)
    answer = grade_one(rule, episode)
    for completed in _completions(rule, episode):
        whole = grade_one(rule, completed)
        assert whole.open_inputs == ()
        if answer.lowest is not None and answer.highest is not None:
            assert whole.status == "exact"
            assert answer.lowest <= (whole.lowest or 0) <= answer.highest
        elif answer.status == "not-applicable":
            assert whole.status == "not-applicable"
        if whole.status == "not-applicable":
            assert answer.status in {"not-applicable", "ungradable"}


@pytest.mark.parametrize("rule", GRADINGS, ids=lambda rule: rule.id)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_not_named_missing_changes_nothing(rule: Rule, data: st.DataObject) -> None:
    """Filling an unknown input that is not named as open leaves the answer as it is."""
    episode = data.draw(_changed_cases(rule) | _episodes(rule))
    answer = grade_one(rule, episode)
    named = {entry.name for entry in answer.open_inputs}
    silent = [n for n in rule.inputs if episode.get(n) is None and n not in named]
    for name in silent:
        for value in DOMAINS[rule.id][name]:
            filled = grade_one(rule, {**episode, name: value})
            assert (filled.lowest, filled.highest, filled.status) == (
                answer.lowest,
                answer.highest,
                answer.status,
            )


@pytest.mark.parametrize("rule", GRADINGS, ids=lambda rule: rule.id)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_worse_findings_never_lower_a_grade(rule: Rule, data: st.DataObject) -> None:
    """Making one finding of a completely known episode worse does not lower its grade."""
    episode = _with_few_unknown(rule, data.draw(_changed_cases(rule)), keep=0)
    finding = data.draw(st.sampled_from([name for name in WORSE if name in rule.inputs]))
    steps = sorted(data.draw(st.lists(st.integers(0, len(WORSE[finding]) - 1), min_size=2)))
    better, worse = (WORSE[finding][steps[end]] for end in (0, -1))
    before = grade_one(rule, {**episode, finding: better})
    after = grade_one(rule, {**episode, finding: worse})
    assert before.status != "bounded"
    assert (after.lowest or 0) >= (before.lowest or 0)


_FINDINGS = st.fixed_dictionaries(
    {entry.name: st.sampled_from((None, False, True)) for entry in _answerable(WHO_UMC)}
)


def test_engines_agree_on_all_evidence() -> None:
    """Both engines give the same category, range and reason for every combination of findings."""
    names = [entry.name for entry in _answerable(WHO_UMC)]
    combinations = itertools.product((None, False, True), repeat=len(names))
    rows = [dict(zip(names, findings, strict=True)) for findings in combinations]
    query = category_query(WHO_UMC, "rows")
    for row, answer in zip(rows, _table_answers(_answerable(WHO_UMC), query, rows), strict=True):
        explained = explain_causality(row)
        assert (answer["category"], answer["lowest"], answer["highest"], answer["reason"]) == (
            explained.category,
            explained.lowest,
            explained.highest,
            explained.reason,
        ), row


@settings(max_examples=60, deadline=None)
@given(findings=_FINDINGS)
def test_causality_range_holds_the_category_of_every_completion(findings: dict[str, Any]) -> None:
    """However the missing evidence turns out, the ordered category lies in the range."""
    rank = {c.code: c.rank for c in WHO_UMC.categories if c.rank is not None}
    answer = explain_causality(findings)
    unknown = [name for name, value in findings.items() if value is None]
    for filled in itertools.product((False, True), repeat=len(unknown)):
        whole = explain_causality({**findings, **dict(zip(unknown, filled, strict=True))})
        assert whole.lowest == whole.highest
        assert rank[answer.lowest] <= rank[whole.lowest] <= rank[answer.highest]


@settings(max_examples=60, deadline=None)
@given(findings=_FINDINGS)
def test_certain_is_out_of_reach(findings: dict[str, Any]) -> None:
    """No evidence makes an event after a living drug certain, since withdrawal is impossible."""
    answer = explain_causality(findings)
    assert "certain" not in {answer.category, answer.lowest, answer.highest}
