"""The page of a dossier in a real browser: accessible, offline, on a phone, on paper."""

import io
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]  # has no stubs
    Axe,
)
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pypdf import PdfReader
from tests.unit.dossier_fixture import make_dossier

from iago.dossier.render import render_html

PHONE, SMALL_PHONE, DESKTOP = 375, 360, 1280
A4_POINTS = (595, 842)
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dossier") / "dossier.html"
    path.write_text(render_html(make_dossier()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bare_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bare") / "dossier.html"
    dossier = make_dossier()
    tables = tuple(replace(entry, table=entry.table.slice(0, 0)) for entry in dossier.tables)
    path.write_text(render_html(replace(dossier, tables=tables)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(
    browser: Browser, file: Path, width: int = DESKTOP, scheme: Scheme = "light"
) -> tuple[BrowserContext, Page]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
    )
    page = context.new_page()
    page.goto(file.as_uri())
    return context, page


def violations(page: Page) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = Axe().run(page).response["violations"]
    return [f"{entry['id']}: {entry['nodes'][0]['html'][:120]}" for entry in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_axe_finds_nothing(browser: Browser, page_file: Path, width: int, scheme: Scheme) -> None:
    """No violation of accessibility, contrast included, with every table unfolded."""
    context, page = opened(browser, page_file, width, scheme)
    assert violations(page) == []
    context.close()


def test_axe_finds_nothing_where_nothing_was_counted(browser: Browser, bare_file: Path) -> None:
    """A dossier of empty tables is as accessible as a full one."""
    context, page = opened(browser, bare_file)
    assert violations(page) == []
    context.close()


@pytest.mark.parametrize("width", [SMALL_PHONE, PHONE, 640, 800, DESKTOP])
def test_the_page_never_scrolls_sideways(browser: Browser, page_file: Path, width: int) -> None:
    """Wide tables scroll inside their own frame; the page itself fits its window."""
    context, page = opened(browser, page_file, width)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    needed = page.evaluate("document.documentElement.scrollWidth")
    assert needed <= width
    context.close()


@pytest.mark.parametrize(("width", "use"), [(PHONE, "narrow"), (DESKTOP, "wide")])
def test_each_screen_has_its_drawing(
    browser: Browser, page_file: Path, width: int, use: str
) -> None:
    """A phone sees the narrow drawing of a figure, a desk the wide one, nobody both."""
    context, page = opened(browser, page_file, width)
    shown = page.locator(".drawing:visible")
    assert shown.count() > 5
    assert shown.count() == page.locator(f".drawing.{use}").count()
    context.close()


# Texts of the visible drawings that leave their drawing, and pairs that lie on each other.
UNREADABLE_TEXTS = """() => [...document.querySelectorAll('figure svg[role=img]')]
  .filter(svg => svg.getClientRects().length)
  .flatMap(svg => {
    const name = svg.getAttribute('aria-labelledby').split(' ')[0];
    const frame = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim())
      .map(text => ({words: text.textContent, box: text.getBoundingClientRect()}));
    const cut = boxes.filter(({box}) => box.left < frame.left - 2 || box.right > frame.right + 2
      || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
      .map(({words}) => `${name}: ${words}`);
    const covered = boxes.flatMap((one, i) => boxes.slice(i + 1).filter(({box}) =>
      Math.min(one.box.right, box.right) - Math.max(one.box.left, box.left) > 1
      && Math.min(one.box.bottom, box.bottom) - Math.max(one.box.top, box.top) > 4)
      .map(({words}) => `${name}: ${one.words} | ${words}`));
    return [...cut, ...covered];
  })"""


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_text_of_a_drawing_can_be_read(browser: Browser, page_file: Path, width: int) -> None:
    """Words and numbers of a figure lie inside their drawing and not on each other."""
    context, page = opened(browser, page_file, width)
    assert page.evaluate(UNREADABLE_TEXTS) == []
    context.close()


def test_the_page_asks_the_network_for_nothing(browser: Browser, page_file: Path) -> None:
    """Opening, unfolding and printing it makes no request but the one for the file."""
    context = browser.new_context(viewport={"width": DESKTOP, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(page_file.as_uri(), wait_until="networkidle")
    page.pdf()
    assert asked == [page_file.as_uri()]
    assert complaints == []
    context.close()


def test_a_download_is_the_whole_table(browser: Browser, page_file: Path) -> None:
    """The link under a table saves its CSV without any other file being there."""
    context, page = opened(browser, page_file)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="competing_events.csv").click()
    lines = waiting.value.path().read_text(encoding="utf-8").splitlines()
    assert waiting.value.suggested_filename == "competing_events.csv"
    assert lines[0].startswith("cause,by,level,day,")
    assert len(lines) == 1 + 6 * 5 * 366
    context.close()


def test_the_keyboard_reaches_the_content_first(browser: Browser, page_file: Path) -> None:
    """The first stop of the keyboard skips to the content, and is seen when it has the focus."""
    context, page = opened(browser, page_file)
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text() == "Skip to the content"
    box = link.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    context.close()


def test_it_prints_on_a_few_pages_of_a4(browser: Browser, page_file: Path) -> None:
    """The print has all chapters on A4, figures and captions complete, no sheet without words."""
    context, page = opened(browser, page_file, scheme="dark")
    reader = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    context.close()
    pages = reader.pages
    assert 10 <= len(pages) <= 40
    size = pages[0].mediabox
    assert (round(size.width), round(size.height)) == A4_POINTS
    texts = [sheet.extract_text() for sheet in pages]
    assert all(len(text) > 60 for text in texts)
    # The font may join letters, such as f and i, into one sign.
    whole = unicodedata.normalize("NFKC", " ".join(texts))
    for chapter in ("Identification", "Attribution", "Grading", "Optimization", "Provenance"):
        assert chapter in whole


def test_no_figure_is_cut_in_print(browser: Browser, page_file: Path) -> None:
    """Each drawing is lower than a sheet, so that it never has to be split."""
    context, page = opened(browser, page_file, width=680)
    page.emulate_media(media="print")
    highest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('figure svg[role=img]')]"
        ".map(svg => svg.getBoundingClientRect().height))"
    )
    sheet_px = (297 - 16 - 18) / 25.4 * 96
    assert 0 < highest < sheet_px
    context.close()
