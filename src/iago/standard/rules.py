"""Rule files: grading systems and causality scales as data, with their spec cases.

A rule file is TOML with a closed vocabulary. A ``ladder`` holds clauses, one or more for each
grade; the grade is the highest whose clause is true. A ``first-match`` holds ordered categories;
the first whose predicate is true is given. This module reads such files into the frozen dataclasses
of ``rule_model``; ``rule_checks`` refuses what lies outside the vocabulary. No rule is run as code.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from iago.errors import DefinitionError
from iago.standard.records import Element, load_record
from iago.standard.rule_checks import (
    check_known,
    check_values,
    read_keys,
    read_label,
    read_predicate,
    read_status,
)
from iago.standard.rule_model import (
    Category,
    Clause,
    Override,
    Rule,
    RuleInput,
    SpecCase,
    Term,
)
from iago.standard.three_valued import Value

LADDER, FIRST_MATCH = "ladder", "first-match"
GRADE_STATUSES = ("exact", "bounded", "ungradable", "not-applicable")
_INPUT_TYPES = {"yes_no": "boolean", "integer": "integer", "number": "number", "code": "text"}
_RULE_KEYS = ("id", "edition", "kind", "title", "source", "status", "inputs")
_RULE_OPTIONS = (
    "doubt",
    "applies",
    "outside",
    "unmatched",
    "floor",
    "input",
    "baseline",
    "grade",
    "term",
    "category",
    "override",
    "case",
)


def load_grading(name: str) -> Rule:
    """Load a grading system by its id, such as ``five-level``.

    Raises
    ------
    DefinitionError
        No such system, or its file does not follow the vocabulary.
    """
    return _load("gradings", name)


def load_causality_scale(name: str) -> Rule:
    """Load a causality scale by its id, such as ``who-umc``.

    Raises
    ------
    DefinitionError
        No such scale, or its file does not follow the vocabulary.
    """
    return _load("causality", name)


def grading_names() -> tuple[str, ...]:
    """Ids of all grading systems, alphabetically."""
    return _names("gradings")


def causality_scale_names() -> tuple[str, ...]:
    """Ids of all causality scales, alphabetically."""
    return _names("causality")


@cache
def _load(folder: str, name: str) -> Rule:
    if name not in _names(folder):
        raise DefinitionError(
            f"No rule named {name!r} in {folder}. Known: {', '.join(_names(folder))}."
        )
    return read_rule(_folder(folder).joinpath(f"{name}.toml"))


def _folder(folder: str) -> Traversable:
    return files("iago.standard").joinpath(folder)


def _names(folder: str) -> tuple[str, ...]:
    found = (entry.name for entry in _folder(folder).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def read_rule(path: Traversable) -> Rule:
    """Read and check one rule file.

    Raises
    ------
    DefinitionError
        Not TOML, or an entry outside the vocabulary; the message names file, entry and clause.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{path.name} is not TOML: {error}.") from error
    rule = parse_rule(content, path.name)
    if f"{rule.id}.toml" != path.name:
        raise DefinitionError(f"{path.name}: the id {rule.id!r} must be the name of the file.")
    return rule


def parse_rule(content: Mapping[str, Any], file: str) -> Rule:
    """Check the content of a rule file and turn it into a rule.

    Parameters
    ----------
    content : mapping
        The file as parsed TOML.
    file : str
        Its name, for error messages.

    Raises
    ------
    DefinitionError
        An entry outside the vocabulary; the message names file, entry and clause.
    """
    read_keys(content, _RULE_KEYS, _RULE_OPTIONS, file)
    check_known(content["kind"], (LADDER, FIRST_MATCH), f"{file}, kind")
    title_en, title_de = read_label(content["title"], f"{file}, title")
    status = read_status(content["status"], file)
    inputs = _read_inputs(content, file)
    entries = _Entries(file, inputs, _baseline(content, inputs, file))
    entries.read(content)
    floor = content.get("floor")
    return Rule(
        id=content["id"],
        edition=content["edition"],
        kind=content["kind"],
        title_en=title_en,
        title_de=title_de,
        source=content["source"],
        status=status,
        doubt=content.get("doubt", ""),
        inputs=inputs,
        applies=read_predicate(content.get("applies", "true"), inputs, f"{file}, applies"),
        outside=content.get("outside", "This scale does not apply."),
        unmatched=content.get("unmatched", "No clause of this scale describes the findings."),
        floor=floor,
        clauses=tuple(sorted(entries.clauses, key=lambda clause: -clause.grade)),
        terms=tuple(entries.terms),
        categories=tuple(entries.categories),
        overrides=tuple(entries.overrides),
        cases=tuple(entries.cases),
    )


