"""Export then import gives the same tables, and both parsers read a file alike."""

import csv
import datetime as dt
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iago.errors import InvalidInputError
from iago.exchange.csv import FindingsError, import_folder, write_csv
from iago.exchange.csv.cells import guard_formula, unguard_formula
from iago.exchange.csv.dialect import read_dialect
from iago.exchange.csv.quotes import has_plain_quotes
from iago.exchange.csv.reading import read_source
from iago.exchange.csv.rows import Rows, read_rows
from iago.standard.codelists import LOCAL_PATTERN, load_codelist
from iago.standard.records import Element, load_records
from iago.tables.snapshot import Snapshot, open_snapshot

TODAY = dt.date(2030, 1, 1)
FLAVOURS = ("", "", "NI", "UNK", "ASKU", "NASK", "MSK", "NA")


def cell(element: Element) -> st.SearchStrategy[str]:
    """Any text that the element may hold, null flavours included."""
    if element.type == "code":
        codes = load_codelist(element.codelist)
        known: st.SearchStrategy[str] = st.sampled_from(sorted(codes.codes))
        if codes.extensible:
            local = st.from_regex(LOCAL_PATTERN, fullmatch=True)
            known |= local
        return known if element.required else known | st.sampled_from(FLAVOURS)
    plain = {
        "yes_no": st.sampled_from(("yes", "no", "ja", "0")),
        "identifier": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,9}", fullmatch=True),
        "name": st.text("ab'+-., é0", min_size=1, max_size=8),
        "date": st.sampled_from(("2024-03-10", "2023-12", "2024")),
        "integer": st.integers(int(element.minimum or 0), int(element.maximum or 9)).map(str),
        "number": st.floats(0, 1e9).map(repr),
        "unit": st.just(""),
        "moment": st.just(""),
    }[element.type]
    return plain | st.sampled_from(FLAVOURS)


def moment(name: str) -> st.SearchStrategy[dict[str, str]]:
    """A day, a span of days, a null flavour or nothing."""
    day = st.integers(0, 900)
    span = st.tuples(day, st.integers(0, 60)).map(
        lambda pair: {
            f"{name}_day_earliest": str(pair[0]),
            f"{name}_day_latest": str(pair[0] + pair[1]),
        }
    )
    single = day.map(lambda value: {f"{name}_day": str(value)})
    flavour = st.sampled_from(FLAVOURS).map(lambda value: {f"{name}_day": value})
    return span | single | flavour


@st.composite
def row(draw: st.DrawFn, table: str, identifier: str) -> dict[str, str]:
    """One row of a table that contradicts no other."""
    cells: dict[str, str] = {}
    (record,) = (entry for entry in load_records() if entry.table == table)
    for element in record.elements:
        if element.type == "moment":
            # The ends of spans are left out, for a random one could lie before its start.
            if element.name not in {"resolution", "stop", "death"}:
                cells |= draw(moment(element.name))
        elif element.name in {"course_id", "patient_id", "episode_id"}:
            cells[element.name] = "1"
        elif element.type == "reference":
            cells[element.name] = draw(st.sampled_from(("", "1", "UNK")))
        else:
            cells[element.name] = draw(cell(element))
    if record.key and record.key[0] in cells and record.key[0] != "course_id":
        cells[record.key[0]] = identifier
    return cells


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, list[dict[str, str]]]:
    """Rows of all tables: one patient, one course, and a few of the rest."""
    single = {"patients", "courses", "episodes", "deaths"}
    tables: dict[str, list[dict[str, str]]] = {}
    for record in load_records():
        count = 1 if record.table in single else draw(st.integers(0, 3))
        tables[record.table] = [draw(row(record.table, str(n + 1))) for n in range(count)]
    for table, key in (("organisms", "organism"), ("evidence", "item")):
        distinct = {entry[key]: {**entry, "episode_id": "1"} for entry in tables[table]}
        tables[table] = list(distinct.values())
    for lab in tables["labs"]:
        lab["unit"] = next(
            iter(load_codelist("analytes").codes[lab["analyte"]].attributes["units"])
        )
    return tables


def write_rows(folder: Path, tables: dict[str, list[dict[str, str]]]) -> None:
    folder.mkdir()
    for name, rows in tables.items():
        columns = dict.fromkeys(column for entry in rows for column in entry)
        if columns:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(
                    {key: guard_formula(value) for key, value in entry.items()} for entry in rows
                )


