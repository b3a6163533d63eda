"""From a grading rule to SQL columns: the interval of possible grades of every row of a table.

SQL's three-valued logic is the rule for missing data. The lowest grade is the highest one with a
clause that is true, the highest grade the highest one with a clause that is not false. Text and
names come from the checked rule file only; no value of a patient is ever part of the SQL.
"""

from collections.abc import Iterator

from sqlglot import expressions as exp

from iago.standard.expressions import Expression
from iago.standard.rule_model import Clause, Rule, RuleInput
from iago.standard.three_valued import expression_tree

SQL_TYPES = {"boolean": "boolean", "integer": "integer", "number": "double", "text": "varchar"}
WHETHER_UNKNOWN = "Whether this scale applies is unknown."
NOTHING_NARROWS = "What is recorded leaves every grade of the scale open."
NO_CERTAIN_CLAUSE = "What is recorded meets no clause of the scale with certainty."
NO_CLAUSE = "No clause of the scale is met."


def ladder_query(rule: Rule, source: str) -> str:
    """Write the query that grades every row of a table by one rule.

    Parameters
    ----------
    rule : Rule
        A rule of kind ``ladder``.
    source : str
        Name of a table with ``episode_id`` and one column for each input of the rule; inputs that
        no record can answer need no column.

    Returns
    -------
    str
        A SELECT with the columns of :data:`iago.tables.derived.EPISODE_GRADES`. ``lowest`` and
        ``highest`` are null unless the status is ``exact`` or ``bounded``; ``missing`` names the
        elements that could change the grade, or, where no element could, what the published rule
        leaves open; it is empty where nothing could.
    """
    inputs = ", ".join(_input_column(entry) for entry in rule.inputs.values())
    clauses = ", ".join(f"({c.predicate.sql}) as {_flag(k)}" for k, c in enumerate(rule.clauses))
    return f"""
    with facts as (select episode_id, {inputs} from {source}),
    judged as (select *, ({rule.applies.sql}) as applies, {clauses} from facts),
    bounded as (select *, {_ladder(rule, "{flag}")} as low,
                {_ladder(rule, "{flag} is distinct from false")} as high from judged),
    classed as (select *, {_status(rule)} as status, {_term_text(rule)} as term_text from bounded)
    select episode_id, {_quote(rule.id)} as system,
           case when status in ('exact', 'bounded') then low end::integer as lowest,
           case when status in ('exact', 'bounded') then high end::integer as highest,
           status, {_reason(rule)} as reason, {_missing(rule)} as missing
    from classed
    """


def _flag(number: int) -> str:
    return f"clause_{number}"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _input_column(entry: RuleInput) -> str:
    if entry.constant is not None:
        return f"{str(entry.constant).lower()} as {entry.name}"
    if entry.unanswerable:
        return f"null::{SQL_TYPES[entry.type]} as {entry.name}"
    return entry.name


def _ladder(rule: Rule, condition: str) -> str:
    """CASE from the highest grade down; ``clauses`` are sorted that way."""
    steps = " ".join(
        f"when {condition.format(flag=_flag(k))} then {clause.grade}"
        for k, clause in enumerate(rule.clauses)
    )
    return f"case {steps} else {'null' if rule.floor is None else rule.floor} end"


def _status(rule: Rule) -> str:
    bottom, top = rule.grades[0], rule.grades[-1]
    return f"""case when applies is null then 'ungradable'
        when not applies then 'not-applicable'
        when low is null or (low = {bottom} and high = {top}) then 'ungradable'
        when low = high then 'exact' else 'bounded' end"""


def _reason(rule: Rule) -> str:
    wording = " ".join(
        f"when {_flag(k)} then {_clause_wording(rule, clause)}"
        for k, clause in enumerate(rule.clauses)
    )
    return f"""case when applies is null then {_quote(WHETHER_UNKNOWN)}
        when not applies then {_quote(rule.outside)}
        when high is null then {_quote(rule.unmatched)}
        when low is null then {_quote(NO_CERTAIN_CLAUSE)}
        when status = 'ungradable' then {_quote(NOTHING_NARROWS)}
        else case when low < high
                  then 'At least grade ' || low || ', up to grade ' || high
                       || '. Criterion of grade ' || low || ': ' else '' end
             || case {wording} else {_quote(NO_CLAUSE)} end end"""


def _clause_wording(rule: Rule, clause: Clause) -> str:
    for term in rule.terms:
        if term.name == clause.term:
            return _quote(f"{term.name}: {term.text[clause.grade]}")
    plain = _quote(clause.wording)
    return f"coalesce(term_text, {plain})" if rule.terms else plain


def _term_text(rule: Rule) -> str:
    """Official text of the lowest grade under the first term that fits and has the grade."""
    if not rule.terms:
        return "null"
    steps = []
    for term in rule.terms:
        grades = ", ".join(str(number) for number in term.text)
        texts = " ".join(
            f"when {number} then {_quote(f'{term.name}: {text}')}"
            for number, text in term.text.items()
        )
        steps.append(f"when ({term.predicate.sql}) and low in ({grades}) then case low {texts} end")
    return f"case {' '.join(steps)} end"


def _missing(rule: Rule) -> str:
    answerable = _names(rule, [e for e in rule.inputs.values() if not e.unanswerable])
    undecided = _names(rule, [e for e in rule.inputs.values() if e.unanswerable])
    return f"""case when status not in ('bounded', 'ungradable') then ''
        else coalesce(nullif({answerable}, ''), {undecided}) end"""


def _names(rule: Rule, inputs: list[RuleInput]) -> str:
    conditions: dict[str, list[str]] = {}
    for entry in inputs:
        conditions.setdefault(entry.asks_for, []).extend(_matters(rule, entry))
    named = [
        f"case when {' or '.join(found)} then {_quote(name)} end"
        for name, found in conditions.items()
        if found
    ]
    return f"concat_ws(', ', {', '.join(named)})" if named else "''"


def _matters(rule: Rule, entry: RuleInput) -> Iterator[str]:
    """Conditions under which an unknown input could change the answer."""
    for path in _open_paths(rule.applies, entry.name, "applies"):
        yield f"({path})"
    for k, clause in enumerate(rule.clauses):
        for path in _open_paths(clause.predicate, entry.name, _flag(k)):
            yield f"(applies and coalesce(low, -1) < {clause.grade} and {path})"


def _open_paths(expression: Expression, name: str, whole: str) -> Iterator[str]:
    """For each place where an input stands: it is unknown, and so is all that it is part of.

    An unknown operand beside a false operand of ``and`` (a true one of ``or``) changes nothing;
    exactly then the compound is known. ``whole`` is the column with the truth of the expression.
    """
    for column in expression_tree(expression).find_all(exp.Column):
        if column.name == name:
            conditions = [f"{whole} is null", f'"{name}" is null']
            conditions += [f"({sql}) is null" for sql in _alternations(column)]
            yield " and ".join(conditions)


def _alternations(column: exp.Column) -> Iterator[str]:
    """Compounds above a column that stand inside a compound of the other kind.

    Within a chain of one kind the unknown operand already makes the inner links unknown while the
    chain is.
    """
    inner: exp.Expression | None = None
    node = column.parent
    while node is not None:
        if isinstance(node, exp.And | exp.Or):
            if inner is not None and type(inner) is not type(node):
                yield inner.sql(dialect="duckdb", identify=True)
            inner = node
        elif isinstance(node, exp.Not) and inner is not None:
            yield inner.sql(dialect="duckdb", identify=True)
            inner = None
        node = node.parent
