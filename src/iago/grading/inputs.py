"""Inputs of the grading rules for every episode, derived in SQL from the records.

Each derived input is defined in words in ``standard/rule_inputs.toml``; here it stands as SQL. What
cannot be derived is null, never false.
"""

from collections.abc import Iterable
from functools import cache

import pyarrow as pa

from iago.errors import DefinitionError
from iago.standard.codelists import Code, load_codelist
from iago.standard.rule_model import RuleInput
from iago.standard.rules import derived_inputs
from iago.tables.engine import Connection

INPUT_TABLE = "episode_grade_inputs"
_CONTAMINANTS = {"cons", "corynebacterium-cutibacterium"}
# Organisms for which no row of the BMT CTN table is released.
_UNRELEASED_CLASSES = {"viral", "parasitic", "mycobacterial"}
_UNRELEASED_GROUPS = {"pneumocystis", "other-fungus"}
# Organism groups that rules ask about, with the class in which they stand.
_GROUPS = {
    "has_c_difficile": ("clostridioides-difficile", "bacterial"),
    "has_mould": ("mould", "fungal"),
    "has_yeast": ("yeast", "fungal"),
    "has_endemic_fungus": ("endemic-fungus", "fungal"),
    "has_cmv": ("cmv", "viral"),
    "has_ebv": ("ebv", "viral"),
    "has_hsv": ("hsv", "viral"),
    "has_vzv": ("vzv", "viral"),
    "has_hepatitis_b": ("hepatitis-b", "viral"),
}


def derive_grade_inputs(connection: Connection, inputs: Iterable[RuleInput]) -> None:
    """Make the table ``episode_grade_inputs``: one row an episode, one column an input.

    Needs the tables ``episodes``, ``organisms``, ``courses`` and ``deaths`` of a snapshot.

    Raises
    ------
    DefinitionError
        A rule reads a derived input that no SQL here derives.
    """
    columns = {entry.name: _column(entry) for entry in inputs if not entry.unanswerable}
    _create_organism_flags(connection)
    selected = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    connection.execute(
        f"""
        create or replace temp table {INPUT_TABLE} as
        with {_DEATHS}, {_CLASSES}
        select episode_id, {selected} from classes
        """
    )
    connection.execute("drop table episode_organism_flags")


def _column(entry: RuleInput) -> str:
    if entry.name not in derived_inputs():
        return entry.name
    if entry.name not in _DERIVED:
        raise DefinitionError(
            f"The derived input {entry.name} of a grading rule has no SQL in grading/inputs.py."
        )
    return _DERIVED[entry.name]


def _create_organism_flags(connection: Connection) -> None:
    """One row an episode with listed organisms; an organism outside the code list leaves null."""
    facts = _organism_facts()
    flags = ", ".join(
        f"case when bool_or({name}) then true when count(organism_class) = count(*) then false end"
        f" as {name}"
        for name in facts.column_names
        if name.startswith("lists_")
    )
    connection.register("organism_facts", facts)
    connection.execute(
        f"""
        create or replace temp table episode_organism_flags as
        select episode_id, count(organism_class) = count(*) as all_known,
               count(distinct organism_class) as classes, min(organism_class) as one_class, {flags}
        from organisms left join organism_facts using (organism) group by episode_id
        """
    )
    connection.unregister("organism_facts")


@cache
def _organism_facts() -> pa.Table:
    """The code list of organisms with a yes or no for everything that rules ask of a list."""
    codes = load_codelist("organisms").codes.values()
    return pa.Table.from_pylist([_organism_row(code) for code in codes])


def _organism_row(code: Code) -> dict[str, str | bool]:
    organism_class = code.attributes["organism_class"]
    group = code.attributes["organism_group"]
    return {
        "organism": code.code,
        "organism_class": organism_class,
        **{f"lists_{name}": organism_class == name for name in ("bacterial", "fungal", "viral")},
        "lists_unreleased": organism_class in _UNRELEASED_CLASSES or group in _UNRELEASED_GROUPS,
        "lists_other_bacterium": organism_class == "bacterial" and group not in _CONTAMINANTS,
        **{_listed(name): group == wanted for name, (wanted, _) in _GROUPS.items()},
    }


def _listed(name: str) -> str:
    return f"lists_{name.removeprefix('has_')}"


def _has_class(name: str) -> str:
    return f"""case when recorded_class = '{name}' or lists_{name} then true
        when recorded_class <> 'mixed' then false
        when recorded_class = 'mixed' and coalesce(classes, 0) < 2 then null
        else lists_{name} end"""


def _has_group(name: str) -> str:
    _, organism_class = _GROUPS[name]
    listed = _listed(name)
    return f"""case when {listed} then true when not has_{organism_class} then false
        when lists_{organism_class} and not {listed} then false end"""


def _in_blood(organism_class: str) -> str:
    return f"""case when not has_{organism_class} then false
        when site not in ('bloodstream', 'disseminated') then false
        when site = 'bloodstream' and organism_class = '{organism_class}' then true end"""


_DEATHS = """
    linked_deaths as (
        select episode_id,
               bool_or(primary_cause = 'infection' or contributing_cause = 'infection') as infection
        from deaths where episode_id is not null group by episode_id
    ),
    course_deaths as (
        select course_id, max(episode_id) as linked_episode,
               bool_and(primary_cause not in ('infection', 'not-determined')
                        and contributing_cause not in ('infection', 'not-determined'))
                   as other_causes
        from deaths group by course_id
    )"""
# `recorded_class` is the class as written, `organism_class` the completed one.
_CLASSES = f"""
    known as (
        select e.* exclude (organism_class), e.organism_class as recorded_class,
               coalesce(e.organism_class,
                        case when f.classes > 1 then 'mixed' when all_known then one_class end)
                   as organism_class,
               f.* exclude (episode_id), c.age_years,
               l.episode_id is not null as death_linked, l.infection as linked_infection,
               d.linked_episode, d.other_causes
        from episodes e
        left join episode_organism_flags f using (episode_id)
        left join courses c on c.course_id = e.course_id
        left join linked_deaths l on l.episode_id = e.episode_id
        left join course_deaths d on d.course_id = e.course_id
    ),
    classes as (
        select *, {_has_class("bacterial")} as has_bacterial, {_has_class("fungal")} as has_fungal,
               {_has_class("viral")} as has_viral
        from known
    )"""
_DERIVED = {
    "organism_class": "organism_class",
    "age_years": "age_years",
    "has_bacterial": "has_bacterial",
    "has_fungal": "has_fungal",
    "fatal": """case when outcome = 'fatal' or linked_infection then true
        when outcome is not null then false
        when death_linked then null
        when linked_episode <> episode_id or other_causes then false end""",
    "therapy_route": """coalesce(therapy_route,
        case when not required_treatment then 'none' end)""",
    "has_unreleased_organism": """case when lists_unreleased then true
        when recorded_class in ('viral', 'mycobacterial', 'parasitic') then true
        when recorded_class in ('bacterial', 'not-identified') then false
        when recorded_class = 'fungal' then case when lists_fungal and all_known then false end
        when recorded_class = 'mixed' then case when classes > 1 and all_known then false end
        when all_known then false end""",
    "bacteraemia": _in_blood("bacterial"),
    "fungaemia": _in_blood("fungal"),
    "only_contaminant_groups": """case when not has_bacterial or lists_other_bacterium then false
        when lists_bacterial and all_known then true end""",
    **{name: _has_group(name) for name in _GROUPS},
    "has_c_difficile": f"""coalesce({_has_group("has_c_difficile")},
        case when site <> 'gastrointestinal' then false end)""",
}
