"""One case explained, from the record to the words."""

from collections.abc import Callable

import pytest

from iago.dossier.case_explanation import explain_case
from iago.errors import InvalidInputError
from iago.tables.snapshot import Snapshot


def one_case(make_snapshot: Callable[..., Snapshot]) -> Snapshot:
    return make_snapshot(
        patients=[{"patient_id": "P1"}],
        courses=[{"course_id": "C1", "patient_id": "P1", "product": "axi-cel"}],
        events=[{"event_id": "V1", "course_id": "C1", "kind": "end-of-follow-up", "event_day": 90}],
        episodes=[
            {
                "episode_id": "E1",
                "course_id": "C1",
                "toxicity": "infection",
                "onset_day": 10,
                "organism_class": "bacterial",
                "site": "bloodstream",
                "therapy_route": "intravenous",
                "icu": False,
                "vasopressors": False,
                "ventilation": False,
                "outcome": "resolved",
            }
        ],
    )


def test_each_grade_comes_with_its_clause_and_its_gap(
    make_snapshot: Callable[..., Snapshot],
) -> None:
    """Three systems answer; the one that needs the organism says that it is missing."""
    case = explain_case(one_case(make_snapshot), "E1")
    answers = {grade.subject: grade for grade in case.grades}
    assert len(answers) == 3
    five_level = next(grade for name, grade in answers.items() if name.startswith("Five-level"))
    assert five_level.answer == "severe"
    assert "ntravenous" in five_level.reason
    assert any("organism" in grade.missing for grade in case.grades)


def test_the_verdict_says_what_is_not_known(make_snapshot: Callable[..., Snapshot]) -> None:
    """Without evidence the WHO-UMC verdict is conditional and names the open questions."""
    causality = explain_case(one_case(make_snapshot), "E1").causality
    assert causality.answer.startswith("conditional")
    assert "Not known" in causality.reason


def test_guidance_of_the_day_of_onset_is_listed(make_snapshot: Callable[..., Snapshot]) -> None:
    """Each guidance set answers for antibacterial prophylaxis on the day of onset."""
    guidance = explain_case(one_case(make_snapshot), "E1").guidance
    asked = [answer for answer in guidance if answer.subject.startswith("antibacterial")]
    assert len(asked) == 5


def test_an_unknown_episode_is_refused(make_snapshot: Callable[..., Snapshot]) -> None:
    """The message says what was expected, and repeats no name."""
    with pytest.raises(InvalidInputError, match="no episode of that name"):
        explain_case(one_case(make_snapshot), "E99")
