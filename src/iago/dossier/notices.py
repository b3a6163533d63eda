"""What the reader must know before believing a number."""

from collections.abc import Mapping

import pyarrow as pa

from iago.dossier.content import Notice
from iago.dossier.options import DossierOptions
from iago.identification.cases import CaseCounts
from iago.identification.follow_up import FollowUpCounts, level_column
from iago.standard.codelists import LOCAL_PREFIX
from iago.standard.definitions import load_case_definition
from iago.tables.engine import Connection, fetch_row
from iago.tables.snapshot import Snapshot

# Follow-up that differs by this factor between levels makes crude shares incomparable.
_UNLIKE_FOLLOW_UP = 2.0
_FEW_EPISODES = 10


def data_notices(
    connection: Connection,
    snapshot: Snapshot,
    options: DossierOptions,
    follow_up: FollowUpCounts,
    cases: CaseCounts,
) -> list[Notice]:
    """Notices about the data: origin, definition, exclusions, unlike capture and follow-up."""
    notices: list[Notice] = []
    if snapshot.dataset.synthetic:
        notices.append(Notice("warning", "cohort", "Made-up data: no number here is a finding."))
    definition = load_case_definition(options.case_definition)
    if definition.status == "provisional":
        notices.append(
            Notice("warning", "identification", f"Provisional definition. {definition.doubt}")
        )
    notices += _exclusions(follow_up, cases)
    notices += _unlike_capture(connection, options.by)
    notices += _unlike_follow_up(connection, options.by)
    notices += _local_codes(connection)
    return notices


def result_notices(tables: Mapping[str, pa.Table], options: DossierOptions) -> list[Notice]:
    """Notices about the results: few episodes in a level."""
    few = [
        str(row["level"])
        for row in tables["density"].to_pylist()
        if row["by"] == options.by
        and row["window"] == "all"
        and row["stratum"] == "all"
        and row["episodes"] < _FEW_EPISODES
    ]
    if not few:
        return []
    text = (
        f"Fewer than {_FEW_EPISODES} episodes in {', '.join(few)}: read the interval, not the "
        "estimate."
    )
    return [Notice("warning", "identification", text)]


def _exclusions(follow_up: FollowUpCounts, cases: CaseCounts) -> list[Notice]:
    notices = []
    if follow_up.without_end:
        text = (
            f"{follow_up.without_end} courses have no end of follow-up, no contact with an answer "
            "and no death: their time at risk is unknown and they are left out."
        )
        notices.append(Notice("warning", "cohort", text))
    if cases.unknown_definition:
        text = (
            f"For {cases.unknown_definition} episodes it is unknown whether they meet the case "
            "definition; they are not counted, so the rates are lower bounds."
        )
        notices.append(Notice("warning", "identification", text))
    if cases.unknown_onset:
        text = f"{cases.unknown_onset} episodes have no known onset and enter no rate."
        notices.append(Notice("warning", "identification", text))
    return notices


def _unlike_capture(connection: Connection, by: str) -> list[Notice]:
    rows = connection.execute(
        f"""
        with methods as (
            select coalesce(f.{_column(by)}, 'unknown') as level,
                   coalesce(c.capture_method, 'unknown') as method, count(*) as n
            from follow_up f join courses c using (course_id) group by all
        )
        select level, arg_max(method, n) from methods group by level order by level
        """
    ).fetchall()
    methods = {str(method) for _, method in rows}
    if len(methods) < 2:
        return []
    text = (
        "Levels differ in how their infections were mostly captured ("
        + ", ".join(f"{level}: {method}" for level, method in rows)
        + "): a difference in rates may be a difference in looking."
    )
    return [Notice("warning", "identification", text)]


def _unlike_follow_up(connection: Connection, by: str) -> list[Notice]:
    rows = connection.execute(
        f"""
        select coalesce({_column(by)}, 'unknown') as level, median(end_day - entry_day)
        from follow_up group by 1 having count(*) >= 5 order by 2
        """
    ).fetchall()
    if len(rows) < 2 or rows[0][1] * _UNLIKE_FOLLOW_UP > rows[-1][1]:
        return []
    text = (
        f"Median time at risk runs from {rows[0][1]:.0f} days ({rows[0][0]}) to {rows[-1][1]:.0f} "
        f"days ({rows[-1][0]}): shares of patients with an infection cannot be compared, only "
        "rates by window and curves."
    )
    return [Notice("warning", "identification", text)]


def _local_codes(connection: Connection) -> list[Notice]:
    (local,) = fetch_row(
        connection,
        "select string_agg(distinct product, ', ') from courses where starts_with(product, ?)",
        [LOCAL_PREFIX],
    )
    if not local:
        return []
    text = f"Product codes of this data set only ({local}): not comparable with other data."
    return [Notice("note", "cohort", text)]


def _column(by: str) -> str:
    return level_column("product" if by == "all" else by)
