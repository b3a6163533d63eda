"""How each infection runs: severity, death, duration and outcome."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from iago.synthetic.draws import NEVER, Bools, Ints, draw_codes_by_row, draw_lognormal, draw_yes
from iago.synthetic.infections import (
    EARLY_UNTIL,
    MARK_ORGANISM,
    MARKS,
    SITES,
    STREAM_CLASS,
    STREAMS,
    Onsets,
    same_as_previous,
)
from iago.synthetic.outcomes import DEATH, Endings, Timeline, resolve_endings
from iago.synthetic.parameters import infections as planted

LEVELS = ("mild", "moderate", "severe", "life-threatening", "fatal")
MILD, MODERATE, SEVERE, LIFE_THREATENING, FATAL = range(5)
OUTCOMES = (
    "resolved",
    "resolved-with-sequelae",
    "improving",
    "ongoing",
    "died-of-other-cause",
    "fatal",
)
RESOLVED, SEQUELAE, IMPROVING, ONGOING, DIED_OTHERWISE, FATAL_OUTCOME = range(6)
HALF_MONTH = 14
MARK_IS_REACTIVATION = np.array(
    [
        mark.site == "bloodstream" and mark.organisms[:1] in {(o,) for o in planted.LATENT_IN_BLOOD}
        for mark in MARKS
    ]
)
_SEVERITY = np.array([[s.severity_early, s.severity_late] for s in STREAMS])
_MEDIAN_DAYS = np.array([stream.median_days for stream in STREAMS])


@dataclass(frozen=True)
class Episodes:
    """Infections that began within follow-up, with what became of them.

    ``resolution_day`` is NEVER while unresolved at the end of follow-up or at death. The onset is
    written as ``written_day`` with ``half_width`` days open on either side, or not at all.
    """

    onsets: Onsets
    severity: Ints
    resolution_day: Ints
    resolution_unknown: Bools
    outcome: Ints
    written_day: Ints
    half_width: Ints
    onset_unknown: Bools

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.onsets)


def follow_episodes(rng: Generator, onsets: Onsets, timeline: Timeline) -> tuple[Episodes, Endings]:
    """Draw severity and course of all infections, and end courses by fatal ones.

    Returns
    -------
    episodes
        Those with onset up to the end of their course, sorted by course and onset day.
    endings
        Ends of all courses; ``fatal_episode`` counts rows of ``episodes``.
    """
    severity = _draw_severity(rng, onsets)
    delay = planted.FATAL_DELAY_DAYS.value
    wait = rng.standard_gamma(delay["shape"], len(onsets)) * delay["mean"] / delay["shape"]
    death_day = np.where(severity == FATAL, onsets.day + 1 + wait.astype(np.int32), NEVER)
    endings = resolve_endings(timeline, onsets.course, death_day.astype(np.int32))
    keep = (onsets.day <= endings.day[onsets.course]) & ~_hidden_by_fatal(onsets, endings)
    order = np.flatnonzero(keep)
    order = order[np.lexsort((onsets.stream[order], onsets.day[order], onsets.course[order]))]
    endings = replace(endings, fatal_episode=_renumber(endings.fatal_episode, order, len(onsets)))
    onsets, severity = onsets.select(order), severity[order]
    fatal = np.zeros(len(onsets), dtype=np.bool_)
    fatal[endings.fatal_episode[endings.fatal_episode >= 0]] = True
    severity = np.where((severity == FATAL) & ~fatal, LIFE_THREATENING, severity).astype(np.int32)
    return _resolve(rng, onsets, severity, fatal, endings), endings


def _draw_severity(rng: Generator, onsets: Onsets) -> Ints:
    late = (onsets.day > EARLY_UNTIL).astype(np.int32)
    severity = draw_codes_by_row(rng, _SEVERITY[onsets.stream, late])
    silent = MARK_IS_REACTIVATION[onsets.mark]
    return np.where(silent, np.minimum(severity, MODERATE), severity).astype(np.int32)


def _hidden_by_fatal(onsets: Onsets, endings: Endings) -> Bools:
    """Infections like the fatal one while it lasts, in class and site or organism: part of it."""
    fatal = endings.fatal_episode[onsets.course]
    stream, organism = onsets.stream, MARK_ORGANISM[onsets.mark]
    same_class = STREAM_CLASS[stream] == STREAM_CLASS[stream[fatal]]
    same_place = same_class & (onsets.site == onsets.site[fatal])
    same_organism = (organism >= 0) & (organism == organism[fatal])
    later = (fatal >= 0) & (onsets.day > onsets.day[fatal])
    return np.asarray(later & (same_place | same_organism))


def _renumber(rows: Ints, order: Ints, size: int) -> Ints:
    """New position of each old row after selection and sorting; -1 stays -1."""
    position = np.full(size + 1, -1, dtype=np.int32)
    position[order] = np.arange(order.size, dtype=np.int32)
    return position[rows]


def _resolve(
    rng: Generator, onsets: Onsets, severity: Ints, fatal: Bools, endings: Endings
) -> Episodes:
    n = len(onsets)
    factor = np.array(planted.DURATION_FACTOR_BY_SEVERITY.value)[severity]
    spread = draw_lognormal(rng, n, (1.0, planted.DURATION_SIGMA.value))
    length = np.ceil(_MEDIAN_DAYS[onsets.stream] * factor * spread)
    organism = MARK_ORGANISM[onsets.mark]
    resolution = (onsets.day + length).astype(np.int32)
    alone = np.ones(n, dtype=np.bool_)
    likeness = STREAM_CLASS[onsets.stream] * len(SITES) + onsets.site
    _end_before_next(onsets, np.arange(n), likeness, resolution, alone)
    _end_before_next(onsets, np.flatnonzero(organism >= 0), organism, resolution, alone)
    end = endings.day[onsets.course]
    open_end = fatal | (resolution > end)
    written, half_width = _write_onsets(rng, onsets.day, alone & ~fatal, end)
    resolution = np.maximum(resolution, written + half_width)
    outcome = _draw_outcomes(rng, severity, endings.kind[onsets.course] == DEATH, open_end)
    unknown = planted.ONSET_PRECISION.value["unknown"]
    end_unknown = draw_yes(rng, planted.UNKNOWN_RESOLUTION_SHARE.value, n)
    return Episodes(
        onsets=onsets,
        severity=severity,
        resolution_day=np.where(open_end, NEVER, resolution).astype(np.int32),
        resolution_unknown=alone & ~open_end & end_unknown,
        outcome=np.where(fatal, FATAL_OUTCOME, outcome).astype(np.int32),
        written_day=written,
        half_width=half_width,
        onset_unknown=alone & ~fatal & (half_width == 0) & draw_yes(rng, unknown, n),
    )


def _write_onsets(rng: Generator, day: Ints, eligible: Bools, end: Ints) -> tuple[Ints, Ints]:
    """Blur a share of the later onsets to a month, kept inside follow-up."""
    precision = planted.ONSET_PRECISION.value
    chosen = eligible & draw_yes(rng, precision["month_only"], day.size)
    middle = day + rng.integers(-HALF_MONTH, HALF_MONTH, day.size, endpoint=True)
    inside = (middle - HALF_MONTH > precision["month_only_after_day"]) & (
        middle + HALF_MONTH <= end
    )
    blurred = chosen & inside
    written = np.where(blurred, middle, day).astype(np.int32)
    return written, np.where(blurred, HALF_MONTH, 0).astype(np.int32)


def _end_before_next(
    onsets: Onsets, rows: Ints, likeness: Ints, resolution: Ints, alone: Bools
) -> None:
    """Let an episode end the day before the next one like it in the course begins."""
    order = rows[np.lexsort((onsets.day[rows], likeness[rows], onsets.course[rows]))]
    follows = same_as_previous(onsets.course[order], likeness[order])
    later = np.flatnonzero(follows)
    earlier_row, later_row = order[later - 1], order[later]
    resolution[earlier_row] = np.minimum(resolution[earlier_row], onsets.day[later_row] - 1)
    alone[earlier_row] = False
    alone[later_row] = False


def _draw_outcomes(rng: Generator, severity: Ints, died: Bools, open_end: Bools) -> Ints:
    sequelae = (severity >= SEVERE) & draw_yes(
        rng, planted.SEQUELAE_SHARE_OF_SEVERE.value, severity.size
    )
    better = draw_yes(rng, planted.IMPROVING_SHARE_OF_UNRESOLVED.value, severity.size)
    unresolved = np.where(died, DIED_OTHERWISE, np.where(better, IMPROVING, ONGOING))
    return np.where(open_end, unresolved, np.where(sequelae, SEQUELAE, RESOLVED)).astype(np.int32)
