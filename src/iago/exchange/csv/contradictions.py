"""Rules between records: each is one query that gives the rows it catches.

A query reads the analysis tables of an import, each with its row number ``row_index``, and
gives that column and, where another row is part of the story, ``other_row`` of the same table.
``<name>_day_earliest`` and ``_latest`` make a rule certain: it holds for every day that a
partial date can mean. Rules on placed days (midpoints) lead to warnings only.
"""

from typing import NamedTuple

# Lymphodepletion starts some days before infusion; where its start is not known, an onset up to
# a month before is left alone, since an infusion may be postponed. A limit of this project.
EARLIEST_ONSET_DAY = -30
# Where one course has more rows than this, its identifier is wrong, and comparing all pairs of
# rows would not end.
MOST_ROWS_COMPARED = 1000
_FEW_ENOUGH = f"qualify count(*) over (partition by course_id) <= {MOST_ROWS_COMPARED}"


class Rule(NamedTuple):
    """One rule: where it looks, what it says, and the query that finds the rows.

    ``found`` may hold ``{row}``, the line of the other row.
    """

    code: str
    table: str
    element: str
    found: str
    expected: str
    query: str


def _after_death(table: str, moment: str) -> str:
    return f"""
        select t.row_index from {table} t join deaths using (course_id)
        where {moment}_day_earliest > death_day_latest
        """


_IN_TIME = (
    Rule(
        "IAGO-E401",
        "episodes",
        "resolution",
        "a resolution before the onset",
        "a resolution on the day of onset or later",
        "select row_index from episodes where resolution_day_latest < onset_day_earliest",
    ),
    Rule(
        "IAGO-E402",
        "exposures",
        "stop",
        "a last day before the first day",
        "a last day on the first day or later",
        "select row_index from exposures where stop_day_latest < start_day_earliest",
    ),
    Rule(
        "IAGO-E403",
        "episodes",
        "onset",
        "an onset after the death of the patient",
        "an onset on the day of death or earlier",
        _after_death("episodes", "onset"),
    ),
    Rule(
        "IAGO-E404",
        "contacts",
        "contact",
        "a contact after the death of the patient",
        "a contact on the day of death or earlier",
        _after_death("contacts", "contact"),
    ),
    Rule(
        "IAGO-E405",
        "events",
        "event",
        "an event after the death of the patient",
        "an event on the day of death or earlier",
        _after_death("events", "event"),
    ),
    Rule(
        "IAGO-E406",
        "deaths",
        "death",
        "a death before day 0",
        "a death on the day of infusion or later",
        "select row_index from deaths where death_day_latest < 0",
    ),
)

_AFTER_DEATH = tuple(
    Rule(
        "IAGO-W504",
        table,
        moment,
        f"a {noun} after the death of the patient",
        f"a {noun} on the day of death or earlier",
        _after_death(table, moment),
    )
    for table, moment, noun in (
        ("labs", "sample", "sample"),
        ("exposures", "start", "first day of an exposure"),
        ("exposures", "stop", "last day of an exposure"),
        ("episodes", "resolution", "resolution"),
    )
)

_FOLLOW_UP = (
    Rule(
        "IAGO-W501",
        "episodes",
        "onset",
        "an onset before lymphodepletion",
        f"an onset after the start of lymphodepletion, or from day {EARLIEST_ONSET_DAY} on where "
        "that is not known",
        f"""
        select e.row_index from episodes e join courses c using (course_id)
        where onset_day_latest < coalesce(
            c.lymphodepletion_start_day_earliest, {EARLIEST_ONSET_DAY})
        """,
    ),
    Rule(
        "IAGO-W502",
        "episodes",
        "onset",
        "an onset after the end of follow-up",
        "an onset up to the end of follow-up",
        """
        select e.row_index from episodes e join follow_up_ends f using (course_id)
        where onset_day_earliest > f.last_day
        """,
    ),
    Rule(
        "IAGO-W503",
        "events",
        "event",
        "an event after the end of follow-up",
        "an event up to the end of follow-up",
        """
        select v.row_index from events v join follow_up_ends f using (course_id)
        where v.event_day_earliest > f.last_day
          and v.kind not in (select kind from end_kinds)
        """,
    ),
    Rule(
        "IAGO-W507",
        "events",
        "event",
        "an end of follow-up before another one of the same course",
        "one end of follow-up for each course",
        """
        select row_index from (
            select row_index, event_day, max(event_day) over (partition by course_id) as last_day
            from events where kind in (select kind from end_kinds)
        ) where event_day < last_day
        """,
    ),
    Rule(
        "IAGO-W508",
        "courses",
        "course_id",
        "a course without an end of follow-up",
        "the day of a death, of an event or of a contact that asked about infections",
        """
        select row_index from courses anti join (
            select course_id from deaths where death_day is not null
            union all select course_id from events where event_day is not null
            union all select course_id from contacts
            where contact_day is not null and answer in ('infection', 'no-infection')
        ) using (course_id)
        """,
    ),
    Rule(
        "IAGO-W512",
        "contacts",
        "answer",
        "no-infection, though an episode began since the contact before",
        "an answer that fits the episodes",
        f"""
        select distinct c.row_index from (
            select row_index, course_id, answer, contact_day_earliest,
                   lag(contact_day_latest) over (
                       partition by course_id order by contact_day, row_index) as last_asked
            from contacts where contact_day is not null
            {_FEW_ENOUGH}
        ) c join episodes e using (course_id)
        where c.answer = 'no-infection'
          and e.onset_day_earliest > c.last_asked
          and e.onset_day_latest < c.contact_day_earliest
        """,
    ),
)

