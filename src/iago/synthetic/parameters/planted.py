"""A planted number and the published figure beside it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

CHOSEN = "none: chosen for the simulation"


@dataclass(frozen=True)
class Planted(Generic[Value]):
    """A planted value with the published figure it is in the range of, and its source."""

    value: Value
    published: str = CHOSEN
    source: str = ""
