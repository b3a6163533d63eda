"""``iago explain``: why one episode has its grades, its verdict and its recommendations."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from iago.cli.output import console, say
from iago.cli.sources import data_snapshot
from iago.dossier.case_explanation import Explained, explain_case


def explain(
    episode: Annotated[str, typer.Argument(help="The episode_id.")],
    data: Annotated[Path, typer.Option(help="A snapshot, or a folder of CSV files.")],
) -> None:
    """Explain one episode: grades, causality, guidance on the day of onset."""
    with data_snapshot(data) as (snapshot, _):
        case = explain_case(snapshot, episode)
    _show("Grading", case.grades)
    _show("Attribution", [case.causality])
    _show("Optimization: prophylaxis on the day of onset (given; indicated)", case.guidance)
    say("Decision support, not orders.")


def _show(heading: str, answers: Iterable[Explained]) -> None:
    console.print(f"\n[bold]{heading}[/]", highlight=False)
    for answer in answers:
        line = f"  {escape(answer.subject)}: [bold]{escape(answer.answer)}[/]"
        console.print(line, highlight=False, soft_wrap=True)
        console.print(f"      {escape(answer.reason)}", highlight=False, soft_wrap=True)
        if answer.missing:
            text = f"      [yellow]missing:[/] {escape(answer.missing)}"
            console.print(text, highlight=False, soft_wrap=True)
