"""Rows of the table ``evidence``: what was looked for in a share of the episodes."""

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from iago.synthetic.courses import Courses
from iago.synthetic.draws import Bools, Ints, draw_yes
from iago.synthetic.episodes import IMPROVING, ONGOING, Episodes
from iago.synthetic.infections import STREAMS
from iago.synthetic.labs import Labs
from iago.synthetic.outcomes import Timeline
from iago.synthetic.parameters import infections as planted
from iago.synthetic.parameters.population import CENTRES
from iago.synthetic.sheets import Sheet, take

ITEMS = (
    "time-plausible",
    "explained-by-disease",
    "explained-by-other-drug",
    "other-cause-likely",
    "immune-defect-documented",
    "definitive-phenomenon",
    "information-contradictory",
    "further-data-expected",
)
IMMUNE_DEFECT = ITEMS.index("immune-defect-documented")
RATERS = tuple(f"rater-{number:02d}" for number in range(1, CENTRES.value + 1))


def write_evidence(
    rng: Generator,
    episodes: Episodes,
    courses: Courses,
    timeline: Timeline,
    labs: Labs,
    episode_ids: pa.Array,
) -> Sheet:
    """Fill the table: eight items an assessed episode, in agreement with events and labs.

    The immune defect is documented where a value below the limit was measured before the onset,
    not documented where values were measured and none was low, and absent where none was
    measured. Disease explains an infection after relapse, another drug one after next therapy.
    """
    share = planted.EVIDENCE.value["share_of_episodes"]
    chosen = draw_yes(rng, share, len(episodes)) & ~episodes.onset_unknown
    rows = np.flatnonzero(chosen).astype(np.int32)
    course = episodes.onsets.course[rows]
    defect, measured = labs.immune_defect(course, episodes.written_day[rows])
    findings = _draw_findings(rng, episodes, timeline, rows, defect)
    items = np.tile(np.arange(len(ITEMS), dtype=np.int32), rows.size)
    each = np.repeat(np.arange(rows.size, dtype=np.int32), len(ITEMS))
    unmeasured = ~measured[each] & (items == IMMUNE_DEFECT)
    sheet = Sheet("evidence", each.size, rng)
    sheet.put("episode_id", take(episode_ids, rows[each]))
    sheet.put_codes("item", ITEMS, items)
    sheet.put_values("finding", findings.ravel(), unmeasured)
    sheet.say_why("finding", unmeasured, "NASK")
    sheet.put_codes("rater", RATERS, courses.baseline.centre[course][each])
    return sheet


def _draw_findings(
    rng: Generator, episodes: Episodes, timeline: Timeline, rows: Ints, defect: Bools
) -> Bools:
    """Yes or no to each item (columns) of the chosen episodes (rows)."""
    share = planted.EVIDENCE.value
    n = rows.size
    course, day = episodes.onsets.course[rows], episodes.written_day[rows]
    outcome = episodes.outcome[rows]
    unresolved = (outcome == ONGOING) | (outcome == IMPROVING)
    specific = np.array([stream.name == "pneumocystis" for stream in STREAMS])
    return np.column_stack(
        [
            np.ones(n, dtype=np.bool_),
            timeline.relapse_day[course] <= day,
            timeline.next_therapy_day[course] <= day,
            draw_yes(rng, share["other_cause_likely"], n),
            defect,
            specific[episodes.onsets.stream[rows]],
            draw_yes(rng, share["contradictory"], n),
            unresolved & draw_yes(rng, share["further_data_expected_if_unresolved"], n),
        ]
    )
