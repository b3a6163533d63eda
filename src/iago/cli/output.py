"""What the terminal shows: progress over long work, findings, errors."""

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
    """The first findings as a table, and how many there are of each code."""
    if not findings:
        return
    table = Table(title=f"{min(len(findings), _SHOWN)} of {len(findings)} findings")
    for heading in ("code", "file", "row", "column", "found", "expected", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings[:_SHOWN]:
        cells = (
            finding.code,
            finding.file,
            finding.row,
            finding.column,
            finding.found,
            finding.expected,
            finding.action,
        )
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in cells))
    problems.print(table)
