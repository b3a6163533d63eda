"""Checks between records: certain contradictions block an import, the rest is listed."""

import datetime as dt
from pathlib import Path

import pytest

from iago.exchange.csv import FINDING_CODES, Finding, validate_folder
from iago.exchange.csv.contradictions import MOST_ROWS_COMPARED, RULES

TODAY = dt.date(2025, 6, 1)
BASE = {
    "patients": "patient_id,birth_year\nP1,1960\n",
    "courses": "course_id,patient_id,product,infusion_date\n"
    "C1,P1,axi-cel,2024-03-10\nC2,P1,axi-cel,2024-03-10\n",
    "events": "event_id,course_id,kind,event_day\n"
    "V1,C1,end-of-follow-up,200\nV2,C2,end-of-follow-up,200\n",
}
EPISODE = "episode_id,course_id,onset_day,"
EXPOSURE = "exposure_id,course_id,exposure_class,drug,start_day,stop_day,ongoing\n"
EVENT = BASE["events"]
DEATH = "course_id,death_day\nC1,150\n"
NO_END = "event_id,course_id,kind,event_day\nV2,C2,end-of-follow-up,200\n"


def found(folder: Path, tables: dict[str, str]) -> list[Finding]:
    folder.mkdir(exist_ok=True)
    for name, text in {**BASE, **tables}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    result = validate_folder(folder, today=TODAY)
    return [entry for entry in result.findings if entry.severity != "note"]