def tables_of(snapshot: Snapshot) -> dict[str, pa.Table]:
    return {name: pq.read_table(snapshot.path(name)) for name in snapshot.rows}


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data_sets())
def test_export_then_import_gives_the_same_snapshot(
    tables: dict[str, list[dict[str, str]]],
) -> None:
    """Whatever a snapshot holds, its CSV export imports to the same tables and identifier."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_rows(root / "input", tables)
        try:
            first, _ = import_folder(root / "input", root / "first", today=TODAY)
        except FindingsError as error:
            raise AssertionError([entry.sentence for entry in error.findings]) from None
        write_csv(first, root / "export")
        second, _ = import_folder(root / "export", root / "second", today=TODAY)
        assert tables_of(open_snapshot(second.folder)) == tables_of(first)
        assert second.snapshot_id == first.snapshot_id


@given(st.text())
def test_a_guarded_text_comes_back(text: str) -> None:
    """The guard against formulas can be undone for every text."""
    assert unguard_formula(guard_formula(text)) == text
    assert not guard_formula(text).startswith(("=", "+", "-", "@", "\t", "\r"))


CELLS = st.text("abcé 0.:-", max_size=4)
QUOTED = st.text('ab", \n', max_size=4).map(lambda text: '"' + text.replace('"', '""') + '"')


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(CELLS | QUOTED, min_size=0, max_size=4), max_size=5),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.booleans(),
    st.booleans(),
)
def test_both_parsers_read_a_file_alike(
    body: list[list[str]], line_end: str, last_line_ends: bool, quoted_header: bool
) -> None:
    """The fast parser and the careful one give the same cells, lines and uneven rows."""
    header = '"a",b,c' if quoted_header else "a,b,c"
    text = line_end.join([header, *(",".join(row) for row in body)])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "table.csv"
        path.write_bytes((text + line_end * last_line_ends).encode())
        dialect = read_dialect(path, None)
        # Read as Windows-1252, a file never goes the fast way; its text is put right afterwards.
        careful = read_rows(path, replace(dialect, encoding="latin-1"))
        fast = read_rows(path, dialect)
    assert _content(fast) == [
        [[cell.encode("latin-1").decode() for cell in column] for column in _content(careful)[0]],
        *_content(careful)[1:],
    ]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text('a",\n\r', max_size=12))
def test_plain_quotes_are_told_from_others(text: str) -> None:
    """Marks called plain leave every line a row: the strict parser reads line by line the same."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "table.csv"
        path.write_bytes(text.encode())
        if has_plain_quotes(path, ","):
            whole = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            lines = io.StringIO(text, newline="").readlines()
            assert whole == [row for line in lines for row in csv.reader([line], strict=True)]


def _content(rows: Rows) -> list[Any]:
    return [[column.to_pylist() for column in rows.cells], rows.lines.tolist(), rows.uneven]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    """Any bytes at all give a table or a finding, and never an exception."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "patients.csv"
        path.write_bytes(b"patient_id,sex\n" + content)
        source, findings = read_source(path, "patients", ("patient_id", "sex"))
        assert source is not None or findings
        buffer = io.StringIO()
        buffer.writelines(entry.sentence for entry in findings)
        assert "\x00" not in buffer.getvalue()


def test_an_export_holds_days_guards_formulas_and_loses_nothing(tmp_path: Path) -> None:
    """An export has no date but the year, guards texts and not numbers, and never overwrites."""
    exposure = {
        "exposure_id": "X1",
        "course_id": "C1",
        "exposure_class": "pjp",
        "drug": "+x, y",
        "start_date": "2024-04",
        "ongoing": "MSK",
    }
    course = {"course_id": "C1", "patient_id": "P1", "product": "axi-cel"}
    course |= {"infusion_date": "2024-03-10", "lymphodepletion_start_day": "-5"}
    tables = {"patients": [{"patient_id": "P1"}], "courses": [course], "exposures": [exposure]}
    write_rows(tmp_path / "input", tables)
    snapshot, _ = import_folder(tmp_path / "input", tmp_path / "snapshot", today=TODAY)
    folder = tmp_path / "export"
    write_csv(snapshot, folder)
    courses = (folder / "courses.csv").read_bytes()
    assert courses.startswith(b"\xef\xbb\xbfcourse_id,patient_id,")
    assert b"\r\nC1,P1,,axi-cel,,2024,,-5," in courses
    exposures = (folder / "exposures.csv").read_text(encoding="utf-8-sig").splitlines()
    assert exposures[0].split(",")[5:8] == ["start_day", "start_day_earliest", "start_day_latest"]
    assert exposures[1] == 'X1,C1,pjp,"\'+x, y",,,22,51,,MSK'
    with pytest.raises(InvalidInputError, match=r"already holds patients\.csv"):
        write_csv(snapshot, folder)
    assert (folder / "courses.csv").read_bytes() == courses
