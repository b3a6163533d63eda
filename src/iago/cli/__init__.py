"""The command line: parse, call, show. Errors of a user end without a traceback."""

import sys

from iago.cli.application import application
from iago.cli.output import show_error
from iago.errors import IagoError


def main() -> None:
    """Run ``iago``; a mistake that the user can mend gives its own exit code."""
    try:
        application()
    except IagoError as error:
        show_error(error)
        sys.exit(error.exit_code)
