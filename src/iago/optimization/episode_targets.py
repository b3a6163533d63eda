"""Against which classes of drug an episode speaks: the classes directed against its organisms."""

from collections.abc import Iterator

from iago.optimization.cohort import Cohort
from iago.optimization.step_functions import FAR_DAY
from iago.standard.codelists import load_codelist
from iago.tables.engine import Connection

# Where no organism is named. A virus without a name has no class directed against it.
_BY_ORGANISM_CLASS = {
    "bacterial": ("antibacterial",),
    "fungal": ("antifungal-yeast", "antifungal-mould"),
}
# Immunoglobulin is directed against no organism, but it is given against bacterial infections
# (``protects_against`` of the exposure classes): it goes with antibacterial prophylaxis.
_ACCOMPANIED = {"antibacterial": "immunoglobulin"}


def derive_episode_targets(connection: Connection, cohort: Cohort) -> None:
    """Make the table ``episode_targets``: one row an episode and class directed against it.

    Columns target (a number), episode_id, exposure_class, course, earliest and latest possible
    day of onset. An episode counts for the classes of all its named organisms
    (``prophylaxis_class`` of their group); where none with a known group is named, for those of
    its organism class. An organism against which no class is directed gives no row.
    """
    organisms = ", ".join(
        f"('{organism}', {_quoted(found)})"
        for organism, classes in _by_organism()
        for found in classes or (None,)
    )
    fallback = ", ".join(
        f"('{organism_class}', '{found}')"
        for organism_class, classes in _BY_ORGANISM_CLASS.items()
        for found in _with_company(classes)
    )
    connection.execute(
        f"""
        create or replace temp table episode_targets as
        with known(organism, exposure_class) as (values {organisms}),
        fallback(organism_class, exposure_class) as (values {fallback}),
        named as (select distinct episode_id, exposure_class from organisms
                  join known using (organism)),
        directed as (
            select episode_id, exposure_class from named where exposure_class is not null
            union all
            select episode_id, exposure_class from episodes e join fallback using (organism_class)
            anti join named n on n.episode_id = e.episode_id
        )
        select (row_number() over () - 1)::integer as target, episode_id, exposure_class, course,
               coalesce(onset_day_earliest, -{FAR_DAY})::integer as earliest,
               coalesce(onset_day_latest, {FAR_DAY})::integer as latest
        from directed join episodes using (episode_id) join {cohort.index} using (course_id)
        """
    )


def _by_organism() -> Iterator[tuple[str, tuple[str, ...]]]:
    by_group = load_codelist("organism_groups").attribute("prophylaxis_class")
    for organism, group in load_codelist("organisms").attribute("organism_group").items():
        found = by_group.get(group)
        yield organism, _with_company((found,) if found else ())


def _with_company(classes: tuple[str, ...]) -> tuple[str, ...]:
    return (*classes, *(_ACCOMPANIED[found] for found in classes if found in _ACCOMPANIED))


def _quoted(value: str | None) -> str:
    return "null" if value is None else f"'{value}'"
