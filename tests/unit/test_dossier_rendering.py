"""The page of a dossier: structure, honesty about what is missing, safety, stable bytes."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest
from tests.unit.dossier_fixture import make_dossier, only_table, without_tables

from iago.dossier.content import Dossier, Notice
from iago.dossier.csv_text import csv_text
from iago.dossier.released import released_rows
from iago.dossier.render import link_dois, render_html
from iago.dossier.wording import EXPECTED

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&{{911*911}}"
VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "circle", "line", "path"}
TABLES = [entry.name for entry in make_dossier().tables]
DRAWN = {
    "density",
    "cumulative_incidence",
    "competing_events",
    "mean_cumulative_count",
    "persistence",
    "causality",
    "comparison",
    "balance",
    "severity",
    "prophylaxis",
}


class Page(HTMLParser):
    """Elements of a page in their order, with their attributes and the text inside them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.unclosed = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in VOID:
            self.unclosed += 1

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for tag, text in self.texts if tag not in ("style", "desc"))


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(make_dossier())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_one_well_formed_document_in_english(html: str, page: Page) -> None:
    """Every element is closed where it was opened, and the language is stated."""
    assert html.startswith("<!doctype html>")
    assert page.unclosed == 0
    assert page.open == []
    assert page.named("html")[0]["lang"] == "en"


