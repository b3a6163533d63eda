"""What a user may choose of an infection dossier, each by a name that the standard knows."""

from dataclasses import dataclass

from iago.errors import DefinitionError
from iago.identification.follow_up import DEFAULT_STRATEGY, competing_kinds, level_column
from iago.standard.definitions import load_case_definition, load_window_set
from iago.standard.guidance import load_guidance_sets

LONGEST_HORIZON_DAY = 5475  # fifteen years: the follow-up that gene-modified products require


@dataclass(frozen=True)
class DossierOptions:
    """Options of a dossier; the defaults are those that most published reports can be read by.

    Raises
    ------
    DefinitionError
        A name that the standard does not know, or a horizon outside 1 day to 15 years.
    """

    by: str = "product"
    case_definition: str = "all-documented"
    window_set: str = "30-100-365"
    strategy: str = DEFAULT_STRATEGY
    guidance: str = "eha-ebmt-2023"
    horizon_day: int = 365
    comparison_day: int = 100

    def __post_init__(self) -> None:
        level_column(self.by)
        competing_kinds(self.strategy)
        load_case_definition(self.case_definition)
        load_window_set(self.window_set)
        known = [guidance.id for guidance in load_guidance_sets()]
        if self.guidance not in known:
            raise DefinitionError(
                f"No guidance set named {self.guidance!r}. Known: {', '.join(known)}."
            )
        for day in (self.horizon_day, self.comparison_day):
            if not 1 <= day <= LONGEST_HORIZON_DAY:
                raise DefinitionError(
                    f"A last day of {day}; expected 1 to {LONGEST_HORIZON_DAY} days from infusion."
                )

    def as_command(self) -> str:
        """The command that makes this dossier again, without any path."""
        return (
            f"iago dossier infection --data SNAPSHOT --by {self.by} "
            f"--case-definition {self.case_definition} --windows {self.window_set} "
            f"--strategy {self.strategy} --guidance {self.guidance} --horizon {self.horizon_day} "
            f"--compare-until {self.comparison_day}"
        )
