"""Whatever the seed, a synthetic cohort is free of the contradictions that an import looks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iago.standard.codelists import load_codelist
from iago.standard.null_flavours import NullFlavour
from iago.standard.records import load_records
from iago.synthetic import write_cohort
from iago.tables.engine import Connection, connect

ENDS = """
create temp table ends as
select course_id, death_day as end_day, 'death' as kind from deaths
union all
select course_id, event_day, kind from events
where kind in ('end-of-follow-up', 'lost-to-follow-up')
"""
INTERVALS = """
create temp table intervals as
select e.*, o.organism, x.end_day, coalesce(e.resolution_day_latest, x.end_day) as last_day
from episodes e join ends x using (course_id) left join organisms o using (episode_id)
"""
# Each query finds contradictions: none may give a row.
CONTRADICTIONS = {
    "a course without exactly one ending": """
        select course_id from courses left join ends using (course_id)
        group by all having count(end_day) <> 1""",
    "an ending without course": "select course_id from ends anti join courses using (course_id)",
    "a course of nobody": "select course_id from courses anti join patients using (patient_id)",
    "onset outside follow-up": """
        select episode_id from intervals join courses using (course_id)
        where onset_day_latest > end_day or onset_day_earliest < lymphodepletion_start_day
        or onset_day_earliest <= coalesce(observation_start_day, 0)""",
    "resolution before onset": """
        select episode_id from episodes where resolution_day_earliest < onset_day_latest""",
    "resolution after the end": "select 1 from intervals where resolution_day_latest > end_day",
    "two episodes of one organism at once": """
        select a.episode_id from intervals a join intervals b on a.course_id = b.course_id
        and a.organism = b.organism and a.episode_id < b.episode_id
        and a.onset_day_earliest <= b.last_day and b.onset_day_earliest <= a.last_day""",
    "two episodes of one class at one site at once": """
        select a.episode_id from intervals a join intervals b on a.course_id = b.course_id
        and a.organism_class = b.organism_class and a.site = b.site
        and a.episode_id < b.episode_id
        and a.onset_day_earliest <= b.last_day and b.onset_day_earliest <= a.last_day""",
    "an age that the year of birth does not allow": """
        select course_id from courses join patients using (patient_id)
        where infusion_year - birth_year - age_years not in (0, 1)""",
    "an organism of another class": """
        select episode_id from intervals join organism_classes k on k.code = organism
        where intervals.organism_class not in ('mixed', k.organism_class)""",
    "contact outside follow-up": """
        select 1 from contacts join ends using (course_id) join courses using (course_id)
        where contact_day > end_day or contact_day <= coalesce(observation_start_day, 0)""",
    "event after the end": """
        select 1 from events join ends using (course_id) where event_day > end_day
        or event_day < 1""",
    "sample outside follow-up": """
        select 1 from labs join ends using (course_id) join courses using (course_id)
        where sample_day > end_day or sample_day < lymphodepletion_start_day""",
    "exposure outside follow-up": """
        select 1 from exposures join ends using (course_id) join courses using (course_id)
        where start_day > end_day or stop_day > end_day or stop_day < start_day
        or start_day < lymphodepletion_start_day or (ongoing and stop_day is not null)
        or (not ongoing and stop_day is null)""",
    "second dose after the end": """
        select 1 from courses join ends using (course_id) where second_dose_day > end_day""",
    "a negative answer in spite of an infection": """
        with asked as (select *, lag(contact_day, 1, -99999) over (
            partition by course_id order by contact_day) as before from contacts)
        select contact_id from asked join episodes using (course_id)
        where onset_day > before and onset_day <= contact_day and answer <> 'infection'""",
    "a positive answer without infection": """
        with asked as (select *, lag(contact_day, 1, -99999) over (
            partition by course_id order by contact_day) as before from contacts)
        select contact_id from asked where answer = 'infection' and not exists (
            select 1 from episodes e where e.course_id = asked.course_id and (onset_day is null
            or (onset_day > before and onset_day <= contact_day)))""",
    "a fatal episode without infection death, or the reverse": """
        select coalesce(e.episode_id, d.episode_id)
        from (select * from episodes where outcome = 'fatal') e
        full join (select * from deaths where episode_id is not null) d
        on e.episode_id = d.episode_id and e.course_id = d.course_id
        where (e.episode_id is null and d.episode_id not in (
            select episode_id from episodes where outcome is null)) or d.episode_id is null""",
    "an infection death without its episode": """
        select 1 from deaths where primary_cause = 'infection' and episode_id is null
        or primary_cause <> 'infection' and episode_id is not null""",
    "death from another cause, but alive": """
        select 1 from episodes join ends using (course_id)
        where outcome = 'died-of-other-cause' and kind <> 'death'""",
    "treated without need, or the reverse": """
        select 1 from episodes where (therapy_route = 'none') = required_treatment
        or (therapy_route = 'none' and (therapy_days > 0 or hospitalised or icu))""",
    "an earlier episode that is not earlier": """
        select 1 from episodes e left join episodes f on e.earlier_episode_id = f.episode_id
        where e.earlier_episode_id is not null and (f.course_id is distinct from e.course_id
        or f.onset_day >= e.onset_day)
        or (e.earlier_episode_id is null) <> (f.episode_id is null)
        or (e.relation_to_earlier <> 'new' and e.earlier_episode_id is null)""",
    "an organism without documentation, or the reverse": """
        select 1 from episodes left join organisms using (episode_id)
        where (organism is not null) <> (documentation in ('mdi', 'asymptomatic-reactivation'))""",
    "a second course that the first does not announce": """
        select 1 from courses c left join events e on e.course_id = replace(c.course_id, '-2', '-1')
        and e.kind = 'second-car-t' where c.course_id like '%-2' and e.event_id is null""",
    "a second CAR T without a course": """
        select 1 from events e left join courses c on c.course_id = replace(e.course_id, '-1', '-2')
        where e.kind = 'second-car-t' and c.course_id is null""",
    "a duplicate key": """
        select episode_id from episodes group by all having count(*) > 1 union all
        select exposure_id from exposures group by all having count(*) > 1 union all
        select event_id from events group by all having count(*) > 1 union all
        select contact_id from contacts group by all having count(*) > 1 union all
        select course_id from courses group by all having count(*) > 1 union all
        select item from evidence group by episode_id, item, rater having count(*) > 1 union all
        select organism from organisms group by episode_id, organism having count(*) > 1""",
    "an immune defect that no value shows": """
        select 1 from evidence v join episodes e using (episode_id)
        where item = 'immune-defect-documented' and finding and not exists (
            select 1 from labs l where l.course_id = e.course_id and sample_day <= onset_day
            and ((analyte = 'anc' and value < 500) or (analyte = 'cd4' and value < 200)
            or (analyte = 'igg' and value < 400)))
        and not exists (select 1 from courses c where c.course_id = e.course_id
            and observation_start_day is not null)""",
}


@contextmanager
def _cohort(patients: int, seed: int) -> Iterator[Connection]:
    with TemporaryDirectory() as folder:
        snapshot = write_cohort(Path(folder) / "cohort", patients=patients, seed=seed)
        with connect(snapshot) as connection:
            _register_organism_classes(connection)
            connection.execute(ENDS)
            connection.execute(INTERVALS)
            yield connection


def _register_organism_classes(connection: Connection) -> None:
    classes = load_codelist("organisms").attribute("organism_class")
    rows = pa.table({"code": list(classes), "organism_class": list(classes.values())})
    connection.register("organism_classes", rows)


@settings(max_examples=8, deadline=None)
@given(patients=st.integers(1, 1500), seed=st.integers(0, 2**32))
def test_no_cohort_contradicts_itself(patients: int, seed: int) -> None:
    """No course, episode, contact, exposure, sample, event or death contradicts another."""
    with _cohort(patients, seed) as connection:
        for what, query in CONTRADICTIONS.items():
            assert connection.execute(query).fetchall() == [], what


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_code_is_in_its_list(seed: int) -> None:
    """Each coded value is a code of the standard, and each null flavour exists."""
    with _cohort(600, seed) as connection:
        for record in load_records():
            for element in record.elements:
                if element.type != "code":
                    continue
                query = f"select distinct {element.name} from {record.table}"
                found = {row[0] for row in connection.execute(query).fetchall()} - {None}
                assert found <= set(load_codelist(element.codelist).codes), element.name
        query = 'select distinct null_flavour, "table", element from absences'
        elements = {(r.table, e.name) for r in load_records() for e in r.elements}
        for flavour, table, element in connection.execute(query).fetchall():
            assert flavour in set(NullFlavour)
            assert (table, element) in elements


@pytest.mark.parametrize("seed", [0, 1])
def test_numbers_lie_within_the_limits_of_the_standard(seed: int) -> None:
    """Each number respects the minimum and maximum of its element."""
    with _cohort(2000, seed) as connection:
        for record in load_records():
            for element in record.elements:
                if element.minimum is None:
                    continue
                query = f"select min({element.name}), max({element.name}) from {record.table}"
                row = connection.execute(query).fetchone()
                assert row is not None
                if row[0] is not None:
                    assert row[0] >= element.minimum, element.name
                    assert element.maximum is None or row[1] <= element.maximum, element.name


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_realised_counts_are_those_of_the_tables(seed: int) -> None:
    """Episodes, courses and deaths of the truth file are the rows of the snapshot."""
    with TemporaryDirectory() as folder:
        snapshot = write_cohort(Path(folder) / "cohort", patients=400, seed=seed)
        text = (snapshot.folder / "truth.json").read_text(encoding="utf-8")
        realised = json.loads(text)["realised"]
        streams = realised["episodes_by_stream"].values()
        assert sum(sum(windows.values()) for windows in streams) == snapshot.rows["episodes"]
        assert realised["courses"] == snapshot.rows["courses"]
        assert sum(realised["causes_of_death"].values()) == snapshot.rows["deaths"]
        assert realised["courses_ended_by"]["death"] == snapshot.rows["deaths"]
