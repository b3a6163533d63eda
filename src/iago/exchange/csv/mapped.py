"""Foreign CSV files become source tables of the standard, by the rules of a mapping.

The expressions run in DuckDB over the text of the foreign file; a column in which every value
looks like a number is a number there. What comes out is text again and passes through exactly
the checks that a file of the standard passes through, and findings name the foreign file and
its line.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import expressions as exp

from iago.errors import DefinitionError
from iago.exchange.csv.findings import Finding, column_in_file, finding, row_findings
from iago.exchange.csv.mapping import (
    DATE_FORMATS,
    ForeignFile,
    ImportMapping,
    TableRule,
    raise_mistakes,
)
from iago.exchange.csv.reading import read_source
from iago.exchange.csv.sources import SourceTable, concatenate_sources
from iago.standard.expressions import Expression, parse_predicate, parse_value
from iago.tables.engine import MEMORY_LIMIT, fetch

# Number of the row in the foreign file, the first after the header being 1; for files that have
# no identifier of their own.
ROW_NUMBER = "source_row"
# A leading zero belongs to an identifier, not to a number.
_Parser = Callable[[str, Collection[str], str], Expression]
# Texts and names in quotation marks are matched first, so that nothing inside them is a word.
_WORD = re.compile(r"""'[^']*'|"[^"]*"|[^\W\d]\w*(?!\w|\s*\()""")
_KEYWORD = re.compile(
    "and|as|between|case|cast|else|end|false|in|is|not|null|or|then|true|when", re.IGNORECASE
)
_WHOLE = r"^-?(0|[1-9][0-9]{0,17})$"
_DECIMAL = r"^-?(0|[1-9][0-9]*)([.][0-9]+)?$"
_DECIMAL_COMMA = r"^-?(0|[1-9][0-9]*)(,[0-9]+)?$"


@dataclass(frozen=True)
class _Foreign:
    """A foreign file: its text, and the same columns typed under inner names."""

    source: SourceTable
    inner_names: Mapping[str, str]
    typed: pa.Table


@dataclass(frozen=True)
class _Query:
    """A table rule whose expressions fit its source, as SQL over inner names.

    ``plain`` holds the expressions without min and max, which must agree within a group.
    """

    rule: TableRule
    where: str
    groups: tuple[str, ...]
    columns: Mapping[str, str]
    plain: Mapping[str, str]


def read_mapped_folder(
    folder: Path, mapping: ImportMapping
) -> tuple[dict[str, SourceTable | None], list[Finding]]:
    """Read the foreign files of a folder and map them to tables of the standard.

    Returns
    -------
    dict of str to SourceTable or None, list of Finding
        Tables by name; None where a file that the table needs could not be read.

    Raises
    ------
    DefinitionError
        An expression that cannot be read or does not fit its source; all are named at once.
    """
    foreign, findings = _read_foreign(folder, mapping)
    mistakes: list[str] = []
    queries = [
        _query(rule, foreign[rule.source], mistakes)
        for rule in mapping.tables
        if rule.source in foreign
    ]
    raise_mistakes(mapping.file, mistakes)
    findings += _unused_findings(foreign, mapping)
    parts: dict[str, list[SourceTable]] = {}
    for query in queries:
        part, found = _run(query, foreign[query.rule.source])
        parts.setdefault(query.rule.table, []).append(part)
        findings += found
    unread = {rule.table for rule in mapping.tables if rule.source not in foreign}
    tables: dict[str, SourceTable | None] = {
        name: concatenate_sources(name, of_table) for name, of_table in parts.items()
    }
    return {**tables, **dict.fromkeys(unread)}, findings


def _read_foreign(
    folder: Path, mapping: ImportMapping
) -> tuple[dict[str, _Foreign], list[Finding]]:
    foreign: dict[str, _Foreign] = {}
    findings: list[Finding] = []
    for entry in mapping.sources.values():
        path = folder / entry.file
        if not path.is_file():
            found = finding("IAGO-E111", entry.file, "no such file", f"a file {entry.file}")
            findings.append(found)
            continue
        source, found_in_file = read_source(path, entry.name, None)
        findings += found_in_file
        if source is not None:
            foreign[entry.name] = _typed(source, entry)
    return foreign, findings


def _typed(source: SourceTable, entry: ForeignFile) -> _Foreign:
    names = {name: f"c{number}" for number, name in enumerate(source.cells)}
    columns = {
        names[name]: _typed_column(cells, entry.missing, decimal_comma=source.decimal_comma)
        for name, cells in source.cells.items()
    }
    columns[ROW_NUMBER] = pa.array(np.arange(1, source.rows + 1, dtype=np.int64))
    return _Foreign(source, {**names, ROW_NUMBER: ROW_NUMBER}, pa.table(columns))


