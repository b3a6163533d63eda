"""Patient-days and infections on and off prophylaxis, by what each guidance set says of the day."""

from collections.abc import Sequence

import pyarrow as pa

from iago.errors import DefinitionError
from iago.optimization.indications import derive_indications_once
from iago.optimization.prophylaxis import EXPOSURE_SQL, STATUS_SQL
from iago.statistics.rates import estimate_rates
from iago.tables.engine import Connection, fetch

CAVEAT = (
    "Rates on and off prophylaxis are confounded by indication and by time: prophylaxis is given "
    "to patients at higher risk and in the weeks of highest risk, and stopped in those who "
    "recover. They describe; they do not say whether prophylaxis works."
)
_RATE_COLUMNS = ("rate", "lower", "upper")


def tally_indication_days(
    connection: Connection, by: Sequence[str] = (), among: str | None = None
) -> pa.Table:
    """Count patient-days and episodes by what was given and what each set says.

    Person-time is that of (entry_day, end_day] of ``follow_up``; every patient-day stands in
    exactly one cell for each class and set, so that the cells of a class and set add up to the
    days at risk. An episode counts for the classes directed against its organisms, in the cell
    of its onset.

    Parameters
    ----------
    by
        Columns of ``courses`` to group by.
    among : str, optional
        Table of the episodes that count (column episode_id), such as ``cases``. By default all
        episodes whose onset (the midpoint where it is not known to the day) lies in the time at
        risk, day 0 included for courses entered on day 0.

    Returns
    -------
    pyarrow.Table
        Columns of ``by``, guidance, exposure_class, exposure (on, off, unknown), indication
        (indicated, not-indicated, unknown, no-statement), status (as in ``episode_prophylaxis``),
        person_days, episodes.

    Raises
    ------
    DefinitionError
        A column in ``by`` is not one of ``courses``.
    """
    derive_indications_once(connection, by)
    columns = "".join(f"{column}, " for column in by)
    return fetch(
        connection,
        f"""
        with counted as ({_counted_episodes(among)}),
        cells as (
            select {columns}situation, exposure_class, exposure, person_days, 0 as episodes
            from indication_days
            union all by name
            select {columns}situation, exposure_class, exposure, 0 as person_days, 1 as episodes
            from episode_situations join counted using (episode_id)
            join courses using (course_id)
        )
        select {columns}guidance, exposure_class, {EXPOSURE_SQL} as given, indication,
               {STATUS_SQL} as status,
               sum(person_days)::bigint as person_days, sum(episodes)::bigint as episodes
        from cells join (select situation, guidance, status as indication
                         from indication_statuses) using (situation)
        group by all order by all
        """,
    ).rename_columns({"given": "exposure"})


def tally_patient_days(
    connection: Connection, by: Sequence[str] = (), among: str | None = None
) -> pa.Table:
    """Infections and patient-days by prophylaxis status, with shares and rates.

    The cells of :func:`tally_indication_days`, joined by status: on (whatever the set says of the
    day), off-indicated, off-not-indicated, unknown. Read :data:`CAVEAT` beside the rates.

    Returns
    -------
    pyarrow.Table
        Columns of ``by``, guidance, exposure_class, status, person_days, episodes, share (of the
        episodes of the class, null where there is none), days_indicated, days_no_statement,
        rate_per_100_days, lower, upper (exact 95 % interval, episodes taken as independent; null
        without person-time).
    """
    columns = "".join(f"{column}, " for column in by)
    cells = tally_indication_days(connection, by, among)
    connection.register("indication_cells", cells)
    tally = fetch(
        connection,
        f"""
        with statuses as (
            select {columns}guidance, exposure_class, status,
                   sum(person_days)::bigint as person_days, sum(episodes)::bigint as episodes,
                   coalesce(sum(person_days) filter (where indication = 'indicated'), 0)::bigint
                       as days_indicated,
                   coalesce(sum(person_days) filter (where indication = 'no-statement'), 0)::bigint
                       as days_no_statement
            from indication_cells group by all
        )
        select {columns}guidance, exposure_class, status, person_days, episodes,
               episodes / nullif(sum(episodes) over (
                   partition by {columns}guidance, exposure_class), 0) as share,
               days_indicated, days_no_statement
        from statuses order by all
        """,
    )
    connection.unregister("indication_cells")
    return _with_rates(tally)


def tally_exposure_days(connection: Connection, among: str | None = None) -> pa.Table:
    """Infections and patient-days on and off each class, whatever any guidance says.

    Read :data:`CAVEAT` beside the rates. Parameters as in :func:`tally_indication_days`.

    Returns
    -------
    pyarrow.Table
        exposure_class, given (on, off, unknown), person_days, episodes (of those against which
        the class is directed), rate_per_100_days, lower, upper (exact 95 % interval).
    """
    cells = tally_indication_days(connection, (), among)
    connection.register("indication_cells", cells)
    # Every set has a cell for every patient-day, so that one of them holds all days once.
    tally = fetch(
        connection,
        """
        select exposure_class, exposure as given, sum(person_days)::bigint as person_days,
               sum(episodes)::bigint as episodes
        from indication_cells where guidance = (select min(guidance) from indication_cells)
        group by all order by all
        """,
    )
    connection.unregister("indication_cells")
    return _with_rates(tally)


def _with_rates(tally: pa.Table) -> pa.Table:
    rates = estimate_rates(tally["episodes"].to_numpy(), tally["person_days"].to_numpy()).table()
    for name in _RATE_COLUMNS:
        column = "rate_per_100_days" if name == "rate" else name
        tally = tally.append_column(column, rates[name])
    return tally


def _counted_episodes(among: str | None) -> str:
    if among is None:
        return """
            select episode_id, course_id
            from episodes join follow_up f using (course_id)
            where onset_day <= f.end_day
                  and (onset_day > f.entry_day or (onset_day = 0 and f.entry_day = 0))
        """
    if not among.isidentifier():
        raise DefinitionError(f"{among!r} is not the name of a table.")
    return f"select episode_id, course_id from episodes semi join {among} using (episode_id)"
