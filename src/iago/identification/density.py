"""Infection density: episodes per 100 patient-days, by window, level and stratum."""

import numpy as np
import pyarrow as pa

from iago.identification.follow_up import level_column
from iago.standard.definitions import Window, WindowSet
from iago.statistics.rates import estimate_rates
from iago.tables.engine import Connection, fetch

# Properties of an episode by which episodes are split; the person-time at risk stays whole.
STRATA = ("organism_class", "site", "setting_at_onset", "severity", "prophylaxis")

DEFINITION = (
    "Episodes divided by days at risk, times 100. A window a-b holds the onsets on days a to b, "
    "both included, and the time after day a-1 (for the first window after day 0) up to day b. "
    "Days with an active infection stay in the denominator. A stratum (organism class, site, "
    "setting, severity, prophylaxis) splits the episodes, not the time at risk. Limits: exact "
    "(Garwood), which treats episodes as independent; where patients have many episodes the true "
    "uncertainty is larger."
)


def tally_density(connection: Connection, by: str, windows: WindowSet) -> pa.Table:
    """Episodes per 100 patient-days at risk with exact intervals.

    Needs ``follow_up`` and ``cases``. Every stratum that occurs anywhere is shown for every
    level and window, so that zero episodes appear as 0 with an upper limit.

    Returns
    -------
    pyarrow.Table
        by, level, window, stratum, episodes, patients, person_days, rate_per_100_days, lower,
        upper; the window ``all`` is the whole time at risk.
    """
    _create_windows(connection, windows)
    column = level_column(by)
    selections = [("all", "'all'")] if by == "all" else [("all", "'all'"), (by, column)]
    counts = pa.concat_tables([_count(connection, name, sql) for name, sql in selections])
    rates = estimate_rates(
        counts["episodes"].to_numpy().astype(np.float64),
        counts["person_days"].to_numpy().astype(np.float64),
    ).table()
    return (
        counts.append_column("rate_per_100_days", rates["rate"])
        .append_column("lower", rates["lower"])
        .append_column("upper", rates["upper"])
    )


def _create_windows(connection: Connection, windows: WindowSet) -> None:
    whole = Window(0, None)
    rows = [(position, w, w.label) for position, w in enumerate(windows.windows)]
    rows.append((len(rows), whole, "all"))
    values = ", ".join(
        f"({position}, '{label}', {w.first_day}, {max(w.first_day - 1, 0)}, "
        f"{'null' if w.last_day is None else w.last_day})"
        for position, w, label in rows
    )
    connection.execute(
        f"""
        create or replace temp table risk_windows as
        select position, label as "window", first_day, time_after, last_day::integer as last_day
        from (values {values}) as v(position, label, first_day, time_after, last_day)
        """
    )


def _count(connection: Connection, by: str, level: str) -> pa.Table:
    """Episodes, patients and person-days for each level, window and stratum."""
    sets = ", ".join(f'(level, "window", {name})' for name in STRATA)
    stratum = " ".join(f"when grouping({name}) = 0 then '{name}=' || {name}" for name in STRATA)
    return fetch(
        connection,
        f"""
        with at_risk as (
            select coalesce({level}, 'unknown') as level, w."window", w.position,
                   sum(greatest(0, least(f.end_day, coalesce(w.last_day, f.end_day))
                                   - greatest(f.entry_day, w.time_after)))::bigint as person_days
            from follow_up f cross join risk_windows w group by all
        ),
        placed as (
            select coalesce({level}, 'unknown') as level, w."window", patient, {", ".join(STRATA)}
            from cases c join risk_windows w
            on c.onset_day >= w.first_day
               and c.onset_day <= coalesce(w.last_day, c.onset_day)
        ),
        counted as (
            select level, "window", case {stratum} else 'all' end as stratum,
                   count(*) as episodes, count(distinct patient) as patients
            from placed group by grouping sets ((level, "window"), {sets})
        ),
        grid as (
            select a.*, s.stratum from at_risk a
            cross join (select distinct stratum from counted union select 'all') s
        )
        select '{by}' as "by", level, "window", stratum,
               coalesce(episodes, 0)::bigint as episodes,
               coalesce(patients, 0)::bigint as patients, person_days
        from grid left join counted using (level, "window", stratum)
        order by level, stratum <> 'all', stratum, position
        """,
    )
