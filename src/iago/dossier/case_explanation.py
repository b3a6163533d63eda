"""One episode explained: each grade, verdict and recommendation with its clause and its gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iago.attribution.who_umc import attribute_episodes
from iago.errors import InvalidInputError
from iago.grading.infections import grade_episodes, systems
from iago.identification.follow_up import derive_follow_up
from iago.optimization.explanation import explain_indications
from iago.tables.engine import Connection, connect, fetch
from iago.tables.snapshot import Snapshot


@dataclass(frozen=True)
class Explained:
    """One answer: what was asked, the answer, why, and which missing value could change it."""

    subject: str
    answer: str
    reason: str
    missing: str = ""


@dataclass(frozen=True)
class CaseExplanation:
    """Grades, causality and guidance of one episode."""

    grades: tuple[Explained, ...]
    causality: Explained
    guidance: tuple[Explained, ...]


def explain_case(snapshot: Snapshot, episode_id: str) -> CaseExplanation:
    """Explain one episode of a snapshot.

    Raises
    ------
    InvalidInputError
        The snapshot has no such episode.
    """
    with connect(snapshot) as connection:
        episode = _episode(connection, episode_id)
        derive_follow_up(connection)
        grade_episodes(connection)
        attribute_episodes(connection)
        (verdict,) = _rows(connection, "episode_causality", episode_id)
        interval = [verdict[end] for end in ("lowest", "highest")]
        causality = Explained(
            "WHO-UMC", f"{verdict['category']}{_span(interval)}", str(verdict["reason"])
        )
        grades = tuple(_grades(connection, episode_id))
        return CaseExplanation(grades, causality, tuple(_guidance(connection, *episode)))


def _episode(connection: Connection, episode_id: str) -> tuple[str, int | None]:
    """Course and onset day."""
    rows = connection.execute(
        "select course_id, onset_day from episodes where episode_id = ?", [episode_id]
    ).fetchall()
    if not rows:
        raise InvalidInputError(
            "The snapshot has no episode of that name; expected an episode_id of episodes. "
            "Check the spelling, or the snapshot."
        )
    return rows[0][0], rows[0][1]


def _rows(connection: Connection, table: str, episode_id: str) -> list[dict[str, Any]]:
    query = f"select * from {table} where episode_id = ?"
    rows: list[dict[str, Any]] = fetch(connection, query, [episode_id]).to_pylist()
    return rows


def _grades(connection: Connection, episode_id: str) -> list[Explained]:
    names = {system.id: system for system in systems()}
    explained = []
    for row in _rows(connection, "episode_grades", episode_id):
        system = names[row["system"]]
        labels = [system.grade_labels.get(row[end], "") for end in ("lowest", "highest")]
        answer = " to ".join(dict.fromkeys(filter(None, labels))) or row["status"]
        title = system.title_en + (" (provisional)" if system.status == "provisional" else "")
        explained.append(Explained(title, answer, row["reason"], row["missing"] or ""))
    return explained


def _guidance(connection: Connection, course_id: str, onset_day: int | None) -> list[Explained]:
    if onset_day is None:
        return []
    rows = explain_indications(connection, course_id, onset_day).to_pylist()
    return [
        Explained(
            f"{row['exposure_class']}, {row['guidance']}",
            f"{row['exposure']}; {row['status']}",
            "; ".join(part for part in (row["exposure_reason"], row["reason"]) if part),
            row["missing"] or "",
        )
        for row in rows
    ]


def _span(ends: Sequence[object]) -> str:
    known = [str(end) for end in dict.fromkeys(ends) if end is not None]
    return f" (between {' and '.join(known)})" if len(known) > 1 else ""
