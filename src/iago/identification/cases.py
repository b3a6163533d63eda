"""Which episodes count: the case definition, the placing of partial onsets, the time at risk."""

from dataclasses import dataclass

import pyarrow as pa

from iago.standard.definitions import CaseDefinition
from iago.standard.expressions import parse_predicate
from iago.tables.derived import CASES
from iago.tables.engine import Connection, check_columns, fetch_row
from iago.tables.schema import snapshot_schemas

SEVERITY_SYSTEM = "five-level"
_ENDS = ("lowest", "highest")


@dataclass(frozen=True)
class CaseCounts:
    """What became of every recorded episode, for the flow chart of the dossier.

    ``continuation`` are episodes whose reporter says that they are the same as an earlier one;
    ``unknown_definition`` those for which missing values leave open whether they are a case.
    """

    recorded: int
    not_a_case: int
    unknown_definition: int
    continuation: int
    unknown_onset: int
    outside_time_at_risk: int
    counted: int
    partial_onset: int


def derive_cases(connection: Connection, definition: CaseDefinition) -> CaseCounts:
    """Make the table ``cases``: episodes that meet a definition and begin in time at risk.

    The predicate of the definition is read with the lowest and with the highest possible grade
    of severity; only where both agree is the answer known. An onset that is known to the month
    or the year is placed at the midpoint of its possible days, within follow-up. Needs
    ``follow_up``, ``episode_grades`` and ``episode_prophylaxis_primary``.

    Returns
    -------
    CaseCounts
        Every recorded episode in exactly one place.

    Raises
    ------
    DefinitionError
        The predicate reads something that an episode does not have.
    """
    known = {*snapshot_schemas()["episodes"].names, "five_level_severity"}
    predicate = parse_predicate(definition.predicate, known, f"case definition {definition.name}")
    _create_candidates(connection, predicate.sql)
    _create_cases(connection)
    check_columns(connection, "cases", pa.schema(CASES))
    return _count(connection)


def _create_candidates(connection: Connection, predicate: str) -> None:
    low, high = (predicate.replace('"five_level_severity"', f'"{end}"') for end in _ENDS)
    connection.execute(
        f"""
        create or replace temp table candidates as
        with graded as (
            select e.*, g.lowest, g.highest
            from episodes e
            left join episode_grades g
                on g.episode_id = e.episode_id and g.system = '{SEVERITY_SYSTEM}'
        )
        select g.*, case when ({low}) = ({high}) then ({low}) end as is_case,
               f.entry_day, f.end_day as follow_up_end_day, f.patient,
               f.product, f.indication, f.centre_id,
               case when g.onset_day_earliest = g.onset_day_latest then g.onset_day
                    else least(greatest(g.onset_day, f.entry_day,
                                        g.onset_day_earliest),
                               greatest(least(f.end_day, g.onset_day_latest),
                                        g.onset_day_earliest))
               end::integer as placed_day
        from graded g left join follow_up f using (course_id)
        """
    )


def _create_cases(connection: Connection) -> None:
    connection.execute(
        """
        create or replace temp table classified as
        select *, case
            when is_case is null then 'unknown_definition'
            when not is_case then 'not_a_case'
            when coalesce(relation_to_earlier = 'same', false) then 'continuation'
            when onset_day is null then 'unknown_onset'
            when follow_up_end_day is null or placed_day < 0 or placed_day > follow_up_end_day
                 or (entry_day > 0 and placed_day <= entry_day) then 'outside_time_at_risk'
            else 'counted' end as place
        from candidates
        """
    )
    connection.execute(
        """
        create or replace temp table cases as
        select c.episode_id, c.course_id, c.patient, c.product, c.indication, c.centre_id,
               c.placed_day as onset_day,
               case when c.resolution_day is not null
                    then greatest(c.resolution_day, c.placed_day) end::integer as end_day,
               coalesce(c.organism_class, 'unknown') as organism_class,
               coalesce(c.site, 'unknown') as site,
               coalesce(c.setting_at_onset, 'unknown') as setting_at_onset,
               case when c.lowest = c.highest then c.lowest::varchar else 'unknown' end as severity,
               coalesce(p.status, 'unknown') as prophylaxis,
               c.outcome,
               c.onset_day_earliest <> c.onset_day_latest as partial_onset
        from classified c
        left join episode_prophylaxis_primary p using (episode_id)
        where c.place = 'counted'
        """
    )


def _count(connection: Connection) -> CaseCounts:
    rows = connection.execute("select place, count(*) from classified group by 1").fetchall()
    places = {str(place): int(count) for place, count in rows}
    (partial,) = fetch_row(connection, "select count(*) from cases where partial_onset")
    return CaseCounts(
        recorded=sum(places.values()),
        not_a_case=places.get("not_a_case", 0),
        unknown_definition=places.get("unknown_definition", 0),
        continuation=places.get("continuation", 0),
        unknown_onset=places.get("unknown_onset", 0),
        outside_time_at_risk=places.get("outside_time_at_risk", 0),
        counted=places.get("counted", 0),
        partial_onset=int(partial),
    )
