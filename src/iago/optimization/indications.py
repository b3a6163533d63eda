"""On which days each guidance set indicates which class, for every course in one pass.

Days between two changes of anything that a rule can see share a *situation*. Person-days are
summed by situation, and each set judges each situation once; so neither patients nor days are
ever looped over, and a further guidance set costs next to nothing.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iago.optimization.arrays_in_sql import insert_arrays, registered_arrays
from iago.optimization.class_plans import CLASSES, ClassPlan, class_plans
from iago.optimization.cohort import number_courses
from iago.optimization.episode_targets import derive_episode_targets
from iago.optimization.exposure_histories import DATES_UNKNOWN, INTENT_NOT_RECORDED
from iago.optimization.histories import Material, build_histories, load_material
from iago.optimization.situations import (
    Codes,
    SituatedDays,
    TimeAtRisk,
    load_facts,
    load_time_at_risk,
    situate_days,
    situations_between,
)
from iago.optimization.step_functions import FAR_DAY
from iago.optimization.verdicts import judge
from iago.standard.guidance import load_guidance_sets
from iago.tables.engine import Connection, fetch

INDEX = "indication_courses"
GROUPS = "indication_groups"
VARYING = "the onset may lie on days of different status"

WORKERS = 2

_Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Inputs:
    """All that is read before the courses are worked on in blocks."""

    plans: tuple[ClassPlan, ...]
    facts: Mapping[str, NDArray[np.int8]]
    material: Material
    at_risk: TimeAtRisk
    targets: Mapping[str, _Columns]


@dataclass(frozen=True, eq=False)
class _Block:
    """What one class gives for a block of courses: tallied days and placed episodes."""

    tally: _Columns
    episodes: _Columns


def derive_indications(connection: Connection, by: Sequence[str] = ()) -> None:
    """Tally days at risk and find the situation of every episode, for all classes and sets.

    Needs the table ``follow_up``. Makes three tables:

    - ``indication_days``: the columns of ``by``, exposure_class, situation, exposure (a level of
      :mod:`iago.optimization.exposure_histories`), person_days. Days are those of
      (entry_day, end_day] and count once for each class.
    - ``episode_situations``: episode_id, exposure_class, situation, exposure; one row an episode
      and class directed against it. Where an onset is not known to the day and the days on which
      it may lie differ, the situation is a joint one, unknown wherever they disagree.
    - ``indication_statuses``: situation, guidance, status, reason, missing.

    Parameters
    ----------
    by
        Columns of ``courses`` by whose values days are tallied.

    Raises
    ------
    DefinitionError
        A column in ``by`` is not one of ``courses``.
    """
    cohort = number_courses(connection, INDEX)
    plans = class_plans()
    at_risk = load_time_at_risk(cohort, GROUPS, by)
    derive_episode_targets(connection, cohort)
    inputs = _Inputs(
        plans,
        load_facts(cohort, plans),
        load_material(cohort, plans),
        at_risk,
        _load_targets(connection),
    )
    _create_tables(connection)

    def derive(courses: range) -> list[_Block]:
        with connection.cursor() as cursor:
            return _derive_block(cursor, inputs, courses)

    # Blocks are independent, and array operations let other threads run meanwhile.
    with ThreadPoolExecutor(WORKERS) as pool:
        blocks = list(pool.map(derive, cohort.blocks()))
    situations = 0
    for number, plan in enumerate(plans):
        situations += _store_class(connection, plan, [b[number] for b in blocks], situations)
    _join_days(connection, by)
    _join_episodes(connection, situations)


def derive_indications_once(connection: Connection, by: Sequence[str] = ()) -> None:
    """Derive the tables of :func:`derive_indications`, unless this connection has them.

    They are derived anew where days have not been tallied by (at least) these columns.
    """
    rows = connection.execute(
        "select column_name from information_schema.columns where table_name = 'indication_days'"
    ).fetchall()
    columns = {str(name) for (name,) in rows}
    if not columns or not set(by) <= columns:
        derive_indications(connection, by)


def _create_tables(connection: Connection) -> None:
    connection.execute(
        """
        create or replace temp table situation_days (
            exposure_class varchar, situation integer, exposure utinyint, group_number integer,
            person_days bigint);
        create or replace temp table placed_episodes (
            target integer, situation integer, exposure utinyint);
        create or replace temp table spread_episodes (
            target integer, situation integer, exposure utinyint);
        create or replace temp table indication_statuses (
            situation integer, guidance varchar, status varchar, reason varchar, missing varchar);
        """
    )


def _load_targets(connection: Connection) -> dict[str, _Columns]:
    """Episodes by the class directed against them: course and possible days of onset."""
    found = {}
    for exposure_class in CLASSES:
        table = fetch(
            connection,
            "select target, course, earliest, latest from episode_targets where exposure_class = ?",
            [exposure_class],
        )
        found[exposure_class] = {name: table[name].to_numpy() for name in table.column_names}
    return found


def _derive_block(connection: Connection, inputs: _Inputs, courses: range) -> list[_Block]:
    """Tally the days and place the episodes of some courses, class by class."""
    histories = build_histories(inputs.material, courses)
    blocks = []
    for plan in inputs.plans:
        days = situate_days(plan, inputs.facts, histories, courses)
        tally = _tally(connection, inputs.at_risk, days)
        blocks.append(_Block(tally, _place(days, inputs.targets[plan.exposure_class], courses)))
    return blocks


def _tally(connection: Connection, at_risk: TimeAtRisk, days: SituatedDays) -> _Columns:
    """Person-days at risk by situation, level given and group."""
    pieces, plan = days.pieces, days.plan
    first = np.maximum(pieces.first_day, at_risk.entry_day[pieces.course] + 1)
    last = np.minimum(pieces.last_day, at_risk.end_day[pieces.course])
    group = at_risk.group[pieces.course]
    limits = (-FAR_DAY, *plan.window_ends, FAR_DAY)
    sums = ", ".join(
        f"sum(greatest(0, least(last, {limits[i + 1]}) - greatest(first, {limits[i] + 1}) + 1))"
        f"::bigint as window_{i}"
        for i in range(plan.windows)
    )
    arrays = {"first": first, "last": last, "code": days.code, "given": days.given, "grp": group}
    with registered_arrays(connection, arrays) as name:
        table = fetch(
            connection,
            f"select code, given, grp, {sums} from {name} where first <= last group by all",
        )
    person_days = np.stack([table[f"window_{i}"].to_numpy() for i in range(plan.windows)], axis=1)
    row, window = np.nonzero(person_days)
    return {
        "situation": table["code"].to_numpy()[row] * plan.windows + window,
        "exposure": table["given"].to_numpy()[row],
        "group_number": table["grp"].to_numpy()[row],
        "person_days": person_days[row, window],
    }


def _place(days: SituatedDays, targets: _Columns, courses: range) -> _Columns:
    """Situations and levels given on the days on which each episode may have begun."""
    own = (targets["course"] >= courses.start) & (targets["course"] < courses.stop)
    target, course, earliest, latest = (
        targets[name][own] for name in ("target", "course", "earliest", "latest")
    )
    span, situation, given = situations_between(days, course, earliest, latest)
    single = np.bincount(span, minlength=target.size)[span] == 1
    return {"target": target[span], "situation": situation, "exposure": given, "single": single}


def _store_class(
    connection: Connection, plan: ClassPlan, blocks: Sequence[_Block], first: int
) -> int:
    """Fill the tables for one class from all blocks; give the number of its situations."""
    tally = _concatenate([block.tally for block in blocks])
    episodes = _concatenate([block.episodes for block in blocks])
    codes = np.unique(np.concatenate([tally["situation"], episodes["situation"]]))
    for columns in (tally, episodes):
        columns["situation"] = np.searchsorted(codes, columns["situation"]) + first
    own = {"exposure_class": plan.exposure_class}
    insert_arrays(connection, "situation_days", tally, own)
    single = episodes.pop("single")
    for table, kept in (("placed_episodes", single), ("spread_episodes", ~single)):
        part = {name: values[kept] for name, values in episodes.items()}
        insert_arrays(connection, table, part)
    _insert_verdicts(connection, plan, codes, first)
    return int(codes.size)


def _concatenate(parts: Sequence[_Columns]) -> _Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _insert_verdicts(connection: Connection, plan: ClassPlan, codes: Codes, first: int) -> None:
    """Let every guidance set judge every situation of a class."""
    sets = load_guidance_sets()
    situations = [plan.situation(int(code)) for code in codes]
    verdicts = [
        (number, guidance.id, judge(guidance, plan.exposure_class, situation))
        for number, situation in enumerate(situations, first)
        for guidance in sets
    ]
    rows = pa.table(
        {
            "situation": pa.array([number for number, _, _ in verdicts], pa.int32()),
            "guidance": pa.array([name for _, name, _ in verdicts], pa.string()),
            "status": pa.array([verdict.status for _, _, verdict in verdicts], pa.string()),
            "reason": pa.array([verdict.reason for _, _, verdict in verdicts], pa.string()),
            "missing": pa.array(
                [", ".join(verdict.missing) for _, _, verdict in verdicts], pa.string()
            ),
        }
    )
    connection.register("verdicts", rows)
    connection.execute("insert into indication_statuses by name select * from verdicts")
    connection.unregister("verdicts")


def _join_days(connection: Connection, by: Sequence[str]) -> None:
    columns = "".join(f"{column}, " for column in by)
    connection.execute(
        f"""
        create or replace temp table indication_days as
        select {columns}exposure_class, situation, exposure, person_days
        from situation_days join {GROUPS} using (group_number)
        """
    )


def _join_episodes(connection: Connection, situations: int) -> None:
    """Give the episodes that may lie in several situations a joint one; then name all episodes."""
    connection.execute(
        f"""
        create or replace temp table joint_situations as
        select target, exposure, together,
               (dense_rank() over (order by together) - 1 + {situations})::integer as situation
        from (select target, list_sort(list(distinct situation)) as together,
                     case when min(exposure) = max(exposure)
                               or min(exposure) >= {INTENT_NOT_RECORDED} then min(exposure)
                          else {DATES_UNKNOWN} end as exposure
              from spread_episodes group by target)
        """
    )
    connection.execute(
        f"""
        insert into indication_statuses
        select joint.situation, guidance,
               case when min(status) = max(status) then min(status) else 'unknown' end,
               case when min(status) = max(status) then min(reason) else '{VARYING}' end,
               case when min(status) = max(status) then min(missing) else 'onset' end
        from (select distinct situation, unnest(together) as part from joint_situations) joint
        join indication_statuses s on s.situation = joint.part
        group by joint.situation, guidance
        """
    )
    connection.execute(
        """
        create or replace temp table episode_situations as
        select episode_id, exposure_class, situation, exposure
        from (select target, situation, exposure from placed_episodes
              union all
              select target, situation, exposure::utinyint from joint_situations)
        join episode_targets using (target)
        """
    )
