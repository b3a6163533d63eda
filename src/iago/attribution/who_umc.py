"""Causality of one case: WHO-UMC categories from recorded evidence, for a living drug.

The scale is a rule file (``standard/causality/who-umc.toml``); how it is applied where withdrawal
and rechallenge do not exist is decision 0007. Two engines read it: SQL for all episodes, and a
plain evaluator for one case. What nobody recorded, or raters disagree on, is unknown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

from iago.errors import InvalidInputError
from iago.standard.rule_model import Category, Rule, RuleInput
from iago.standard.rules import load_causality_scale
from iago.standard.three_valued import Value, evaluate
from iago.tables.derived import EPISODE_CAUSALITY
from iago.tables.engine import Connection, check_columns

METHOD = "who-umc"
TIME_INPUT = "time_plausible"
_EVIDENCE_TABLE = "episode_evidence"


@dataclass(frozen=True)
class CausalityExplanation:
    """Causality category of one case, with the range that missing evidence leaves open.

    ``lowest`` and ``highest`` are codes of ordered categories; they are equal where the evidence
    decides. ``category`` may also be ``conditional`` or ``unassessable``.
    """

    method: str
    edition: str
    category: str
    label_en: str
    label_de: str
    lowest: str
    highest: str
    reason: str
    unknown: tuple[str, ...]


def attribute_episodes(connection: Connection) -> None:
    """Make the table ``episode_causality``: the WHO-UMC category of every episode.

    Evidence items on which all raters who answered agree are known; others are unknown, and a
    disagreement is said in the reason. Where nobody rated the time relation it is derived from the
    days: not plausible before the start of lymphodepletion (before day 0 where none was given),
    plausible from that day on; unknown while a partial date or an unrecorded lymphodepletion leaves
    both possible. Needs ``episodes``, ``courses`` and ``evidence`` of a snapshot.

    Raises
    ------
    DefinitionError
        The rule file breaks its contract.
    """
    rule = load_causality_scale(METHOD)
    _create_evidence(connection, _answerable(rule))
    query = category_query(rule, _EVIDENCE_TABLE)
    connection.execute(f"create or replace temp table episode_causality as {query}")
    connection.execute(f"drop table {_EVIDENCE_TABLE}")
    check_columns(connection, "episode_causality", pa.schema(EPISODE_CAUSALITY))


def explain_causality(
    inputs: Mapping[str, Value], disputed: Collection[str] = ()
) -> CausalityExplanation:
    """Give the WHO-UMC category of one case and say why.

    Parameters
    ----------
    inputs : mapping
        Evidence by the input names of ``who-umc.toml``; absent or None is unknown.
    disputed : collection of str
        Inputs on which raters disagree; they count as unknown.

    Raises
    ------
    InvalidInputError
        A name that the scale does not read, or a value other than true, false and None.
    """
    return _explain(load_causality_scale(METHOD), inputs, disputed)


def _answerable(rule: Rule) -> list[RuleInput]:
    return [entry for entry in rule.inputs.values() if not entry.unanswerable]


def _ordered(rule: Rule) -> list[Category]:
    """Ordered categories from the highest rank down, as the loader guarantees."""
    return [category for category in rule.categories if category.rank is not None]


def _explain(
    rule: Rule, inputs: Mapping[str, Value], disputed: Collection[str]
) -> CausalityExplanation:
    answerable = {entry.name: entry for entry in _answerable(rule)}
    _check(rule, answerable, inputs, disputed)
    known = {name: value for name, value in inputs.items() if name not in disputed}
    constants = {e.name: e.constant for e in rule.inputs.values() if e.constant is not None}
    values = {**known, **constants}
    truths = [(c, evaluate(c.predicate, values)) for c in _ordered(rule) if c.predicate]
    highest = next(category for category, truth in truths if truth is not False)
    lowest = next(category for category, truth in truths if truth is True)
    facts = {**values, "determined": lowest is highest}
    code, wording = lowest.code, lowest.wording
    for override in rule.overrides:
        if evaluate(override.predicate, facts):
            code, wording = override.category, override.wording
            break
    label = rule.category(code)
    unknown = tuple(name for name in answerable if values.get(name) is None)
    return CausalityExplanation(
        method=rule.id,
        edition=rule.edition,
        category=code,
        label_en=label.label_en,
        label_de=label.label_de,
        lowest=lowest.code,
        highest=highest.code,
        reason=wording + _range_text(lowest, highest) + _findings(answerable, values, disputed),
        unknown=unknown,
    )


def _check(
    rule: Rule,
    answerable: Mapping[str, RuleInput],
    inputs: Mapping[str, Value],
    disputed: Collection[str],
) -> None:
    for name in (*inputs, *disputed):
        if name not in answerable:
            known = ", ".join(answerable)
            raise InvalidInputError(f"{rule.id} does not read {name!r}. It reads: {known}.")
        if not isinstance(inputs.get(name), bool | None):
            raise InvalidInputError(f"{name} must be true or false, or None if unknown.")


def _range_text(lowest: Category, highest: Category) -> str:
    if lowest is highest:
        return ""
    return f" The evidence leaves open {lowest.code} to {highest.code}."


def _findings(
    answerable: Mapping[str, RuleInput], values: Mapping[str, Value], disputed: Collection[str]
) -> str:
    known, unknown = [], []
    for name, entry in answerable.items():
        value = values.get(name)
        if value is None and name not in disputed:
            unknown.append(entry.says.get("unknown"))
        elif value is not None:
            known.append(entry.says.get("yes" if value else "no"))
    contested = [name.replace("_", " ") for name in answerable if name in disputed]
    return (
        _sentence("Found", "; ", known)
        + _sentence("Not known", "; ", unknown)
        + _sentence("Raters disagree on", ", ", contested)
    )


def _sentence(head: str, separator: str, parts: Collection[str | None]) -> str:
    said = [part for part in parts if part]
    return f" {head}: {separator.join(said)}." if said else ""


def _create_evidence(connection: Connection, inputs: list[RuleInput]) -> None:
    """One row an episode: each input as agreed by its raters, and whether they disagree."""
    items = [(entry.name, entry.name.replace("_", "-")) for entry in inputs]
    rated = ", ".join(
        f"""case when bool_and(finding) filter (item = '{code}')
                    = bool_or(finding) filter (item = '{code}')
                 then bool_or(finding) filter (item = '{code}') end as {name},
            coalesce(bool_and(finding) filter (item = '{code}')
                <> bool_or(finding) filter (item = '{code}'), false) as disputed_{name}"""
        for name, code in items
    )
    others = ", ".join(
        f"r.{name}, coalesce(r.disputed_{name}, false) as disputed_{name}"
        for name, _ in items
        if name != TIME_INPUT
    )
    connection.execute(
        f"""
        create or replace temp table {_EVIDENCE_TABLE} as
        with rated as (select episode_id, {rated} from evidence group by episode_id),
        timed as (select e.episode_id, {_TIME} as derived_time
                  from episodes e left join courses c using (course_id))
        select t.episode_id,
               case when coalesce(r.disputed_{TIME_INPUT}, false) then null
                    else coalesce(r.{TIME_INPUT}, t.derived_time) end as {TIME_INPUT},
               coalesce(r.disputed_{TIME_INPUT}, false) as disputed_{TIME_INPUT}, {others}
        from timed t left join rated r using (episode_id)
        """
    )


# The therapy starts with lymphodepletion; without a recorded start only its latest day is known.
_TIME = """case
    when e.onset_day_earliest >= case when c.lymphodepletion_regimen = 'none' then 0
        else least(coalesce(c.lymphodepletion_start_day_latest, 0), 0) end then true
    when e.onset_day_latest < case when c.lymphodepletion_regimen = 'none' then 0
        when c.lymphodepletion_start_day_earliest is not null
        then least(c.lymphodepletion_start_day_earliest, 0) end then false end"""


def category_query(rule: Rule, source: str) -> str:
    """Write the query that attributes every row of a table by one first-match rule.

    Parameters
    ----------
    rule : Rule
        A rule of kind ``first-match``.
    source : str
        Name of a table with ``episode_id``, one boolean column for each input that a record can
        answer, and one more, ``disputed_<name>``, that is true where raters disagree.

    Returns
    -------
    str
        A SELECT with the columns of :data:`iago.tables.derived.EPISODE_CAUSALITY`.
    """
    ordered = [category for category in _ordered(rule) if category.predicate]
    tree = ", ".join(f"({c.predicate.sql}) as is_{c.code}" for c in ordered if c.predicate)
    lowest = " ".join(f"when is_{c.code} then '{c.code}'" for c in ordered)
    highest = " ".join(f"when is_{c.code} is distinct from false then '{c.code}'" for c in ordered)
    overrides = list(enumerate(rule.overrides))
    flags = ", ".join(f"({o.predicate.sql}) as override_{k}" for k, o in overrides)
    codes = " ".join(f"when override_{k} then '{o.category}'" for k, o in overrides)
    return f"""
    with facts as (select *{_constants(rule)} from {source}),
    judged as (select *, {tree} from facts),
    ranged as (select *, case {lowest} end as lowest, case {highest} end as highest from judged),
    determined as (select *, lowest = highest as determined from ranged),
    overridden as (select *, {flags} from determined)
    select episode_id, '{rule.id}' as method, case {codes} else lowest end as category,
           lowest, highest, {_reason_sql(rule)} as reason
    from overridden
    """


def _constants(rule: Rule) -> str:
    fixed = [entry for entry in rule.inputs.values() if entry.constant is not None]
    return "".join(f", {str(entry.constant).lower()} as {entry.name}" for entry in fixed)


def _reason_sql(rule: Rule) -> str:
    overrides = " ".join(
        f"when override_{k} then {_quote(o.wording)}" for k, o in enumerate(rule.overrides)
    )
    categories = " ".join(
        f"when lowest = '{c.code}' then {_quote(c.wording)}" for c in _ordered(rule)
    )
    inputs = [entry for entry in rule.inputs.values() if not entry.unanswerable]
    known = [
        f"case when {e.name} then {_quote(e.says.get('yes'))}"
        f" when not {e.name} then {_quote(e.says.get('no'))} end"
        for e in inputs
    ]
    unknown = [
        f"case when {e.name} is null and not disputed_{e.name}"
        f" then {_quote(e.says.get('unknown'))} end"
        for e in inputs
    ]
    disputed = [
        f"case when disputed_{e.name} then {_quote(e.name.replace('_', ' '))} end" for e in inputs
    ]
    return f"""(case {overrides} {categories} end)
        || case when lowest = highest then '' else
               ' The evidence leaves open ' || lowest || ' to ' || highest || '.' end
        || {_sentence_sql("Found", "; ", known)}
        || {_sentence_sql("Not known", "; ", unknown)}
        || {_sentence_sql("Raters disagree on", ", ", disputed)}"""


def _sentence_sql(head: str, separator: str, parts: list[str]) -> str:
    joined = f"concat_ws('{separator}', {', '.join(parts)})"
    return f"case when {joined} = '' then '' else ' {head}: ' || {joined} || '.' end"


def _quote(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"
