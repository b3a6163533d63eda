"""Persistence: the probability of having an active infection by day, and how long one lasts."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iago.identification.follow_up import level_column
from iago.statistics.competing_risks import estimate_cumulative_incidence
from iago.statistics.daily_tally import DailyTally
from iago.statistics.multistate import estimate_state_occupation
from iago.tables.engine import Connection, fetch

NONE, ACTIVE, ENDED = 0, 1, 2
STATES = ("none", "active", "ended")

PERSISTENCE = (
    "Probability of having an active infection on a day, among all who were infused: state "
    "occupation of a reversible model (none, active, ended by death or another competing event; "
    "Aalen-Johansen), so it can fall again. An infection is active from its onset to its "
    "resolution, both days included; overlapping infections count once. Infections without a "
    "resolution are active until the end of the time at risk if they were ongoing, and left out "
    "if they are recorded as over on an unknown day. The pointwise intervals are those of a Markov "
    "model: too narrow where patients differ much in how prone they are to infections."
)
DURATION = (
    "Days from onset to resolution, both included, with death or another end of the time at risk "
    "competing and loss to follow-up censoring (Aalen-Johansen); a quartile is the first day by "
    "which that share of all episodes has resolved, and is empty where it is never reached."
)
_OVER = "('resolved', 'resolved-with-sequelae')"


def estimate_persistence(connection: Connection, by: str, horizon_day: int) -> pa.Table:
    """Probability of an active infection by day, for all courses and for each level.

    Needs ``follow_up`` and ``cases``.

    Returns
    -------
    pyarrow.Table
        by, level, day, at_risk (courses under observation), estimate, lower, upper.
    """
    _create_spells(connection, by)
    moves = fetch(connection, _MOVES)
    starts = fetch(connection, _STARTS)
    groups = [("all", "all")]
    if by != "all":
        groups += [(by, level) for level in sorted(set(starts["level"].to_pylist()))]
    return pa.concat_tables(
        [_occupation(moves, starts, grouping, level, horizon_day) for grouping, level in groups]
    )


def _occupation(
    moves: pa.Table, starts: pa.Table, by: str, level: str, horizon_day: int
) -> pa.Table:
    """State occupation of one level from counts of moves by day."""
    chosen = _rows_of(moves, level)
    last = int(moves["day"].to_numpy()[chosen].max())
    shape = (last + 1, 3, 4)
    counts = np.zeros(shape)
    np.add.at(
        counts,
        tuple(moves[name].to_numpy()[chosen] for name in ("day", "origin", "target")),
        moves["courses"].to_numpy()[chosen],
    )
    entering = np.zeros(last + 2)
    entered = _rows_of(starts, level)
    np.add.at(entering, starts["day"].to_numpy()[entered], starts["courses"].to_numpy()[entered])
    at_risk = _at_risk(counts, entering[: last + 1])
    result = estimate_state_occupation(
        at_risk, counts[:, :, :3], states=STATES, initial=(1.0, 0.0, 0.0)
    )
    days = np.arange(min(last, horizon_day) + 1)
    curve = result.probability("active").at(days)
    head = {"by": [by] * len(days), "level": [level] * len(days)}
    body = {name: curve[name] for name in ("day", "at_risk", "estimate", "lower", "upper")}
    return pa.table({**head, **body})


def _at_risk(counts: NDArray[np.float64], entering: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number in each state just before the moves of a day; the last target column is censoring."""
    leaving = counts.sum(axis=2)
    arriving = counts[:, :, :3].sum(axis=1)
    change = arriving - leaving
    before = np.vstack([np.zeros((1, 3)), np.cumsum(change, axis=0)[:-1]])
    before[:, NONE] += np.cumsum(entering)
    before[:, ENDED] = 0
    return before


def _rows_of(table: pa.Table, level: str) -> NDArray[np.bool_]:
    levels = table["level"].to_numpy(zero_copy_only=False)
    return np.ones(len(levels), dtype=bool) if level == "all" else levels == level


def _create_spells(connection: Connection, by: str) -> None:
    """Spells of active infection: overlapping and touching episodes of a course are one spell."""
    connection.execute(
        f"""
        create or replace temp table spells as
        with lasting as (
            select c.course_id, c.onset_day as first_day,
                   least(coalesce(c.end_day, f.end_day), f.end_day) as last_day
            from cases c join follow_up f using (course_id)
            where c.end_day is not null or coalesce(c.outcome not in {_OVER}, true)
        ),
        marked as (
            select *, case when first_day <= 1 + max(last_day) over (
                partition by course_id order by first_day, last_day
                rows between unbounded preceding and 1 preceding) then 0 else 1 end as is_new
            from lasting
        ),
        grouped as (
            select *, sum(is_new) over (
                partition by course_id order by first_day, last_day
                rows unbounded preceding) as spell
            from marked
        )
        select course_id, min(first_day) as first_day, max(last_day) as last_day
        from grouped group by course_id, spell
        """
    )
    connection.execute(
        f"""
        create or replace temp table observed as
        select course_id, coalesce({level_column(by)}, 'unknown') as level,
               entry_day, end_day, end_reason from follow_up
        """
    )


