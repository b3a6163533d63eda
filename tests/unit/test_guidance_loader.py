"""Reading of guidance files: what the vocabulary allows, and what is refused with its place."""

import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from iago.errors import DefinitionError
from iago.standard.guidance import (
    STRENGTHS,
    TOPICS,
    load_guidance_set,
    load_guidance_sets,
    read_guidance_set,
)
from iago.standard.guidance_vocabulary import Comparison, End, LabEnd

CD4_ABOVE_200 = LabEnd("cd4", Comparison(">", 200))


@pytest.fixture
def content() -> dict[str, Any]:
    """A valid guidance file, free to be spoiled."""
    path = files("iago.standard").joinpath("guidance", "ash-review.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rule(content: dict[str, Any], exposure_class: str) -> dict[str, Any]:
    """First rule on a class."""
    return next(r for r in content["rule"] if r["exposure_class"] == exposure_class)


def test_five_sets_are_loaded_by_id() -> None:
    """The published sets that were read are there, in the order of their ids."""
    names = ["ash-review", "ash-sap", "bcma-review", "eha-ebmt-2023", "stanford"]
    assert [guidance.id for guidance in load_guidance_sets()] == names
    assert load_guidance_set("stanford").edition == "2021"


def test_unknown_set_is_refused() -> None:
    """A set that was left out is refused with the names of those that are there."""
    with pytest.raises(DefinitionError, match=r"No guidance set named 'nccn'\. Known: ash-review"):
        load_guidance_set("nccn")


def test_every_set_speaks_of_every_topic() -> None:
    """Silence on a topic is written down, with one of the known strengths."""
    for guidance in load_guidance_sets():
        for topic in TOPICS:
            assert {r.strength for r in guidance.rules_for(topic)} <= set(STRENGTHS)
            assert guidance.rules_for(topic)


def test_doubt_comes_with_every_provisional_rule() -> None:
    """A provisional rule says what is doubtful."""
    rules = [r for guidance in load_guidance_sets() for r in guidance.rules]
    assert all(r.doubt for r in rules if r.status == "provisional")
    assert any(r.status == "provisional" for r in rules)


@pytest.mark.parametrize(
    ("name", "topic", "sure", "possible"),
    [
        ("eha-ebmt-2023", "antiviral-hsv-vzv", 365, 365),
        ("ash-review", "antiviral-hsv-vzv", 183, None),
        ("ash-review", "pjp", 183, 395),
        ("ash-sap", "pjp", 365, 548),
        ("stanford", "pjp", 548, 548),
        ("bcma-review", "antiviral-hsv-vzv", 91, 91),
    ],
)
def test_months_become_days(name: str, topic: str, sure: int, possible: int | None) -> None:
    """Months are 365.25 / 12 days, rounded; from a start they count from its day."""
    (found,) = load_guidance_set(name).rules_for(topic)
    assert (found.sure_until.last_day, found.possible_until.last_day) == (sure, possible)


@pytest.mark.parametrize(
    ("joined", "day", "reached", "within", "past"),
    [
        ("earlier", 100, None, True, False),
        ("earlier", 100, True, False, True),
        ("earlier", 400, None, False, True),
        ("later", 400, None, False, False),
        ("later", 400, False, True, False),
        ("later", 400, True, False, True),
        ("later", 100, True, True, False),
    ],
)
def test_end_by_day_and_value(
    joined: str, day: int, reached: bool | None, within: bool, past: bool
) -> None:
    """An unmeasured value never shortens the stated time and never surely lengthens it."""
    end = End(last_day=365, lab=CD4_ABOVE_200, joined=joined)
    assert end.surely_within(day, reached=reached) is within
    assert end.surely_past(day, reached=reached) is past


def test_open_end_never_comes() -> None:
    """A rule without an end holds on every day."""
    assert End().surely_within(5000, reached=None)
    assert not End().surely_past(5000, reached=None)


def _drop_topic(content: dict[str, Any]) -> None:
    content["rule"] = [r for r in content["rule"] if r["exposure_class"] != "pjp"]


def _swap_ends(content: dict[str, Any]) -> None:
    found = rule(content, "pjp")
    found["sure_until"], found["possible_until"] = found["possible_until"], found["sure_until"]


SPOILT: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("lacks the key 'source'", lambda c: c.pop("source")),
    ("says nothing of pjp", _drop_topic),
    (
        "is both silent and spoken of",
        lambda c: (
            rule(c, "antifungal-mould").update({"strength": "no-statement"})
            or [rule(c, "antifungal-mould").pop(k) for k in ("when", "when_surely", "while")]
        ),
    ),
    ("has no conditions", lambda c: rule(c, "pjp").update(strength="no-statement")),
    ("'dose' is not known", lambda c: rule(c, "pjp").update(dose="480 mg")),
    ("'suggested' is not one of", lambda c: rule(c, "pjp").update(strength="suggested")),
    ("'g-csf' is not one of", lambda c: rule(c, "pjp").update(exposure_class="g-csf")),
    ("say in 'doubt'", lambda c: rule(c, "antifungal-mould").pop("doubt")),
    ("reads hbv", lambda c: rule(c, "antiviral-hbv").update(when="hbv = 'negative'")),
    (
        "'positive' is no code",
        lambda c: rule(c, "antiviral-hbv").update(when="hbv_status = 'positive'"),
    ),
    (
        "whether a value is null",
        lambda c: rule(c, "antiviral-hbv").update(when="hbv_status is not null"),
    ),
    ("write at =", lambda c: rule(c, "pjp").update(start={"at": "infusion", "day": 3})),
    ("belong together", lambda c: rule(c, "pjp").pop("sure_until")),
    ("write until, or", lambda c: rule(c, "pjp").update(until="open")),
    ("sure_until lies after", _swap_ends),
    ("is not an end", lambda c: rule(c, "antiviral-hbv").update(until="never")),
    ("joins one of months", lambda c: rule(c, "antiviral-hbv").update(until={})),
    (
        "months count from infusion",
        lambda c: rule(c, "antiviral-hsv-vzv").update(sure_until={"months": 6, "from": "start"}),
    ),
    (
        "'crp2' is not one of",
        lambda c: rule(c, "antibacterial").update({"while": {"analyte": "crp2", "is": "< 5"}}),
    ),
    (
        "'=' is not one of",
        lambda c: rule(c, "antibacterial").update({"while": {"analyte": "anc", "is": "= 500"}}),
    ),
    (
        "is not a comparison",
        lambda c: rule(c, "antibacterial").update({"while": {"analyte": "anc", "is": "< low"}}),
    ),
    (
        "write is, or surely",
        lambda c: rule(c, "antibacterial").update({"while": {"analyte": "anc", "surely": "< 500"}}),
    ),
    (
        "must possibly hold",
        lambda c: rule(c, "antibacterial").update(
            {"while": {"analyte": "anc", "surely": "<= 500", "possibly": "< 500"}}
        ),
    ),
    (
        "possibly_at_least <= at_least",
        lambda c: rule(c, "immunoglobulin")["episodes"].update(possibly_at_least=3),
    ),
    (
        "'lung' is not one of",
        lambda c: rule(c, "immunoglobulin")["episodes"].update(sites=["lung"]),
    ),
    (
        "'steroid' is not one of",
        lambda c: c["rule"][5].update(during={"exposure_class": "steroid", "more_than_days": 3}),
    ),
    ("'maybe' is not one of", lambda c: c["case"][0].update(status="maybe")),
    ("'CD7' is not one of", lambda c: c["population"].update(target="CD7")),
]


@pytest.mark.parametrize(("message", "spoil"), SPOILT, ids=[message for message, _ in SPOILT])
def test_spoilt_file_is_refused(
    content: dict[str, Any], message: str, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    """What does not follow the vocabulary is refused with the file, the entry and what to do."""
    spoil(content)
    with pytest.raises(DefinitionError, match=message) as caught:
        read_guidance_set(content, "spoilt.toml")
    assert str(caught.value).startswith("spoilt.toml")
