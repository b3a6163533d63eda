"""Severity of infections: every episode by every grading system, and one patient explained."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from iago.grading.inputs import INPUT_TABLE, derive_grade_inputs
from iago.grading.ladders import ladder_query
from iago.grading.reference_engine import Explanation, grade_one
from iago.standard.rule_model import Rule, RuleInput
from iago.standard.rules import load_grading
from iago.standard.three_valued import Value
from iago.tables.derived import EPISODE_GRADES
from iago.tables.engine import Connection, check_columns, fetch

INFECTION_SYSTEMS = ("five-level", "ctcae-5.0", "bmt-ctn-2013")


@dataclass(frozen=True)
class System:
    """A grading system as the dossier names it: labels by grade, source, status and doubt."""

    id: str
    edition: str
    title_en: str
    title_de: str
    source: str
    status: str
    doubt: str
    grade_labels: Mapping[int, str]
    grade_labels_de: Mapping[int, str]


def systems() -> tuple[System, ...]:
    """Grading systems of infections, in the order in which they are shown."""
    return tuple(_describe(load_grading(name)) for name in INFECTION_SYSTEMS)


def _describe(rule: Rule) -> System:
    return System(
        id=rule.id,
        edition=rule.edition,
        title_en=rule.title_en,
        title_de=rule.title_de,
        source=rule.source,
        status=rule.status,
        doubt=rule.doubt,
        grade_labels={c.grade: c.label_en for c in reversed(rule.clauses)},
        grade_labels_de={c.grade: c.label_de for c in reversed(rule.clauses)},
    )


def grade_episodes(connection: Connection) -> None:
    """Make the table ``episode_grades``: every episode by every grading system.

    A grade whose inputs are incomplete is the interval of the grades that remain possible, with the
    missing elements named; an episode to which a system does not apply says why. Needs the tables
    of a snapshot; also leaves ``episode_grade_inputs``, the values that the rules read.

    Raises
    ------
    DefinitionError
        A rule file, or the derivation of its inputs, breaks its contract.
    """
    rules = [load_grading(name) for name in INFECTION_SYSTEMS]
    inputs: dict[str, RuleInput] = {}
    for rule in rules:
        inputs |= rule.inputs
    derive_grade_inputs(connection, inputs.values())
    queries = " union all ".join(f"({ladder_query(rule, INPUT_TABLE)})" for rule in rules)
    connection.execute(f"create or replace temp table episode_grades as {queries}")
    check_columns(connection, "episode_grades", pa.schema(EPISODE_GRADES))


def explain_grade(inputs: Mapping[str, Value], system: str) -> Explanation:
    """Grade one episode and say why: the clause, the values, what is missing, what it could change.

    Parameters
    ----------
    inputs : mapping
        Known inputs of the system by name (elements of the episode record and the derived inputs
        of ``standard/rule_inputs.toml``); absent or None is unknown.
    system : str
        Id of a grading system.

    Raises
    ------
    DefinitionError
        No such system.
    InvalidInputError
        A name that the system does not read, or a value of the wrong type or code.
    """
    return grade_one(load_grading(system), inputs)


def episode_inputs(connection: Connection, episode_id: str, system: str) -> dict[str, Value]:
    """Inputs of one graded episode, as :func:`explain_grade` takes them.

    Needs ``episode_grade_inputs``, which :func:`grade_episodes` leaves. An unknown episode gives
    no inputs.
    """
    rule = load_grading(system)
    names = [name for name, entry in rule.inputs.items() if not entry.unanswerable]
    query = f"select {', '.join(names)} from {INPUT_TABLE} where episode_id = ?"
    rows = fetch(connection, query, [episode_id]).to_pylist()
    return dict(rows[0]) if rows else {}
