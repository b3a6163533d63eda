"""From text cells to typed columns: each distinct text of a column is read once.

A laboratory file of ten million rows has a few thousand distinct texts a column, so the types
of the standard, which are made for single values, are fast enough for whole files.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from iago.exchange.csv.cells import unguard_formula
from iago.exchange.csv.findings import LISTED_PER_KIND, Finding, finding, row_findings
from iago.exchange.csv.problems import EXPECTED, Problem, describe_problem
from iago.exchange.csv.sources import SourceTable, empty_cells
from iago.standard.null_flavours import NullFlavour
from iago.standard.partial_dates import PartialDate
from iago.standard.records import Element, RecordType
from iago.standard.values import column_adapter, expected_text

_DECIMAL_COMMA = r"^\s*[+-]?[0-9]*,[0-9]+\s*$"
_DECIMAL_POINT = r"^\s*[+-]?[0-9]*\.[0-9]+\s*$"
_NUMBER_SIGNS = frozenset("0123456789+-.eE")
_FLAVOURS = frozenset(flavour.value for flavour in NullFlavour)


@dataclass(frozen=True)
class ParsedColumn:
    """One typed column.

    Attributes
    ----------
    codes : int32 array
        Index of each row into the distinct texts.
    values : sequence
        Typed value by distinct text; None where there is none or it could not be read.
    flavours : sequence of str
        Null flavour by distinct text, empty where there is none; an empty cell has none.
    wrong : bool array
        Whether the distinct text could not be read.
    """

    element: Element
    name: str
    codes: npt.NDArray[np.int32]
    values: Sequence[Any]
    flavours: Sequence[str]
    wrong: npt.NDArray[np.bool_]

    def to_arrow(self, type_: pa.DataType) -> pa.Array:
        """Values by row, null where there is none."""
        return pa.array(self.values, type_).take(pa.array(self.codes))

    def is_given(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a value."""
        given = np.array([value is not None for value in self.values], dtype=bool)
        return given[self.codes]

    def is_wrong(self) -> npt.NDArray[np.bool_]:
        """Whether each row holds a text that could not be read."""
        return self.wrong[self.codes]


@dataclass(frozen=True)
class ParsedTable:
    """All columns of one table, typed."""

    record: RecordType
    source: SourceTable
    columns: Mapping[str, ParsedColumn]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.source.rows

    def column_shown(self, element: Element) -> str:
        """Column of an element that the file holds, for findings."""
        present = [column for column in accepted_columns(element) if column in self.source.cells]
        return present[0] if present else element.columns[0]

    def reduced(self) -> "ParsedTable":
        """The table with no more than other tables and later findings need of it."""
        kept = {*self.record.key[:1], "infusion_date"}
        names_only = dict.fromkeys(self.source.cells, empty_cells(0))
        return ParsedTable(
            self.record,
            replace(self.source, cells=names_only),
            {name: column for name, column in self.columns.items() if name in kept},
        )


def accepted_columns(element: Element) -> tuple[str, ...]:
    """Columns of an element that a CSV file may have.

    Beside the columns of the standard a moment may have ``<name>_day_earliest`` and
    ``<name>_day_latest``: the days that a partial date can mean, which is how a partial date
    leaves without a calendar date.
    """
    if element.type == "moment":
        return (*element.columns, f"{element.name}_day_earliest", f"{element.name}_day_latest")
    return element.columns


def table_columns(record: RecordType) -> tuple[str, ...]:
    """All columns that the CSV file of a record may have."""
    return tuple(column for element in record.elements for column in accepted_columns(element))


def parse_table(
    record: RecordType, source: SourceTable, today: dt.date
) -> tuple[ParsedTable, list[Finding]]:
    """Type all cells of a table.

    Parameters
    ----------
    today : datetime.date
        A date whose earliest reading lies after it is an error.

    Returns
    -------
    ParsedTable, list of Finding
        A cell that cannot be read is absent from the table and has a finding.
    """
    columns = [
        (element, column) for element in record.elements for column in accepted_columns(element)
    ]
    numeric = [column for element, column in columns if _is_number(element, column)]
    decimal_comma = _uses_decimal_comma(source, numeric)
    findings: list[Finding] = []
    parsed = {}
    for element, column in columns:
        cells = source.cells.get(column)
        if cells is None:
            cells = empty_cells(source.rows)
        reader = _CellReader(element, column, today, decimal_comma=decimal_comma)
        parsed[column], found = _parse_column(reader, cells, source)
        findings += found
    if decimal_comma:
        findings.append(finding("IAGO-N123", source.file, "numbers with a decimal comma"))
    return ParsedTable(record, source, parsed), findings


