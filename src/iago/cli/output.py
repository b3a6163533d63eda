"""What the terminal shows: progress over long work, findings, errors."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from iago.errors import IagoError
from iago.exchange.csv.finding_codes import FINDING_CODES
from iago.exchange.csv.findings import Finding

console = Console()
problems = Console(stderr=True)
_SHOWN = 20


def show_error(error: IagoError) -> None:
    """One error in plain words on standard error."""
    problems.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False)


def say(text: str) -> None:
    """One line of result on standard output."""
    console.print(escape(text), highlight=False, soft_wrap=True)


@contextmanager
def stages(total: int) -> Iterator["StageBar"]:
    """Progress over named stages, shown on standard error."""
    with _bar() as progress:
        yield StageBar(progress, total)


class StageBar:
    """A progress bar that is told the name of the stage that begins."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)
        self._begun = 0

    def begin(self, name: str) -> None:
        """A stage begins; the ones before are done."""
        self._progress.update(self._task, description=name, completed=self._begun)
        self._begun += 1

    def step(self, name: str, done: int, total: int) -> None:
        """So many of all steps are done, and this one begins."""
        self._progress.update(self._task, description=name, completed=done, total=total)

    def advance_to(self, done: int, total: int) -> None:
        """So many parts of all are done."""
        self._progress.update(self._task, completed=done, total=total)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=problems,
        transient=True,
    )


def show_findings(findings: Sequence[Finding]) -> None:
    """Errors and warnings one by one as far as they fit, notes in one line a kind."""
    serious = [finding for finding in findings if finding.severity != "note"]
    for finding in serious[:_SHOWN]:
        _show(finding)
    if len(serious) > _SHOWN:
        problems.print(f"... and {len(serious) - _SHOWN:,} more: --report FILE writes all of them.")
        for code, count in Counter(finding.code for finding in serious).most_common():
            problems.print(f"  {count:>7,}  {code}  {FINDING_CODES[code].title}", highlight=False)
    notes: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity == "note":
            notes.setdefault(f"{finding.code} {finding.found}", []).append(finding.file)
    for note, files in notes.items():
        problems.print(f"[dim]Note[/] {escape(note)}: {', '.join(files)}", highlight=False)


def _show(finding: Finding) -> None:
    place = [finding.file]
    if finding.row is not None:
        place.append(f"row {finding.row}")
    if finding.column:
        place.append(finding.column)
    colour = "red" if finding.severity == "error" else "yellow"
    head = f"[bold {colour}]{finding.severity}[/] {finding.code}  {escape(', '.join(place))}"
    problems.print(head, highlight=False)
    lines = (("found", finding.found), ("expected", finding.expected), ("to do", finding.action))
    for name, text in lines:
        if text:
            grid = Table.grid(padding=(0, 1))
            grid.add_column(width=9)
            grid.add_column(overflow="fold")
            grid.add_row(f" [dim]{name}[/]", escape(text))
            problems.print(grid)
