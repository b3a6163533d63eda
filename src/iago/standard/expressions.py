"""Short boolean expressions in SQL syntax: parsed against an allow-list, never run as code.

SQL's three-valued logic is the missing-data rule: an unknown input leaves a comparison unknown.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from iago.errors import DefinitionError

_PREDICATE_NODES: tuple[type[exp.Expression], ...] = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Is,
    exp.In,
    exp.Between,
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.Neg,
)
_VALUE_NODES: tuple[type[exp.Expression], ...] = (
    *_PREDICATE_NODES,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Concat,
    exp.DPipe,
    exp.Cast,
    exp.DataType,
    exp.Round,
    exp.Floor,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Max,
    exp.Min,
)


@dataclass(frozen=True)
class Expression:
    """A checked expression: its text as written, its SQL, and the columns it reads."""

    text: str
    sql: str
    columns: frozenset[str]


def parse_predicate(text: str, columns: Collection[str], where: str) -> Expression:
    """Check a boolean expression over known columns.

    Parameters
    ----------
    text : str
        For example ``therapy_route = 'intravenous' or hospitalised``.
    columns : collection of str
        Names that may be read.
    where : str
        File and entry, for the error message.

    Raises
    ------
    DefinitionError
        Not an expression, a node outside the vocabulary, or an unknown name.
    """
    return _parse(text, columns, where, _PREDICATE_NODES)


def parse_value(text: str, columns: Collection[str], where: str) -> Expression:
    """Check a value expression (arithmetic, CASE, COALESCE, text) over known columns.

    Raises
    ------
    DefinitionError
        As for :func:`parse_predicate`.
    """
    return _parse(text, columns, where, _VALUE_NODES)


def _parse(
    text: str,
    columns: Collection[str],
    where: str,
    nodes: tuple[type[exp.Expression], ...],
) -> Expression:
    # Within a select no name is taken for the start of a command, and within the parentheses
    # nothing can follow the expression.
    try:
        parsed = sqlglot.parse_one(f"select ({text}\n)", dialect="duckdb")
    except SqlglotError as error:
        raise _unreadable(text, where) from error
    if len(parsed.expressions) != 1 or not isinstance(parsed.expressions[0], exp.Paren):
        raise _unreadable(text, where)
    tree = parsed.expressions[0].this
    for node in tree.walk():
        if not isinstance(node, nodes):
            raise DefinitionError(
                f"{where}: {text!r} uses {type(node).__name__.lower()}, which is outside the "
                "vocabulary of rules."
            )
    names = frozenset(column.name for column in tree.find_all(exp.Column))
    unknown = sorted(names - set(columns))
    if unknown:
        raise DefinitionError(
            f"{where}: {text!r} reads {', '.join(unknown)}; known names are "
            f"{', '.join(sorted(columns))}."
        )
    return Expression(text, tree.sql(dialect="duckdb", identify=True, comments=False), names)


def _unreadable(text: str, where: str) -> DefinitionError:
    return DefinitionError(
        f"{where}: {text!r} is not an expression this standard can read. "
        "Write comparisons joined by and, or, not."
    )
