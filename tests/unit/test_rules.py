"""Bad rule files are refused with a message that names file, entry and clause."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from iago.errors import DefinitionError, InvalidInputError
from iago.grading import explain_grade, systems
from iago.standard.rules import (
    causality_scale_names,
    derived_inputs,
    grading_names,
    load_causality_scale,
    load_grading,
    parse_rule,
    read_rule,
)
from iago.standard.three_valued import Value

LADDER = tomllib.loads("""
id = "toy"
edition = "1"
kind = "ladder"
title = { en = "Toy", de = "Spielzeug" }
source = "none"
status = "provisional"
inputs = ["toxicity", "therapy_route", "icu", "therapy_days"]
applies = "toxicity = 'infection'"

[baseline]
toxicity = "infection"

[[grade]]
grade = 2
label = { en = "two", de = "zwei" }
predicate = "icu"
wording = "Intensive care."
[[grade]]
grade = 2
predicate = "therapy_route = 'intravenous'"
wording = "Intravenous therapy."
[[grade.case]]
note = "In intensive care."
given = { icu = true }
lowest = 2
highest = 2
[[grade]]
grade = 1
label = { en = "one", de = "eins" }
predicate = "therapy_days <= 14"
wording = "Short."
""")
TREE = tomllib.loads("""
id = "tree"
edition = "1"
kind = "first-match"
title = { en = "Tree", de = "Baum" }
source = "none"
status = "provisional"
inputs = ["icu"]
[[category]]
code = "yes"
rank = 2
label = { en = "yes", de = "ja" }
predicate = "icu"
wording = "Yes."
[[category]]
code = "no"
rank = 1
label = { en = "no", de = "nein" }
predicate = "true"
wording = "No."
""")


def _changed(base: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Copy of a rule file with one entry changed, or removed where the value is None."""
    content = copy.deepcopy(base)
    *parents, last = path.split(".")
    target: Any = content
    for key in parents:
        target = target[int(key)] if key.isdigit() else target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return content


def test_toy_rules_are_read() -> None:
    """The files that the other tests break are themselves in order."""
    assert parse_rule(LADDER, "toy.toml").grades == (1, 2)
    assert [c.code for c in parse_rule(TREE, "tree.toml").categories] == ["yes", "no"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("source", None, r"toy\.toml lacks the key 'source'"),
        ("colour", "blue", r"toy\.toml: the key 'colour' is not known"),
        ("kind", "matrix", r"toy\.toml, kind: 'matrix' is not one of ladder, first-match"),
        ("status", "sure", r"toy\.toml, status: 'sure' is not one of verified, provisional"),
        ("inputs", ["icu", "icu_days"], r"toy\.toml, inputs: 'icu_days' is neither an element"),
        ("applies", "toxicity =", r"toy\.toml, applies: .* is not an expression"),
        ("title", {"en": "Toy"}, r"toy\.toml, title, label lacks the key 'de'"),
        ("grade", [], r"toy\.toml: a ladder needs entries of its kind"),
        ("grade.0.grade", "2", r"toy\.toml, grade 2, clause 1: a grade is a whole number"),
        ("grade.0.wording", None, r"toy\.toml, grade 2, clause 1 lacks the key 'wording'"),
        ("grade.0.label", None, r"toy\.toml, grade 2, clause 1, label lacks the key 'en'"),
        ("grade.1.predicate", "route = 'oral'", r"toy\.toml, grade 2, clause 2: .* reads route"),
        (
            "grade.1.predicate",
            "therapy_route = 'iv'",
            r"toy\.toml, grade 2, clause 2: .*'iv' is no code of therapy_routes",
        ),
        (
            "grade.1.predicate",
            "therapy_route in ('oral', 'iv')",
            r"grade 2, clause 2: .*'iv' is no code of therapy_routes",
        ),
        (
            "grade.1.predicate",
            "therapy_route is null",
            r"toy\.toml, grade 2, clause 2: .* asks whether a value is null",
        ),
        ("grade.1.predicate", "icu = null", r"grade 2, clause 2: .* asks whether a value is null"),
        (
            "grade.2.predicate",
            "therapy_days",
            r"toy\.toml, grade 1, clause 1: .*therapy_days is not a yes or no",
        ),
        (
            "grade.2.predicate",
            "therapy_days <= '14'",
            r"grade 1, clause 1: .*therapy_days is of type integer and cannot be compared",
        ),
        ("grade.2.predicate", "14", r"grade 1, clause 1: .*neither true nor false"),
        (
            "grade.2.predicate",
            "upper(therapy_route) = 'ORAL'",
            r"grade 1, clause 1: .*outside the vocabulary of rules",
        ),
        ("grade.2.term", "Sepsis", r"grade 1, clause 1, term with text for this grade: 'Sepsis'"),
        (
            "grade.1.case.0.given",
            {"icuu": True},
            r"toy\.toml, grade 2, clause 2, case 1: 'icuu' is not one of",
        ),
        (
            "grade.1.case.0.given",
            {"therapy_days": True},
            r"grade 2, clause 2, case 1: therapy_days must be of type integer",
        ),
        (
            "grade.1.case.0.given",
            {"therapy_route": "iv"},
            r"grade 2, clause 2, case 1, therapy_route: 'iv' is no code",
        ),
        ("grade.1.case.0.unknown", ["x"], r"clause 2, case 1, unknown: 'x' is not one of"),
        ("grade.1.case.0.status", "ok", r"clause 2, case 1, status: 'ok' is not one of exact"),
        ("baseline", {"toxicity": "flu"}, r"toy\.toml, baseline, toxicity: 'flu' is no code"),
    ],
)
def test_a_bad_ladder_is_refused_by_file_entry_and_clause(
    path: str, value: object, message: str
) -> None:
    """The message says where the mistake stands and what was expected."""
    with pytest.raises(DefinitionError, match=message):
        parse_rule(_changed(LADDER, path, value), "toy.toml")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("category.0.rank", None, r"tree\.toml, category yes: rank and predicate go together"),
        ("category.0.rank", 0, r"tree\.toml: ordered categories stand from the highest rank down"),
        ("category.1.predicate", "icu", r"tree\.toml: ordered categories .* predicate true"),
        (
            "override",
            [{"category": "maybe", "predicate": "icu", "wording": "."}],
            r"tree\.toml, override 1, category: 'maybe' is not one of yes, no",
        ),
        (
            "override",
            [{"category": "no", "predicate": "settled", "wording": "."}],
            r"tree\.toml, override 1: 'settled' reads settled",
        ),
    ],
)
def test_a_bad_tree_is_refused_by_file_and_entry(path: str, value: object, message: str) -> None:
    """The message says which category or override is wrong."""
    with pytest.raises(DefinitionError, match=message):
        parse_rule(_changed(TREE, path, value), "tree.toml")