# A course enters on its first day at risk in the state without infection. An infection becomes
# active on its onset day and is over on the day after its last day. Only one move a course a day:
# where a competing event falls on the same day, the course goes straight to it from the state of
# the day before. Target 3 is censoring, which is no state and follows the moves of its day.
_MOVES = """
    select level, day, origin, target, count(*) as courses from (
        select o.level, s.first_day as day, 0 as origin, 1 as target
        from spells s join observed o using (course_id)
        where s.first_day < o.end_day or o.end_reason = 'censored'
        union all
        select o.level, s.last_day + 1, 1, 0
        from spells s join observed o using (course_id)
        where s.last_day + 1 < o.end_day
           or (s.last_day + 1 = o.end_day and o.end_reason = 'censored')
        union all
        select o.level, o.end_day, case when s.course_id is null then 0 else 1 end,
               case when o.end_reason = 'censored' then 3 else 2 end
        from observed o left join spells s
            on s.course_id = o.course_id
               and case when o.end_reason = 'censored' then s.last_day >= o.end_day
                        else s.last_day >= o.end_day - 1 and s.first_day < o.end_day end
    ) group by all
"""
_STARTS = """
    select level, case when entry_day = 0 then 0 else entry_day + 1 end as day,
           count(*) as courses
    from observed group by all
"""


def estimate_durations(connection: Connection, by: str) -> pa.Table:
    """Median and quartiles of the duration of an infection.

    Needs ``follow_up`` and ``cases``.

    Returns
    -------
    pyarrow.Table
        by, level, stratum, episodes, resolved, median_days, lower_quartile_days,
        upper_quartile_days.
    """
    rows: list[dict[str, object]] = []
    selections = [("all", "'all'")]
    if by != "all":
        selections.append((by, f"coalesce({level_column(by)}, 'unknown')"))
    for grouping, level in selections:
        for stratum in ("'all'", "'organism_class=' || organism_class"):
            counts = fetch(connection, _duration_counts(level, stratum))
            rows += _quartiles(counts, grouping)
    return pa.Table.from_pylist(rows, schema=_DURATION_SCHEMA)


_DURATION_SCHEMA = pa.schema(
    [
        ("by", pa.string()),
        ("level", pa.string()),
        ("stratum", pa.string()),
        ("episodes", pa.int64()),
        ("resolved", pa.int64()),
        ("median_days", pa.int64()),
        ("lower_quartile_days", pa.int64()),
        ("upper_quartile_days", pa.int64()),
    ]
)


def _duration_counts(level: str, stratum: str) -> str:
    return f"""
        with ends as (
            select course_id, end_day as last_day_at_risk, end_reason from follow_up
        )
        select {level} as level, {stratum} as stratum,
               (least(coalesce(end_day, last_day_at_risk), last_day_at_risk)
                   - onset_day + 1)::integer as days,
               case when end_day <= last_day_at_risk then 1
                    when end_reason <> 'censored' then 2 else 0 end as cause,
               count(*) as episodes
        from cases join ends using (course_id)
        where end_day is not null or coalesce(outcome not in {_OVER}, true)
        group by all order by 1, 2, 3, 4
    """


def _quartiles(counts: pa.Table, by: str) -> list[dict[str, object]]:
    level = counts["level"].to_numpy(zero_copy_only=False)
    stratum = counts["stratum"].to_numpy(zero_copy_only=False)
    columns = {name: counts[name].to_numpy() for name in ("days", "cause", "episodes")}
    rows: list[dict[str, object]] = []
    for one_level, one_stratum in sorted(set(zip(level, stratum, strict=True))):
        chosen = (level == one_level) & (stratum == one_stratum)
        days, cause, episodes = (columns[n][chosen] for n in ("days", "cause", "episodes"))
        tally = DailyTally.from_counts(
            causes=("resolved", "ended"), exit_day=days, exit_cause=cause, exit_count=episodes
        )
        curve = estimate_cumulative_incidence(tally, "resolved")
        rows.append(
            {
                "by": by,
                "level": one_level,
                "stratum": one_stratum,
                "episodes": int(episodes.sum()),
                "resolved": int(episodes[cause == 1].sum()),
                "median_days": _first_day(curve.estimate, 0.5),
                "lower_quartile_days": _first_day(curve.estimate, 0.25),
                "upper_quartile_days": _first_day(curve.estimate, 0.75),
            }
        )
    return rows


def _first_day(estimate: NDArray[np.float64], share: float) -> int | None:
    reached = np.flatnonzero(estimate >= share - 1e-12)
    return int(reached[0]) if len(reached) else None