# code, tables, and the row and column of the one finding
CAUGHT = [
    (
        "IAGO-E401",
        {"episodes": EPISODE + "resolution_day\nE1,C1,9,9\nE2,C1,40,39\n"},
        3,
        "resolution_day",
    ),
    (
        "IAGO-E401",
        {"episodes": "episode_id,course_id,onset_date,resolution_date\nE1,C1,2024-05,2024-04\n"},
        2,
        "resolution_date",
    ),
    ("IAGO-E402", {"exposures": EXPOSURE + "X1,C1,pjp,a,5,4,\n"}, 2, "stop_day"),
    (
        "IAGO-E403",
        {"episodes": EPISODE + "\nE1,C1,150,\nE2,C1,151,\n", "deaths": DEATH, "events": NO_END},
        3,
        "onset_day",
    ),
    (
        "IAGO-E404",
        {
            "contacts": "contact_id,course_id,contact_day\nK1,C1,150\nK2,C1,160\n",
            "deaths": DEATH,
            "events": NO_END,
        },
        3,
        "contact_day",
    ),
    ("IAGO-E405", {"deaths": DEATH}, 2, "event_day"),
    ("IAGO-E406", {"deaths": "course_id,death_day\nC1,-1\n", "events": NO_END}, 2, "death_day"),
    ("IAGO-W501", {"episodes": EPISODE + "\nE1,C1,-30,\nE2,C1,-31,\n"}, 3, "onset_day"),
    (
        "IAGO-W501",
        {
            "courses": BASE["courses"]
            .replace("infusion_date\n", "lymphodepletion_start_day\n")
            .replace("2024-03-10", "-5"),
            "episodes": EPISODE + "\nE1,C1,-5,\nE2,C1,-6,\n",
        },
        3,
        "onset_day",
    ),
    ("IAGO-W502", {"episodes": EPISODE + "\nE1,C1,200,\nE2,C1,201,\n"}, 3, "onset_day"),
    ("IAGO-W503", {"events": EVENT + "V3,C1,transplant,201\n"}, 4, "event_day"),
    (
        "IAGO-W504",
        {
            "labs": "course_id,analyte,sample_day,value,unit\nC1,anc,150,1,/uL\nC1,anc,151,1,/uL\n",
            "deaths": DEATH,
            "events": NO_END,
        },
        3,
        "sample_day",
    ),
    (
        "IAGO-W504",
        {"exposures": EXPOSURE + "X1,C1,pjp,a,5,160,\n", "deaths": DEATH, "events": NO_END},
        2,
        "stop_day",
    ),
    (
        "IAGO-W505",
        {
            "episodes": EPISODE + "resolution_day,organism_class,site\n"
            "E1,C1,5,20,viral,eye\nE2,C1,12,15,viral,eye\nE3,C2,12,15,viral,eye\n"
            "E4,C1,30,,viral,eye\n"
        },
        3,
        "onset_day",
    ),
    (
        "IAGO-W505",
        {
            "episodes": EPISODE + "resolution_day\nE1,C1,5,20\nE2,C1,12,15\nE3,C1,14,15\n",
            "organisms": "episode_id,organism\nE1,562\nE2,562\nE3,287\n",
        },
        3,
        "onset_day",
    ),
    (
        "IAGO-W506",
        {
            "episodes": EPISODE + "organism_class\nE1,C1,5,viral\nE2,C1,50,mixed\nE3,C1,90,\n",
            "organisms": "episode_id,organism\nE1,562\nE2,562\nE3,562\nE1,local:x\n",
        },
        2,
        "organism",
    ),
    ("IAGO-W507", {"events": EVENT + "V3,C1,lost-to-follow-up,150\n"}, 4, "event_day"),
    ("IAGO-W508", {"events": NO_END}, 2, "course_id"),
    (
        "IAGO-W509",
        {"episodes": EPISODE + "relation_to_earlier\nE1,C1,5,new\nE2,C1,50,recurrence\n"},
        3,
        "earlier_episode_id",
    ),
    (
        "IAGO-W510",
        {"episodes": EPISODE + "earlier_episode_id\nE1,C1,5,\nE2,C1,50,E1\nE3,C1,90,E3\n"},
        4,
        "earlier_episode_id",
    ),
    (
        "IAGO-W510",
        {"episodes": EPISODE + "earlier_episode_id\nE1,C1,5,E2\nE2,C1,50,\n"},
        2,
        "earlier_episode_id",
    ),
    (
        "IAGO-W510",
        {"episodes": EPISODE + "earlier_episode_id\nE1,C1,5,\nE2,C2,50,E1\n"},
        3,
        "earlier_episode_id",
    ),
    (
        "IAGO-W511",
        {
            "exposures": EXPOSURE + "X1,C1,pjp,a,5,20,\nX2,C1,pjp,b,5,20,\nX3,C2,pjp,a,5,20,\n"
            "X4,C1,pjp,a,20,30,\nX5,C1,pjp,a,31,40,\n"
        },
        5,
        "start_day",
    ),
    (
        "IAGO-W511",
        {"exposures": EXPOSURE + "X1,C1,pjp,,5,,yes\nX2,C1,pjp,,90,95,\n"},
        3,
        "start_day",
    ),
    (
        "IAGO-W512",
        {
            "contacts": "contact_id,course_id,contact_day,answer\nK1,C1,30,no-infection\n"
            "K2,C1,60,no-infection\nK3,C1,90,infection\n",
            "episodes": EPISODE + "\nE1,C1,20,\nE2,C1,45,\nE3,C1,80,\nE4,C2,45,\n",
        },
        3,
        "answer",
    ),
    ("IAGO-W513", {"episodes": EPISODE + "outcome\nE1,C1,5,fatal\n"}, 2, "outcome"),
    (
        "IAGO-W514",
        {"labs": "course_id,analyte,sample_day,value,unit\nC1,hb,1,12,g/dL\nC1,hb,1,120,g/dL\n"},
        3,
        "value",
    ),
    (
        "IAGO-W515",
        {
            "courses": "course_id,patient_id,product,infusion_date,age_years\n"
            "C1,P1,axi-cel,2024,64\nC2,P1,axi-cel,2024,66\n"
        },
        3,
        "age_years",
    ),
    ("IAGO-W516", {"exposures": EXPOSURE + "X1,C1,pjp,a,5,9,yes\n"}, 2, "ongoing"),
    (
        "IAGO-W517",
        {
            "episodes": EPISODE + "outcome\nE1,C2,5,\n",
            "deaths": "course_id,death_day,episode_id\nC1,150,E1\n",
            "events": NO_END,
        },
        2,
        "episode_id",
    ),
]


