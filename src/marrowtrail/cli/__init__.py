"""The command line: parses, calls, prints.

Exit codes: 0 done; 1 the input cannot be used; 2 usage; 3 done, but something in the result
is not verified and the report says what.
"""

from __future__ import annotations

import sys

from marrowtrail.errors import InputError


def main() -> None:
    """Entry point of ``marrowtrail``."""
    from marrowtrail.cli.app import app
    from marrowtrail.cli.terminal import say_error

    try:
        app()
    except InputError as error:
        say_error(error)
        sys.exit(1)