class _CellReader:
    """Reads one distinct text of one column."""

    def __init__(
        self, element: Element, column: str, today: dt.date, *, decimal_comma: bool
    ) -> None:
        self.element = element
        self.column = column
        self.today = today
        self.decimal_comma = decimal_comma
        self.is_number = _is_number(element, column)
        self.adapter: TypeAdapter[Any] = column_adapter(element, column)

    def read(self, text: str) -> Any | Problem | None:
        """Value, null flavour, problem, or None for an empty cell."""
        if not text:
            return self._read_empty()
        if text in _FLAVOURS:
            if self.element.required:
                return Problem("IAGO-E201", "a null flavour")
            return NullFlavour(text)
        written = self._number(text) if self.is_number else text
        return written if isinstance(written, Problem) else self._read_value(written)

    def _read_empty(self) -> Any | Problem | None:
        if self.element.required:
            return Problem("IAGO-E201", "an empty cell")
        if self.element.default:
            return self.adapter.validate_python(self.element.default)
        return None

    def _read_value(self, text: str) -> Any | Problem:
        try:
            value = self.adapter.validate_python(text)
        except ValidationError:
            return describe_problem(self.element, self.column, text)
        if isinstance(value, PartialDate) and value.earliest > self.today:
            return Problem("IAGO-E210", "a date after today")
        return value

    def _number(self, text: str) -> str | Problem:
        if self.decimal_comma:
            if "." in text and "," not in text:
                return Problem("IAGO-E208", "a decimal point in a file with decimal commas")
            if text.count(",") == 1 and "." not in text:
                text = text.replace(",", ".")
        if _NUMBER_SIGNS.issuperset(text):
            return text
        return describe_problem(self.element, self.column, text)


def _is_number(element: Element, column: str) -> bool:
    if element.type == "moment":
        return not column.endswith("_date")
    return element.type in {"integer", "number"}


def _uses_decimal_comma(source: SourceTable, numeric: Sequence[str]) -> bool:
    """Whether numbers of a file not delimited by commas have decimal commas.

    Where both signs occur the rarer one is taken for the mistake.
    """
    if not source.decimal_comma:
        return False
    texts = [source.cells[name].dictionary for name in numeric if name in source.cells]
    commas, points = (
        sum(pc.sum(pc.match_substring_regex(column, sign)).as_py() or 0 for column in texts)
        for sign in (_DECIMAL_COMMA, _DECIMAL_POINT)
    )
    return bool(commas) and commas >= points


def _parse_column(
    reader: _CellReader, cells: pa.DictionaryArray, source: SourceTable
) -> tuple[ParsedColumn, list[Finding]]:
    texts = pc.utf8_trim_whitespace(cells.dictionary).to_pylist()
    values: list[Any] = [None] * len(texts)
    flavours = [""] * len(texts)
    problems: dict[int, Problem] = {}
    for index, text in enumerate(texts):
        value = reader.read(unguard_formula(text))
        if isinstance(value, Problem):
            problems[index] = value
        elif isinstance(value, NullFlavour):
            flavours[index] = value.value
        else:
            values[index] = value
    wrong = np.zeros(len(texts), dtype=bool)
    wrong[list(problems)] = True
    codes = cells.indices.to_numpy()
    parsed = ParsedColumn(reader.element, reader.column, codes, values, flavours, wrong)
    return parsed, _problem_findings(parsed, problems, source)


def _problem_findings(
    column: ParsedColumn, problems: Mapping[int, Problem], source: SourceTable
) -> list[Finding]:
    findings: list[Finding] = []
    for code in sorted({problem.code for problem in problems.values()}):
        of_code = np.zeros(len(column.values), dtype=bool)
        of_code[[index for index, problem in problems.items() if problem.code == code]] = True
        rows = np.flatnonzero(of_code[column.codes])
        listed = column.codes[rows[:LISTED_PER_KIND]].tolist()
        found = [problems[index].found for index in listed]
        expected = EXPECTED.get(code) or expected_text(column.element, column.name)
        findings += row_findings(code, source, rows, column.name, found, expected)
    return findings
