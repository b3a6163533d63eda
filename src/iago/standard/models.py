"""Typed records (pydantic) and their JSON Schema, built from the record definitions."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

from iago.standard.records import Element, RecordType, load_records
from iago.standard.values import or_absent, value_type


class Record(BaseModel):
    """Base of all records: frozen, and a field that the standard does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@cache
def record_model(record: RecordType) -> type[Record]:
    """Typed model of a record; every value may be replaced by a null flavour."""
    fields = {
        column: _field(element, column) for element in record.elements for column in element.columns
    }
    return create_model(record.model_name, __base__=Record, __doc__=record.label_en, **fields)


def _field(element: Element, column: str) -> Any:
    plain = value_type(element, column)
    extra: dict[str, Any] = {"label": {"en": element.label_en, "de": element.label_de}}
    for key in ("codelist", "unit", "references", "asks", "source"):
        if value := getattr(element, key):
            extra[key] = value
    about: dict[str, Any] = {
        "title": element.label_en,
        "description": element.guide_en or None,
        "json_schema_extra": extra,
    }
    if element.required:
        return (plain, Field(**about))
    return (or_absent(plain) | None, Field(default=element.default or None, **about))


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of all records of the standard."""
    models = [(record_model(record), "validation") for record in load_records()]
    _, schema = models_json_schema(models, title="IAGO reporting standard")  # type: ignore[arg-type]  # list of tuples of literal
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