@cache
def derived_inputs() -> dict[str, RuleInput]:
    """Inputs that the tables derive from several elements, shared by all rules."""
    path = files("iago.standard").joinpath("rule_inputs.toml")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["input"]
    return {entry["name"]: _read_input(entry, path.name) for entry in entries}


@cache
def _episode_inputs() -> dict[str, RuleInput]:
    elements = load_record("episodes").elements
    return {e.name: _element_input(e) for e in elements if e.type in _INPUT_TYPES}


def _element_input(element: Element) -> RuleInput:
    return RuleInput(
        name=element.name,
        type=_INPUT_TYPES[element.type],
        definition=element.label_en,
        element=f"episodes.{element.name}",
        codelist=element.codelist,
    )


def _read_input(entry: Mapping[str, Any], file: str) -> RuleInput:
    where = f"{file}, input {entry.get('name', '?')}"
    options = ("element", "codelist", "unanswerable", "constant", "says")
    read_keys(entry, ("name", "type", "definition"), options, where)
    check_known(entry["type"], tuple(_INPUT_TYPES.values()), f"{where}, type")
    return RuleInput(**entry)


def _read_inputs(content: Mapping[str, Any], file: str) -> dict[str, RuleInput]:
    own = {e["name"]: _read_input(e, file) for e in content.get("input", [])}
    known = {**_episode_inputs(), **derived_inputs()}
    for name in content["inputs"]:
        if name not in known:
            raise DefinitionError(
                f"{file}, inputs: {name!r} is neither an element of the episode record nor a "
                "declared derived input. Declare it as [[input]] with a definition in words."
            )
    return {**{name: known[name] for name in content["inputs"]}, **own}


def _baseline(
    content: Mapping[str, Any], inputs: Mapping[str, RuleInput], file: str
) -> Mapping[str, Value]:
    baseline: Mapping[str, Value] = content.get("baseline", {})
    check_values(baseline, inputs, f"{file}, baseline")
    return baseline


