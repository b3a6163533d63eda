"""Code lists of the standard: products, organisms, sites, causes of death and the rest.

A list is a TOML file in ``codelists/`` (organisms: a CSV), each code with English and German
labels, accepted synonyms and public codes. This module knows no database and no record.
"""

import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from iago.errors import DefinitionError

LOCAL_PREFIX = "local:"
# Short and of few signs, so that no free text enters as a code.
LOCAL_PATTERN = r"local:[a-z0-9][a-z0-9._-]{0,39}"
_FOLDER = files("iago.standard").joinpath("codelists")
_OWN_KEYS = {"code", "label", "definition", "synonyms"}


@dataclass(frozen=True)
class Code:
    """One entry of a code list.

    ``attributes`` holds public codes (``icd_10``, ``snomed_ct``, ``loinc``) and facts such as
    ``target`` of a product or ``recurrence_days`` of an organism group.
    """

    code: str
    label_en: str
    label_de: str
    definition_en: str = ""
    definition_de: str = ""
    synonyms: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CodeList:
    """A versioned list of codes with its source and status."""

    name: str
    version: str
    title_en: str
    title_de: str
    extensible: bool
    source: str
    status: str
    doubt: str
    codes: Mapping[str, Code]

    @cached_property
    def _lookup(self) -> dict[str, str]:
        lookup: dict[str, str] = {}
        for code in self.codes.values():
            for spelling in (*code.synonyms, code.label_en, code.label_de):
                lookup.setdefault(spelling.strip().casefold(), code.code)
        lookup.update({code.casefold(): code for code in self.codes})
        return lookup

    def parse(self, text: str) -> str:
        """Turn a written code, label or synonym into the code.

        Raises
        ------
        ValueError
            The list does not know the text, and it is not a ``local:`` code of an open list.
        """
        found = self._lookup.get(text.strip().casefold())
        if found is not None:
            return found
        if self.extensible and re.fullmatch(LOCAL_PATTERN, text.strip()):
            return text.strip()
        raise ValueError("not in the code list")

    def attribute(self, name: str) -> dict[str, Any]:
        """Codes that carry this attribute, with its value."""
        return {
            code.code: code.attributes[name]
            for code in self.codes.values()
            if code.attributes.get(name) is not None
        }

    def label(self, code: str, language: str = "en") -> str:
        """Label of a code; a local code is its own label."""
        entry = self.codes.get(code)
        if entry is None:
            return code.removeprefix(LOCAL_PREFIX)
        return entry.label_de if language == "de" else entry.label_en


@cache
def load_codelist(name: str) -> CodeList:
    """Read a code list by its name.

    Raises
    ------
    DefinitionError
        No such list, or its file does not follow the format.
    """
    if name == "organisms":
        return _load_organisms()
    path = _FOLDER.joinpath(f"{name}.toml")
    if not path.is_file():
        raise DefinitionError(
            f"No code list named {name!r}. Known lists: {', '.join(codelist_names())}."
        )
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return _from_toml(content)
    except KeyError as error:
        raise DefinitionError(f"{name}.toml lacks the key {error}.") from error


def codelist_names() -> tuple[str, ...]:
    """Names of all code lists, alphabetically."""
    names = [
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    ]
    return tuple(sorted([*names, "organisms"]))


def _from_toml(content: dict[str, Any]) -> CodeList:
    codes = [_code_from_toml(entry) for entry in content["code"]]
    by_code = {code.code: code for code in codes}
    if len(by_code) != len(codes):
        raise DefinitionError(f"Code list {content['name']} names a code twice.")
    return CodeList(
        name=content["name"],
        version=content["version"],
        title_en=content["title"]["en"],
        title_de=content["title"]["de"],
        extensible=content["extensible"],
        source=content["source"],
        status=content["status"],
        doubt=content.get("doubt", ""),
        codes=by_code,
    )


def _code_from_toml(entry: dict[str, Any]) -> Code:
    definition = entry.get("definition", {})
    return Code(
        code=entry["code"],
        label_en=entry["label"]["en"],
        label_de=entry["label"]["de"],
        definition_en=definition.get("en", ""),
        definition_de=definition.get("de", ""),
        synonyms=tuple(entry.get("synonyms", ())),
        attributes={key: value for key, value in entry.items() if key not in _OWN_KEYS},
    )


def _load_organisms() -> CodeList:
    text = _FOLDER.joinpath("organisms.csv").read_text(encoding="utf-8")
    codes = {row["code"]: _organism(row) for row in csv.DictReader(text.splitlines())}
    return CodeList(
        name="organisms",
        version="0.1.0",
        title_en="Organisms",
        title_de="Erreger",
        extensible=True,
        source="NCBI Taxonomy (public domain), snapshot of 7 September 2024",
        status="verified",
        doubt="Changes of the taxonomy after September 2024 are not in it.",
        codes=codes,
    )


def _organism(row: dict[str, str]) -> Code:
    # Where a clinical group is coded by its genus node, the bare genus does not mean the group.
    is_group = row["rank"] == "genus" and "(group)" in row["label_en"]
    spellings = [*row["synonyms"].split(";"), "" if is_group else row["ncbi_name"]]
    return Code(
        code=row["code"],
        label_en=row["label_en"],
        label_de=row["label_de"],
        synonyms=tuple(spelling.strip() for spelling in spellings if spelling.strip()),
        attributes={
            "ncbi_taxonomy": row["code"],
            "organism_class": row["organism_class"],
            "organism_group": row["organism_group"],
            "rank": row["rank"],
            "note": row["note"],
        },
    )