def test_headings_stand_in_order(page: Page) -> None:
    """One title, and no level of heading is left out on the way down."""
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_ids_are_unique_and_every_reference_leads_somewhere(page: Page) -> None:
    """No id twice; links within the page and labels point at ids that exist."""
    ids = Counter(a["id"] for _, a in page.elements if a.get("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    links = {str(a["href"])[1:] for a in page.named("a") if str(a["href"]).startswith("#")}
    labels = {
        part for _, a in page.elements for part in str(a.get("aria-labelledby") or "").split()
    }
    assert links | labels <= set(ids)


def test_the_definition_stands_before_any_result(html: str) -> None:
    """What is counted is read before the headline, and the headline before the figures."""
    places = [html.index(f'id="{name}"') for name in ("definition", "headline", "figure-1")]
    assert places == sorted(places)
    assert "Infection that required treatment (CIBMTR)" in html
    assert html.index("An exclusion of the manual") < html.index('id="headline"')


def test_synthetic_data_say_so_before_anything_else(html: str) -> None:
    """The banner of made-up data stands in the head of the page."""
    assert html.index("These patients are made up") < html.index("<main")
    real = replace(make_dossier().provenance, synthetic=False)
    assert "made up" not in render_html(replace(only_table("flow"), provenance=real))


def test_every_figure_has_a_name_a_description_and_its_numbers(page: Page) -> None:
    """Drawings are images with title and desc, and every drawn table has a table of numbers."""
    drawings = [a for a in page.named("svg") if a.get("role") == "img"]
    assert len(drawings) > 40
    assert all(str(a["aria-labelledby"]).count("-") >= 2 for a in drawings)
    assert len(page.named("desc")) == len(page.named("title")) - 1 == len(drawings)
    assert len(page.named("details")) >= len(DRAWN)


def test_descriptions_carry_the_numbers(html: str) -> None:
    """Who does not see the curve hears the estimates on the days of the axis."""
    found = re.search(r'id="cumulative-incidence-wide-desc">([^<]*)', html)
    assert found is not None
    assert "axi-cel" in found.group(1)
    assert "day 100: 28.9 (" in found.group(1)


def test_every_table_has_a_caption_and_scoped_headers(page: Page) -> None:
    """Each table is named, and each of its headers says what it heads."""
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(a.get("scope") for a in page.named("th"))


def test_the_download_of_each_table_is_the_table(page: Page) -> None:
    """The link under each table holds the same CSV that is written as a file."""
    links = {str(a["download"]): str(a["href"]) for a in page.named("a") if "download" in a}
    assert set(links) == {f"{name}.csv" for name in TABLES}
    for entry in make_dossier().tables:
        kind, _, content = links[f"{entry.name}.csv"].partition(",")
        assert kind == "data:text/csv;charset=utf-8"
        expected = csv_text(entry.table.column_names, released_rows(entry.table))
        assert unquote(content) == expected


def test_nothing_is_asked_of_the_network(html: str, page: Page) -> None:
    """No script, image, font or style sheet from elsewhere; only DOIs are links to the web."""
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {
        name for name, _ in page.elements
    }
    for name, attributes in page.elements:
        assert "src" not in attributes, name
        assert not [key for key in attributes if key.startswith("on")]
    web = [a for a in page.named("a") if not re.match("#|data:text/csv", str(a["href"]))]
    assert web
    assert all(str(a["href"]).startswith("https://doi.org/10.") for a in web)
    assert all(a["rel"] == "noreferrer" for a in web)
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {"#hatch", "#dots"}
    assert "@import" not in html


def test_the_page_stays_small(html: str) -> None:
    """Five groups over a year, with every number embedded, make less than five megabytes."""
    assert len(html.encode("utf-8")) < 5_000_000


def test_the_same_dossier_gives_the_same_bytes_in_another_process(project_root: Path) -> None:
    """Neither the clock nor the order of sets reaches the page."""
    code = (
        "from hashlib import sha256; from iago.dossier.render import render_html;"
        "from tests.unit.dossier_fixture import only_table;"
        "print(sha256(render_html(only_table('severity')).encode()).hexdigest())"
    )
    hashes = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(project_root)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_table_is_named(name: str) -> None:
    """The chapter says in words which of its results the dossier does not hold."""
    text = Page(render_html(only_table("none"))).text
    if name in EXPECTED:
        assert EXPECTED[name][1] in text
    assert "Figure" not in text


def test_a_table_that_is_there_is_not_called_missing() -> None:
    """Only what is absent is listed as absent."""
    text = Page(render_html(without_tables("balance", "density", "persistence"))).text
    absent = " ".join(re.findall(r"Not in this dossier: ([^.]*)\.", text))
    assert "balance of covariates" in absent
    assert "incidence density" in absent
    assert "mean cumulative count" not in absent


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_says_so_in_words(name: str) -> None:
    """A table without rows has a sentence in place of figures, and an empty download."""
    table = next(entry.table for entry in make_dossier().tables if entry.name == name)
    page = Page(render_html(only_table(name, table=table.slice(0, 0))))
    assert [a for a in page.named("p") if a.get("class") == "empty"]
    assert not page.named("figure")
    assert not page.named("table")


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_table_without_its_columns_is_still_shown_as_a_table(name: str) -> None:
    """Where a figure lacks a column it needs, the numbers stand there without the figure."""
    page = Page(render_html(only_table(name, table=pa.table({"other": [1, 2]}))))
    assert not page.named("figure")
    assert len(page.named("table")) == 1


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_table_of_nulls_does_not_break_the_page(name: str) -> None:
    """Estimates that are all missing leave a page that says so."""
    table = next(entry.table for entry in make_dossier().tables if entry.name == name)
    hidden = {"lowest", "highest", "day"}
    for position, field in enumerate(table.schema):
        if pa.types.is_floating(field.type) and field.name not in hidden:
            nulls = pa.nulls(table.num_rows, field.type)
            table = table.set_column(position, field.name, nulls)
    text = Page(render_html(only_table(name, table=table))).text
    assert "None" not in text
    assert "nan" not in text.split()


def _hostile(dossier: Dossier) -> Dossier:
    """Every text of the dossier turned into markup."""

    def spoil(table: pa.Table) -> pa.Table:
        for position, field in enumerate(table.schema):
            if pa.types.is_string(field.type) and field.name not in ("by", "level"):
                values = [
                    None if v is None else f"{v}{HOSTILE}" for v in table[position].to_pylist()
                ]
                table = table.set_column(position, field.name, pa.array(values, pa.string()))
        return table

    return replace(
        dossier,
        title=HOSTILE,
        level_labels=dict.fromkeys(dossier.levels, HOSTILE),
        notices=(Notice("warning", "cohort", HOSTILE), Notice("note", HOSTILE, HOSTILE)),
        texts=dict.fromkeys(dossier.texts, HOSTILE),
        definition=replace(dossier.definition, clock=HOSTILE, case_definition_doubt=HOSTILE),
        provenance=replace(dossier.provenance, dataset_title=HOSTILE, command=HOSTILE),
        audience=HOSTILE,
        tables=tuple(
            replace(t, title=HOSTILE, definition=HOSTILE, sources=(HOSTILE,), table=spoil(t.table))
            for t in dossier.tables
            if t.name not in ("competing_events", "mean_cumulative_count", "persistence")
        ),
    )


def test_hostile_text_stays_text() -> None:
    """Markup in labels, titles, notes and codes is shown, never run, and breaks no element."""
    page = Page(render_html(_hostile(make_dossier())))
    names = {name for name, _ in page.elements}
    assert not {"script", "img"} & names
    assert not [key for _, attributes in page.elements for key in attributes if key[:2] == "on"]
    assert page.unclosed == 0
    assert HOSTILE in page.text
    assert "829921" not in page.text


def test_suppressed_numbers_are_nowhere_in_the_page() -> None:
    """A row marked as suppressed shows the word, even where its numbers were left in."""
    row = {
        "by": "all",
        "level": "all",
        "window": "0-30",
        "stratum": "all",
        "episodes": 3217,
        "patients": 3217,
        "person_days": 1000,
        "rate_per_100_days": 321.7,
        "lower": 321.7,
        "upper": 321.7,
        "suppressed": "true",
    }
    table = pa.Table.from_pylist([row, {**row, "window": "31-100", "suppressed": None}])
    hidden = Page(render_html(only_table("density", table=table.slice(0, 1))))
    shown = Page(render_html(only_table("density", table=table)))
    assert "321" not in hidden.text
    assert "3217" not in unquote(str([a.get("href") for a in hidden.named("a")]))
    assert "suppressed" in hidden.text
    assert "321.70" in shown.text


def test_a_rate_of_zero_shows_its_upper_limit(html: str) -> None:
    """No episode in the time at risk is a zero with the limit that the time at risk allows."""
    text = Page(html).text
    assert "0.00 (0.00 to 9.00)" in text
    assert "\u22649.00" in text


def test_warnings_stand_at_the_top_and_in_their_chapter(html: str) -> None:
    """A warning is brief at the top with a link to its chapter, where it stands in full."""
    first = html.index("Capture methods differ between groups")
    second = html.index("Capture methods differ between groups", first + 1)
    assert first < html.index('id="headline"') < html.index('id="identification"') < second
    assert html.count("Differences between products may be") == 1


def test_a_provisional_system_is_labelled_with_its_doubt(html: str) -> None:
    """The figure of a provisional grading system says so, that of a verified one does not."""
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    labelled = [caption for caption in captions if "provisional" in caption]
    assert len(labelled) == 1
    assert "Five-level severity" in labelled[0]
    assert "A doubt of the test." in labelled[0]


def test_rates_on_and_off_prophylaxis_carry_their_caveat(html: str) -> None:
    """The reader is told of confounding in the figure itself."""
    figures = re.findall(r"<figure.*?</figure>", html, flags=re.DOTALL)
    rates = [figure for figure in figures if "on and off prophylaxis" in figure]
    assert len(rates) == 1
    assert "confounding" in rates[0]


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ({}, []),
        ({"courses": 12}, ["Infusion courses", "12"]),
        ({"rate_per_100_days": 0.5, "rate_lower": None}, ["0.50"]),
        ({"cumulative_incidence_day_365": 0.25}, ["Cumulative incidence by day 365", "25.0%"]),
        ({"episodes": None}, ["Episodes", "not available"]),
        ({"something_new": 1234}, ["Something new", "1\u202f234"]),
    ],
)
def test_headline_cards_tolerate_what_is_missing(
    headline: dict[str, Any], expected: list[str]
) -> None:
    """A number that is missing is left out or called not available, never 0."""
    text = Page(render_html(replace(only_table("flow"), headline=headline))).text
    assert all(words in text for words in expected)
    assert ("In brief" in text) == bool(headline)


