"""The courses under analysis, numbered, and their columns as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from iago.tables.engine import Connection, fetch, fetch_row

# Courses worked on at a time: small enough for arrays to be reused, large enough to be few.
BLOCK = 125_000


@dataclass(frozen=True, eq=False)
class Cohort:
    """Courses numbered from 0 in the table ``index`` (columns course and course_id).

    ``looks_before_infusion`` is an SQL condition for the courses of which days before infusion
    matter.
    """

    connection: Connection
    index: str
    courses: int
    looks_before_infusion: str

    def blocks(self) -> Iterator[range]:
        """Courses in blocks; a single empty block where there is no course."""
        for start in range(0, max(self.courses, 1), BLOCK):
            yield range(start, min(start + BLOCK, self.courses))

    def columns(self, query: str) -> dict[str, NDArray[Any]]:
        """Columns of a query without nulls as arrays."""
        table = fetch(self.connection, query)
        return {name: table[name].to_numpy() for name in table.column_names}


def number_courses(connection: Connection, index: str) -> Cohort:
    """Number all courses of the snapshot in a table ``index``."""
    connection.execute(
        f"""
        create or replace temp table {index} as
        select (row_number() over () - 1)::integer as course, course_id from courses
        """
    )
    (count,) = fetch_row(connection, f"select count(*) from {index}")
    early = "select course_id from episodes where coalesce(onset_day_earliest, -1) < 0"
    return Cohort(connection, index, int(count), f"course_id in ({early})")


def number_one_course(connection: Connection, index: str, course_id: str) -> Cohort:
    """Number a single course in a table ``index``, which stays empty where it does not exist."""
    connection.execute(f"create or replace temp table {index} (course integer, course_id varchar)")
    connection.execute(
        f"insert into {index} select 0, course_id from courses where course_id = ?", [course_id]
    )
    (count,) = fetch_row(connection, f"select count(*) from {index}")
    return Cohort(connection, index, int(count), "true")
