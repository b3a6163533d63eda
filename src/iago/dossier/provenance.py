"""What a dossier was derived from: snapshot, versions of rules and code, the command."""

from importlib.metadata import version

from iago.dossier.content import Provenance
from iago.dossier.options import DossierOptions
from iago.grading.infections import systems
from iago.standard.codelists import codelist_names, load_codelist
from iago.standard.guidance import load_guidance_sets
from iago.tables.snapshot import Snapshot


def describe_provenance(snapshot: Snapshot, options: DossierOptions) -> Provenance:
    """Name the snapshot, the versions of all rules, and the command that gives the same bytes."""
    rules = {f"grading {system.id}": system.edition for system in systems()}
    rules |= {f"guidance {entry.id}": entry.edition for entry in load_guidance_sets()}
    rules |= {f"code list {name}": load_codelist(name).version for name in codelist_names()}
    return Provenance(
        snapshot_id=snapshot.snapshot_id,
        dataset_title=snapshot.dataset.title,
        dataset_notes=snapshot.dataset.notes,
        synthetic=snapshot.dataset.synthetic,
        standard_version=snapshot.standard_version,
        software_version=version("iago-car-t"),
        rule_versions=rules,
        command=options.as_command(),
    )
