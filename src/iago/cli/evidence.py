"""``iago evidence``: what is published, pooled under uniform criteria."""

from pathlib import Path
from typing import Annotated

import typer

from iago.cli.output import say, stages
from iago.dossier.evidence import assess_mortality_evidence, write_mortality_evidence
from iago.identification.published_mortality import ENTITY, MortalityGroup

commands = typer.Typer(no_args_is_help=True, help="Pool published evidence.")


@commands.callback()
def _group() -> None:
    """Keep ``nrm`` a command of its own: other outcomes follow."""


@commands.command()
def nrm(
    out: Annotated[Path, typer.Option(help="Folder of the page and its tables.")] = Path(
        "evidence"
    ),
) -> None:
    """Non-relapse mortality: published cohorts, pooled by disease and by product."""
    with stages(2) as bar:
        bar.begin("pooling")
        evidence = assess_mortality_evidence()
        bar.begin("drawing")
        write_mortality_evidence(evidence, out)
    say("Crude non-relapse mortality (deaths over patients), random effects:")
    for group in evidence.groups:
        if group.kind == ENTITY:
            say(_line(group))
    unlike = sum(group.unlike_follow_up for group in evidence.groups)
    say(
        f"Warning: in {unlike} of {len(evidence.groups)} groups the follow-up of the cohorts "
        f"differs {evidence.source.unlike_follow_up_ratio:g}-fold or more; longer follow-up "
        "counts more deaths, so do not read differences between groups as effects."
    )
    say(f"Open {out / 'evidence.html'}; the same as data: {out / 'evidence.json'}, *.csv.")


def _line(group: MortalityGroup) -> str:
    pooled = group.pooled
    return (
        f"  {group.label}: {100 * pooled.random:.1f}% (95% CI {100 * pooled.random_lower:.1f} to "
        f"{100 * pooled.random_upper:.1f}), {pooled.events} of {pooled.n:,} patients in "
        f"{pooled.k} cohorts"
    )