def _typed_column(
    cells: pa.DictionaryArray, missing: tuple[str, ...], *, decimal_comma: bool
) -> pa.Array:
    """Numbers where every text looks like one, else text; null for an empty cell."""
    texts = pc.utf8_trim_whitespace(cells.dictionary)
    absent = pc.is_in(texts, value_set=pa.array(["", *missing], pa.string()))
    texts = pc.if_else(absent, pa.scalar(None, pa.string()), texts)
    if texts.null_count == len(texts):
        return texts.take(cells.indices)
    if pc.all(pc.match_substring_regex(texts, _WHOLE)).as_py():
        texts = texts.cast(pa.int64())
    elif pc.all(pc.match_substring_regex(texts, _DECIMAL)).as_py():
        texts = texts.cast(pa.float64())
    elif decimal_comma and pc.all(pc.match_substring_regex(texts, _DECIMAL_COMMA)).as_py():
        texts = pc.replace_substring(texts, ",", ".").cast(pa.float64())
    return texts.take(cells.indices)


def _query(rule: TableRule, foreign: _Foreign, mistakes: list[str]) -> _Query:
    """The rule as SQL; what is wrong with it is added to the mistakes."""
    known = foreign.inner_names
    where = ""
    if rule.where:
        where = _inner(parse_predicate, rule.where, foreign, rule.at("where"), mistakes)
    mistakes += [
        f"{rule.at('one_row_per')}: {rule.source} has no column {name!r}; its columns are "
        f"{_listed(known)}."
        for name in rule.one_row_per
        if name not in known
    ]
    groups = tuple(known[name] for name in rule.one_row_per if name in known)
    columns = {}
    for column, text in rule.columns.items():
        columns[column] = _inner(parse_value, text, foreign, rule.at(column), mistakes)
    plain = {name: sql for name, sql in columns.items() if sql and not _reduces(sql)}
    mistakes += [
        f"{rule.at(name)}: min and max need one_row_per, which says over which rows they go."
        for name, sql in columns.items()
        if sql and name not in plain and not rule.one_row_per
    ]
    windowed = {name: _windowed(sql, groups) for name, sql in columns.items() if sql}
    return _Query(rule, where, groups, windowed, plain if groups else {})


def _inner(parse: _Parser, text: str, foreign: _Foreign, place: str, mistakes: list[str]) -> str:
    """Check an expression and give its SQL over inner names; empty where it cannot be read."""
    try:
        checked = _parse(parse, text, foreign, place)
    except DefinitionError as error:
        mistakes.append(str(error) + _quoting_hint(foreign))
        return ""
    tree = sqlglot.parse_one(checked.sql, dialect="duckdb")

    def rename(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column):
            return exp.column(foreign.inner_names[node.name], quoted=True)
        return node

    return tree.transform(rename).sql(dialect="duckdb")


def _parse(parse: _Parser, text: str, foreign: _Foreign, place: str) -> Expression:
    """Read an expression; a column named as a word of SQL is meant as the column.

    ``Alter`` is German for age and a command of SQL, so a text that cannot be read is read once
    more with the names of the columns in quotation marks.
    """
    try:
        return parse(text, foreign.inner_names, place)
    except DefinitionError:
        quoted = _quoted_columns(text, foreign.inner_names)
        if quoted == text:
            raise
        try:
            return parse(quoted, foreign.inner_names, place)
        except DefinitionError:
            # What follows is the error about the text as it was written.
            pass
        raise


def _quoted_columns(text: str, names: Collection[str]) -> str:
    def quote(match: re.Match[str]) -> str:
        word = match[0]
        return f'"{word}"' if word in names and not _KEYWORD.fullmatch(word) else word

    return _WORD.sub(quote, text)


def _quoting_hint(foreign: _Foreign) -> str:
    odd = next((name for name in foreign.inner_names if not name.isidentifier()), None)
    if odd is None:
        return ""
    return (
        f' A name with other signs than letters, digits and _ is quoted: "{column_in_file(odd)}".'
    )


def _reduces(sql: str) -> bool:
    return sqlglot.parse_one(sql, dialect="duckdb").find(exp.Max, exp.Min) is not None


def _windowed(sql: str, groups: tuple[str, ...]) -> str:
    """Turn min and max into those over the rows of a group, so that all else stays by row."""

    def over_group(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Max | exp.Min):
            keys = [exp.column(name, quoted=True) for name in groups]
            return exp.Window(this=node.copy(), partition_by=keys)
        return node

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    return tree.transform(over_group).sql(dialect="duckdb")


