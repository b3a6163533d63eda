"""``iago validate``, ``import``, ``export``, ``template`` and ``schema``: records in and out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iago.cli.output import say, show_findings, stages
from iago.errors import InvalidInputError
from iago.exchange.csv.export import write_csv
from iago.exchange.csv.findings import Finding, write_findings
from iago.exchange.csv.importing import FindingsError, import_folder, validate_folder
from iago.exchange.csv.template import write_templates
from iago.standard.models import json_schema
from iago.tables.snapshot import open_snapshot

import_commands = typer.Typer(no_args_is_help=True, help="Take records in.")
export_commands = typer.Typer(no_args_is_help=True, help="Give records out.")

_Map = Annotated[Path | None, typer.Option("--map", help="Mapping file for a foreign export.")]
_Report = Annotated[Path | None, typer.Option(help="Write all findings to this CSV file.")]


@import_commands.callback()
def _import_group() -> None:
    """Keep ``csv`` a command of its own: other formats follow."""


@export_commands.callback()
def _export_group() -> None:
    """Keep ``csv`` a command of its own: other formats follow."""


def validate(
    folder: Annotated[Path, typer.Argument(help="Folder with one CSV file a table.")],
    mapping: _Map = None,
    report: _Report = None,
) -> None:
    """Check CSV files against the standard; nothing is written but the report."""
    with stages(1) as bar:
        result = validate_folder(folder, mapping=mapping, progress=bar.step)
    _report(result.findings, report)
    if any(finding.severity == "error" for finding in result.findings):
        raise InvalidInputError(_summary(result.findings))
    say(_summary(result.findings) or "No findings.")


@import_commands.command("csv")
def import_csv(
    folder: Annotated[Path, typer.Argument(help="Folder with one CSV file a table.")],
    out: Annotated[Path, typer.Option(help="Folder of the snapshot.")] = Path("snapshot"),
    mapping: _Map = None,
    report: _Report = None,
) -> None:
    """Import CSV files into a snapshot: all of it, or nothing."""
    try:
        with stages(1) as bar:
            snapshot, findings = import_folder(folder, out, mapping=mapping, progress=bar.step)
    except FindingsError as error:
        _report(error.findings, report)
        raise
    _report(findings, report)
    rows = ", ".join(f"{count:,} {table}" for table, count in snapshot.rows.items())
    say(f"Snapshot {snapshot.snapshot_id} in {out}: {rows}.")


@export_commands.command("csv")
def export_csv(
    snapshot: Annotated[Path, typer.Argument(help="Folder of a snapshot.")],
    out: Annotated[Path, typer.Option(help="Folder for the CSV files.")] = Path("export"),
) -> None:
    """Write the tables of a snapshot as CSV files, times in days from infusion."""
    with stages(1) as bar:
        bar.begin("writing CSV files")
        write_csv(open_snapshot(snapshot), out)
    say(f"CSV files in {out}.")


def template(
    folder: Annotated[Path, typer.Argument(help="Folder for the empty files.")],
    language: Annotated[str, typer.Option(help="Language of the guide: en or de.")] = "en",
) -> None:
    """Write an empty CSV file for each table, with a guide and a small example."""
    write_templates(folder, language=language)
    say(f"Empty files and their guide are in {folder}.")


def schema(
    out: Annotated[Path | None, typer.Option(help="File; standard output without it.")] = None,
) -> None:
    """Write the JSON Schema of the records."""
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        say(f"JSON Schema in {out}.")


def _report(findings: list[Finding] | tuple[Finding, ...], report: Path | None) -> None:
    show_findings(findings)
    if report is not None:
        write_findings(findings, report)


def _summary(findings: list[Finding] | tuple[Finding, ...]) -> str:
    counts = {
        severity: sum(finding.severity == severity for finding in findings)
        for severity in ("error", "warning", "note")
    }
    return ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items() if n)
