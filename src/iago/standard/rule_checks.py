"""Checks on the entries of rule files: keys, labels, predicates, values.

Each check raises a :class:`~iago.errors.DefinitionError` that names the place in the file.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from sqlglot import expressions as exp

from iago.errors import DefinitionError
from iago.standard.codelists import load_codelist
from iago.standard.expressions import Expression, parse_predicate
from iago.standard.three_valued import expression_tree

STATUSES = ("verified", "provisional")
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
}


class _Input(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def codelist(self) -> str: ...


def read_keys(
    entry: Mapping[str, Any], required: Collection[str], optional: Collection[str], where: str
) -> None:
    """Check that an entry has every required key and none that the vocabulary lacks."""
    for key in required:
        if key not in entry:
            raise DefinitionError(f"{where} lacks the key {key!r}.")
    for key in entry:
        if key not in required and key not in optional:
            known = ", ".join((*required, *optional))
            raise DefinitionError(f"{where}: the key {key!r} is not known. Known keys: {known}.")


def check_known(value: object, known: Collection[str], where: str) -> None:
    """Check that a word is one of a closed list."""
    if value not in known:
        raise DefinitionError(f"{where}: {value!r} is not one of {', '.join(known)}.")


def read_label(label: Mapping[str, str], where: str) -> tuple[str, str]:
    """English and German label."""
    read_keys(label, ("en", "de"), (), f"{where}, label")
    return label["en"], label["de"]


def read_status(status: str, where: str) -> str:
    """Status of a rule or clause: verified in print, or provisional."""
    check_known(status, STATUSES, f"{where}, status")
    return status


def read_predicate(text: str, inputs: Mapping[str, _Input], where: str) -> Expression:
    """Parse a predicate and check each comparison against the type and codes of its input.

    A test for null is refused: it would turn an unknown value into a fact, and the interval of
    possible grades would no longer hold the true one.
    """
    expression = parse_predicate(text, inputs, where)
    _check_node(expression_tree(expression), inputs, f"{where}: {text!r}")
    return expression


def _check_node(node: exp.Expression, inputs: Mapping[str, _Input], where: str) -> None:
    if isinstance(node, exp.Paren | exp.Not):
        _check_node(node.this, inputs, where)
    elif isinstance(node, exp.And | exp.Or):
        _check_node(node.this, inputs, where)
        _check_node(node.expression, inputs, where)
    elif isinstance(node, exp.Is) or node.find(exp.Null) is not None:
        raise DefinitionError(
            f"{where} asks whether a value is null. Unknown is handled by the engine; write the "
            "condition on the value itself."
        )
    elif isinstance(node, exp.Column):
        if inputs[node.name].type != "boolean":
            raise DefinitionError(f"{where}: {node.name} is not a yes or no; compare it.")
    elif isinstance(node, (*_COMPARISONS, exp.In, exp.Between)):
        _check_comparison(node, inputs, where)
    elif not isinstance(node, exp.Boolean):
        raise DefinitionError(f"{where} holds {node.sql()}, which is neither true nor false.")


def _check_comparison(node: exp.Expression, inputs: Mapping[str, _Input], where: str) -> None:
    columns = {column.name for column in node.find_all(exp.Column)}
    literals = list(node.find_all(exp.Literal))
    for name in columns:
        declared = inputs[name]
        for literal in literals:
            if literal.is_string != (declared.type == "text"):
                raise DefinitionError(
                    f"{where}: {name} is of type {declared.type} and cannot be compared with "
                    f"{literal.sql()}."
                )
            if declared.codelist:
                _check_code(literal.this, declared.codelist, f"{where}, {name}")


def _check_code(code: str, codelist: str, where: str) -> None:
    known = load_codelist(codelist)
    if code not in known.codes and not (known.extensible and code.startswith("local:")):
        raise DefinitionError(
            f"{where}: {code!r} is no code of {codelist}. Codes: {', '.join(known.codes)}."
        )


def check_values(values: Mapping[str, object], inputs: Mapping[str, _Input], where: str) -> None:
    """Check that values belong to declared inputs and have their types and codes."""
    for name, value in values.items():
        check_known(name, tuple(inputs), where)
        declared = inputs[name]
        expected = _PYTHON_TYPES[declared.type]
        if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
            raise DefinitionError(f"{where}: {name} must be of type {declared.type}.")
        if declared.codelist:
            _check_code(str(value), declared.codelist, f"{where}, {name}")
