"""CSV files, one for each table of the standard: the way in and out by spreadsheet.

``validate_folder`` and ``import_folder`` read; ``write_csv`` and ``write_templates`` write. A
mapping file turns the export of another system into tables of the standard.
"""

from iago.exchange.csv.export import write_csv
from iago.exchange.csv.finding_codes import FINDING_CODES, FindingCode
from iago.exchange.csv.findings import Finding, write_findings
from iago.exchange.csv.importing import (
    FindingsError,
    ValidationResult,
    import_folder,
    validate_folder,
)
from iago.exchange.csv.template import write_templates

__all__ = [
    "FINDING_CODES",
    "Finding",
    "FindingCode",
    "FindingsError",
    "ValidationResult",
    "import_folder",
    "validate_folder",
    "write_csv",
    "write_findings",
    "write_templates",
]
