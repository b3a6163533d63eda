"""Interval algebra against a plain reference that asks every rule on every single day."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iago.optimization.laboratory_histories import CARRY_FORWARD_DAYS
from iago.optimization.patient_days import tally_indication_days, tally_patient_days
from iago.optimization.prophylaxis import derive_episode_prophylaxis
from iago.standard import load_codelist
from iago.standard.guidance import TOPICS, load_guidance_sets
from iago.standard.guidance_vocabulary import End, GuidanceRule, GuidanceSet
from iago.standard.three_valued import evaluate
from iago.tables.engine import Connection
from iago.tables.schema import snapshot_schemas

Row = Mapping[str, Any]
# Nothing of a drawn course changes outside these days, so they stand for all of time.
FIRST, LAST = -120, 720
NO, OPEN, YES = 0, 1, 2
TARGETS = load_codelist("products").attribute("target")
DIRECTED = {
    "bacterial": ("antibacterial", "immunoglobulin"),
    "fungal": ("antifungal-yeast", "antifungal-mould"),
}


class Course:
    """One course, asked one question about one day at a time."""

    def __init__(self, drawn: Row, *, recorded: bool) -> None:
        self.facts: Row = drawn["course"]
        self.exposures: list[Row] = drawn["exposures"]
        self.labs: list[Row] = drawn["labs"]
        self.episodes: list[Row] = drawn["episodes"]
        self.at_least = NO if recorded else OPEN

    @cached_property
    def values(self) -> dict[str, dict[int, float]]:
        """Lowest value of each analyte and day, of values whose day is known."""
        lowest: dict[str, dict[int, float]] = {analyte: {} for analyte in CARRY_FORWARD_DAYS}
        for lab in self.labs:
            day = lab["sample_day"]
            if day is not None and lab["sample_day_earliest"] == lab["sample_day_latest"]:
                own = lowest[lab["analyte"]]
                own[day] = min(lab["value"], own.get(day, lab["value"]))
        return lowest

    def value_on(self, analyte: str, day: int, since: int = FIRST) -> float | None:
        """Value of the latest day with one, if it still stands."""
        for asked in range(day, max(day - CARRY_FORWARD_DAYS[analyte], since) - 1, -1):
            if asked in self.values[analyte]:
                return self.values[analyte][asked]
        return None

    def lab_holds(self, rule: GuidanceRule, day: int) -> int:
        """Whether a value is, and has been long enough, within the limits of a rule."""
        state, answers = rule.lab, []
        assert state is not None
        for asked in range(day - state.more_than_days, day + 1):
            value = self.value_on(state.analyte, asked)
            if asked < 0 and state.more_than_days:
                answers.append(NO)
            elif value is None:
                answers.append(OPEN)
            else:
                answers.append(int(state.surely.holds(value)) + int(state.possibly.holds(value)))
        return min(answers)

    def reached(self, end: End, day: int) -> bool | None:
        """Whether a value that ends a rule has been documented since infusion."""
        if end.lab is None:
            return None
        known = [value for d, value in self.values[end.lab.analyte].items() if 1 <= d <= day]
        if any(end.lab.comparison.holds(value) for value in known):
            return True
        return None if self.value_on(end.lab.analyte, day, since=1) is None else False

    def given_for(self, exposure_class: str, intents: tuple[str | None, ...], day: int) -> int:
        """Whether a class is given on a day."""
        covering = {exposure_class}
        if exposure_class == "antifungal-yeast":
            covering.add("antifungal-mould")
        return max(
            (
                covers(row, day)
                for row in self.exposures
                if row["exposure_class"] in covering and row["intent"] in intents
            ),
            default=NO,
        )

    def episodes_hold(self, rule: GuidanceRule, day: int) -> int:
        """Whether enough infections began before a day."""
        count = rule.episodes
        assert count is not None
        rows = [row for row in self.episodes if row["site"] in (*count.sites, None)]
        dated = [row for row in rows if row["onset_day"] is not None]
        sure = [row for row in dated if row["site"] and row["onset_day_latest"] < day]
        possible = len(rows) - len([row for row in dated if row["onset_day_earliest"] >= day])
        if len(sure) >= count.at_least:
            return YES
        return OPEN if possible >= count.possibly_at_least else NO

    def start_holds(self, rule: GuidanceRule, day: int) -> int:
        """Whether a rule has begun."""
        start = rule.start
        if start.at == "any" or day >= max(start.day, 0):
            return YES
        begun = NO
        if start.at == "lymphodepletion":
            earliest = self.facts["lymphodepletion_start_day_earliest"]
            latest = self.facts["lymphodepletion_start_day_latest"]
            begun = OPEN if earliest is None else int(day >= earliest) + int(day >= latest)
        return max(begun, OPEN) if start.before_is_unknown else begun

    def conditions(self, rule: GuidanceRule, day: int) -> Iterator[int]:
        """Answer to each condition of a rule."""
        yield self.start_holds(rule, day)
        for narrow, predicate in ((NO, rule.when), (OPEN, rule.when_surely)):
            if predicate is not None:
                yield max(narrow, three_valued(evaluate(predicate, self.facts)))
        if rule.possible_until.surely_past(day, reached=self.reached(rule.possible_until, day)):
            yield NO
        if not rule.sure_until.surely_within(day, reached=self.reached(rule.sure_until, day)):
            yield OPEN
        if rule.lab is not None:
            yield self.lab_holds(rule, day)
        if rule.during is not None:
            intents = ("prophylaxis", "treatment", None)
            for asked in range(day - rule.during.more_than_days, day + 1):
                answer = self.given_for(rule.during.exposure_class, intents, asked)
                yield max(answer, self.at_least)
        if rule.episodes is not None:
            yield self.episodes_hold(rule, day)
        if rule.unresolved:
            yield OPEN
        yield {"not-recommended": NO, "may-be-considered": OPEN}.get(rule.strength, YES)

    def status_on(self, guidance: GuidanceSet, topic: str, day: int) -> str:
        """What a set says of a class on a day."""
        target = TARGETS.get(self.facts["product"])
        rules = guidance.rules_for(topic)
        foreign = guidance.target and target not in (guidance.target, None)
        if not rules or foreign or rules[0].strength == "no-statement":
            return "no-statement"
        if rules[0].strength == "not-read" or (guidance.target and target is None):
            return "unknown"
        answer = max(min(self.conditions(rule, day), default=YES) for rule in rules)
        return ("not-indicated", "unknown", "indicated")[answer]

    def exposure_on(self, topic: str, day: int) -> str:
        """Whether prophylaxis of a class is on."""
        answer = self.given_for(topic, ("prophylaxis", None), day)
        return ("off", "unknown", "on")[max(answer, self.at_least)]


def three_valued(answer: bool | None) -> int:
    """Truth as a number."""
    return OPEN if answer is None else YES * answer


def covers(row: Row, day: int) -> int:
    """Whether an exposure interval covers a day."""
    start, starts = row["start_day_earliest"], row["start_day_latest"]
    stop, stops = row["stop_day_earliest"], row["stop_day_latest"]
    if stop is None and row["ongoing"]:
        stop = stops = LAST + 1
    possible = (start is None or start <= day) and (stops is None or day <= stops)
    if start is None:
        sure = stop is not None and stop == stops == day
    elif stop is None:
        sure = start == starts == day
    else:
        sure = starts <= day <= stop
    return YES if sure else OPEN if possible else NO


def courses_of(drawn: list[Row]) -> list[Course]:
    """Reference courses, with what is known of the recording at their centres."""
    recording = [
        any(row["exposure_class"] != "corticosteroid" for row in course["exposures"])
        for course in drawn
    ]
    centres = [course["course"]["centre_id"] for course in drawn]
    known = {centre for centre, yes in zip(centres, recording, strict=True) if yes and centre}
    return [
        Course(course, recorded=yes or centre in known)
        for course, centre, yes in zip(drawn, centres, recording, strict=True)
    ]


def one_of(values: set[str]) -> str:
    """The value on which all days agree."""
    return values.pop() if len(values) == 1 else "unknown"


def expected_episode(course: Course, topic: str, guidance: GuidanceSet, episode: Row) -> str:
    """Status of an episode, from every day on which it may have begun."""
    earliest, latest = episode["onset_day_earliest"], episode["onset_day_latest"]
    days = range(FIRST, LAST + 1) if earliest is None else range(earliest, latest + 1)
    exposure = one_of({course.exposure_on(topic, day) for day in days})
    if exposure != "off":
        return exposure
    status = one_of({course.status_on(guidance, topic, day) for day in days})
    return f"off-{status}" if status in ("indicated", "not-indicated") else "unknown"


def database(drawn: list[Row]) -> Connection:
    """The tables of a snapshot and the time at risk, in memory."""
    connection = duckdb.connect()
    rows: dict[str, list[dict[str, Any]]] = {"organisms": []}
    for number, course in enumerate(drawn):
        own = {"course_id": f"C{number}", "patient_id": "P", "exposure_id": "X"}
        rows.setdefault("courses", []).append({**own, **course["course"]})
        for table in ("exposures", "labs", "episodes"):
            found = rows.setdefault(table, [])
            found += [
                {**own, "episode_id": f"C{number}-{i}", **row}
                for i, row in enumerate(course[table])
            ]
    for name, content in rows.items():
        schema = snapshot_schemas()[name]
        whole = [{column: row.get(column) for column in schema.names} for row in content]
        connection.register(name, pa.Table.from_pylist(whole, schema=schema))
    connection.execute("create table follow_up (course_id varchar, entry_day int, end_day int)")
    for number, course in enumerate(drawn):
        if course["follow_up"] is not None:
            entry, length = course["follow_up"]
            row = [f"C{number}", entry, entry + length]
            connection.execute("insert into follow_up values (?, ?, ?)", row)
    return connection


@st.composite
def moment(draw: st.DrawFn, name: str, low: int, high: int) -> Row:
    """A moment: mostly known to the day, else within some days, or unknown."""
    names = (f"{name}_day", f"{name}_day_earliest", f"{name}_day_latest")
    before, after = draw(st.sampled_from([(0, 0), (0, 0), (0, 0), (0, 0), (3, 0), (10, 12)]))
    if draw(st.integers(0, 9)) == 0:
        return dict.fromkeys(names)
    day = draw(st.integers(low, high))
    return dict(zip(names, (day, day - before, day + after), strict=True))


def row_of(*moments: st.SearchStrategy[Row], **choices: list[Any]) -> st.SearchStrategy[Row]:
    """A row from some moments and from one choice a column."""
    columns = {name: st.sampled_from(values) for name, values in choices.items()}
    parts = st.tuples(st.fixed_dictionaries(columns), *moments)
    return parts.map(lambda rows: {name: value for row in rows for name, value in row.items()})


def measured(analyte: str, values: list[float]) -> st.SearchStrategy[Row]:
    """A laboratory value."""
    return row_of(moment("sample", -12, 560), analyte=[analyte], value=values)


def long_neutropenia(first_day: int, step: int) -> list[Row]:
    """Low counts at equal distances over some weeks."""
    names = ("sample_day", "sample_day_earliest", "sample_day_latest")
    days = range(first_day, first_day + 45, step)
    return [{"analyte": "anc", "value": 90.0, **dict.fromkeys(names, day)} for day in days]


LABS = st.one_of(
    measured("anc", [90.0, 499.0, 500.0, 700.0, 1000.0, 1500.0, 4000.0]),
    measured("cd4", [50.0, 199.0, 200.0, 201.0, 900.0]),
    measured("igg", [150.0, 399.0, 400.0, 401.0]),
)
DRAWN = st.fixed_dictionaries(
    {
        "course": row_of(
            moment("lymphodepletion_start", -10, -2),
            product=["axi-cel", "cilta-cel", "local:own"],
            centre_id=["A", "B", None],
            prior_transplant=["none", "autologous", "allogeneic", None],
            mould_infection_before=[True, False, None],
            hbv_status=["negative", "anti-hbc-positive", None],
            car_hematotox_score=[0, 1, 2, 5, None],
        ),
        "exposures": st.lists(
            row_of(
                moment("start", -15, 300),
                moment("stop", 0, 500),
                exposure_class=[*TOPICS, "antiviral-cmv", "corticosteroid", "corticosteroid"],
                intent=["prophylaxis", "prophylaxis", "treatment", None],
                ongoing=[True, False, None],
            ),
            max_size=6,
        ),
        "labs": st.tuples(
            st.lists(LABS, max_size=8),
            st.one_of(
                st.just([]), st.builds(long_neutropenia, st.integers(-9, 30), st.integers(3, 9))
            ),
        ).map(lambda parts: [*parts[0], *parts[1]]),
        "episodes": st.lists(
            row_of(
                moment("onset", -20, 560),
                toxicity=["infection"],
                site=["sinus", "lower-respiratory", "bloodstream", None],
                organism_class=["bacterial", "fungal", "viral", None],
            ),
            max_size=4,
        ),
        "follow_up": st.one_of(st.none(), st.tuples(st.integers(0, 560), st.integers(0, 70))),
    }
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DRAWN, min_size=1, max_size=4))
def test_days_equal_the_reference(drawn: list[Row]) -> None:
    """Every patient-day stands in the cell that the reference finds, in blocks of two courses."""
    wanted: Counter[tuple[str, ...]] = Counter()
    for number, course in enumerate(courses_of(drawn)):
        entry, length = drawn[number]["follow_up"] or (0, 0)
        for day in range(entry + 1, entry + length + 1):
            for topic in TOPICS:
                exposure = course.exposure_on(topic, day)
                for guidance in load_guidance_sets():
                    status = course.status_on(guidance, topic, day)
                    wanted[f"C{number}", guidance.id, topic, exposure, status] += 1
    with patch("iago.optimization.cohort.BLOCK", 2), database(drawn) as connection:
        cells = tally_indication_days(connection, by=["course_id"]).to_pylist()
    keys = ("course_id", "guidance", "exposure_class", "exposure", "indication")
    found = {tuple(cell[key] for key in keys): cell["person_days"] for cell in cells}
    assert {k: v for k, v in found.items() if v and k[2] in TOPICS} == dict(wanted)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DRAWN, min_size=1, max_size=3))
def test_episodes_equal_the_reference(drawn: list[Row]) -> None:
    """Every episode has the status that holds on all days on which it may have begun."""
    wanted = {
        (f"C{number}-{i}", topic, guidance.id): expected_episode(course, topic, guidance, episode)
        for number, course in enumerate(courses_of(drawn))
        for i, episode in enumerate(course.episodes)
        for topic in DIRECTED.get(episode["organism_class"], ())
        for guidance in load_guidance_sets()
    }
    with database(drawn) as connection:
        derive_episode_prophylaxis(connection)
        rows = connection.execute(
            "select episode_id, exposure_class, guidance, status from episode_prophylaxis"
        ).fetchall()
    assert {tuple(row[:3]): row[3] for row in rows} == wanted
    assert len(rows) == len(wanted)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DRAWN, min_size=1, max_size=4))
def test_cells_add_up_to_the_days_at_risk(drawn: list[Row]) -> None:
    """For every class and set the days by status add up to the days at risk."""
    at_risk = sum(course["follow_up"][1] for course in drawn if course["follow_up"])
    with database(drawn) as connection:
        rows = tally_patient_days(connection).to_pylist()
    days: Counter[tuple[str, str]] = Counter()
    for row in rows:
        days[row["guidance"], row["exposure_class"]] += row["person_days"]
    assert set(days.values()) <= {at_risk}
    assert at_risk == 0 or len(days) == len(load_guidance_sets()) * (len(TOPICS) + 1)
