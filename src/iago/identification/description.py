"""Who is described: the cohort table, the flow, contacts and completeness."""

import pyarrow as pa

from iago.identification.follow_up import level_column
from iago.standard import load_records
from iago.tables.engine import Connection, fetch
from iago.tables.schema import analysis_fields

COHORT = (
    "Courses with known time at risk. Shares are of the courses of the level; medians leave out "
    "unknown values, which are counted under their own category. Follow-up is the time at risk."
)
CONTACTS = (
    "Contacts at which somebody asked whether an infection had happened since the last contact. "
    "Silence is not the answer no."
)
COMPLETENESS = "Share of rows of a table in which the element has a value."


def _yes_no(sql: str) -> str:
    return f"case when {sql} then 'yes' when not {sql} then 'no' end"


_CATEGORIES = (
    ("product", "product"),
    ("indication", "indication"),
    ("sex", "sex"),
    ("prior_transplant", "prior_transplant"),
    ("bridging", _yes_no("bridging")),
    ("ecog", "ecog"),
    ("car_hematotox_high", _yes_no("car_hematotox_score >= 2")),
    ("infection_100_days_before", _yes_no("infection_100_days_before")),
    ("lymphodepletion_regimen", "lymphodepletion_regimen"),
    ("capture_method", "capture_method"),
    ("end_of_time_at_risk", "end_reason"),
)
_MEDIANS = (
    ("age_years", "age_years"),
    ("prior_lines", "prior_lines"),
    ("time_at_risk_days", "end_day - entry_day"),
)


def describe_cohort(connection: Connection, by: str) -> pa.Table:
    """Baseline characteristics, one row a level, characteristic and category.

    Returns
    -------
    pyarrow.Table
        by, level, characteristic, category, n, share, value; counts have n and share, medians
        and quartiles have a value.
    """
    connection.execute(
        """
        create or replace temp table described as
        select f.entry_day, f.end_day, f.end_reason, c.*, p.sex
        from follow_up f join courses c using (course_id)
        left join patients p on p.patient_id = c.patient_id
        """
    )
    parts: list[pa.Table] = []
    for grouping in dict.fromkeys(("all", by)):
        level = f"coalesce({level_column(grouping)}, 'unknown')"
        parts.append(fetch(connection, _sizes(grouping, level)))
        parts += [
            fetch(connection, _category_counts(grouping, level, name, sql))
            for name, sql in _CATEGORIES
        ]
        parts += [
            fetch(connection, _median_values(grouping, level, name, sql)) for name, sql in _MEDIANS
        ]
    return pa.concat_tables(part.cast(_COHORT_SCHEMA) for part in parts)


_COHORT_SCHEMA = pa.schema(
    [
        ("by", pa.string()),
        ("level", pa.string()),
        ("characteristic", pa.string()),
        ("category", pa.string()),
        ("n", pa.int64()),
        ("share", pa.float64()),
        ("value", pa.float64()),
    ]
)


def _sizes(by: str, level: str) -> str:
    return f"""
        with sized as (
            select {level} as level, count(*) as courses, count(distinct patient_id) as patients,
                   count(distinct centre_id) as centres, sum(end_day - entry_day) as person_days
            from described group by 1
        )
        select '{by}' as "by", level, 'size' as characteristic, category, n, null as share,
               null as value
        from sized unpivot (n for category in (courses, patients, centres, person_days))
        order by level, category
    """


def _category_counts(by: str, level: str, name: str, sql: str) -> str:
    return f"""
        with counted as (
            select {level} as level, coalesce(({sql})::varchar, 'unknown') as category,
                   count(*) as n
            from described group by all
        )
        select '{by}' as "by", level, '{name}' as characteristic, category, n,
               n / sum(n) over (partition by level) as share, null as value
        from counted order by level, category
    """


def _median_values(by: str, level: str, name: str, sql: str) -> str:
    return f"""
        with summarised as (
            select {level} as level, count({sql}) as n, count(*) - count({sql}) as unknown,
                   quantile_cont({sql}, 0.5) as median,
                   quantile_cont({sql}, 0.25) as lower_quartile,
                   quantile_cont({sql}, 0.75) as upper_quartile
            from described group by 1
        )
        select '{by}' as "by", level, '{name}' as characteristic, category,
               case when category = 'median' then n when category = 'unknown' then value end as n,
               null as share, case when category <> 'unknown' then value end as value
        from (select level, n, unnest(['median', 'lower_quartile', 'upper_quartile', 'unknown'])
                         as category,
                     unnest([median, lower_quartile, upper_quartile, unknown::double]) as value
              from summarised)
        order by level, category
    """


def tally_contacts(connection: Connection) -> pa.Table:
    """Contacts by place and answer: columns place, answer, contacts."""
    return fetch(
        connection,
        """
        select coalesce(place, 'unknown') as place, coalesce(answer, 'unknown') as answer,
               count(*) as contacts
        from contacts group by all order by 1, 2
        """,
    )


def tally_capture(connection: Connection) -> dict[str, int]:
    """Courses by the way in which their infections were captured."""
    rows = connection.execute(
        """
        select coalesce(c.capture_method, 'unknown') as method, count(*)
        from courses c join follow_up using (course_id) group by 1 order by 2 desc, 1
        """
    ).fetchall()
    return {str(method): int(count) for method, count in rows}


def tally_completeness(connection: Connection) -> pa.Table:
    """Known and absent values of every element: table, element, known, absent, share_known."""
    parts = []
    for record in load_records():
        names = {
            element.name: analysis_fields(element)[0].name
            for element in record.elements
            if not element.required
        }
        if not names:
            continue
        counts = ", ".join(f'count("{column}") as "{name}"' for name, column in names.items())
        columns = ", ".join(f'"{name}"' for name in names)
        parts.append(
            f"""
            select '{record.table}' as "table", element, known, total - known as absent,
                   known / nullif(total, 0) as share_known
            from (select count(*) as total, {counts} from {record.table})
            unpivot (known for element in ({columns}))
            """
        )
    return fetch(connection, " union all ".join(parts) + " order by 1, 2")
