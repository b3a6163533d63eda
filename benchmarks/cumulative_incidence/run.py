"""Compare cumulative incidence by product with intervals over tools and sizes."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv

from iago.identification.follow_up import derive_follow_up
from iago.tables.engine import connect, fetch
from iago.tables.snapshot import open_snapshot

HERE = Path(__file__).resolve().parent
PYTHON_METHODS = ("iago", "statsmodels", "survival", "lifelines")
R_METHODS = ("R survival", "R cmprsk")
TIME_LIMIT_SECONDS = 300


def main() -> None:
    print("## Cumulative incidence by product, all causes, with standard errors\n")
    print("| patients | tool | seconds | times IAGO | largest difference |")
    print("|---:|---|---:|---:|---:|")
    for folder in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as work:
            size = _write_arrays(Path(folder), Path(work))
            _compare(size, Path(work))


def _write_arrays(folder: Path, work: Path) -> int:
    """One row a course: product, day and cause of what came first."""
    with connect(open_snapshot(folder)) as connection:
        derive_follow_up(connection)
        table = fetch(
            connection,
            """
            with first_case as (
                select f.course_id, min(e.onset_day) as day
                from follow_up f join episodes e using (course_id)
                where e.onset_day between 0 and f.end_day group by 1
            )
            select dense_rank() over (order by product) as "group",
                   coalesce(c.day, f.end_day) as day,
                   case when c.day is not null then 1 when f.end_reason = 'censored' then 0
                        when f.end_reason = 'death' then 2 else 3 end as cause
            from follow_up f left join first_case c using (course_id)
            """,
        )
    pyarrow.csv.write_csv(table, work / "data.csv")
    np.savez(work / "data.npz", **{name: table[name].to_numpy() for name in table.column_names})
    return int(table.num_rows)


def _compare(size: int, work: Path) -> None:
    results = {name: _run(_python_command(name, work)) for name in PYTHON_METHODS}
    if shutil.which("Rscript"):
        results |= {name: _run_r(name, work) for name in R_METHODS}
    own = results["iago"]
    for name, result in results.items():
        if result is None:
            print(f"| {size:,} | {name} | not finished in {TIME_LIMIT_SECONDS} s | | |")
            continue
        keys = own["estimates"].keys()
        apart = max(abs(own["estimates"][key] - result["estimates"][key]) for key in keys)
        ratio = result["seconds"] / own["seconds"]
        print(f"| {size:,} | {name} | {result['seconds']:.3f} | {ratio:.1f} | {apart:.1e} |")


def _python_command(name: str, work: Path) -> list[str]:
    return [sys.executable, str(HERE / "method.py"), name, str(work / "data.npz")]


def _run(command: list[str]) -> Any:
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)


def _run_r(name: str, work: Path) -> Any:
    command = ["Rscript", str(HERE / "methods.R"), name, str(work / "data.csv")]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    except subprocess.CalledProcessError:
        return None  # the R package is not installed
    seconds, *rows = done.stdout.splitlines()
    cells = [row.split(",") for row in rows]
    estimates = {f"{group}/{day}": float(value) for group, day, value in cells}
    return {"seconds": float(seconds), "estimates": estimates}


if __name__ == "__main__":
    main()
