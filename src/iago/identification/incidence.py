"""Cumulative incidence of the first infection and mean number of infections, by level and day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iago.identification.follow_up import competing_kinds, level_column
from iago.statistics.competing_risks import estimate_cumulative_incidence
from iago.statistics.daily_tally import DailyTally
from iago.statistics.recurrent import estimate_mean_cumulative_count
from iago.tables.engine import Connection, fetch

INFECTION = "infection"

CUMULATIVE_INCIDENCE = (
    "Probability of a first infection by each day (Aalen-Johansen), with the events that end the "
    "time at risk competing; nobody is taken out because of a competing event. Pointwise "
    "intervals on the log(-log) scale."
)
COMPETING_EVENTS = (
    "The same estimator for each event that can come first; the lines of one level and the "
    "probability of no event add up to 1."
)
MEAN_CUMULATIVE_COUNT = (
    "Mean number of infection episodes per patient by each day (Ghosh-Lin): all episodes count, "
    "and after death, or another event that ends the time at risk, there are no more. Pointwise "
    "robust intervals on the log scale."
)


@dataclass(frozen=True)
class Curves:
    """Daily curves of a grouping, each as a table."""

    cumulative_incidence: pa.Table
    competing_events: pa.Table
    mean_cumulative_count: pa.Table


def estimate_curves(connection: Connection, by: str, strategy: str, horizon_day: int) -> Curves:
    """Curves from day 0 to the horizon for all courses and for each level.

    Needs ``follow_up`` and ``cases``.

    Parameters
    ----------
    horizon_day : int
        Last day shown; a level whose observation ends earlier is shown up to that day.

    Raises
    ------
    EstimationError
        No course has time at risk.
    """
    causes = (INFECTION, *competing_kinds(strategy))
    _create_first_events(connection, by)
    first: list[pa.Table] = []
    competing: list[pa.Table] = []
    for grouping, level, tally in first_event_tallies(connection, by, causes):
        days = np.arange(min(tally.last_day, horizon_day) + 1)
        for cause in causes:
            curve = estimate_cumulative_incidence(tally, cause).at(days)
            if cause == INFECTION:
                first.append(_label(curve, grouping, level))
            if tally.events[tally.cause_index(cause)].sum() or cause == INFECTION:
                competing.append(_label(curve, grouping, level, cause))
    counts = [
        _label(curve, grouping, level)
        for grouping, level, curve in _mean_counts(connection, by, horizon_day)
    ]
    return Curves(pa.concat_tables(first), pa.concat_tables(competing), pa.concat_tables(counts))


def first_event_tallies(
    connection: Connection, by: str, causes: Sequence[str]
) -> Iterator[tuple[str, str, DailyTally]]:
    """Tally of first events for all courses together, then for each level."""
    codes = {cause: code for code, cause in enumerate(causes, start=1)} | {"censored": 0}
    rows = fetch(connection, "select * from first_event_counts")
    levels = rows["level"].to_numpy(zero_copy_only=False)
    cause = np.array([codes[name] for name in rows["reason"].to_pylist()], dtype=np.int64)
    columns = {n: rows[n].to_numpy() for n in ("entry_day", "exit_day", "persons")}

    def tally(chosen: NDArray[np.bool_]) -> DailyTally:
        return DailyTally.from_counts(
            causes=causes,
            exit_day=columns["exit_day"][chosen],
            exit_cause=cause[chosen],
            exit_count=columns["persons"][chosen],
            entry_day=columns["entry_day"][chosen],
            entry_count=columns["persons"][chosen],
        )

    yield "all", "all", tally(np.ones(len(levels), dtype=bool))
    if by != "all":
        for level in np.unique(levels):
            yield by, str(level), tally(levels == level)


def _create_first_events(connection: Connection, by: str) -> None:
    connection.execute(
        f"""
        create or replace temp table first_event_counts as
        with first_case as (
            select course_id, min(onset_day) as onset_day from cases group by course_id
        )
        select coalesce({level_column(by)}, 'unknown') as level, f.entry_day,
               coalesce(c.onset_day, f.end_day)::integer as exit_day,
               case when c.onset_day is null then f.end_reason else '{INFECTION}' end as reason,
               count(*) as persons
        from follow_up f left join first_case c using (course_id)
        group by all
        """
    )


def _mean_counts(
    connection: Connection, by: str, horizon_day: int
) -> Iterator[tuple[str, str, pa.Table]]:
    column = level_column(by)
    connection.execute(
        f"""
        create or replace temp table numbered as
        select course_id, coalesce({column}, 'unknown') as level, entry_day, end_day,
               end_reason <> 'censored' as terminal,
               (row_number() over (order by coalesce({column}, 'unknown'), course_id)) - 1
                   as subject
        from follow_up
        """
    )
    people = fetch(
        connection,
        "select level, entry_day, end_day, terminal from numbered order by subject",
    )
    episodes = fetch(
        connection,
        "select n.subject, c.onset_day from cases c join numbered n using (course_id)",
    )
    level = people["level"].to_numpy(zero_copy_only=False)
    arrays = _CountArrays(
        people["entry_day"].to_numpy(),
        people["end_day"].to_numpy(),
        people["terminal"].to_numpy(zero_copy_only=False),
        episodes["subject"].to_numpy(),
        episodes["onset_day"].to_numpy(),
    )
    yield "all", "all", arrays.curve(0, len(level), horizon_day)
    if by != "all":
        names, starts = np.unique(level.astype(str), return_index=True)
        ends = [*starts[1:], len(level)]
        for name, start, end in zip(names, starts, ends, strict=True):
            yield by, str(name), arrays.curve(int(start), int(end), horizon_day)


@dataclass(frozen=True)
class _CountArrays:
    """Courses in order of level, so that a level is a slice."""

    entry_day: NDArray[np.int32]
    end_day: NDArray[np.int32]
    terminal: NDArray[np.bool_]
    event_subject: NDArray[np.int64]
    event_day: NDArray[np.int32]

    def curve(self, start: int, end: int, horizon_day: int) -> pa.Table:
        inside = (self.event_subject >= start) & (self.event_subject < end)
        result = estimate_mean_cumulative_count(
            self.end_day[start:end],
            self.terminal[start:end],
            self.event_subject[inside] - start,
            self.event_day[inside],
            entry_day=self.entry_day[start:end],
        )
        return result.at(np.arange(min(int(result.day[-1]), horizon_day) + 1))


def _label(curve: pa.Table, by: str, level: str, cause: str | None = None) -> pa.Table:
    head = {"by": [by] * curve.num_rows, "level": [level] * curve.num_rows}
    if cause is not None:
        head["cause"] = [cause] * curve.num_rows
    body = {name: curve[name] for name in ("day", "at_risk", "estimate", "lower", "upper")}
    return pa.table({**head, **body})
