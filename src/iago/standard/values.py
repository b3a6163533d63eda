"""From written text to a value: the type of each element, once, for every way in.

A CSV cell, a web form and a JSON document all pass through the same pydantic type.
"""

from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema

from iago.standard.codelists import LOCAL_PATTERN, LOCAL_PREFIX, load_codelist
from iago.standard.null_flavours import NullFlavour
from iago.standard.partial_dates import PartialDate, parse_partial_date
from iago.standard.records import Element

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$"
NAME_PATTERN = r"^[^\r\n\t;=@|<>]{1,80}$"
EARLIEST_DAY, LATEST_DAY = -36_500, 36_500
_YES = {"yes", "y", "true", "1", "ja", "j"}
_NO = {"no", "n", "false", "0", "nein"}


def _yes_no(value: object) -> object:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError("neither yes nor no")


def _date(value: object) -> PartialDate:
    if isinstance(value, PartialDate):
        return value
    return parse_partial_date(str(value))


_DATE_SCHEMA = {"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"}
_DATE_TYPE = Annotated[PartialDate, BeforeValidator(_date), WithJsonSchema(_DATE_SCHEMA)]
_DAY_TYPE = Annotated[int, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
_YES_NO_TYPE = Annotated[bool, BeforeValidator(_yes_no), WithJsonSchema({"type": "boolean"})]
_SIMPLE_TYPES: dict[str, Any] = {
    "identifier": Annotated[str, Field(pattern=IDENTIFIER_PATTERN)],
    "reference": Annotated[str, Field(pattern=IDENTIFIER_PATTERN)],
    "name": Annotated[str, Field(pattern=NAME_PATTERN)],
    "unit": Annotated[str, Field(min_length=1, max_length=20)],
    "yes_no": _YES_NO_TYPE,
    "date": _DATE_TYPE,
}


@cache
def value_type(element: Element, column: str) -> Any:
    """Pydantic type of a column, without null flavours."""
    if element.type == "moment":
        return _DATE_TYPE if column.endswith("_date") else _DAY_TYPE
    if element.type == "code":
        return _code_type(element.codelist)
    if element.type in {"integer", "number"}:
        limits = Field(ge=element.minimum, le=element.maximum, allow_inf_nan=False)
        if element.type == "integer":
            return Annotated[int, Field(ge=element.minimum, le=element.maximum)]
        return Annotated[float, limits]
    return _SIMPLE_TYPES[element.type]


def _code_type(codelist: str) -> Any:
    codes = load_codelist(codelist)
    enum: dict[str, Any] = {"type": "string", "enum": list(codes.codes)}
    local = {"type": "string", "pattern": f"^{LOCAL_PATTERN}$"}
    schema = {"anyOf": [enum, local]} if codes.extensible else enum
    return Annotated[str, AfterValidator(codes.parse), WithJsonSchema(schema)]


@cache
def column_adapter(element: Element, column: str) -> TypeAdapter[Any]:
    """Validator of one column, null flavours included unless a value is required."""
    plain = value_type(element, column)
    return TypeAdapter(plain if element.required else or_absent(plain))


def or_absent(plain: Any) -> Any:
    """The same type with null flavours, which are tried first."""
    return Annotated[NullFlavour | plain, Field(union_mode="left_to_right")]


def expected_text(element: Element, column: str) -> str:
    """Say in words what a column may hold, for error messages and guides."""
    if element.type == "moment":
        kind = "date" if column.endswith("_date") else "day"
    else:
        kind = element.type
    if kind == "code":
        return _expected_codes(element.codelist)
    if kind in {"integer", "number"}:
        return _expected_number(element, kind)
    return {
        "identifier": "an identifier of letters, digits and . _ : / + - (at most 64)",
        "reference": f"an identifier that stands in {element.references}.csv",
        "date": "a date YYYY-MM-DD, YYYY-MM or YYYY, not in the future",
        "day": "a whole number of days from infusion (day 0), negative before it",
        "yes_no": "yes or no",
        "unit": "a UCUM unit that fits the analyte",
        "name": "a short name (at most 80 characters, no line break ; = @ | < >)",
    }[kind]


def _expected_codes(codelist: str) -> str:
    codes = load_codelist(codelist)
    shown = list(codes.codes)
    if len(shown) > 20:
        text = f"a code or name of the list {codelist} ({len(shown)} codes)"
    else:
        text = "one of " + ", ".join(shown)
    return text + (
        f", or a code of your own as {LOCAL_PREFIX}name (a-z 0-9 . _ -)" if codes.extensible else ""
    )


def _expected_number(element: Element, kind: str) -> str:
    noun = "a whole number" if kind == "integer" else "a number"
    sign = "" if kind == "integer" else ", decimals after a point"
    if element.minimum is not None and element.maximum is not None:
        return f"{noun} from {element.minimum:g} to {element.maximum:g}{sign}"
    if element.minimum is not None:
        return f"{noun} of {element.minimum:g} or more{sign}"
    return noun + sign
