"""Sums over courses alike in product, centre and baseline: what a comparison works from."""

from collections.abc import Iterator
from itertools import combinations

import pyarrow as pa

from iago.attribution.covariates import COVARIATES, STRATA
from iago.statistics.clustered_rates import RateSums
from iago.tables.engine import Connection, fetch

# A pair of products is compared where each was given to at least so many courses of an
# indication in which the other was given too. A convention of this project.
LEAST_COURSES = 10


def create_courses(connection: Connection, last_day: int) -> None:
    """Make ``comparison_courses``: episodes, days and baseline of every course to the last day."""
    named = {**COVARIATES, **STRATA}
    columns = ", ".join(f"{sql} as {name}" for name, sql in named.items())
    connection.execute(
        f"""
        create or replace temp table comparison_courses as
        with counted as (
            select course_id, count(*) as episodes from cases
            where onset_day <= {last_day} group by course_id
        )
        select c.product, coalesce(c.centre_id, 'unknown') as centre, {columns},
               coalesce(n.episodes, 0)::double as episodes,
               greatest(0, least(f.end_day, {last_day}) - f.entry_day)::double as days
        from follow_up f join courses c using (course_id)
        left join patients p on p.patient_id = c.patient_id
        left join counted n on n.course_id = c.course_id
        """
    )


def product_pairs(connection: Connection) -> Iterator[tuple[str, str, list[str]]]:
    """Pairs of products in alphabetical order with the known indications that they share.

    Where no indication is recorded at all, products are compared as they are.
    """
    rows = connection.execute(
        f"""
        select product, indication from comparison_courses
        where indication <> 'unknown'
              or (select bool_and(indication = 'unknown') from comparison_courses)
        group by all having count(*) >= {LEAST_COURSES}
        """
    ).fetchall()
    given: dict[str, set[str]] = {}
    for product, indication in rows:
        given.setdefault(str(product), set()).add(str(indication))
    for product_a, product_b in combinations(sorted(given), 2):
        shared = sorted(given[product_a] & given[product_b])
        if shared:
            yield product_a, product_b, shared


def product_sums(connection: Connection) -> dict[str, RateSums]:
    """Sums over all courses of each product."""
    rows = connection.execute(
        """
        select product, count(*), sum(episodes), sum(days), sum(episodes * episodes),
               sum(days * days), sum(episodes * days)
        from comparison_courses group by product
        """
    ).fetchall()
    return {str(product): RateSums(*sums) for product, *sums in rows}


def stratum_sums(
    connection: Connection, product_a: str, product_b: str, indications: list[str]
) -> pa.Table:
    """Courses, events and days of product a and b by the columns of the strata."""
    names = ", ".join(STRATA)
    return fetch(
        connection,
        f"""
        select {names}, count(*)::double as courses,
               coalesce(sum(episodes) filter (where product = $a), 0) as events_a,
               coalesce(sum(days) filter (where product = $a), 0) as days_a,
               coalesce(sum(episodes) filter (where product = $b), 0) as events_b,
               coalesce(sum(days) filter (where product = $b), 0) as days_b
        from comparison_courses
        where product in ($a, $b) and list_contains($indications, indication)
        group by {names} order by {names}
        """,
        {"a": product_a, "b": product_b, "indications": indications},
    )


def shared_patterns(
    connection: Connection, product_a: str, product_b: str, indications: list[str]
) -> pa.Table:
    """One row a product, baseline pattern and centre, with the sums of its courses, in no order."""
    names = ", ".join(COVARIATES)
    return fetch(
        connection,
        f"""
        select product = $a as treated, centre, {names},
               count(*)::double as courses, sum(episodes) as episodes, sum(days) as days,
               sum(episodes * episodes) as episodes_squared, sum(days * days) as days_squared,
               sum(episodes * days) as episodes_days
        from comparison_courses
        where product in ($a, $b) and list_contains($indications, indication)
        group by product, centre, {names}
        """,
        {"a": product_a, "b": product_b, "indications": indications},
    )
