"""Write a synthetic cohort of CAR T recipients as a snapshot, with its truth beside it."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator, SeedSequence

from iago.errors import InvalidInputError
from iago.synthetic.blocks import Block, second_baseline, simulate_block
from iago.synthetic.course_tables import write_courses, write_patients
from iago.synthetic.courses import Centres, draw_baseline, draw_centres
from iago.synthetic.episode_table import write_episodes, write_organisms
from iago.synthetic.evidence_table import write_evidence
from iago.synthetic.exposure_table import write_exposures
from iago.synthetic.follow_up_tables import write_contacts, write_deaths, write_events
from iago.synthetic.labs import write_labs
from iago.synthetic.realised import Tally, add_tallies, tally_block
from iago.synthetic.sheets import Sheet, identifiers
from iago.synthetic.truth import describe_truth
from iago.tables.schema import snapshot_schemas
from iago.tables.snapshot import Dataset, Snapshot, SnapshotWriter, open_snapshot, snapshot_writer

TRUTH = "truth.json"
BATCH_PATIENTS = 100_000
Progress = Callable[[int, int], None]


def write_cohort(
    folder: Path, *, patients: int, seed: int, progress: Progress | None = None
) -> Snapshot:
    """Write a made-up cohort whose truth is known, to try and to check every analysis.

    The folder becomes a snapshot with all tables of the standard and a file ``truth.json`` with
    the model, every planted number, and counts of what was generated. The same patients and seed
    give the same bytes. Memory does not grow with the number of patients: they are made in
    batches, each with random numbers of its own.

    Parameters
    ----------
    folder : pathlib.Path
        Replaced if it holds a snapshot.
    patients : int
        Number of persons, 1 or more; about 2 in 100 have a second course.
    seed : int
        0 or more.
    progress : callable, optional
        Called after each batch with patients done and patients in all.

    Raises
    ------
    InvalidInputError
        Fewer than one patient, or a negative seed.
    SnapshotError
        The folder holds something other than a snapshot.
    """
    if patients < 1:
        raise InvalidInputError(
            f"A cohort of {patients} patients was asked for; expected 1 or more. "
            "Give a positive number of patients."
        )
    if seed < 0:
        raise InvalidInputError(f"The seed is {seed}; expected 0 or more. Give another seed.")
    title = f"Synthetic cohort of {patients} patients (seed {seed})"
    notes = f"Made-up data; the planted truth is in {TRUTH}."
    with snapshot_writer(folder, Dataset(title=title, synthetic=True, notes=notes)) as writer:
        centres = draw_centres(_generator(seed, 0))
        tally = _write_batches(writer, patients, seed, centres, progress)
        truth = describe_truth(patients, seed, centres, tally)
        text = json.dumps(truth, indent=1, ensure_ascii=False, allow_nan=False)
        (writer.folder / TRUTH).write_text(text + "\n", encoding="utf-8")
    return open_snapshot(folder, verify=False)


def _generator(seed: int, *branch: int) -> Generator:
    return np.random.default_rng(SeedSequence(entropy=seed, spawn_key=branch))


def _write_batches(
    writer: SnapshotWriter,
    patients: int,
    seed: int,
    centres: Centres,
    progress: Progress | None,
) -> Tally:
    """Make batch after batch; the tables of one are written while the next is made."""
    tally: Tally = {}
    rows: Counter[str] = Counter()
    written: Future[None] | None = None
    with ThreadPoolExecutor(max_workers=1) as writing:
        for number, start in enumerate(range(0, patients, BATCH_PATIENTS)):
            size = min(BATCH_PATIENTS, patients - start)
            rng = _generator(seed, 1, number)
            tables, counts = _make_batch(rng, start, size, centres, rows)
            tally = add_tallies(tally, counts)
            if written is not None:
                written.result()
            written = writing.submit(_write_tables, writer, tables)
            if progress is not None:
                progress(start + size, patients)
        if written is not None:
            written.result()
    return tally


def _write_tables(writer: SnapshotWriter, tables: Mapping[str, list[pa.Table]]) -> None:
    for name, parts in tables.items():
        # Whole batches make large row groups; the dictionaries of the parts may differ.
        schema = snapshot_schemas()[name]
        writer.write(name, pa.concat_tables([part.cast(schema) for part in parts]))


def _make_batch(
    rng: Generator, start: int, size: int, centres: Centres, rows: Counter[str]
) -> tuple[dict[str, list[pa.Table]], Tally]:
    """Simulate one batch; ``rows`` counts the rows of every table over all batches."""
    first = simulate_block(rng, draw_baseline(rng, size, centres), centres)
    blocks = [first]
    again = second_baseline(rng, first)
    if again.size:
        blocks.append(simulate_block(rng, again, centres))
    patient_ids = identifiers("P", start + 1, size)
    tables: dict[str, list[pa.Table]] = defaultdict(list)
    tally: Tally = {}
    _add(tables, [write_patients(rng, first.courses.baseline, patient_ids)], rows)
    for block in blocks:
        _add(tables, _write_block(rng, block, centres, patient_ids, rows), rows)
        tally = add_tallies(tally, tally_block(block))
    return tables, tally


def _add(tables: dict[str, list[pa.Table]], sheets: Iterable[Sheet], rows: Counter[str]) -> None:
    """Append sheets and their absences, and count their rows."""
    for sheet in sheets:
        tables[sheet.name].append(sheet.rows())
        tables["absences"].append(sheet.absences(rows[sheet.name]))
        rows[sheet.name] += sheet.size


def _write_block(
    rng: Generator, block: Block, centres: Centres, patient_ids: pa.Array, rows: Counter[str]
) -> Iterator[Sheet]:
    """Fill all tables of a block, one after the other."""
    courses, episodes, end_day = block.courses, block.episodes, block.endings.day
    number = pa.array([f"-{block.courses.baseline.number[0]}"] * courses.size)
    people = patient_ids.take(pa.array(courses.baseline.person))
    course_ids = pc.binary_join_element_wise(people, number, "")
    episode_ids = identifiers("E", rows["episodes"] + 1, len(episodes))
    yield write_courses(rng, courses, centres, end_day, patient_ids, course_ids)
    yield write_exposures(rng, block.exposures, end_day, course_ids, rows["exposures"] + 1)
    yield write_labs(rng, block.labs, courses, end_day, course_ids)
    yield write_episodes(rng, episodes, courses, end_day, course_ids, episode_ids)
    yield write_organisms(rng, episodes, episode_ids)
    yield write_contacts(rng, episodes, courses, end_day, course_ids, rows["contacts"] + 1)
    yield write_events(rng, block.timeline, block.endings, course_ids, rows["events"] + 1)
    yield write_deaths(rng, block.timeline, block.endings, episodes, course_ids, episode_ids)
    yield write_evidence(rng, episodes, courses, block.timeline, block.labs, episode_ids)
