"""What is recorded and by which rules: records, code lists, windows, gradings, guidance.

The standard is data (TOML and CSV beside this file); the modules here only load it, check it
and turn it into types.
"""

from iago.standard.codelists import CodeList, load_codelist
from iago.standard.records import Element, RecordType, load_record, load_records

STANDARD_VERSION = "0.1.0"

__all__ = [
    "STANDARD_VERSION",
    "CodeList",
    "Element",
    "RecordType",
    "load_codelist",
    "load_record",
    "load_records",
]
