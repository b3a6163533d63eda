"""P1 and P3: no identity in a record, no calendar date in a snapshot."""

import pyarrow as pa

from iago.standard import load_record, load_records
from iago.tables.schema import snapshot_schemas

IDENTIFYING = (
    "name",
    "initials",
    "birth_date",
    "date_of_birth",
    "mrn",
    "address",
    "postcode",
    "lot",
)


def test_a_patient_is_a_pseudonym_and_a_birth_year() -> None:
    """P1: the patient record holds pseudonym, birth year and sex, and nothing else."""
    assert [e.name for e in load_record("patients").elements] == ["patient_id", "birth_year", "sex"]


def test_no_record_asks_for_identity() -> None:
    """P1: no element of any record is a name, number, address or lot."""
    asked = {element.name for record in load_records() for element in record.elements}
    assert not asked & set(IDENTIFYING)


def test_a_snapshot_holds_no_calendar_date() -> None:
    """P3: no column of a snapshot is a date or a time stamp; moments are days from infusion."""
    for name, schema in snapshot_schemas().items():
        for field in schema:
            assert not pa.types.is_temporal(field.type), f"{name}.{field.name}"
            assert not field.name.endswith("_date"), f"{name}.{field.name}"


def test_no_record_has_free_text() -> None:
    """P4: the only open text of the standard is a short name of a drug."""
    open_text = {e.name for r in load_records() for e in r.elements if e.type == "name"}
    assert open_text == {"drug"}