def test_many_groups_get_a_plot_each() -> None:
    """More groups than line styles are not drawn into one plot."""
    table = next(t.table for t in make_dossier().tables if t.name == "cumulative_incidence")
    whole = [row for row in table.to_pylist() if row["level"] == "all"]
    levels = tuple(f"centre-{number}" for number in range(9))
    rows = whole + [{**row, "by": "centre", "level": level} for level in levels for row in whole]
    dossier = replace(
        only_table("cumulative_incidence", table=pa.Table.from_pylist(rows)),
        by="centre",
        levels=levels,
        level_labels={},
    )
    page = Page(render_html(dossier))
    assert len([a for a in page.named("svg") if a.get("role") == "img"]) == len(levels)


def test_a_dossier_that_is_not_split_draws_all_courses() -> None:
    """Without groups the curves are those of everybody."""
    table = next(t.table for t in make_dossier().tables if t.name == "persistence")
    rows = [row for row in table.to_pylist() if row["level"] == "all"]
    dossier = replace(
        only_table("persistence", table=pa.Table.from_pylist(rows)), by="all", levels=()
    )
    page = Page(render_html(dossier))
    assert len([a for a in page.named("svg") if a.get("role") == "img"]) == 2
    assert "All courses" in page.text


def test_a_long_table_without_a_figure_is_folded() -> None:
    """More rows than a screen takes are behind a summary that says how many there are."""
    rows = [{"step": f"step {number}", "courses": number} for number in range(40)]
    page = Page(render_html(only_table("flow", table=pa.Table.from_pylist(rows))))
    assert next(a["class"] for a in page.named("details")) == "long"
    assert "Table of 40 rows" in page.text


def test_a_table_beyond_the_limit_says_that_it_is_cut() -> None:
    """A table that is too long to show in full names its CSV as the whole."""
    rows = [{"step": f"step {number}", "courses": number} for number in range(500)]
    page = Page(render_html(only_table("flow", table=pa.Table.from_pylist(rows))))
    assert "The first 300 of 500 rows" in page.text
    assert len(page.named("tr")) == 301


def test_dois_become_links_and_nothing_else_does() -> None:
    """A DOI inside a citation is linked without the punctuation after it; markup is escaped."""
    linked = link_dois("Hill <b>, doi 10.1182/blood(2017)-07; see 10.1000/182.")
    assert 'href="https://doi.org/10.1000/182"' in linked
    assert "&lt;b&gt;" in linked
    assert linked.endswith("</a>.")
    assert "<a" not in link_dois("https://example.org/10 and 10.5 percent")
