"""Errors a user may see: one base class, one exit code a kind, never a patient's value.

Every message says what was found, what was expected and what to do.
"""


class IagoError(Exception):
    """Something the user can mend; shown without a traceback."""

    exit_code = 1


class InvalidInputError(IagoError):
    """Files or records that do not follow the standard."""

    exit_code = 2


class DefinitionError(IagoError):
    """A rule file, code list or mapping that does not follow its own schema."""

    exit_code = 3


class EstimationError(IagoError):
    """A number that cannot be estimated honestly from these data."""

    exit_code = 4


class SnapshotError(IagoError):
    """A snapshot that is missing, incomplete or changed since it was written."""

    exit_code = 5