@pytest.mark.parametrize(("code", "tables", "row", "column"), CAUGHT)
def test_each_rule_catches_its_row_and_no_other(
    tmp_path: Path, code: str, tables: dict[str, str], row: int, column: str
) -> None:
    """A contradiction gives one finding at its row and column, and its neighbours give none."""
    entries = found(tmp_path / "input", tables)
    assert [(entry.code, entry.row, entry.column) for entry in entries] == [(code, row, column)]


def test_every_rule_is_tested() -> None:
    """No rule between records goes without an example here."""
    assert {rule.code for rule in RULES} == {code for code, *_ in CAUGHT}


@pytest.mark.parametrize(
    "tables",
    [
        {"episodes": "episode_id,course_id,onset_date,resolution_date\nE1,C1,2024-05-20,2024-05\n"},
        {
            "deaths": "course_id,death_date\nC1,2024-05\n",
            "events": NO_END,
            "episodes": "episode_id,course_id,onset_date\nE1,C1,2024-05-31\nE2,C1,2024\n",
            "contacts": "contact_id,course_id,contact_date\nK1,C1,2024-05\n",
        },
        {"exposures": EXPOSURE.replace("_day", "_date") + "X1,C1,pjp,a,2024-04-30,2024-04,\n"},
    ],
)
def test_a_partial_date_contradicts_only_where_it_must(
    tmp_path: Path, tables: dict[str, str]
) -> None:
    """Times that agree in one reading of a partial date raise nothing."""
    assert found(tmp_path / "input", tables) == []


def test_the_other_row_is_named(tmp_path: Path) -> None:
    """A finding about two rows names the line of the other one."""
    episodes = EPISODE + "organism_class,site\n\nE1,C1,5,viral,eye\nE2,C1,5,viral,eye\n"
    (entry,) = found(tmp_path / "input", {"episodes": episodes})
    assert (entry.row, entry.found) == (4, "an episode like the one in row 3, at the same time")


def test_related_episodes_are_not_called_duplicates(tmp_path: Path) -> None:
    """Two overlapping episodes that name each other are not listed as given twice."""
    episodes = EPISODE + "organism_class,site,earlier_episode_id,relation_to_earlier\n"
    episodes += "E1,C1,5,viral,eye,,\nE2,C1,5,viral,eye,E1,same\n"
    assert found(tmp_path / "input", {"episodes": episodes}) == []


def test_a_course_with_absurdly_many_episodes_is_not_compared_in_pairs(tmp_path: Path) -> None:
    """An identifier that all rows share does not make the check of pairs run for hours."""
    rows = "".join(f"E{n},C1,5,viral,eye\n" for n in range(MOST_ROWS_COMPARED + 1))
    episodes = f"{EPISODE}organism_class,site\n{rows}"
    assert found(tmp_path / "input", {"episodes": episodes}) == []


def test_warnings_wait_until_all_cells_can_be_read(tmp_path: Path) -> None:
    """Contradictions in time are told beside unreadable cells; what those may explain is not."""
    episodes = EPISODE + "resolution_day,outcome\nE1,C1,9,5,fatal\nE2,C1,9,x,fatal\n"
    codes = [entry.code for entry in found(tmp_path / "input", {"episodes": episodes})]
    assert codes == ["IAGO-E401", "IAGO-E204"]


def test_rules_say_kinds_and_never_values() -> None:
    """The words of every rule are fixed texts, and errors are those whose code begins with E."""
    for rule in RULES:
        assert rule.found.replace("{row}", "")
        assert "{" not in rule.found.replace("{row}", "")
        assert (FINDING_CODES[rule.code].severity == "error") == rule.code.startswith("IAGO-E")
