"""Tables in which the four steps meet: each is declared here once, and nowhere else.

identification writes ``follow_up`` and ``cases``; grading writes ``episode_grades``;
optimization writes ``episode_prophylaxis``; attribution writes ``episode_causality``. The steps
never import each other: they read these tables from the same database.
"""

import pyarrow as pa

# One row a course. Day 0 counts: a course observed from infusion has entry_day 0 and is at risk
# on day 0; one entered on day e > 0 is at risk on the days after e. Time at risk ends on end_day.
FOLLOW_UP = pa.schema(
    [
        ("course_id", pa.string()),
        ("product", pa.string()),
        ("indication", pa.string()),
        ("centre_id", pa.string()),
        ("entry_day", pa.int32()),
        ("end_day", pa.int32()),
        # 'censored', 'death' or the competing event kind that ended the time at risk
        ("end_reason", pa.string()),
    ]
)

# One row an episode that meets the case definition and starts in the time at risk of its course.
CASES = pa.schema(
    [
        ("episode_id", pa.string()),
        ("course_id", pa.string()),
        ("onset_day", pa.int32()),  # placed day (midpoint of a partial onset, inside follow-up)
        ("end_day", pa.int32()),  # last day with the infection active, null while unknown
        ("organism_class", pa.string()),
        ("site", pa.string()),
        ("setting_at_onset", pa.string()),
        ("severity", pa.string()),  # level of the five-level scale, or 'unknown'
        ("prophylaxis", pa.string()),  # status under the chosen guidance set, or 'unknown'
    ]
)

EPISODE_GRADES = pa.schema(
    [
        ("episode_id", pa.string()),
        ("system", pa.string()),
        ("lowest", pa.int32()),
        ("highest", pa.int32()),
        # exact | bounded | ungradable | not-applicable
        ("status", pa.string()),
        ("reason", pa.string()),
        ("missing", pa.string()),
    ]
)

# One row an episode x prophylaxis class directed against its organism x guidance set.
EPISODE_PROPHYLAXIS = pa.schema(
    [
        ("episode_id", pa.string()),
        ("exposure_class", pa.string()),
        ("guidance", pa.string()),
        # on | off-indicated | off-not-indicated | unknown
        ("status", pa.string()),
        ("reason", pa.string()),
    ]
)

EPISODE_CAUSALITY = pa.schema(
    [
        ("episode_id", pa.string()),
        ("method", pa.string()),
        ("category", pa.string()),
        ("lowest", pa.string()),
        ("highest", pa.string()),
        ("reason", pa.string()),
    ]
)