class _Entries:
    """Collects the entries of one file while they are read."""

    def __init__(
        self, file: str, inputs: Mapping[str, RuleInput], baseline: Mapping[str, Value]
    ) -> None:
        self.file, self.inputs, self.baseline = file, inputs, baseline
        self.labels: dict[int, tuple[str, str]] = {}
        self.clauses: list[Clause] = []
        self.terms: list[Term] = []
        self.categories: list[Category] = []
        self.overrides: list[Override] = []
        self.cases: list[SpecCase] = []

    def read(self, content: Mapping[str, Any]) -> None:
        for entry in content.get("term", []):
            self._read_term(entry)
        for entry in content.get("grade", []):
            self._read_grade(entry, content["status"])
        for entry in content.get("category", []):
            self._read_category(entry)
        for number, entry in enumerate(content.get("override", []), start=1):
            self._read_override(entry, number)
        self._read_cases(content, f"{self.file}, general")
        if not (self.categories if content["kind"] == FIRST_MATCH else self.clauses):
            raise DefinitionError(f"{self.file}: a {content['kind']} needs entries of its kind.")
        self._check_order()

    def _read_grade(self, entry: Mapping[str, Any], status: str) -> None:
        grade = entry.get("grade")
        number = 1 + sum(clause.grade == grade for clause in self.clauses)
        where = f"{self.file}, grade {grade}, clause {number}"
        options = ("label", "status", "note", "term", "case")
        read_keys(entry, ("grade", "predicate", "wording"), options, where)
        if not isinstance(grade, int):
            raise DefinitionError(f"{where}: a grade is a whole number.")
        if number == 1:
            self.labels[grade] = read_label(entry.get("label", {}), where)
        if term := entry.get("term"):
            graded = tuple(known.name for known in self.terms if grade in known.text)
            check_known(term, graded, f"{where}, term with text for this grade")
        label_en, label_de = self.labels[grade]
        self.clauses.append(
            Clause(
                grade=grade,
                label_en=label_en,
                label_de=label_de,
                predicate=read_predicate(entry["predicate"], self.inputs, where),
                wording=entry["wording"],
                status=read_status(entry.get("status", status), where),
                note=entry.get("note", ""),
                term=entry.get("term", ""),
            )
        )
        self._read_cases(entry, where)

    def _read_term(self, entry: Mapping[str, Any]) -> None:
        where = f"{self.file}, term {entry.get('name', '?')}"
        read_keys(entry, ("name", "predicate", "text"), (), where)
        predicate = read_predicate(entry["predicate"], self.inputs, where)
        text = {int(grade): wording for grade, wording in entry["text"].items()}
        self.terms.append(Term(entry["name"], predicate, text))

    def _read_category(self, entry: Mapping[str, Any]) -> None:
        where = f"{self.file}, category {entry.get('code', '?')}"
        read_keys(entry, ("code", "label", "wording"), ("rank", "predicate", "note", "case"), where)
        if ("rank" in entry) != ("predicate" in entry):
            raise DefinitionError(f"{where}: rank and predicate go together.")
        label_en, label_de = read_label(entry["label"], where)
        text = entry.get("predicate")
        predicate = None if text is None else read_predicate(text, self.inputs, where)
        self.categories.append(
            Category(
                code=entry["code"],
                label_en=label_en,
                label_de=label_de,
                wording=entry["wording"],
                rank=entry.get("rank"),
                predicate=predicate,
                note=entry.get("note", ""),
            )
        )
        self._read_cases(entry, where)

    def _read_override(self, entry: Mapping[str, Any], number: int) -> None:
        where = f"{self.file}, override {number}"
        read_keys(entry, ("category", "predicate", "wording"), ("case",), where)
        codes = tuple(category.code for category in self.categories)
        check_known(entry["category"], codes, f"{where}, category")
        determined = RuleInput("determined", "boolean", "The tree leaves one category only.")
        inputs = {**self.inputs, determined.name: determined}
        predicate = read_predicate(entry["predicate"], inputs, where)
        self.overrides.append(Override(entry["category"], predicate, entry["wording"]))
        self._read_cases(entry, where)

    def _read_cases(self, entry: Mapping[str, Any], where: str) -> None:
        for number, case in enumerate(entry.get("case", []), start=1):
            self.cases.append(self._read_case(case, f"{where}, case {number}"))

    def _read_case(self, case: Mapping[str, Any], where: str) -> SpecCase:
        options = ("given", "unknown", "lowest", "highest", "status", "category", "missing")
        read_keys(case, ("note",), options, where)
        given = case.get("given", {})
        check_values(given, self.inputs, where)
        for name in case.get("unknown", []):
            check_known(name, tuple(self.inputs), f"{where}, unknown")
        values = {**self.baseline, **given}
        known = {key: value for key, value in values.items() if key not in case.get("unknown", [])}
        lowest, highest = case.get("lowest"), case.get("highest")
        status = case.get("status", "exact" if lowest == highest else "bounded")
        check_known(status, GRADE_STATUSES, f"{where}, status")
        missing = tuple(case["missing"]) if "missing" in case else None
        return SpecCase(
            where, case["note"], known, status, case.get("category", ""), lowest, highest, missing
        )

    def _check_order(self) -> None:
        ordered = [c for c in self.categories if c.rank is not None and c.predicate is not None]
        if not ordered:
            return
        ranks = [c.rank for c in ordered if c.rank is not None]
        last = ordered[-1].predicate
        if ranks != sorted(set(ranks), reverse=True) or last is None or last.text != "true":
            raise DefinitionError(
                f"{self.file}: ordered categories stand from the highest rank down, and the "
                "last has the predicate true."
            )
