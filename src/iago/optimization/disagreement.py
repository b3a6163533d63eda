"""Where published guidance disagrees: patient-days on which two sets say different things."""

import pyarrow as pa

from iago.optimization.indications import derive_indications_once
from iago.tables.engine import Connection, fetch


def tally_disagreement(connection: Connection) -> pa.Table:
    """Compare every two guidance sets over all days at risk, class by class.

    A pair appears where both sets make a statement on at least one of the days, and is counted
    over the days on which both do.

    Returns
    -------
    pyarrow.Table
        exposure_class, guidance_a, guidance_b, person_days (on which both make a statement),
        both_indicated, only_a, only_b, neither, unknown (open for at least one), disagreement
        (share of the days known for both on which only one indicates; null without such days).
    """
    derive_indications_once(connection)
    return fetch(
        connection,
        """
        with days as (
            select exposure_class, situation, sum(person_days)::bigint as person_days
            from indication_days group by all
        ),
        pairs as (
            select exposure_class, a.guidance as guidance_a, b.guidance as guidance_b,
                   a.status as status_a, b.status as status_b, person_days
            from days
            join indication_statuses a using (situation)
            join indication_statuses b on b.situation = a.situation and b.guidance > a.guidance
            where a.status <> 'no-statement' and b.status <> 'no-statement'
        ),
        counted as (
            select exposure_class, guidance_a, guidance_b,
                   sum(person_days)::bigint as person_days,
                   sum(case when status_a = 'indicated' and status_b = 'indicated'
                            then person_days else 0 end)::bigint as both_indicated,
                   sum(case when status_a = 'indicated' and status_b = 'not-indicated'
                            then person_days else 0 end)::bigint as only_a,
                   sum(case when status_a = 'not-indicated' and status_b = 'indicated'
                            then person_days else 0 end)::bigint as only_b,
                   sum(case when status_a = 'not-indicated' and status_b = 'not-indicated'
                            then person_days else 0 end)::bigint as neither,
                   sum(case when status_a = 'unknown' or status_b = 'unknown'
                            then person_days else 0 end)::bigint as unknown
            from pairs group by all
        )
        select *, (only_a + only_b) / nullif(person_days - unknown, 0) as disagreement
        from counted order by exposure_class, guidance_a, guidance_b
        """,
    )
