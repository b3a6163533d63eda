"""The whole dossier by size: time, peak memory, growth, and the planted truth beside the answer."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from iago.identification.follow_up import derive_follow_up
from iago.tables.engine import connect, fetch
from iago.tables.snapshot import open_snapshot

CONTRAST = "axi-cel vs tisa-cel"


def main() -> None:
    runs = [_run(Path(folder)) for folder in sys.argv[1:]]
    print("## The whole dossier\n")
    print("| patients | seconds | peak memory (MB) | seconds per 10,000 patients |")
    print("|---:|---:|---:|---:|")
    for run in runs:
        per = run["seconds"] / run["patients"] * 10_000
        print(
            f"| {run['patients']:,} | {run['seconds']:.1f} | {run['megabytes']:.0f} | {per:.2f} |"
        )
    print("\n## Recovering the planted product hazard ratio\n")
    print("| patients | method | planted | estimate | interval | error of log ratio |")
    print("|---:|---|---:|---:|---|---:|")
    for run in runs:
        _print_recovery(run)


def _run(folder: Path) -> dict[str, Any]:
    iago = shutil.which("iago", path=str(Path(sys.executable).parent)) or "iago"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "dossier"
        begun = time.perf_counter()
        process = subprocess.Popen(
            [iago, "dossier", "infection", "--data", str(folder), "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        if status != 0:
            raise SystemExit(f"the dossier of {folder.name} patients failed")
        with (out / "tables" / "comparison.csv").open(encoding="utf-8") as stream:
            comparison = list(csv.DictReader(stream))
    return {
        "patients": int(folder.name),
        "seconds": seconds,
        "megabytes": usage.ru_maxrss / 1024,
        "planted": _planted_ratio(truth),
        "by_lot": _ratio_by_lot(folder),
        "comparison": [row for row in comparison if row["contrast"] == CONTRAST],
    }


def _planted_ratio(truth: dict[str, Any]) -> float:
    ratios = truth["product_hazard_ratios"]
    return float(ratios["axi-cel"] / ratios["tisa-cel"])


def _print_recovery(run: dict[str, Any]) -> None:
    """Estimates between a perfect control (the truth) and a random one (products drawn by lot)."""
    planted = run["planted"]
    rows = [
        (row["method"], *(_number(row[name]) for name in ("estimate", "lower", "upper")))
        for row in run["comparison"]
    ]
    nothing = float("nan")
    rows = [
        ("perfect control", planted, nothing, nothing),
        *rows,
        ("random control", run["by_lot"], nothing, nothing),
    ]
    for method, estimate, lower, upper in rows:
        error = np.log(estimate / planted)
        interval = f"{lower:.3f} to {upper:.3f}" if np.isfinite(lower) else ""
        print(
            f"| {run['patients']:,} | {method} | {planted:.2f} | {estimate:.3f} | {interval} "
            f"| {error:+.3f} |"
        )


def _ratio_by_lot(folder: Path) -> float:
    """Crude ratio of the two products if each course had been given one of them by lot."""
    with connect(open_snapshot(folder, verify=False)) as connection:
        derive_follow_up(connection)
        rows = fetch(
            connection,
            """
            with counted as (
                select course_id, count(*) as episodes from episodes
                where onset_day between 0 and 100 group by 1
            )
            select coalesce(episodes, 0) as episodes, least(end_day, 100) as days
            from follow_up left join counted using (course_id)
            where product in ('axi-cel', 'tisa-cel') order by course_id
            """,
        )
    first = np.random.default_rng(1).random(rows.num_rows) < 0.5
    episodes, days = rows["episodes"].to_numpy(), rows["days"].to_numpy()
    rates = [episodes[arm].sum() / days[arm].sum() for arm in (first, ~first)]
    return float(rates[0] / rates[1])


def _number(text: str) -> float:
    return float(text) if text else float("nan")


if __name__ == "__main__":
    main()