def _run(query: _Query, foreign: _Foreign) -> tuple[SourceTable, list[Finding]]:
    rule = query.rule
    result = _execute(query, foreign)
    rows = result.column(ROW_NUMBER).to_numpy() - 1
    label = f"{foreign.source.file} (mapped to {rule.table})"
    cells = {column: _cells(result.column(column), rule, column) for column in query.columns}
    part = SourceTable(
        rule.table,
        cells,
        foreign.source.lines[rows],
        (label,),
        decimal_comma=foreign.source.decimal_comma,
    )
    findings = []
    for column in query.plain:
        differing = np.flatnonzero(result.column(f"differs {column}").to_numpy())
        findings += row_findings(
            "IAGO-W118",
            part,
            differing,
            column,
            "rows of one group that differ",
            f"the same in all rows of {' and '.join(rule.one_row_per)}",
        )
    if not len(rows):
        findings.append(finding("IAGO-W119", label, "no row that the mapping selects", "rows"))
    return part, findings


def _execute(query: _Query, foreign: _Foreign) -> pa.Table:
    outputs = [f'cast({sql} as varchar) as "{name}"' for name, sql in query.columns.items()]
    keys = ", ".join(f'"{name}"' for name in query.groups)
    outputs += [
        f"(min({sql}) over (partition by {keys}) is distinct from "
        f'max({sql}) over (partition by {keys})) as "differs {name}"'
        for name, sql in query.plain.items()
    ]
    where = f"where {query.where}" if query.where else ""
    first = f"qualify row_number() over (partition by {keys} order by {ROW_NUMBER}) = 1"
    statement = (
        f"select {ROW_NUMBER}, {', '.join(outputs)} from foreign_rows {where} "
        f"{first if keys else ''} order by {ROW_NUMBER}"
    )
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as database:
        database.register("foreign_rows", foreign.typed)
        database.execute("set enable_external_access = false")
        try:
            return fetch(database, statement)
        except duckdb.Error:
            raise DefinitionError(_failure(query, foreign, database)) from None


def _failure(query: _Query, foreign: _Foreign, database: duckdb.DuckDBPyConnection) -> str:
    """Say which expression does not fit the data; DuckDB's own words would show values."""
    parts = {"where": query.where} if query.where else {}
    failing = "its expressions together"
    for name, sql in (*parts.items(), *query.columns.items()):
        try:
            fetch(database, f"select count({sql}) from foreign_rows")
        except duckdb.Error:
            failing = name
            break
    text = [name for name, inner in foreign.inner_names.items() if _is_text(foreign, inner)]
    return (
        f"{query.rule.at(failing)}: the expression does not fit the data. It calculates with or "
        f"compares a text that is not a number. Columns read as text are {_listed(text)}. "
        "Name texts that mean a missing value in 'missing' of the source. Nothing was imported."
    )


def _is_text(foreign: _Foreign, inner: str) -> bool:
    return bool(pa.types.is_string(foreign.typed.schema.field(inner).type))


def _cells(column: pa.ChunkedArray, rule: TableRule, name: str) -> pa.DictionaryArray:
    """Written texts of a column, after the value map and the date format of the rule."""
    encoded = column.fill_null("").combine_chunks().dictionary_encode()
    values, written = rule.values.get(name, {}), rule.dates.get(name)
    if not values and not written:
        return encoded
    texts = [values.get(text, text) for text in encoded.dictionary.to_pylist()]
    if written:
        texts = [_iso_date(text, DATE_FORMATS[written]) for text in texts]
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([distinct[text] for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(codes[encoded.indices.to_numpy()], pa.int32()),
        pa.array(list(distinct), pa.string()),
    )


def _iso_date(text: str, pattern: str) -> str:
    try:
        return dt.datetime.strptime(text, pattern).date().isoformat()
    except ValueError:
        # Left as it is: the check of dates that follows says what is wrong with it.
        return text


def _unused_findings(foreign: Mapping[str, _Foreign], mapping: ImportMapping) -> list[Finding]:
    findings = []
    for name, entry in foreign.items():
        read = {
            column
            for rule in mapping.tables
            if rule.source == name
            for column in _columns_read(rule, entry)
        }
        unused = [column_in_file(column) for column in entry.source.cells if column not in read]
        if unused:
            findings.append(
                finding("IAGO-N126", entry.source.file, f"columns not used: {', '.join(unused)}")
            )
    return findings


def _columns_read(rule: TableRule, foreign: _Foreign) -> set[str]:
    read = set(rule.one_row_per)
    if rule.where:
        read |= _parse(parse_predicate, rule.where, foreign, rule.place).columns
    for text in rule.columns.values():
        read |= _parse(parse_value, text, foreign, rule.place).columns
    return read


def _listed(names: Collection[str]) -> str:
    return ", ".join(column_in_file(name) for name in names) or "none"
