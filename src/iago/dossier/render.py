"""The page of a dossier: one HTML file that needs no network, no script and no other file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from iago.dossier.content import CHAPTERS, Dossier, DossierTable, Notice
from iago.dossier.csv_text import csv_text
from iago.dossier.figures import draw_figures
from iago.dossier.figures.drawing import Figure
from iago.dossier.headline import headline_cards
from iago.dossier.number_format import format_count, format_percent
from iago.dossier.released import Row, is_suppressed, released_rows
from iago.dossier.summary_tables import summary_table
from iago.dossier.table_views import TableView, view_table
from iago.dossier.wording import (
    CHAPTERS as CHAPTER_WORDS,
)
from iago.dossier.wording import (
    EMPTY,
    EXPECTED,
    NOTHING,
    label_code,
    level_key,
    lower_case,
    sentence_case,
    window_label,
)

# Browsers cut addresses at about two million characters; a table beyond this is a file only.
MOST_EMBEDDED_CHARACTERS = 1_500_000
MOST_EMBEDDED_TOGETHER = 2_600_000
# A longer table is folded on the screen; on paper it is open.
LONGEST_OPEN_TABLE = 16
_BRIEF_LENGTH = 150
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s;,()\[\]<>\"']*[^\s;,()\[\]<>\"'.]")


@dataclass(frozen=True)
class NumberedFigure:
    """A figure with its number in the page."""

    number: int
    figure: Figure


@dataclass(frozen=True)
class Result:
    """One table of the dossier with everything the page shows of it."""

    ident: str
    title: str
    definition: str
    figures: tuple[NumberedFigure, ...]
    summary: TableView | None
    table: TableView | None
    table_number: int
    empty: str
    suppressed: str
    file_name: str
    download: str
    size: str
    citations: tuple[int, ...]

    @property
    def folded(self) -> str:
        """How the whole table is folded: ``data`` behind a figure, ``long``, or not at all."""
        if self.figures or self.summary:
            return "data"
        return "long" if self.table and len(self.table.rows) > LONGEST_OPEN_TABLE else ""


@dataclass(frozen=True)
class Chapter:
    """One chapter of the page."""

    ident: str
    letter: str
    title: str
    question: str
    text: str
    notices: tuple[Notice, ...]
    results: tuple[Result, ...]
    absent: tuple[str, ...]


@dataclass
class _Counter:
    """Numbers of figures and references, and characters embedded so far."""

    figures: int = 0
    tables: int = 0
    embedded: int = 0
    references: dict[str, int] = field(default_factory=dict)

    def cite(self, source: str) -> int:
        return self.references.setdefault(source, len(self.references) + 1)


def render_html(dossier: Dossier) -> str:
    """Render a dossier as one HTML page.

    The definition comes before any number, warnings stand at the top and where they belong, and
    every figure has its numbers in a table behind it. The page asks the network for nothing.

    Parameters
    ----------
    dossier : Dossier
        Tables may be missing or empty; the page says so in words.

    Returns
    -------
    str
        A whole HTML document; the same dossier gives the same text.
    """
    counter = _Counter()
    chapters = tuple(_chapter(name, dossier, counter) for name in CHAPTERS)
    template = _environment().get_template("dossier.html.jinja")
    return template.render(
        dossier=dossier,
        definition=_definition_rows(dossier),
        cards=headline_cards(dossier),
        briefs=[_brief(notice) for notice in dossier.notices],
        chapters=chapters,
        references=list(counter.references),
        css=Markup(_css()),  # noqa: S704 -- the style sheet of this package
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("iago.dossier", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["linked"] = link_dois
    return environment


@cache
def _css() -> str:
    return files("iago.dossier").joinpath("templates", "dossier.css").read_text(encoding="utf-8")


def link_dois(text: str) -> Markup:
    """Text with every DOI in it as a link; everything else is escaped."""
    parts: list[Markup] = []
    start = 0
    for match in _DOI.finditer(text):
        address = f"https://doi.org/{quote(match.group(), safe='/:;()._-')}"
        parts.append(escape(text[start : match.start()]))
        parts.append(Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, match.group()))
        start = match.end()
    return Markup("").join([*parts, escape(text[start:])])


def _chapter(name: str, dossier: Dossier, counter: _Counter) -> Chapter:
    letter, title, question = CHAPTER_WORDS[name]
    entries = [entry for entry in dossier.tables if entry.chapter == name]
    present = {entry.name for entry in dossier.tables}
    return Chapter(
        ident=name,
        letter=letter,
        title=title,
        question=question,
        text=dossier.texts.get(name, ""),
        notices=tuple(notice for notice in dossier.notices if notice.chapter == name),
        results=tuple(_result(entry, dossier, counter) for entry in entries),
        absent=tuple(
            words
            for table, (chapter, words) in EXPECTED.items()
            if chapter == name and table not in present
        ),
    )


def _result(entry: DossierTable, dossier: Dossier, counter: _Counter) -> Result:
    rows = released_rows(entry.table)
    columns = entry.table.column_names
    figures = _numbered(draw_figures(entry.name, rows, columns, dossier), counter)
    summary = summary_table(entry.name, entry.title, columns, rows, dossier) if rows else None
    open_table = bool(summary or (rows and not figures))
    counter.tables += open_table
    download, size = _download(entry, rows, counter)
    return Result(
        ident=f"table-{re.sub('[^a-z0-9-]', '-', entry.name.lower())}",
        title=entry.title,
        definition=entry.definition,
        figures=figures,
        summary=summary,
        table=view_table(entry.name, entry.table, rows, entry.title, dossier) if rows else None,
        table_number=counter.tables if open_table else 0,
        empty="" if rows else EMPTY.get(entry.name, NOTHING),
        suppressed=_suppressed_words(rows),
        file_name=f"{entry.name}.csv",
        download=download,
        size=size,
        citations=tuple(counter.cite(source) for source in entry.sources),
    )


def _numbered(figures: Sequence[Figure], counter: _Counter) -> tuple[NumberedFigure, ...]:
    numbered = []
    for figure in figures:
        counter.figures += 1
        numbered.append(NumberedFigure(counter.figures, figure))
    return tuple(numbered)


def _suppressed_words(rows: Sequence[Row]) -> str:
    number = sum(is_suppressed(row) for row in rows)
    if number == 0:
        return ""
    verb = "is" if number == 1 else "are"
    return (
        f"{format_count(number)} of {format_count(len(rows))} rows {verb} suppressed, because few "
        "patients stand behind them. Suppressed is not zero."
    )


def _download(entry: DossierTable, rows: Sequence[Row], counter: _Counter) -> tuple[str, str]:
    """Address that holds the CSV itself, and its size in words; no address where too long."""
    text = csv_text(entry.table.column_names, rows)
    size = f"{max(1, round(len(text.encode('utf-8')) / 1000))} kB"
    address = "data:text/csv;charset=utf-8," + quote(text, safe=",:;=/()'_-.~")
    if (
        len(address) > MOST_EMBEDDED_CHARACTERS
        or counter.embedded + len(address) > MOST_EMBEDDED_TOGETHER
    ):
        return "", size
    counter.embedded += len(address)
    return address, size


@dataclass(frozen=True)
class Brief:
    """A notice in one line, with the chapter that has it in full."""

    level: str
    text: str
    chapter: str
    chapter_title: str


def _brief(notice: Notice) -> Brief:
    first, separator, _ = notice.text.partition(". ")
    text = first + ("." if separator else "")
    if len(text) > _BRIEF_LENGTH:
        text = text[: _BRIEF_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    known = notice.chapter in CHAPTER_WORDS
    if not known:
        return Brief(notice.level, notice.text, "", "")
    return Brief(notice.level, text, notice.chapter, CHAPTER_WORDS[notice.chapter][1])


@dataclass(frozen=True)
class DefinitionRow:
    """One line of the definition that stands before any number."""

    term: str
    text: str
    status: str = ""
    detail: str = ""


def _definition_rows(dossier: Dossier) -> tuple[DefinitionRow, ...]:
    definition = dossier.definition
    case = DefinitionRow(
        "Case",
        f"{sentence_case(definition.case_definition_text)} ({definition.case_definition})",
        definition.case_definition_status,
        definition.case_definition_doubt,
    )
    windows = ", ".join(window_label(window).removeprefix("Day ") for window in definition.windows)
    rows = (
        DefinitionRow("Toxicity", sentence_case(label_code(definition.toxicity, "toxicity"))),
        case,
        DefinitionRow("Windows, days", f"{windows} (set {definition.window_set})"),
        DefinitionRow("Groups", level_key(dossier) or "named as in the data"),
        DefinitionRow("Clock", definition.clock),
        DefinitionRow("Denominator", definition.denominator),
        DefinitionRow(
            "Time at risk ends with",
            ", ".join(lower_case(label_code(end, "cause")) for end in definition.ends_of_risk),
        ),
        DefinitionRow("Strategy", definition.strategy),
        DefinitionRow("Capture methods", _capture(definition.capture_methods)),
        DefinitionRow("Partial onset dates", definition.partial_onsets),
        DefinitionRow("Guidance set", label_code(definition.guidance)),
        DefinitionRow("Confidence", f"{100 * definition.confidence:g}%, two-sided"),
    )
    return tuple(
        replace(row, text=sentence_case(row.text) if row.text else "not stated") for row in rows
    )


def _capture(methods: Mapping[str, int]) -> str:
    total = sum(methods.values())
    parts = [
        f"{lower_case(label_code(method, 'capture_method'))} {format_count(number)}"
        + (f" ({format_percent(number / total)})" if total else "")
        for method, number in methods.items()
    ]
    return ", ".join(parts)