_EPISODES = (
    Rule(
        "IAGO-W505",
        "episodes",
        "onset",
        "an episode like the one in row {row}, at the same time",
        "one row for each infection",
        f"""
        with spans as (
            select row_index, episode_id, course_id, toxicity, organism_class, site,
                   earlier_episode_id, onset_day as first_day,
                   coalesce(resolution_day, onset_day) as last_day
            from episodes where onset_day is not null
            {_FEW_ENOUGH}
        ), pairs as (
            select b.row_index, a.row_index as other_row, a.episode_id as one, b.episode_id as two,
                   a.organism_class = b.organism_class and a.site = b.site as alike
            from spans a join spans b on a.course_id = b.course_id and a.row_index < b.row_index
            where a.first_day <= b.last_day and b.first_day <= a.last_day
              and a.toxicity is not distinct from b.toxicity
              and a.earlier_episode_id is distinct from b.episode_id
              and b.earlier_episode_id is distinct from a.episode_id
        ), sharing as (
            select distinct p.row_index, p.other_row
            from pairs p join organisms x on x.episode_id = p.one
            join organisms y on y.episode_id = p.two and y.organism = x.organism
        )
        select row_index, min(other_row) as other_row
        from (select row_index, other_row from pairs where alike union all from sharing)
        group by row_index
        """,
    ),
    Rule(
        "IAGO-W506",
        "organisms",
        "organism",
        "an organism of a class other than that of its episode",
        "an organism of the class that the episode names",
        """
        select o.row_index from organisms o
        join organism_classes k on k.code = o.organism
        join episodes e using (episode_id)
        where e.organism_class <> 'mixed' and e.organism_class <> k.organism_class
        """,
    ),
    Rule(
        "IAGO-W509",
        "episodes",
        "earlier_episode_id",
        "no earlier episode, though the relation speaks of one",
        "the earlier episode that this one continues or repeats",
        """
        select row_index from episodes
        where relation_to_earlier in ('same', 'recurrence') and earlier_episode_id is null
        """,
    ),
    Rule(
        "IAGO-W510",
        "episodes",
        "earlier_episode_id",
        "an episode that is not an earlier one of this course",
        "an episode of the same course with an earlier onset",
        """
        select e.row_index from episodes e join episodes p on p.episode_id = e.earlier_episode_id
        where p.course_id <> e.course_id or p.episode_id = e.episode_id
           or p.onset_day_earliest > e.onset_day_latest
        """,
    ),
    Rule(
        "IAGO-W513",
        "episodes",
        "outcome",
        "a fatal outcome of a course that has no death",
        "a row in deaths.csv for the course",
        """
        select row_index from episodes anti join deaths using (course_id) where outcome = 'fatal'
        """,
    ),
    Rule(
        "IAGO-W517",
        "deaths",
        "episode_id",
        "an episode of another course",
        "an episode of the course that ended in death",
        """
        select d.row_index from deaths d join episodes e using (episode_id)
        where d.course_id <> e.course_id
        """,
    ),
)

_OTHERS = (
    Rule(
        "IAGO-W511",
        "exposures",
        "start",
        "an interval that overlaps the one in row {row}",
        "intervals of one class and drug that do not overlap",
        """
        with spans as (
            select row_index, course_id, exposure_class, drug, start_day,
                   case when stop_day is not null then stop_day
                        when ongoing then 2147483647 else start_day end as last_day
            from exposures where start_day is not null
        ), before as (
            select row_index, start_day,
                   max(last_day) over earlier as last_before,
                   arg_max(row_index, last_day) over earlier as other_row
            from spans
            window earlier as (
                partition by course_id, exposure_class, drug order by start_day, row_index
                rows between unbounded preceding and 1 preceding)
        )
        select row_index, other_row from before where start_day <= last_before
        """,
    ),
    Rule(
        "IAGO-W514",
        "labs",
        "value",
        "a value outside the plausible range of its analyte",
        "a value that occurs in patients",
        """
        select l.row_index from labs l join plausible_ranges r using (analyte)
        where l.value < r.lowest or l.value > r.highest
        """,
    ),
    Rule(
        "IAGO-W515",
        "courses",
        "age_years",
        "an age that the year of birth does not allow",
        "the year of infusion minus the year of birth, or one less",
        """
        select c.row_index from courses c join patients p using (patient_id)
        where c.infusion_year - p.birth_year - c.age_years not in (0, 1)
        """,
    ),
    Rule(
        "IAGO-W516",
        "exposures",
        "ongoing",
        "ongoing beside a last day",
        "either ongoing or a last day",
        "select row_index from exposures where ongoing and stop_day is not null",
    ),
)

RULES: tuple[Rule, ...] = (*_IN_TIME, *_AFTER_DEATH, *_FOLLOW_UP, *_EPISODES, *_OTHERS)
