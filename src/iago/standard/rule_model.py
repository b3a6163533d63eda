"""What a rule file holds once it is read: inputs, clauses, categories and spec cases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iago.standard.expressions import Expression
from iago.standard.three_valued import Value


@dataclass(frozen=True)
class RuleInput:
    """A named value that rules read: an element of the episode record, or derived from several.

    Attributes
    ----------
    element : str
        ``table.element`` that a reporter completes when the input is unknown.
    unanswerable : str
        Why no record can tell the value (the published rule or the record is silent); then the
        input is always unknown, unless ``constant`` fixes it.
    says : mapping
        Words for a known yes, a known no and an unknown value (keys ``yes``, ``no``, ``unknown``).
    """

    name: str
    type: str
    definition: str
    element: str = ""
    codelist: str = ""
    unanswerable: str = ""
    constant: bool | None = None
    says: Mapping[str, str] = field(default_factory=dict)

    @property
    def asks_for(self) -> str:
        """Name that a reporter knows: the element to complete, or the input itself."""
        return self.element.rpartition(".")[2] or self.name


@dataclass(frozen=True)
class SpecCase:
    """Patient findings with the answer that the rule must give, on every engine.

    ``given`` names every known input; all others are unknown. ``lowest`` and ``highest`` are
    grades of a ladder or category codes of a first-match rule.
    """

    where: str
    note: str
    given: Mapping[str, Value]
    status: str = ""
    category: str = ""
    lowest: int | str | None = None
    highest: int | str | None = None
    missing: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Clause:
    """One way to reach a grade: its predicate beside the published criterion."""

    grade: int
    label_en: str
    label_de: str
    predicate: Expression
    wording: str
    status: str
    note: str = ""
    term: str = ""


@dataclass(frozen=True)
class Term:
    """A reporting term with the official text of its grades."""

    name: str
    predicate: Expression
    text: Mapping[int, str]


@dataclass(frozen=True)
class Category:
    """One category of a first-match rule; only ordered ones have a rank and a predicate."""

    code: str
    label_en: str
    label_de: str
    wording: str
    rank: int | None = None
    predicate: Expression | None = None
    note: str = ""


@dataclass(frozen=True)
class Override:
    """A category that is given before the tree is read, while its predicate is true."""

    category: str
    predicate: Expression
    wording: str


@dataclass(frozen=True)
class Rule:
    """A grading system or causality scale.

    ``clauses`` are sorted from the highest grade down, in the order of the file within a grade.
    ``floor`` is the grade where every clause is certainly false; without it there is then none.
    """

    id: str
    edition: str
    kind: str
    title_en: str
    title_de: str
    source: str
    status: str
    doubt: str
    inputs: Mapping[str, RuleInput]
    applies: Expression
    outside: str
    unmatched: str
    floor: int | None
    clauses: tuple[Clause, ...] = ()
    terms: tuple[Term, ...] = ()
    categories: tuple[Category, ...] = ()
    overrides: tuple[Override, ...] = ()
    cases: tuple[SpecCase, ...] = ()

    @property
    def grades(self) -> tuple[int, ...]:
        """Grades that the system can give, ascending."""
        floor = set() if self.floor is None else {self.floor}
        return tuple(sorted({clause.grade for clause in self.clauses} | floor))

    def category(self, code: str) -> Category:
        """Category by its code."""
        return next(category for category in self.categories if category.code == code)
