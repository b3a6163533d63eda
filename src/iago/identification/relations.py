"""Whether an episode is new, the same as an earlier one, or a recurrence.

The rule by organism-specific windows stands beside what the reporter says. Its windows are
provisional: see the code list of organism groups.
"""

import pyarrow as pa

from iago.standard import load_codelist
from iago.tables.engine import Connection, fetch

DEFINITION = (
    "Within a course, an episode with an organism of an earlier episode at the same site is the "
    "same infection where its onset falls within the organism-specific window after the earlier "
    "onset, and a recurrence after it; with no earlier episode of that organism and site it is "
    "new. Where no organism is recorded, the rule gives unknown. Windows: BMT CTN Technical "
    "Manual of Procedures v3.0 (2013), Appendix 4-A, provisional (not re-read in the source); "
    "surveillance systems use 8 weeks for Clostridioides difficile."
)


def tally_relations(connection: Connection) -> pa.Table:
    """Count episodes by what the rule says and what the reporter says.

    Returns
    -------
    pyarrow.Table
        Columns by_rule (new, same, recurrence, unknown), reported (the same or unknown),
        episodes.
    """
    _create_recurrence_windows(connection)
    return fetch(
        connection,
        """
        with dated as (
            select e.episode_id, e.course_id, e.onset_day, coalesce(e.site, 'unknown') as site,
                   e.relation_to_earlier, o.organism, w.recurrence_days
            from episodes e
            left join organisms o using (episode_id)
            left join recurrence_windows w using (organism)
        ),
        compared as (
            select *, onset_day - lag(onset_day) over earlier as gap_days,
                   row_number() over earlier as position
            from dated
            window earlier as (partition by course_id, organism, site order by onset_day)
        ),
        ruled as (
            select episode_id, any_value(relation_to_earlier) as reported, case
                when bool_and(organism is null or onset_day is null) then 'unknown'
                when bool_or(gap_days <= recurrence_days) then 'same'
                when bool_or(gap_days > recurrence_days) then 'recurrence'
                when bool_or(gap_days is not null and recurrence_days is null) then 'unknown'
                else 'new' end as by_rule
            from compared group by episode_id
        )
        select by_rule, coalesce(reported, 'unknown') as reported, count(*) as episodes
        from ruled group by all order by by_rule, reported
        """,
    )


def _create_recurrence_windows(connection: Connection) -> None:
    days = load_codelist("organism_groups").attribute("recurrence_days")
    groups = load_codelist("organisms").attribute("organism_group")
    windows = pa.table(
        {
            "organism": pa.array(list(groups), pa.string()),
            "recurrence_days": pa.array([days.get(g) for g in groups.values()], pa.int32()),
        }
    )
    connection.register("recurrence_windows_arrow", windows)
    connection.execute(
        "create or replace temp table recurrence_windows as select * from recurrence_windows_arrow"
    )
    connection.unregister("recurrence_windows_arrow")