def test_a_derived_input_needs_a_definition_in_words() -> None:
    """An input that a rule declares itself must say what it means."""
    content = _changed(LADDER, "input", [{"name": "shock", "type": "boolean"}])
    with pytest.raises(DefinitionError, match=r"toy\.toml, input shock lacks the key 'definition'"):
        parse_rule(content, "toy.toml")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    """A syntax error names the file."""
    path = tmp_path / "broken.toml"
    path.write_text("id = ", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"broken\.toml is not TOML"):
        read_rule(path)


def test_the_id_is_the_name_of_the_file(tmp_path: Path) -> None:
    """A copy under another name is refused."""
    path = tmp_path / "other.toml"
    path.write_text(
        'id = "toy"\nedition = "1"\nkind = "ladder"\ntitle = { en = "T", de = "T" }\n'
        'source = "s"\nstatus = "verified"\ninputs = ["icu"]\n[[grade]]\ngrade = 1\n'
        'label = { en = "one", de = "eins" }\npredicate = "icu"\nwording = "W."\n',
        encoding="utf-8",
    )
    with pytest.raises(DefinitionError, match=r"other\.toml: the id 'toy' must be the name"):
        read_rule(path)


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    """The message lists what there is."""
    with pytest.raises(DefinitionError, match=r"'five' in gradings\. Known: bmt-ctn-2013"):
        load_grading("five")
    with pytest.raises(DefinitionError, match="Known: who-umc"):
        load_causality_scale("naranjo")


def test_provisional_rules_say_their_doubt() -> None:
    """Whatever is not verified in print says why, in words."""
    rules = [load_grading(name) for name in grading_names()]
    rules += [load_causality_scale(name) for name in causality_scale_names()]
    assert [r.id for r in rules if r.status == "provisional" and not r.doubt] == []
    assert all(entry.definition for entry in derived_inputs().values())


def test_systems_are_described_for_the_dossier() -> None:
    """Each system has labels for all its grades, in both languages, lowest first."""
    described = {system.id: system for system in systems()}
    assert list(described) == ["five-level", "ctcae-5.0", "bmt-ctn-2013"]
    assert described["five-level"].grade_labels[3] == "severe"
    assert list(described["ctcae-5.0"].grade_labels_de) == [1, 2, 3, 4, 5]


def test_explanation_says_what_is_missing_and_what_it_could_change() -> None:
    """An unknown outcome keeps the fatal grade open and nothing else."""
    support: dict[str, Value] = {"icu": True, "vasopressors": False, "ventilation": False}
    rest: dict[str, Value] = {"toxicity": "infection", "therapy_route": "oral"}
    answer = explain_grade({**support, **rest, "hospitalised": True}, "five-level")
    (outcome,) = answer.open_inputs
    assert (answer.lowest, answer.highest, answer.missing) == (4, 5, ("outcome",))
    assert (outcome.name, outcome.could_reach, outcome.answerable) == ("fatal", 5, True)
    assert answer.fired is not None
    assert answer.fired.grade == 4
    assert answer.inputs_read == support


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"icuu": True}, "five-level does not read 'icuu'"),
        ({"icu": "yes"}, "icu must be of type boolean"),
        ({"therapy_route": "iv-secret"}, "therapy_route must be a code of therapy_routes: none"),
    ],
)
def test_explanation_refuses_values_outside_the_standard(
    inputs: dict[str, Any], message: str
) -> None:
    """A wrong name, type or code is an error that never repeats the value."""
    with pytest.raises(InvalidInputError, match=message) as caught:
        explain_grade(inputs, "five-level")
    assert "secret" not in str(caught.value)
