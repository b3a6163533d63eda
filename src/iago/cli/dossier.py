"""``iago dossier``: one toxicity in four chapters."""

from pathlib import Path
from typing import Annotated

import typer

from iago.cli.output import say, show_findings, stages
from iago.cli.sources import data_snapshot
from iago.dossier.assessment import STAGES, assess_infections
from iago.dossier.content import Dossier
from iago.dossier.options import DossierOptions
from iago.dossier.sharing import share_dossier
from iago.dossier.writing import write_dossier

commands = typer.Typer(no_args_is_help=True, help="Make a dossier of one toxicity.")


@commands.callback()
def _group() -> None:
    """Keep ``infection`` a command of its own: other toxicities follow."""


@commands.command()
def infection(
    data: Annotated[Path, typer.Option(help="A snapshot, or a folder of CSV files.")],
    by: Annotated[str, typer.Option(help="product, indication, centre or all.")] = "product",
    out: Annotated[Path, typer.Option(help="Folder of the dossier.")] = Path("dossier"),
    case_definition: Annotated[
        str, typer.Option(help="Which episodes count, by name.")
    ] = "all-documented",
    windows: Annotated[str, typer.Option(help="Window set, by name.")] = "30-100-365",
    strategy: Annotated[
        str, typer.Option(help="while-on-treatment or treatment-policy.")
    ] = "while-on-treatment",
    guidance: Annotated[
        str, typer.Option(help="Guidance set for prophylaxis at onset.")
    ] = "eha-ebmt-2023",
    horizon: Annotated[int, typer.Option(help="Last day of the curves.")] = 365,
    compare_until: Annotated[
        int, typer.Option(help="Last day of the comparison of products.")
    ] = 100,
    *,
    share: Annotated[
        bool, typer.Option("--share", help="Suppress small cells, so that it may leave the house.")
    ] = False,
) -> None:
    """Infections: identification, attribution, grading and optimization."""
    options = DossierOptions(
        by, case_definition, windows, strategy, guidance, horizon, compare_until
    )
    with data_snapshot(data) as (snapshot, findings):
        show_findings(findings)
        with stages(len(STAGES) + 1) as bar:
            content = assess_infections(snapshot, options, bar.begin)
            if share:
                content = share_dossier(content)
            bar.begin("drawing")
            write_dossier(content, out)
    say(_summary(content))
    say(f"Open {out / 'dossier.html'}; the same as data: {out / 'dossier.json'}, {out / 'tables'}.")


def _summary(content: Dossier) -> str:
    shown = {
        name: "suppressed" if value is None else f"{value:,}"
        for name, value in content.headline.items()
    }
    return (
        f"{shown['courses']} courses, {shown['episodes']} episodes in {shown['person_days']} days "
        f"at risk. Snapshot {content.provenance.snapshot_id}."
    )
