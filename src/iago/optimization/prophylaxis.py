"""Whether prophylaxis was on when the infection began and, if not, whether it was indicated."""

from collections.abc import Sequence

from iago.optimization.arrays_in_sql import sql_case
from iago.optimization.exposure_histories import (
    DATES_UNKNOWN,
    EXPOSURE_REASONS,
    EXPOSURE_WORDS,
    INTENT_NOT_RECORDED,
    NOT_GIVEN,
    NOT_RECORDED,
)
from iago.optimization.indications import derive_indications
from iago.standard.guidance import load_guidance_set
from iago.tables.derived import EPISODE_PROPHYLAXIS
from iago.tables.engine import Connection, check_columns

DEFAULT_GUIDANCE = "eha-ebmt-2023"
STATUSES = ("on", "off-indicated", "off-not-indicated", "unknown")

# From the level of the drug class to words, and from both to the status of an episode or a day.
EXPOSURE_SQL = sql_case("exposure", EXPOSURE_WORDS)
_EXPOSURE_REASON_SQL = sql_case(
    "exposure", {level: text for level, text in EXPOSURE_REASONS.items() if level != NOT_GIVEN}
)
STATUS_SQL = (
    f"case when exposure >= {INTENT_NOT_RECORDED} then 'on' "
    f"when exposure <> {NOT_GIVEN} then 'unknown' "
    "when indication = 'indicated' then 'off-indicated' "
    "when indication = 'not-indicated' then 'off-not-indicated' else 'unknown' end"
)
NO_STATEMENT = "no statement: "


def derive_episode_prophylaxis(
    connection: Connection, guidance: str = DEFAULT_GUIDANCE, by: Sequence[str] = ()
) -> None:
    """Say for every episode whether prophylaxis was on, and if off whether it was indicated.

    Makes the view ``episode_prophylaxis`` (an episode x class directed against it x guidance
    set) and the table ``episode_prophylaxis_primary`` (episode_id, status) for one set.

    A class is on where an interval of prophylaxis covers every day on which the infection may
    have begun; ``unknown`` where it covers some, or where its own dates are open. Off is
    ``off-indicated`` or ``off-not-indicated`` by the set; where the set makes no statement or
    leaves it open, the status is unknown and the reason says so. No interval means not given at
    centres that record prophylaxis (:mod:`iago.optimization.exposure_histories`).

    The primary status of an episode joins the classes directed against its organisms, other than
    immunoglobulin: on if any is on; else unknown if for any it is not known; else off though
    indicated if any is. Episodes without such a class (a virus without prophylaxis, no organism)
    are ``none-directed``. No other set is asked where the chosen one is silent.

    Parameters
    ----------
    guidance
        Set of the primary status.
    by
        Columns of ``courses`` by which patient-days will be tallied later; naming them here saves
        a second pass.

    Raises
    ------
    DefinitionError
        No such guidance set, or no such column.
    """
    load_guidance_set(guidance)
    derive_indications(connection, by)
    connection.execute(
        """
        create or replace temp view episode_indications as
        select episode_id, exposure_class, guidance, exposure, status as indication,
               reason as indication_reason, missing
        from episode_situations join indication_statuses using (situation)
        """
    )
    connection.execute(
        f"""
        create or replace temp view episode_prophylaxis as
        select episode_id, exposure_class, guidance, {STATUS_SQL} as status,
               coalesce({_EXPOSURE_REASON_SQL},
                        case when indication = 'no-statement' then '{NO_STATEMENT}' else '' end
                        || indication_reason) as reason
        from episode_indications
        """
    )
    check_columns(connection, "episode_prophylaxis", EPISODE_PROPHYLAXIS)
    _derive_primary(connection, guidance)


def _derive_primary(connection: Connection, guidance: str) -> None:
    connection.execute(
        f"""
        create or replace temp table episode_prophylaxis_primary as
        with directed as (
            select episode_id,
                   bool_or(exposure >= {INTENT_NOT_RECORDED}) as any_on,
                   bool_or(exposure in ({DATES_UNKNOWN}, {NOT_RECORDED})) as any_open,
                   bool_or(status = 'indicated') as any_indicated,
                   bool_and(status = 'not-indicated') as none_indicated
            from episode_situations
            join (select * from indication_statuses where guidance = $guidance) using (situation)
            where exposure_class <> 'immunoglobulin'
            group by episode_id
        )
        select episode_id,
               case when directed.any_on is null then 'none-directed'
                    when any_on then 'on'
                    when any_open then 'unknown'
                    when any_indicated then 'off-indicated'
                    when none_indicated then 'off-not-indicated'
                    else 'unknown' end as status
        from episodes left join directed using (episode_id)
        """,
        {"guidance": guidance},
    )
