"""Run all benchmarks on synthetic cohorts and print ratios: ``make bench``."""

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TASKS = ("cumulative_incidence", "dossier")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    head = (
        f"# Results\n\n{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.machine()}, 2 cores asked for. Absolute times drift with the machine; ratios "
        "of one run are what counts.\n"
    )
    report = [head]
    with tempfile.TemporaryDirectory(prefix="iago-bench-") as work:
        cohorts = [_cohort(Path(work), size) for size in sizes]
        for task in TASKS:
            command = [sys.executable, str(ROOT / task / "run.py"), *map(str, cohorts)]
            print(f"running {task} ...", file=sys.stderr, flush=True)
            done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
            print(done.stdout, flush=True)
            report.append(done.stdout)
    if arguments.out:
        arguments.out.write_text("\n".join(report), encoding="utf-8")


def _cohort(work: Path, size: int) -> Path:
    folder = work / str(size)
    iago = shutil.which("iago", path=str(Path(sys.executable).parent)) or "iago"
    print(f"making {size:,} patients ...", file=sys.stderr, flush=True)
    command = [iago, "synth", "--patients", str(size), "--seed", "1", "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    main()
