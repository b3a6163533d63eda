"""Why a value is absent: asked and unknown is not the same as never asked.

The codes are those of HL7 v3 NullFlavor that clinical registries use. A null flavour may stand
in place of any value that is not an identifier; an empty cell means ``NI``.
"""

from enum import StrEnum


class NullFlavour(StrEnum):
    """Reason for an absent value."""

    NI = "NI"
    UNK = "UNK"
    ASKU = "ASKU"
    NASK = "NASK"
    MSK = "MSK"
    NA = "NA"
