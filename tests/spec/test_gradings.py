"""Every spec case of every rule file gives its answer on both engines."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from iago.attribution.who_umc import category_query, explain_causality
from iago.grading.ladders import ladder_query
from iago.grading.reference_engine import grade_one
from iago.standard.rule_model import Rule, SpecCase
from iago.standard.rules import (
    causality_scale_names,
    grading_names,
    load_causality_scale,
    load_grading,
)

_ARROW = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "number": pa.float64(),
    "text": pa.string(),
}
GRADINGS = [load_grading(name) for name in grading_names()]
SCALES = [load_causality_scale(name) for name in causality_scale_names()]


def _id(value: object) -> str:
    return value.where if isinstance(value, SpecCase) else getattr(value, "id", "")


def _answers(rule: Rule, query: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a query of the table engine over rows of inputs, in the order of the rows."""
    inputs = [entry for entry in rule.inputs.values() if not entry.unanswerable]
    columns = {e.name: pa.array([row.get(e.name) for row in rows], _ARROW[e.type]) for e in inputs}
    columns |= {f"disputed_{e.name}": pa.array([False] * len(rows)) for e in inputs}
    keys = pa.array([f"{k:05d}" for k in range(len(rows))])
    with duckdb.connect() as connection:
        connection.register("rows", pa.table({"episode_id": keys, **columns}))
        answers = connection.sql(f"from ({query}) order by episode_id").to_arrow_table()
    return [dict(row) for row in answers.to_pylist()]


def _ladder_cases() -> list[tuple[Rule, SpecCase]]:
    return [(rule, case) for rule in GRADINGS for case in rule.cases]


def _category_cases() -> list[tuple[Rule, SpecCase]]:
    return [(rule, case) for rule in SCALES for case in rule.cases]


@pytest.mark.parametrize(("rule", "case"), _ladder_cases(), ids=_id)
def test_reference_engine_gives_the_grade_of_the_case(rule: Rule, case: SpecCase) -> None:
    """The one-patient engine gives the interval, the status and the missing inputs of the case."""
    answer = grade_one(rule, case.given)
    assert (answer.status, answer.lowest, answer.highest) == (
        case.status,
        case.lowest,
        case.highest,
    )
    if case.missing is not None:
        assert answer.missing == case.missing


@pytest.mark.parametrize("rule", GRADINGS, ids=_id)
def test_table_engine_gives_the_grade_of_every_case(rule: Rule) -> None:
    """The table engine gives the same answers, reasons and missing inputs as the other."""
    answers = _answers(rule, ladder_query(rule, "rows"), [dict(c.given) for c in rule.cases])
    for case, answer in zip(rule.cases, answers, strict=True):
        explained = grade_one(rule, case.given)
        assert (answer["status"], answer["lowest"], answer["highest"]) == (
            case.status,
            case.lowest,
            case.highest,
        ), case.where
        assert answer["reason"] == explained.reason
        assert answer["missing"] == ", ".join(explained.missing)


@pytest.mark.parametrize(("rule", "case"), _category_cases(), ids=_id)
def test_reference_engine_gives_the_category_of_the_case(rule: Rule, case: SpecCase) -> None:
    """The one-patient engine gives the category and its range."""
    answer = explain_causality(case.given)
    assert (answer.category, answer.lowest, answer.highest) == (
        case.category,
        case.lowest,
        case.highest,
    )


@pytest.mark.parametrize("rule", SCALES, ids=_id)
def test_table_engine_gives_the_category_of_every_case(rule: Rule) -> None:
    """The table engine gives the same categories and reasons as the other."""
    answers = _answers(rule, category_query(rule, "rows"), [dict(c.given) for c in rule.cases])
    for case, answer in zip(rule.cases, answers, strict=True):
        explained = explain_causality(case.given)
        assert (answer["category"], answer["lowest"], answer["highest"]) == (
            case.category,
            case.lowest,
            case.highest,
        ), case.where
        assert answer["reason"] == explained.reason


@pytest.mark.parametrize("rule", GRADINGS, ids=_id)
def test_every_clause_is_reached_by_a_case(rule: Rule) -> None:
    """Each clause fires in a spec case, or stays open in one because no record can answer it."""
    explained = [grade_one(rule, case.given) for case in rule.cases]
    reached = {answer.fired for answer in explained}
    reached |= {clause for answer in explained for clause in answer.open_clauses}
    assert [clause.wording for clause in rule.clauses if clause not in reached] == []


@pytest.mark.parametrize("rule", SCALES, ids=_id)
def test_every_category_but_certain_is_reached_by_a_case(rule: Rule) -> None:
    """Certain is out of reach for a living drug; every other category has a spec case."""
    reached = {case.category for case in rule.cases}
    assert {category.code for category in rule.categories} - reached == {"certain"}


def test_ctcae_text_is_the_official_text(shared_data: Path) -> None:
    """The text of each term and grade is that of CTCAE v5.0, word for word."""
    with (shared_data / "ctcae" / "ctcae_v5.csv").open(encoding="utf-8-sig", newline="") as stream:
        official = {row["term"].strip(): row for row in csv.DictReader(stream)}
    rule = load_grading("ctcae-5.0")
    for term in rule.terms:
        printed = {
            grade: official[term.name][f"grade{grade}"].strip()
            for grade in range(1, 6)
            if official[term.name][f"grade{grade}"].strip() != "-"
        }
        assert dict(term.text) == printed


def test_ctcae_clauses_carry_official_text(shared_data: Path) -> None:
    """The wording of each clause is printed in CTCAE v5.0 for its grade."""
    with (shared_data / "ctcae" / "ctcae_v5.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for clause in load_grading("ctcae-5.0").clauses:
        assert clause.wording in {row[f"grade{clause.grade}"].strip() for row in rows}
