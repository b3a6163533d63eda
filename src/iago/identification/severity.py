"""Severity distribution: grades of the counted episodes by system, the unknown kept as unknown."""

import pyarrow as pa

from iago.identification.follow_up import level_column
from iago.tables.engine import Connection, fetch

DEFINITION = (
    "Counted episodes by grade. Where a missing input leaves several grades possible, the episode "
    "stands as an interval from its lowest to its highest possible grade and is never counted "
    "under one of them."
)


def tally_severity(connection: Connection, by: str) -> pa.Table:
    """Count episodes by grading system and grade or interval of grades.

    Needs ``cases`` and ``episode_grades``.

    Returns
    -------
    pyarrow.Table
        by, level, system, lowest, highest, status, episodes, share (of the episodes of the level
        and system).
    """
    parts = [_count(connection, grouping) for grouping in dict.fromkeys(("all", by))]
    return pa.concat_tables(parts)


def _count(connection: Connection, by: str) -> pa.Table:
    return fetch(
        connection,
        f"""
        with counted as (
            select coalesce({level_column(by)}, 'unknown') as level, g.system, g.lowest, g.highest,
                   g.status, count(*) as episodes
            from cases join episode_grades g using (episode_id) group by all
        )
        select '{by}' as "by", *,
               episodes / sum(episodes) over (partition by level, system) as share
        from counted order by level, system, lowest nulls last, highest nulls last, status
        """,
    )
