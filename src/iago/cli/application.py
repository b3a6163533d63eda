"""The commands of ``iago``."""

import typer

from iago.cli import dossier, evidence, explain, records, synth

application = typer.Typer(
    name="iago",
    help="Identification, Attribution, Grading and Optimization of CAR T-cell therapy toxicities.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
application.add_typer(dossier.commands, name="dossier")
application.add_typer(evidence.commands, name="evidence")
application.add_typer(records.import_commands, name="import")
application.add_typer(records.export_commands, name="export")
application.command("explain")(explain.explain)
application.command("validate")(records.validate)
application.command("template")(records.template)
application.command("schema")(records.schema)
application.command("synth")(synth.synth)
