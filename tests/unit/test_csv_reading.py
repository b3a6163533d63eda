"""Reading CSV files: encodings, delimiters, line numbers, damaged and hostile files."""

from pathlib import Path

import pytest

from iago.exchange.csv import dialect
from iago.exchange.csv.cells import guard_formula, unguard_formula
from iago.exchange.csv.findings import Finding, write_findings
from iago.exchange.csv.reading import read_source
from iago.exchange.csv.sources import SourceTable

COLUMNS = ("patient_id", "birth_year", "sex")


def read(
    folder: Path, content: bytes | str, required: tuple[str, ...] = ("patient_id",)
) -> tuple[SourceTable | None, list[Finding]]:
    path = folder / "patients.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_source(path, "patients", COLUMNS, required)


def rows_of(source: SourceTable | None) -> list[tuple[str, ...]]:
    assert source is not None
    return list(zip(*(source.cells[name].to_pylist() for name in source.cells), strict=True))


def codes_of(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("encoding", "codes"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("cp1252", ["IAGO-N121"]),
        ("latin-1", ["IAGO-N121"]),
        ("utf-16", ["IAGO-N122"]),
    ],
)
def test_encodings_of_spreadsheets_are_read(
    tmp_path: Path, encoding: str, codes: list[str]
) -> None:
    """UTF-8 with and without mark is read silently, Windows-1252 and UTF-16 with a note."""
    content = "patient_id,birth_year,sex\nP1,1960,männlich\n".encode(encoding)
    source, findings = read(tmp_path, content)
    assert rows_of(source) == [("P1", "1960", "männlich")]
    assert codes_of(findings) == codes


def test_a_byte_that_windows_1252_lacks_is_still_read(tmp_path: Path) -> None:
    """A byte outside Windows-1252 is read as Latin-1 with a note, and never stops the import."""
    source, findings = read(tmp_path, b"patient_id,sex\nP1,m\x81nner\xe9\n")
    assert rows_of(source) == [("P1", "m\x81nneré")]
    assert codes_of(findings) == ["IAGO-N121"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, line_end: str) -> None:
    """Commas, semicolons and tabs are told apart by the known columns, with any line end."""
    lines = [COLUMNS, ("P1", "1960", "female"), ("P2", "", "male")]
    content = "".join(delimiter.join(line) + line_end for line in lines)
    source, findings = read(tmp_path, content)
    assert rows_of(source) == lines[1:]
    assert source is not None
    assert source.lines.tolist() == [2, 3]
    assert source.decimal_comma == (delimiter != ",")
    assert not findings


def test_the_separator_line_of_excel_is_understood(tmp_path: Path) -> None:
    """A first line sep=; names the delimiter and counts as a line."""
    source, findings = read(tmp_path, "sep=;\r\npatient_id;sex\r\nP1;male\r\n")
    assert rows_of(source) == [("P1", "male")]
    assert source is not None
    assert source.lines.tolist() == [3]
    assert not findings


@pytest.mark.parametrize("quoted", ["P1", '"P1"'])
def test_empty_lines_and_empty_rows_are_left_out(tmp_path: Path, quoted: str) -> None:
    """Empty lines and rows of delimiters vanish, and the rows after them keep their line."""
    content = f"patient_id,sex\n\n{quoted},male\n,\n   \nP2,female\n\n\n,,,\n"
    source, findings = read(tmp_path, content)
    assert rows_of(source) == [("P1", "male"), ("P2", "female")]
    assert source is not None
    assert source.lines.tolist() == [3, 6]
    assert not findings


def test_a_quoted_line_break_keeps_the_line_numbers_of_an_editor(tmp_path: Path) -> None:
    """A row starts on the line on which an editor shows it, after cells with line breaks too."""
    content = 'patient_id,sex\n"P1","fe\nmale"\nP2,"a ""b"", c"\n'
    source, findings = read(tmp_path, content)
    assert rows_of(source) == [("P1", "fe\nmale"), ("P2", 'a "b", c')]
    assert source is not None
    assert source.lines.tolist() == [2, 4]
    assert not findings


def test_a_header_may_have_empty_columns_at_its_end(tmp_path: Path) -> None:
    """Columns without name and content, as spreadsheets leave them, are ignored."""
    source, findings = read(tmp_path, "Patient_ID,SEX,,\nP1,male,,\nP2,female,, \n")
    assert rows_of(source) == [("P1", "male"), ("P2", "female")]
    assert not findings


