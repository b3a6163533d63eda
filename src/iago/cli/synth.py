"""``iago synth``: made-up cohorts with planted truth."""

from pathlib import Path
from typing import Annotated

import typer

from iago.cli.output import say, stages
from iago.synthetic.cohort import write_cohort


def synth(
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of the snapshot.")] = Path("synthetic"),
) -> None:
    """Make up a cohort; what was planted stands in truth.json beside the tables."""
    with stages(patients) as bar:
        bar.begin("making patients")
        snapshot = write_cohort(out, patients=patients, seed=seed, progress=bar.advance_to)
    rows = ", ".join(f"{count:,} {table}" for table, count in snapshot.rows.items())
    say(f"Snapshot {snapshot.snapshot_id} in {out}: {rows}.")
    say(f"The planted truth stands in {out / 'truth.json'}.")
