"""WHO-UMC categories from the evidence table: raters, derived time, reasons in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from iago.attribution.who_umc import attribute_episodes, explain_causality
from iago.errors import InvalidInputError
from iago.tables.derived import EPISODE_CAUSALITY
from iago.tables.engine import connect
from iago.tables.snapshot import Snapshot

Build = Callable[..., Snapshot]
PROBABLE: dict[str, bool | None] = {
    "explained-by-disease": False,
    "explained-by-other-drug": False,
    "other-cause-likely": False,
    "immune-defect-documented": True,
}


def _attribute(
    build: Build,
    episodes: list[dict[str, Any]],
    evidence: Sequence[tuple[str, str, bool | None, str]],
    **course: Any,
) -> list[dict[str, Any]]:
    snapshot = build(
        courses=[{"course_id": "c1", "patient_id": "p1", "product": "ide-cel", **course}],
        episodes=[{"course_id": "c1", "toxicity": "infection", **row} for row in episodes],
        evidence=[
            {"episode_id": episode, "item": item, "finding": finding, "rater": rater}
            for episode, item, finding, rater in evidence
        ],
    )
    with connect(snapshot) as connection:
        attribute_episodes(connection)
        result = connection.sql("from episode_causality order by episode_id").to_arrow_table()
    return [dict(row) for row in result.to_pylist()]


def _rated(findings: Mapping[str, bool | None], rater: str = "r1") -> list[Any]:
    return [("e1", item, finding, rater) for item, finding in findings.items()]


def test_complete_evidence_gives_a_category_with_its_reason(make_snapshot: Build) -> None:
    """Time fits, nothing else explains it, the immune defect is documented: probable."""
    (row,) = _attribute(make_snapshot, [{"episode_id": "e1", "onset_day": 40}], _rated(PROBABLE))
    assert set(row) >= set(EPISODE_CAUSALITY.names)
    assert (row["method"], row["category"]) == ("who-umc", "probable")
    assert (row["lowest"], row["highest"]) == ("probable", "probable")
    assert row["reason"] == (
        "Probable: reasonable time, unlikely to be due to disease or other drugs; evidence of the "
        "mechanism stands in place of withdrawal, which a living drug does not allow. Found: the "
        "onset fits the therapy in time; the underlying disease does not explain it; no other drug "
        "explains it; no other cause is more likely; a fitting immune defect after the therapy is "
        "documented. Not known: whether the event is a recognised phenomenon of the therapy."
    )


def test_an_episode_without_evidence_is_conditional_with_its_range(make_snapshot: Build) -> None:
    """Nothing rated: the derived time alone leaves possible to probable."""
    (row,) = _attribute(make_snapshot, [{"episode_id": "e1", "onset_day": 40}], [])
    assert (row["category"], row["lowest"], row["highest"]) == (
        "conditional",
        "possible",
        "probable",
    )


@pytest.mark.parametrize(
    ("onset", "course", "expected"),
    [
        ({"onset_day": 0}, {}, "possible"),
        ({"onset_day": -3}, {"lymphodepletion_start_day": -5}, "possible"),
        ({"onset_day": -5}, {"lymphodepletion_start_day": -5}, "possible"),
        ({"onset_day": -6}, {"lymphodepletion_start_day": -5}, "unlikely"),
        ({"onset_day": -1}, {"lymphodepletion_regimen": "none"}, "unlikely"),
        ({"onset_day": -6}, {}, "conditional"),
        ({}, {"lymphodepletion_start_day": -5}, "conditional"),
        (
            {"onset_day": -6, "onset_day_earliest": -20, "onset_day_latest": 8},
            {"lymphodepletion_start_day": -5},
            "conditional",
        ),
    ],
)
def test_time_is_derived_from_the_days(
    make_snapshot: Build, onset: dict[str, int], course: dict[str, Any], expected: str
) -> None:
    """Before lymphodepletion is not plausible, from then on it is, and a doubt stays a doubt."""
    (row,) = _attribute(
        make_snapshot,
        [{"episode_id": "e1", **onset}],
        [("e1", "explained-by-disease", True, "r1")],
        **course,
    )
    assert row["category"] == expected


def test_a_rated_time_stands_before_the_derived_one(make_snapshot: Build) -> None:
    """A rater who finds the time implausible is believed over the days."""
    (row,) = _attribute(
        make_snapshot,
        [{"episode_id": "e1", "onset_day": 2000}],
        [("e1", "time-plausible", False, "r1")],
    )
    assert row["category"] == "unlikely"


def test_raters_who_disagree_leave_the_item_unknown_and_it_is_said(make_snapshot: Build) -> None:
    """Disagreement is no majority vote; an answer beside a rater who does not know stands."""
    evidence = _rated(PROBABLE)
    evidence += _rated({"explained-by-disease": True, "other-cause-likely": None}, "r2")
    (row,) = _attribute(make_snapshot, [{"episode_id": "e1", "onset_day": 40}], evidence)
    assert (row["category"], row["lowest"], row["highest"]) == (
        "conditional",
        "possible",
        "probable",
    )
    assert row["reason"].endswith("Raters disagree on: explained by disease.")
    assert "no other cause is more likely" in row["reason"]


def test_raters_who_disagree_on_time_are_not_overruled_by_the_days(make_snapshot: Build) -> None:
    """A contested time is unknown even where the day would decide it."""
    evidence = [("e1", "time-plausible", True, "r1"), ("e1", "time-plausible", False, "r2")]
    (row,) = _attribute(make_snapshot, [{"episode_id": "e1", "onset_day": 40}], evidence)
    assert (row["lowest"], row["highest"]) == ("unlikely", "probable")


def test_both_engines_say_the_same_of_a_dispute(make_snapshot: Build) -> None:
    """The one-case engine, told what is disputed, gives the row of the table."""
    evidence = _rated(PROBABLE) + _rated({"immune-defect-documented": False}, "r2")
    (row,) = _attribute(make_snapshot, [{"episode_id": "e1", "onset_day": 40}], evidence)
    inputs = {item.replace("-", "_"): finding for item, finding in PROBABLE.items()}
    explained = explain_causality(
        {**inputs, "time_plausible": True}, disputed=("immune_defect_documented",)
    )
    assert (row["category"], row["reason"]) == (explained.category, explained.reason)
    assert explained.category == "possible"
    assert explained.label_de == "Möglich"


def test_every_episode_has_one_row(make_snapshot: Build) -> None:
    """Episodes without a course or evidence are not lost."""
    rows = _attribute(
        make_snapshot,
        [{"episode_id": "e1", "onset_day": 1}, {"episode_id": "e2", "course_id": "c9"}],
        _rated(PROBABLE) + _rated({"time-plausible": True}, "r2"),
    )
    assert [row["episode_id"] for row in rows] == ["e1", "e2"]
    assert (rows[1]["lowest"], rows[1]["highest"]) == ("unlikely", "probable")


@pytest.mark.parametrize(
    ("inputs", "disputed", "message"),
    [
        ({"dechallenge": True}, (), "who-umc does not read 'dechallenge'"),
        ({"withdrawal_response": True}, (), "who-umc does not read 'withdrawal_response'"),
        ({}, ("rechallenge",), "who-umc does not read 'rechallenge'"),
        ({"time_plausible": "yes"}, (), "time_plausible must be true or false"),
    ],
)
def test_evidence_outside_the_scale_is_refused(
    inputs: dict[str, Any], disputed: tuple[str, ...], message: str
) -> None:
    """Withdrawal of a living drug cannot be entered, nor a name that the scale does not read."""
    with pytest.raises(InvalidInputError, match=message):
        explain_causality(inputs, disputed)
