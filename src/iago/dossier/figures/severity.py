"""Severity by each grading system, and causality by each method, as shares of episodes."""

from collections.abc import Sequence

from iago.dossier.content import Dossier
from iago.dossier.figures import drawing
from iago.dossier.figures.levels import everybody, levels_in, of_level
from iago.dossier.figures.stacked_bars import BarRow, Kind, bar_words, draw_bars
from iago.dossier.number_format import is_number
from iago.dossier.released import Row, released_rows
from iago.dossier.wording import humanise, label_code, sentence_case

_BOUNDED = Kind("Between two grades", "url(#hatch)", "var(--ink)", written=False)
_UNGRADABLE = Kind("Ungradable", "var(--unknown)", "var(--on-unknown)")
_NOT_APPLICABLE = Kind("Not applicable", "url(#dots)", "var(--ink)", written=False)
_STEPS = 5
_CERTAINTY = ("certain", "definite", "probable", "likely", "possible", "unlikely", "unrelated")
_UNDECIDED = (
    "conditional",
    "unclassified",
    "unclassifiable",
    "unassessable",
    "indeterminate",
    "unknown",
    "conditional-unclassified",
    "unassessable-unclassifiable",
)


def draw_severity(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """One figure a grading system; provisional systems say so."""
    figures = []
    for number, system in enumerate(dict.fromkeys(str(row["system"]) for row in rows)):
        own = [row for row in rows if row["system"] == system]
        kinds = _grade_kinds(own)
        bars = _bars(own, dossier, [(kind, _matches(kind, own)) for kind in kinds])
        if not bars:
            continue
        title = _system_title(system, dossier)
        key = f"severity-{number}"
        caption = f"Severity of episodes by {title}"
        provisional = str(own[0].get("system_status")) == "provisional"
        figures.append(
            drawing.Figure(
                key,
                caption,
                draw_bars(bars, key, caption, "Episodes"),
                "Each bar is all episodes of a group. Hatched: the record allows more than one "
                "grade, because an input is missing. Grey: no grade can be given. Neither is "
                "shared out among the grades.",
                tuple(kind.legend() for kind in kinds),
                provisional=_doubt(system, dossier) if provisional else "",
            )
        )
    return tuple(figures)


def _grade_kinds(rows: Sequence[Row]) -> list[Kind]:
    exact = sorted(
        {(row["lowest"], str(row["label"])) for row in rows if row.get("status") == "exact"},
        key=lambda pair: (pair[0] is None, pair[0] or 0),
    )
    kinds = [
        Kind(sentence_case(humanise(label)), f"var(--s{shade})", f"var(--on-s{shade})")
        for (_, label), shade in zip(exact, _shades(len(exact)), strict=True)
    ]
    statuses = {row.get("status") for row in rows}
    ends = {"bounded": _BOUNDED, "ungradable": _UNGRADABLE, "not-applicable": _NOT_APPLICABLE}
    return kinds + [kind for status, kind in ends.items() if status in statuses]


def _shades(number: int) -> list[int]:
    """Shades from light to dark, spread over the scale."""
    if number <= 1:
        return [3] * number
    return [1 + round(index * (_STEPS - 1) / (number - 1)) for index in range(number)]


def _matches(kind: Kind, rows: Sequence[Row]) -> list[Row]:
    ends = {_BOUNDED: "bounded", _UNGRADABLE: "ungradable", _NOT_APPLICABLE: "not-applicable"}
    status = ends.get(kind)
    if status:
        return [row for row in rows if row.get("status") == status]
    return [
        row
        for row in rows
        if row.get("status") == "exact" and sentence_case(humanise(str(row["label"]))) == kind.label
    ]


def _bars(
    rows: Sequence[Row], dossier: Dossier, kinds: Sequence[tuple[Kind, list[Row]]]
) -> list[BarRow]:
    bars = []
    for level in (*levels_in(rows, dossier), everybody(dossier)):
        own = of_level(rows, level)
        if not own:
            continue
        shares = tuple((kind, _share(of_level(inside, level))) for kind, inside in kinds)
        bars.append(BarRow("", level.label, shares, *bar_words(own)))
    return bars


def _share(rows: Sequence[Row]) -> float | None:
    """Sum of shares; None where one of them is withheld."""
    shares = [row.get("share") for row in rows]
    if not all(is_number(share) for share in shares):
        return None
    return float(sum(share for share in shares if share is not None))


def _system_title(system: str, dossier: Dossier) -> str:
    for entry in dossier.tables:
        if entry.name == "grading_systems":
            for row in released_rows(entry.table):
                if row.get("system") == system and row.get("title"):
                    return str(row["title"])
    return humanise(system)


def _doubt(system: str, dossier: Dossier) -> str:
    for entry in dossier.tables:
        if entry.name == "grading_systems":
            for row in released_rows(entry.table):
                if row.get("system") == system and row.get("doubt"):
                    return str(row["doubt"])
    return "Parts of this system were not verified against its source."


def draw_causality(rows: Sequence[Row], dossier: Dossier) -> tuple[drawing.Figure, ...]:
    """One figure a method of causality assessment."""
    figures = []
    for number, method in enumerate(dict.fromkeys(str(row["method"]) for row in rows)):
        own = [row for row in rows if row["method"] == method]
        kinds = _category_kinds(own)
        pairs = [
            (kind, [row for row in own if row["category"] == category])
            for category, kind in kinds.items()
        ]
        bars = _bars(own, dossier, pairs)
        if not bars:
            continue
        key = f"causality-{number}"
        caption = f"Causality of episodes by {label_code(method)}"
        figures.append(
            drawing.Figure(
                key,
                caption,
                draw_bars(bars, key, caption, "Episodes"),
                "Each bar is all assessed episodes of a group. The category says how likely the "
                "therapy contributed to one episode; it is no estimate of how many episodes "
                "the therapy caused.",
                tuple(kind.legend() for kind in kinds.values()),
            )
        )
    return tuple(figures)


def _category_kinds(rows: Sequence[Row]) -> dict[str, Kind]:
    """From certain (dark) to unlikely (light); what is undecided is grey or hatched."""
    found = list(dict.fromkeys(str(row["category"]) for row in rows))
    undecided = [category for category in found if category in _UNDECIDED]
    decided = [category for category in found if category not in undecided]
    decided.sort(key=_rank)
    shades = list(reversed(_shades(len(decided))))
    kinds = {
        category: Kind(_name(category), f"var(--s{shade})", f"var(--on-s{shade})")
        for category, shade in zip(decided, shades, strict=True)
    }
    for index, category in enumerate(undecided):
        fill = "var(--unknown)" if index == 0 else "url(#hatch)"
        text = "var(--on-unknown)" if index == 0 else "var(--ink)"
        kinds[category] = Kind(_name(category), fill, text, written=index == 0)
    return kinds


def _rank(category: str) -> int:
    words = category.replace("/", "-").split("-")
    return _CERTAINTY.index(words[0]) if words[0] in _CERTAINTY else len(_CERTAINTY)


def _name(category: str) -> str:
    return sentence_case(label_code(category).replace("-", " "))
