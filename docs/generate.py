"""Write the reference pages from the standard: ``make docs``.

The pages are derived from the data files that the program reads, so they cannot drift; a test
compares them with what this script would write.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from iago.exchange.csv.finding_codes import FINDING_CODES
from iago.standard import load_codelist, load_records
from iago.standard.codelists import codelist_names
from iago.standard.definitions import load_case_definitions, load_window_sets
from iago.standard.guidance import load_guidance_sets
from iago.standard.models import json_schema
from iago.standard.rule_model import Rule, SpecCase
from iago.standard.rules import (
    causality_scale_names,
    grading_names,
    load_causality_scale,
    load_grading,
)
from iago.standard.values import expected_text

FOLDER = Path(__file__).resolve().parent / "reference"
_MADE = "<!-- Made by docs/generate.py; change the data files instead. -->\n\n"


def records_page() -> str:
    """Every table and element of the standard."""
    parts = ["# Records\n\nOne CSV file a table; a cell may also hold a null flavour.\n"]
    for record in load_records():
        parts.append(f"## {record.table}\n\n{record.label_en} ({record.label_de}).\n")
        rows = [
            (
                f"`{column}`",
                e.label_en,
                e.label_de,
                expected_text(e, column),
                _notes(e.asks, e.source),
            )
            for e in record.elements
            for column in e.columns
        ]
        parts.append(_table(("column", "English", "German", "what may be written", "notes"), rows))
    return "\n".join(parts)


def _notes(asks: str, source: str) -> str:
    return "; ".join(part for part in (f"asks: {asks}" if asks else "", source) if part)


def codelists_page() -> str:
    """Every code list but the organisms, which are a file of their own."""
    parts = ["# Code lists\n"]
    for name in codelist_names():
        codes = load_codelist(name)
        closed = "" if codes.extensible else " Closed: no codes of one's own."
        doubt = f" Doubt: {codes.doubt}" if codes.doubt else ""
        parts.append(
            f"## {name}\n\n{codes.title_en} ({codes.title_de}), version {codes.version}, "
            f"{codes.status}.{closed} Source: {codes.source}.{doubt}\n"
        )
        if name == "organisms":
            parts.append(f"{len(codes.codes)} organisms: see `standard/codelists/organisms.csv`.\n")
            continue
        rows = [
            (f"`{c.code}`", c.label_en, c.label_de, c.definition_en) for c in codes.codes.values()
        ]
        parts.append(_table(("code", "English", "German", "definition"), rows))
    return "\n".join(parts)


def definitions_page() -> str:
    """Case definitions and window sets."""
    parts = ["# Case definitions and window sets\n\n## Case definitions\n"]
    for entry in load_case_definitions().values():
        doubt = f" Doubt: {entry.doubt}" if entry.doubt else ""
        parts.append(
            f"### {entry.name}\n\n{entry.label_en.capitalize()}. Status: {entry.status}.{doubt}\n\n"
            f"    {entry.predicate}\n\nSource: {entry.source}.\n"
        )
    rows = [
        (f"`{w.name}`", ", ".join(window.label for window in w.windows), w.source)
        for w in load_window_sets().values()
    ]
    parts.append("## Window sets\n")
    parts.append(_table(("name", "windows (days, both ends included)", "source"), rows))
    return "\n".join(parts)


def gradings_page() -> str:
    """Grading systems with their clauses and spec cases."""
    rules = [load_grading(name) for name in grading_names()]
    return "# Grading systems\n\n" + "\n".join(_rule(rule) for rule in rules)


def causality_page() -> str:
    """Causality scales with their categories and spec cases."""
    rules = [load_causality_scale(name) for name in causality_scale_names()]
    return "# Causality scales\n\n" + "\n".join(_rule(rule) for rule in rules)


def _rule(rule: Rule) -> str:
    doubt = f"\n\nDoubt: {rule.doubt}" if rule.doubt else ""
    parts = [
        f"## {rule.title_en}\n\n`{rule.id}`, edition {rule.edition}, {rule.status}. "
        f"Source: {rule.source}{doubt}\n"
    ]
    if rule.clauses:
        rows = [
            (str(c.grade), c.label_en, c.wording, f"`{c.predicate.text}`", c.status)
            for c in sorted(rule.clauses, key=lambda clause: clause.grade)
        ]
        parts.append(_table(("grade", "label", "criterion", "rule", "status"), rows))
    if rule.categories:
        rows = [
            (c.label_en, c.wording, f"`{c.predicate.text}`" if c.predicate else "")
            for c in rule.categories
        ]
        parts.append(_table(("category", "criterion", "rule"), rows))
    parts.append("### Cases\n\nEach runs on both engines.\n")
    parts.append(_table(("findings", "result", "note"), map(_case, rule.cases)))
    return "\n".join(parts)


def _case(case: SpecCase) -> tuple[str, str, str]:
    given = ", ".join(f"{name} = {value}" for name, value in case.given.items()) or "nothing known"
    ends = [str(end) for end in (case.lowest, case.highest) if end is not None]
    result = case.category or " to ".join(dict.fromkeys(ends)) or case.status
    return given, result, case.note


def guidance_page() -> str:
    """Guidance sets with their rules."""
    parts = ["# Guidance sets\n"]
    for entry in load_guidance_sets():
        doubt = f" Doubt: {entry.doubt}" if entry.doubt else ""
        parts.append(
            f"## {entry.title_en}\n\n`{entry.id}`, edition {entry.edition}, {entry.status}. For: "
            f"{entry.population}. Source: {entry.source}.{doubt}\n"
        )
        rows = [(r.exposure_class, r.strength, r.wording, r.status, r.doubt) for r in entry.rules]
        parts.append(_table(("class", "strength", "what it says", "status", "doubt"), rows))
    return "\n".join(parts)


def findings_page() -> str:
    """Codes of import findings."""
    rows = [
        (f"`{code}`", f.severity, f.title, f.explanation, f.action)
        for code, f in FINDING_CODES.items()
    ]
    head = "# Findings of an import\n\nErrors block the import; warnings and notes are listed.\n\n"
    return head + _table(("code", "severity", "title", "meaning", "what to do"), rows)


def schema_page() -> str:
    """JSON Schema of the records."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "records.md": records_page,
    "code-lists.md": codelists_page,
    "definitions.md": definitions_page,
    "gradings.md": gradings_page,
    "causality.md": causality_page,
    "guidance.md": guidance_page,
    "findings.md": findings_page,
    "records.schema.json": schema_page,
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def page(name: str) -> str:
    """Text of one page as it must stand in the folder."""
    return (_MADE if name.endswith(".md") else "") + PAGES[name]()


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
