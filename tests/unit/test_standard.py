"""The standard: code lists, records, values, schema, expressions."""

import jsonschema
import pytest
from pydantic import ValidationError

from iago.errors import DefinitionError
from iago.standard import load_codelist, load_record, load_records
from iago.standard.codelists import codelist_names
from iago.standard.definitions import load_case_definition, load_case_definitions, load_window_sets
from iago.standard.expressions import parse_predicate, parse_value
from iago.standard.models import json_schema, record_model
from iago.standard.null_flavours import NullFlavour
from iago.standard.partial_dates import parse_partial_date
from iago.standard.values import column_adapter, expected_text
from iago.tables.schema import snapshot_schemas


@pytest.mark.parametrize("name", codelist_names())
def test_every_code_list_is_complete(name: str) -> None:
    """Each list has both titles, a source, a status, and labels in both languages."""
    codes = load_codelist(name)
    assert codes.title_en
    assert codes.title_de
    assert codes.source
    assert codes.status in {"verified", "provisional"}
    assert codes.doubt or codes.status == "verified"
    assert all(code.label_en and code.label_de for code in codes.codes.values())


def test_every_element_has_both_labels_and_a_known_code_list() -> None:
    """English and German everywhere; code lists and referenced tables exist."""
    tables = {record.table for record in load_records()}
    for record in load_records():
        for element in record.elements:
            assert element.label_en, element.name
            assert element.label_de, element.name
            if element.type == "code":
                assert load_codelist(element.codelist).codes
            if element.type == "reference":
                assert element.references in tables


def test_the_authors_questions_are_elements() -> None:
    """When, which class, how severe and where are asked; prophylaxis follows from intervals."""
    asked = {element.asks for element in load_record("episodes").elements}
    assert {
        "within the first 30 days or later?",
        "bacterial, viral, fungal?",
        "how severe?",
        "in hospital or at home?",
    } <= asked
    assert {"start", "stop"} <= {e.name for e in load_record("exposures").elements}


@pytest.mark.parametrize(
    ("text", "code"),
    [("Yescarta", "axi-cel"), ("KYMRIAH", "tisa-cel"), ("local:study-7", "local:study-7")],
)
def test_products_are_found_by_any_name(text: str, code: str) -> None:
    """A brand, an INN or a code of one's own leads to the code."""
    assert load_codelist("products").parse(text) == code


def test_a_closed_list_takes_no_local_code() -> None:
    """The sexes are closed: a code of one's own is refused."""
    with pytest.raises(ValueError, match="not in the code list"):
        load_codelist("sexes").parse("local:x")


@pytest.mark.parametrize("text", ["local:", "local:Mr Smith, ward 7", "local:" + "x" * 41])
def test_no_free_text_enters_as_a_local_code(text: str) -> None:
    """P4: a code of one's own is short and holds letters, digits, point, dash and underscore."""
    with pytest.raises(ValueError, match="not in the code list"):
        load_codelist("products").parse(text)


def test_a_bare_genus_is_not_a_clinical_group() -> None:
    """'Staphylococcus' alone is not read as coagulase-negative staphylococci."""
    with pytest.raises(ValueError, match="not in the code list"):
        load_codelist("organisms").parse("Staphylococcus")


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024-02-03", "2024-02-03", "2024-02-03"),
    ],
)
def test_partial_dates_keep_what_they_say(text: str, earliest: str, latest: str) -> None:
    """A year or a month stands for all of its days, and prints as it was written."""
    date = parse_partial_date(text)
    assert (date.earliest.isoformat(), date.latest.isoformat()) == (earliest, latest)
    assert str(date) == text


@pytest.mark.parametrize("text", ["2024-13", "2023-02-29", "03.05.2024", "24-01-01", "1799", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    """Impossible days, other orders and two-digit years are errors."""
    with pytest.raises(ValueError, match=r"date|year|month|day"):
        parse_partial_date(text)


def test_a_null_flavour_may_stand_for_a_value_but_not_for_an_identifier() -> None:
    """UNK is accepted for a site and refused for the product of a course."""
    site = load_record("episodes").element("site")
    product = load_record("courses").element("product")
    assert column_adapter(site, "site").validate_python("UNK") is NullFlavour.UNK
    with pytest.raises(ValidationError):
        column_adapter(product, "product").validate_python("UNK")


def test_records_are_frozen_and_closed() -> None:
    """A typed record refuses a field that the standard does not know."""
    model = record_model(load_record("patients"))
    with pytest.raises(ValidationError, match="shoe_size"):
        model.model_validate({"patient_id": "A1", "shoe_size": 44})


def test_the_json_schema_accepts_a_record_and_refuses_a_wrong_code() -> None:
    """The generated schema is valid and has the code lists in it."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    episode = {**schema, "$ref": "#/$defs/InfectionEpisode"}
    good = {"episode_id": "E1", "course_id": "C1", "onset_date": "2024-03", "site": "UNK"}
    jsonschema.validate(good, episode)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "organism_class": "plant"}, episode)


def test_expected_texts_name_what_may_be_written() -> None:
    """The words of an error message list the codes or the range."""
    course = load_record("courses")
    assert "from 0 to 5" in expected_text(course.element("ecog"), "ecog")
    assert "female" in expected_text(load_record("patients").element("sex"), "sex")


@pytest.mark.parametrize(
    "text",
    ["pg_sleep(1) = 1", "(select 1) = 1", "site = 'x'; drop table episodes", "site ->> 'a' = 'b'"],
)
def test_a_predicate_cannot_do_anything_else(text: str) -> None:
    """Functions, subqueries and second statements are outside the vocabulary."""
    with pytest.raises(DefinitionError):
        parse_predicate(text, {"site"}, "test")


def test_an_unknown_name_in_a_rule_is_located() -> None:
    """The message names the place, the unknown name and the known ones."""
    with pytest.raises(DefinitionError, match=r"rule 7: .*sight.*known names are site"):
        parse_predicate("sight = 'cns'", {"site"}, "rule 7")


def test_values_of_a_mapping_may_compute() -> None:
    """A value expression may join texts and choose between cases."""
    text = "case when status = 1 then 'E' || id else null end"
    assert parse_value(text, {"status", "id"}, "test").columns == {"status", "id"}


def test_case_definitions_read_only_what_an_episode_has() -> None:
    """Each shipped predicate parses over the elements of an episode and its severity."""
    known = {*snapshot_schemas()["episodes"].names, "five_level_severity"}
    for definition in load_case_definitions().values():
        parse_predicate(definition.predicate, known, definition.name)
        assert definition.doubt or definition.status == "verified"


def test_windows_follow_each_other_without_gap() -> None:
    """In each set a window begins on the day after the one before ends."""
    for entry in load_window_sets().values():
        assert entry.windows[0].first_day == 0
        for before, after in zip(entry.windows, entry.windows[1:], strict=False):
            assert after.first_day == (before.last_day or 0) + 1


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """Asking for a definition that does not exist lists those that do."""
    with pytest.raises(DefinitionError, match="required-treatment"):
        load_case_definition("serious")