def test_a_filled_column_without_a_name_is_an_error(tmp_path: Path) -> None:
    """Content below an empty header cell is refused, for it would be lost."""
    _, findings = read(tmp_path, "patient_id,\nP1,male\n")
    assert codes_of(findings) == ["IAGO-E115"]
    assert "male" not in findings[0].sentence


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "IAGO-E106"),
        (b"\xef\xbb\xbf", "IAGO-E106"),
        (b" \r\n\r\n", "IAGO-E106"),
        (b"patient_id,sex\nP1,\x00\n", "IAGO-E108"),
        (b"PK\x03\x04\x14\x00\x06\x00" * 50, "IAGO-E108"),
        (bytes(range(1, 256)) * 4, "IAGO-E110"),
        (b"\xff\xfep\x00\xd8", "IAGO-E108"),
        (b"P1,1960,male\nP2,1961,female\n", "IAGO-E110"),
        (b'patient_id,sex\nP1,male\nP2,"female\nP3,male\n', "IAGO-E109"),
        (b'patient_id,sex\nP1,"male"x\n', "IAGO-E109"),
        (b'patient_id,"sex\n', "IAGO-E109"),
        (b"patient_id,sex\n" + b"P" * 200_000 + b",male\n" + b'"', "IAGO-E112"),
        (b"patient_id," + b"x" * 200_000, "IAGO-E112"),
        (b"patient_id" + b",x" * 5_000, "IAGO-E112"),
        (b"patient_id|sex\nP1|male\n", "IAGO-E110"),
    ],
)
def test_unreadable_files_have_one_clear_error(tmp_path: Path, content: bytes, code: str) -> None:
    """Empty, binary, headless and damaged files are refused, each with its own code."""
    source, findings = read(tmp_path, content)
    assert source is None
    assert [entry.code for entry in findings if entry.severity == "error"] == [code]


def test_a_damaged_row_is_named_by_its_line(tmp_path: Path) -> None:
    """The finding of an open quotation mark names the line on which the row starts."""
    _, findings = read(tmp_path, 'patient_id,sex\nP1,male\nP2,"female\nP3,male\n')
    assert findings[0].row == 3


def test_a_file_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file larger than the limit is refused before it is read."""
    monkeypatch.setattr(dialect, "MAX_FILE_BYTES", 10)
    source, findings = read(tmp_path, "patient_id,sex\nP1,male\n")
    assert source is None
    assert codes_of(findings) == ["IAGO-E107"]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    """A header without rows is read as no rows."""
    for content in ("patient_id,sex", "patient_id,sex\r\n", '"patient_id","sex"\n'):
        source, findings = read(tmp_path, content)
        assert source is not None
        assert source.rows == 0
        assert not findings


def test_unknown_columns_name_the_nearest(tmp_path: Path) -> None:
    """A misspelt column is an error that names the nearest column of the table."""
    _, findings = read(tmp_path, "patient_id,brith_year,shoe\nP1,1960,44\n")
    assert codes_of(findings) == ["IAGO-E101", "IAGO-E101"]
    assert findings[0].column == "brith_year"
    assert "perhaps birth_year" in findings[0].expected
    assert "patient_id, birth_year, sex" in findings[1].expected


def test_missing_and_doubled_columns(tmp_path: Path) -> None:
    """A required column that is absent and a column named twice are errors."""
    _, findings = read(tmp_path, "sex,sex\nmale,male\n")
    assert codes_of(findings) == ["IAGO-E102", "IAGO-E103"]
    assert findings[0].column == "patient_id"


@pytest.mark.parametrize("quote", ["", '"'])
def test_rows_of_uneven_length(tmp_path: Path, quote: str) -> None:
    """Too many and too few cells are errors with their line; empty ones at the end are not."""
    content = f"patient_id,sex\n{quote}P1{quote},male,x\nP2\nP3,male,,\nP4,female\n"
    source, findings = read(tmp_path, content)
    assert [(entry.code, entry.row) for entry in findings] == [
        ("IAGO-E104", 2),
        ("IAGO-E105", 3),
    ]
    assert source is not None
    assert source.rows == 4


def test_a_hostile_header_is_shown_short_and_printable(tmp_path: Path) -> None:
    """A column name in a finding is cut and has no control characters."""
    name = "=cmd|' /C calc'!A0\x1b[31m" + "x" * 500
    _, findings = read(tmp_path, f"patient_id,{name}\nP1,1\n")
    assert len(findings[0].column) <= 61
    assert findings[0].column.isprintable()


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("'=x", "''=x"),
        ("\t=x", "'\t=x"),
        ("＝x", "'＝x"),
        ("aciclovir", "aciclovir"),
        ("it's", "it's"),
        ("", ""),
    ],
)
def test_formulas_are_guarded_and_come_back(text: str, guarded: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe, which reading takes away again."""
    assert guard_formula(text) == guarded
    assert unguard_formula(guarded) == text


def test_written_findings_hold_no_formula(tmp_path: Path) -> None:
    """The findings file guards the names that come from a hostile file."""
    _, findings = read(tmp_path, "patient_id,=cmd()\nP1,1\n")
    write_findings(findings, tmp_path / "findings.csv")
    text = (tmp_path / "findings.csv").read_text(encoding="utf-8-sig")
    assert text.startswith("code,severity,file,row,column,found,expected,action")
    assert ",'=cmd()," in text


def test_a_foreign_file_is_taken_as_it_is(tmp_path: Path) -> None:
    """Without known columns every column is kept, and most cells settle the delimiter."""
    path = tmp_path / "export.csv"
    path.write_text('Fall-Nr;"Beginn, Tag"\n7;3\n', encoding="utf-8")
    source, findings = read_source(path, "export", None)
    assert source is not None
    assert list(source.cells) == ["Fall-Nr", "Beginn, Tag"]
    assert not findings
