"""Time at risk of every course: from entry to the first event that ends it.

Two named strategies. ``while-on-treatment`` (default): relapse or progression, next therapy,
transplant and a second CAR T end the time at risk and compete with infection.
``treatment-policy``: follow-up goes on past them and only death competes.
"""

from dataclasses import dataclass

import pyarrow as pa

from iago.errors import DefinitionError
from iago.standard import load_codelist
from iago.tables.derived import FOLLOW_UP
from iago.tables.engine import Connection, check_columns, fetch, fetch_row

STRATEGIES = {
    "while-on-treatment": (
        "Time at risk ends at death, relapse or progression, next therapy, transplant or second "
        "CAR T (competing events) or at the last contact (censoring)."
    ),
    "treatment-policy": (
        "Time at risk ends at death (competing event) or at the last contact (censoring); "
        "relapse and later therapy do not end it."
    ),
}
DEFAULT_STRATEGY = "while-on-treatment"
# Which of two events on the same day ended the time at risk: death first, censoring last, since
# an event of a day comes before the censoring of that day.
_PRIORITY = (
    "death",
    "relapse-progression",
    "next-therapy",
    "transplant",
    "second-car-t",
    "other-end-of-risk",
)


@dataclass(frozen=True)
class FollowUpCounts:
    """Courses that give time at risk, and those that cannot, with the reason."""

    courses: int
    without_end: int
    without_time: int


def competing_kinds(strategy: str) -> tuple[str, ...]:
    """Causes that compete with infection under a strategy, in order of priority.

    Raises
    ------
    DefinitionError
        No such strategy.
    """
    if strategy not in STRATEGIES:
        raise DefinitionError(f"No strategy named {strategy!r}. Known: {', '.join(STRATEGIES)}.")
    if strategy == "treatment-policy":
        return ("death", "other-end-of-risk")
    return _PRIORITY


def derive_follow_up(connection: Connection, strategy: str = DEFAULT_STRATEGY) -> FollowUpCounts:
    """Make the table ``follow_up``: entry, end and reason of the end for every course.

    A course starts to count on day 0 or where its observation starts. Its end is the first
    competing event, else the recorded end of follow-up, else the last contact at which somebody
    asked. A course with none of these has no known time at risk: it is left out and counted.

    Returns
    -------
    FollowUpCounts
        For the flow chart of the dossier.

    Raises
    ------
    DefinitionError
        No such strategy.
    """
    kinds = competing_kinds(strategy)
    _create_endings(connection, kinds)
    connection.execute(
        """
        create or replace temp table follow_up_all as
        select c.course_id, dense_rank() over (order by c.patient_id) as patient,
               c.product, c.indication, c.centre_id,
               greatest(coalesce(c.observation_start_day, 0), 0)::integer as entry_day,
               e.day::integer as end_day,
               coalesce(e.reason, 'unknown') as end_reason
        from courses c left join endings e using (course_id)
        """
    )
    connection.execute(
        """
        create or replace temp table follow_up as
        select * from follow_up_all
        where end_day is not null and end_day >= 0 and (entry_day = 0 or end_day > entry_day)
        """
    )
    check_columns(connection, "follow_up", FOLLOW_UP)
    return _count(connection)


def level_column(by: str) -> str:
    """Column of ``follow_up`` that a grouping reads.

    Raises
    ------
    DefinitionError
        Not a property of a course that dossiers can be grouped by.
    """
    columns = {
        "all": "'all'",
        "product": "product",
        "indication": "indication",
        "centre": "centre_id",
    }
    if by not in columns:
        raise DefinitionError(f"Cannot group by {by!r}. Choose one of {', '.join(columns)}.")
    return columns[by]


def levels_of(connection: Connection, by: str) -> pa.Table:
    """Levels of a grouping with their number of courses, largest first."""
    column = level_column(by)
    return fetch(
        connection,
        f"""
        select coalesce({column}, 'unknown') as level, count(*) as courses
        from follow_up group by 1 order by 2 desc, 1
        """,
    )


def _create_endings(connection: Connection, kinds: tuple[str, ...]) -> None:
    roles = load_codelist("event_kinds").attribute("role")
    censoring = [kind for kind, role in roles.items() if role == "censoring"]
    priority = {kind: rank for rank, kind in enumerate(kinds)}
    ranked = ", ".join(f"('{kind}', {rank})" for kind, rank in priority.items())
    ends = ", ".join(f"'{kind}'" for kind in censoring)
    connection.execute(
        f"""
        create or replace temp table endings as
        with kind_rank(kind, rank) as (values {ranked}),
        dated as (
            select course_id, death_day as day, 'death' as reason from deaths
            union all
            select course_id, event_day, kind from events
            where kind in (select kind from kind_rank)
        ),
        competing as (
            select course_id, min(struct_pack(day := day, rank := rank, reason := reason)) as first
            from dated join kind_rank on kind_rank.kind = dated.reason
            where day is not null and day >= 0 group by course_id
        ),
        closed as (
            select course_id, max(event_day) as day from events
            where kind in ({ends}) group by course_id
        ),
        asked as (
            select course_id, max(contact_day) as day from contacts
            where answer in ('infection', 'no-infection') group by course_id
        ),
        last_known as (
            select course_id, coalesce(closed.day, asked.day) as day
            from closed full join asked using (course_id)
        )
        select course_id,
               case when l.day is null or c.first.day <= l.day then c.first.day
                    when c.first.day is null or l.day < c.first.day then l.day end as day,
               case when c.first.day is not null and (l.day is null or c.first.day <= l.day)
                    then c.first.reason else 'censored' end as reason
        from competing c full join last_known l using (course_id)
        """
    )


def _count(connection: Connection) -> FollowUpCounts:
    row = fetch_row(
        connection,
        """
        select (select count(*) from follow_up),
               count(*) filter (where end_day is null),
               count(*) filter (where end_day < 0 or (entry_day > 0 and end_day <= entry_day))
        from follow_up_all
        """,
    )
    return FollowUpCounts(*(int(count) for count in row))
