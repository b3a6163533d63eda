"""Published guidance on prophylaxis as data: for whom, from when, until when, and how surely.

One file a guidance set in ``guidance/``. A set has ``id``, ``title``, ``source``, ``edition``,
``status``, ``doubt`` and ``population`` (words, and ``target`` where it speaks only of products
against one antigen). It speaks of each class in :data:`TOPICS` by one or more ``[[rule]]``:

``exposure_class``, ``strength`` (:data:`STRENGTHS`), ``wording`` (a paraphrase), ``status``,
``doubt``, and the machine part, all of which must hold on a day:

- ``when``: predicate over elements of the course; ``when_surely`` its narrowest reading, where the
  words leave open whom they mean.
- ``start``: ``{ at = "lymphodepletion" | "infusion" }`` or ``{ at = "day", day = n }``;
  ``before = "unknown"`` where the words do not say that earlier days are left out.
- ``until``, or ``sure_until`` and ``possible_until`` where the words have an earliest and a latest
  reading: ``{ months = n }`` (counted from infusion; ``from = "start"`` from a start that is a
  day), ``{ analyte = "cd4", is = "> 200" }``, ``{ earlier_of = [..] }`` or ``{ later_of = [..] }``
  of one of each, or ``"open"``. Without any of them a rule holds as long as its conditions hold.
- ``while``: ``{ analyte = "anc", is = "< 500" }``; ``surely`` and ``possibly`` instead of ``is``
  where the limit is open; ``more_than_days = n`` for a state that has lasted longer.
- ``during``: ``{ exposure_class = "corticosteroid", more_than_days = n }``, given for longer than
  n days and still given.
- ``episodes``: ``{ sites = [..], at_least = n }`` infections before the day;
  ``possibly_at_least`` where fewer may do.
- ``unresolved``: a condition in words that no element records or that the words do not quantify.

A day is *indicated* where a recommended rule surely holds, *not-indicated* where the set speaks of
the class and no rule can hold, *unknown* where the words or the data leave it open (so also where
prophylaxis only may be considered), *no-statement* where the set says nothing of the class or is
not about the patient. ``not-read`` marks a row that exists and was not seen: unknown.

``[[case]]`` entries beside the rules are situations with the expected status; tests run them.

Sets that are known only from memory (Hayden, Ann Oncol 2022; Los-Arcos, Infection 2021; NCCN 2024)
are left out until their tables have been read.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from iago.errors import DefinitionError
from iago.standard.codelists import load_codelist
from iago.standard.expressions import Expression
from iago.standard.guidance_vocabulary import (
    Comparison,
    End,
    EpisodeCount,
    ExposureState,
    GuidanceCase,
    GuidanceRule,
    GuidanceSet,
    LabEnd,
    LabState,
    Start,
)
from iago.standard.records import Element, load_record
from iago.standard.rule_checks import (
    check_known,
    read_keys,
    read_label,
    read_predicate,
    read_status,
)

TOPICS = (
    "antiviral-hsv-vzv",
    "pjp",
    "antibacterial",
    "antifungal-yeast",
    "antifungal-mould",
    "antiviral-hbv",
    "immunoglobulin",
)
STRENGTHS = ("recommended", "may-be-considered", "not-recommended", "no-statement", "not-read")
DAY_STATUSES = ("indicated", "not-indicated", "unknown", "no-statement")
# 365.25 days in 12 months, rounded to a whole day: 3 months are 91, 6 are 183, 12 are 365 and
# 18 are 548 days. The one place where months become days.
DAYS_PER_MONTH = 365.25 / 12

# Strengths that carry no machine part: there is nothing to evaluate.
_SILENT = ("no-statement", "not-read")
_OPEN = End()
_WORDS = ("exposure_class", "strength", "wording", "status")
_MACHINE = (
    "when",
    "when_surely",
    "start",
    "until",
    "sure_until",
    "possible_until",
    "while",
    "during",
    "episodes",
    "unresolved",
)
_INPUT_TYPES = {"yes_no": "boolean", "code": "text", "integer": "integer", "number": "number"}


@cache
def load_guidance_sets() -> tuple[GuidanceSet, ...]:
    """All guidance sets, by their id.

    Raises
    ------
    DefinitionError
        A file does not follow the vocabulary above, or leaves a topic out.
    """
    folder = files("iago.standard").joinpath("guidance")
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")),
        key=lambda entry: entry.name,
    )
    return tuple(
        read_guidance_set(tomllib.loads(entry.read_text(encoding="utf-8")), entry.name)
        for entry in entries
    )


def load_guidance_set(name: str) -> GuidanceSet:
    """Guidance set by its id.

    Raises
    ------
    DefinitionError
        No such set.
    """
    for guidance in load_guidance_sets():
        if guidance.id == name:
            return guidance
    known = ", ".join(guidance.id for guidance in load_guidance_sets())
    raise DefinitionError(f"No guidance set named {name!r}. Known: {known}.")


def read_guidance_set(content: Mapping[str, Any], where: str) -> GuidanceSet:
    """Check the content of a guidance file and turn it into types.

    Raises
    ------
    DefinitionError
        Names the entry that does not follow the vocabulary.
    """
    required = ("id", "title", "source", "edition", "status", "population", "rule", "case")
    read_keys(content, required, ("doubt",), where)
    title_en, title_de = read_label(content["title"], where)
    population = content["population"]
    read_keys(population, ("text",), ("target",), f"{where}, population")
    target = population.get("target", "")
    if target:
        targets = load_codelist("products").attribute("target").values()
        check_known(target, sorted(set(targets)), f"{where}, target")
    rules = tuple(
        _rule(entry, f"{where}, rule {number}") for number, entry in enumerate(content["rule"], 1)
    )
    _check_topics(rules, where)
    return GuidanceSet(
        id=content["id"],
        title_en=title_en,
        title_de=title_de,
        source=content["source"],
        edition=content["edition"],
        status=read_status(content["status"], where),
        doubt=content.get("doubt", ""),
        population=population["text"],
        target=target,
        rules=rules,
        cases=tuple(
            _case(entry, content["id"], f"{where}, case {number}")
            for number, entry in enumerate(content["case"], 1)
        ),
    )


def _check_topics(rules: Sequence[GuidanceRule], where: str) -> None:
    """Every topic is spoken of, if only to say that the set is silent, and silence stands alone."""
    for topic in TOPICS:
        strengths = [rule.strength for rule in rules if rule.exposure_class == topic]
        if not strengths:
            raise DefinitionError(
                f"{where} says nothing of {topic}. Where the source is silent, add a rule of "
                "strength 'no-statement'; where its row was not seen, 'not-read'."
            )
        if len(strengths) > 1 and set(strengths) & set(_SILENT):
            raise DefinitionError(f"{where}: {topic} is both silent and spoken of.")


def _rule(entry: Mapping[str, Any], where: str) -> GuidanceRule:
    read_keys(entry, _WORDS, ("doubt", *_MACHINE), where)
    check_known(entry["exposure_class"], TOPICS, f"{where}, exposure_class")
    check_known(entry["strength"], STRENGTHS, f"{where}, strength")
    if entry["strength"] in _SILENT and set(entry) & set(_MACHINE):
        raise DefinitionError(f"{where}: a rule of strength {entry['strength']} has no conditions.")
    status = read_status(entry["status"], where)
    if status == "provisional" and not entry.get("doubt"):
        raise DefinitionError(f"{where} is provisional; say in 'doubt' what is doubtful.")
    start = _start(entry.get("start"), where)
    sure_until, possible_until = _ends(entry, start, where)
    return GuidanceRule(
        exposure_class=entry["exposure_class"],
        strength=entry["strength"],
        wording=entry["wording"],
        status=status,
        doubt=entry.get("doubt", ""),
        when=_predicate(entry.get("when"), where),
        when_surely=_predicate(entry.get("when_surely"), where),
        start=start,
        sure_until=sure_until,
        possible_until=possible_until,
        lab=_lab_state(entry["while"], f"{where}, while") if "while" in entry else None,
        during=_exposure_state(entry["during"], where) if "during" in entry else None,
        episodes=_episode_count(entry["episodes"], where) if "episodes" in entry else None,
        unresolved=entry.get("unresolved", ""),
    )


class _Input:
    """An element of the course as the check of predicates sees it."""

    def __init__(self, element: Element) -> None:
        self.type = _INPUT_TYPES[element.type]
        self.codelist = element.codelist


@cache
def _course_inputs() -> dict[str, _Input]:
    elements = load_record("courses").elements
    return {element.name: _Input(element) for element in elements if element.type in _INPUT_TYPES}


def _predicate(text: str | None, where: str) -> Expression | None:
    return None if text is None else read_predicate(text, _course_inputs(), where)


def _start(entry: Mapping[str, Any] | None, where: str) -> Start:
    if entry is None:
        return Start()
    where = f"{where}, start"
    read_keys(entry, ("at",), ("day", "before"), where)
    check_known(entry["at"], ("lymphodepletion", "infusion", "day"), where)
    check_known(entry.get("before", "not-indicated"), ("not-indicated", "unknown"), where)
    if (entry["at"] == "day") != ("day" in entry):
        raise DefinitionError(f'{where}: write at = "day" together with day = n.')
    return Start(
        at=entry["at"],
        day=entry.get("day", 0),
        before_is_unknown=entry.get("before") == "unknown",
    )


def _ends(entry: Mapping[str, Any], start: Start, where: str) -> tuple[End, End]:
    """Earliest and latest reading of the end; refuse a latest that may come first."""
    where = f"{where}, until"
    if "until" in entry:
        if "sure_until" in entry or "possible_until" in entry:
            raise DefinitionError(f"{where}: write until, or sure_until and possible_until.")
        end = _end(entry["until"], start, where)
        return end, end
    if ("sure_until" in entry) != ("possible_until" in entry):
        raise DefinitionError(f"{where}: sure_until and possible_until belong together.")
    if "sure_until" not in entry:
        return _OPEN, _OPEN
    sure = _end(entry["sure_until"], start, where)
    possible = _end(entry["possible_until"], start, where)
    days = {end.last_day for end in (sure, possible) if end.last_day is not None}
    for day in (0, *days, *(day + 1 for day in days)):
        for reached in (True, False, None):
            if sure.surely_within(day, reached=reached) and possible.surely_past(
                day, reached=reached
            ):
                raise DefinitionError(f"{where}: sure_until lies after possible_until.")
    return sure, possible


def _end(entry: Any, start: Start, where: str) -> End:
    if entry == "open":
        return _OPEN
    if not isinstance(entry, Mapping):
        raise DefinitionError(f'{where}: {entry!r} is not an end; write a table or "open".')
    if "months" in entry:
        return End(last_day=_last_day(entry, start, where))
    if "analyte" in entry:
        return End(lab=_lab_end(entry, where))
    read_keys(entry, (), ("earlier_of", "later_of"), where)
    joined = next(iter(entry), "")
    parts: list[Mapping[str, Any]] = entry.get(joined, [])
    if len(entry) != 1 or len(parts) != 2 or "months" not in parts[0]:
        raise DefinitionError(
            f"{where}: earlier_of or later_of joins one of months and one of an analyte."
        )
    return End(
        last_day=_last_day(parts[0], start, where),
        lab=_lab_end(parts[1], where),
        joined=joined.removesuffix("_of"),
    )


def _last_day(entry: Mapping[str, Any], start: Start, where: str) -> int:
    read_keys(entry, ("months",), ("from",), where)
    check_known(entry.get("from", "infusion"), ("infusion", "start"), where)
    first_day = 0
    if entry.get("from") == "start":
        if start.at == "lymphodepletion":
            raise DefinitionError(f"{where}: months count from infusion or from a start by day.")
        first_day = int(start.day)
    return first_day + round(float(entry["months"]) * DAYS_PER_MONTH)


def _lab_end(entry: Mapping[str, Any], where: str) -> LabEnd:
    read_keys(entry, ("analyte", "is"), (), where)
    return LabEnd(_analyte(entry, where), _comparison(entry["is"], where))


def _analyte(entry: Mapping[str, Any], where: str) -> str:
    check_known(entry["analyte"], tuple(load_codelist("analytes").codes), f"{where}, analyte")
    return str(entry["analyte"])


def _comparison(text: str, where: str) -> Comparison:
    sign, _, limit = text.partition(" ")
    check_known(sign, ("<", "<=", ">", ">="), where)
    try:
        return Comparison(sign, float(limit))
    except ValueError as error:
        raise DefinitionError(
            f'{where}: {text!r} is not a comparison; write for instance "< 500".'
        ) from error


def _lab_state(entry: Mapping[str, Any], where: str) -> LabState:
    read_keys(entry, ("analyte",), ("is", "surely", "possibly", "more_than_days"), where)
    if ("is" in entry) == ("surely" in entry) or ("surely" in entry) != ("possibly" in entry):
        raise DefinitionError(f"{where}: write is, or surely together with possibly.")
    surely = _comparison(entry.get("surely", entry.get("is")), where)
    possibly = _comparison(entry.get("possibly", entry.get("is")), where)
    sure_values = [v for v in (surely.limit - 1, surely.limit, surely.limit + 1) if surely.holds(v)]
    if surely.sign[0] != possibly.sign[0] or not all(map(possibly.holds, sure_values)):
        raise DefinitionError(f"{where}: what surely holds must possibly hold.")
    return LabState(_analyte(entry, where), surely, possibly, entry.get("more_than_days", 0))


def _exposure_state(entry: Mapping[str, Any], where: str) -> ExposureState:
    where = f"{where}, during"
    read_keys(entry, ("exposure_class", "more_than_days"), (), where)
    check_known(entry["exposure_class"], tuple(load_codelist("exposure_classes").codes), where)
    return ExposureState(entry["exposure_class"], entry["more_than_days"])


def _episode_count(entry: Mapping[str, Any], where: str) -> EpisodeCount:
    where = f"{where}, episodes"
    read_keys(entry, ("sites", "at_least"), ("possibly_at_least",), where)
    for site in entry["sites"]:
        check_known(site, tuple(load_codelist("sites").codes), where)
    at_least = entry["at_least"]
    possibly = entry.get("possibly_at_least", at_least)
    if not 1 <= possibly <= at_least:
        raise DefinitionError(f"{where}: write 1 <= possibly_at_least <= at_least.")
    return EpisodeCount(tuple(entry["sites"]), at_least, possibly)


def _case(entry: Mapping[str, Any], guidance: str, where: str) -> GuidanceCase:
    required = ("title", "exposure_class", "day", "status")
    read_keys(entry, required, ("course", "labs", "exposures", "episodes"), where)
    check_known(entry["exposure_class"], TOPICS, where)
    check_known(entry["status"], DAY_STATUSES, where)
    return GuidanceCase(
        guidance=guidance,
        title=entry["title"],
        exposure_class=entry["exposure_class"],
        day=entry["day"],
        status=entry["status"],
        course=entry.get("course", {}),
        labs=tuple(entry.get("labs", ())),
        exposures=tuple(entry.get("exposures", ())),
        episodes=tuple(entry.get("episodes", ())),
    )
