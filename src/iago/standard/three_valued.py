"""Three-valued logic over one patient: what an expression says when some inputs are unknown.

A slow and plain evaluator (Kleene's strong logic) over the checked expressions of rule files. The
table engines run the same expressions as SQL; both must agree, and only this one explains.
"""

import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import sqlglot
from sqlglot import expressions as exp

from iago.standard.expressions import Expression

Value = bool | int | float | str | None
Values = Mapping[str, Value]

_COMPARISONS: dict[type[exp.Expression], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}


@cache
def expression_tree(expression: Expression) -> exp.Expression:
    """Syntax tree of a checked expression."""
    return cast(exp.Expression, sqlglot.parse_one(expression.sql, dialect="duckdb"))


def evaluate(expression: Expression, values: Values) -> bool | None:
    """Say whether an expression is true, false or (None) unknown for one patient.

    Parameters
    ----------
    expression : Expression
        A predicate of a rule file.
    values : mapping of str to value
        Known inputs by name; an absent name or None is unknown.

    Returns
    -------
    bool or None
        True or False only if every completion of the unknown inputs says the same.
    """
    return _truth(expression_tree(expression), values)


def open_inputs(expression: Expression, values: Values) -> frozenset[str]:
    """Name the unknown inputs on which an unknown expression still hangs.

    An unknown input beside a false operand of ``and`` (a true operand of ``or``) is not named: it
    could change nothing.
    """
    return _open(expression_tree(expression), values)


def _truth(node: exp.Expression, values: Values) -> bool | None:
    if isinstance(node, exp.Paren):
        return _truth(node.this, values)
    if isinstance(node, exp.Not):
        inner = _truth(node.this, values)
        return None if inner is None else not inner
    if isinstance(node, exp.And | exp.Or):
        decisive = isinstance(node, exp.Or)
        sides = (_truth(node.this, values), _truth(node.expression, values))
        if decisive in sides:
            return decisive
        return None if None in sides else not decisive
    return _leaf_truth(node, values)


def _leaf_truth(node: exp.Expression, values: Values) -> bool | None:
    if isinstance(node, exp.Column | exp.Boolean):
        value = _value(node, values)
        return None if value is None else bool(value)
    if isinstance(node, exp.In):
        found = _value(node.this, values)
        return None if found is None else found in {_value(e, values) for e in node.expressions}
    if isinstance(node, exp.Between):
        operands = [_value(node.args[part], values) for part in ("this", "low", "high")]
        return None if None in operands else _between(operands)
    left, right = _value(node.this, values), _value(node.expression, values)
    return None if left is None or right is None else _COMPARISONS[type(node)](left, right)


def _between(operands: list[Any]) -> bool:
    middle, low, high = operands
    return bool(low <= middle <= high)


def _value(node: exp.Expression, values: Values) -> Value:
    if isinstance(node, exp.Column):
        return values.get(node.name)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg):
        return -_number(node.this)
    return str(node.this) if node.is_string else _number(node)


def _number(node: exp.Expression) -> int | float:
    text = str(node.this)
    return float(text) if "." in text else int(text)


def _open(node: exp.Expression, values: Values) -> frozenset[str]:
    if _truth(node, values) is not None:
        return frozenset()
    if isinstance(node, exp.Paren | exp.Not):
        return _open(node.this, values)
    if isinstance(node, exp.And | exp.Or):
        # An unknown conjunction has no false side and an unknown disjunction no true side, so
        # whatever is open in either side is open in the whole.
        return _open(node.this, values) | _open(node.expression, values)
    names = {column.name for column in node.find_all(exp.Column)}
    return frozenset(name for name in names if values.get(name) is None)
