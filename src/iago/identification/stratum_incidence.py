"""Cumulative incidence of the first infection of a kind: a class, a site, a setting, a severity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iago.identification.density import STRATA
from iago.identification.follow_up import competing_kinds, level_column
from iago.identification.incidence import INFECTION
from iago.statistics.competing_risks import estimate_cumulative_incidence
from iago.statistics.daily_tally import DailyTally
from iago.tables.engine import Connection, fetch

DEFINITION = (
    "Probability of a first infection of the kind by the day (Aalen-Johansen), with the events "
    "that end the time at risk competing; an infection of another kind does not end it. Patients "
    "is the number with at least one such infection by then. Pointwise intervals on the log(-log) "
    "scale."
)


def estimate_stratum_incidence(
    connection: Connection, by: str, strategy: str, days: Sequence[int]
) -> pa.Table:
    """Cumulative incidence by organism class, site, setting, severity and prophylaxis at onset.

    Needs ``follow_up`` and ``cases``.

    Parameters
    ----------
    days : sequence of int
        Days from infusion at which it is given; days after the last observation are left out.

    Returns
    -------
    pyarrow.Table
        by, level, stratum, day, at_risk, patients, estimate, lower, upper.
    """
    causes = (INFECTION, *competing_kinds(strategy))
    parts = []
    for grouping in dict.fromkeys(("all", by)):
        ends = _ends(connection, grouping)
        for stratum in STRATA:
            firsts = _firsts(connection, grouping, stratum)
            parts += _curves(ends, firsts, grouping, causes, days)
    return pa.concat_tables(parts) if parts else _SCHEMA.empty_table()


_SCHEMA = pa.schema(
    [
        ("by", pa.string()),
        ("level", pa.string()),
        ("stratum", pa.string()),
        ("day", pa.int64()),
        ("at_risk", pa.int64()),
        ("patients", pa.int64()),
        ("estimate", pa.float64()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
    ]
)


def _ends(connection: Connection, by: str) -> pa.Table:
    """Courses by level, entry, end and its reason."""
    return fetch(
        connection,
        f"""
        select coalesce({level_column(by)}, 'unknown') as level, entry_day, end_day, end_reason,
               count(*) as courses
        from follow_up group by all order by all
        """,
    )


def _firsts(connection: Connection, by: str, stratum: str) -> pa.Table:
    """Courses by stratum, day of their first such infection, and the end it took them from."""
    return fetch(
        connection,
        f"""
        with first_case as (
            select course_id, {stratum} as kind, min(onset_day) as day
            from cases group by all
        )
        select coalesce({level_column(by)}, 'unknown') as level, '{stratum}=' || kind as stratum,
               day, entry_day, end_day, end_reason, count(*) as courses
        from first_case join follow_up using (course_id) group by all order by all
        """,
    )


def _curves(
    ends: pa.Table, firsts: pa.Table, by: str, causes: tuple[str, ...], days: Sequence[int]
) -> list[pa.Table]:
    code = {cause: number for number, cause in enumerate(causes, start=1)} | {"censored": 0}
    kinds = sorted(set(firsts["stratum"].to_pylist()))
    parts = []
    for level in sorted(set(ends["level"].to_pylist())):
        whole = _Exits.of(ends.filter(pc.equal(ends["level"], level)), code)
        at_level = firsts.filter(pc.equal(firsts["level"], level))
        for kind in kinds:
            of_kind = at_level.filter(pc.equal(at_level["stratum"], kind))
            tally = whole.with_first(of_kind, causes, code)
            parts.append(_at_days(tally, (by, level, kind), days))
    return parts


@dataclass(frozen=True, eq=False)
class _Exits:
    """All courses of a level: exits by day and cause, entries by day."""

    cells: NDArray[np.float64]
    entries: NDArray[np.float64]

    @classmethod
    def of(cls, ends: pa.Table, code: dict[str, int]) -> "_Exits":
        courses = ends["courses"].to_numpy()
        shape = (int(pc.max(ends["end_day"]).as_py()) + 1, len(code))
        cells = np.bincount(_cell(ends, code), courses, minlength=shape[0] * shape[1])
        entries = np.bincount(ends["entry_day"].to_numpy(), courses)
        return cls(cells.reshape(shape).astype(np.float64), entries.astype(np.float64))

    def with_first(
        self, firsts: pa.Table, causes: tuple[str, ...], code: dict[str, int]
    ) -> DailyTally:
        """Tally in which those with such an infection leave at its onset, not at their end."""
        courses = firsts["courses"].to_numpy()
        cells = self.cells.copy().ravel()
        cells -= np.bincount(_cell(firsts, code), courses, minlength=len(cells))
        onset = firsts["day"].to_numpy().astype(np.int64) * len(code) + code[INFECTION]
        cells += np.bincount(onset, courses, minlength=len(cells))
        day, cause = np.nonzero(cells.reshape(self.cells.shape))
        return DailyTally.from_counts(
            causes=causes,
            exit_day=day,
            exit_cause=cause,
            exit_count=cells.reshape(self.cells.shape)[day, cause],
            entry_day=np.arange(len(self.entries)),
            entry_count=self.entries,
        )


def _cell(table: pa.Table, code: dict[str, int]) -> NDArray[np.int64]:
    """Position of each row in the flattened table of day by cause."""
    reasons = table["end_reason"].combine_chunks().dictionary_encode()
    codes = np.array([code[name] for name in reasons.dictionary.to_pylist()], dtype=np.int64)
    cause = codes[reasons.indices.to_numpy()] if len(codes) else np.zeros(0, dtype=np.int64)
    end_day: NDArray[np.int64] = table["end_day"].to_numpy().astype(np.int64)
    return end_day * len(code) + cause


def _at_days(tally: DailyTally, keys: tuple[str, str, str], days: Sequence[int]) -> pa.Table:
    curve = estimate_cumulative_incidence(tally, INFECTION)
    shown = curve.at([day for day in days if day <= tally.last_day])
    by, level, stratum = ([key] * shown.num_rows for key in keys)
    columns = {
        "by": by,
        "level": level,
        "stratum": stratum,
        "day": shown["day"],
        "at_risk": shown["at_risk"],
        "patients": shown["events_to_date"],
        **{name: shown[name] for name in ("estimate", "lower", "upper")},
    }
    return pa.table(columns).cast(_SCHEMA)
