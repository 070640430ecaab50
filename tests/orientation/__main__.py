"""Run the battery and count: ``python -m tests.orientation``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.orientation.checks import disagreements
from tests.orientation.design import battery


def main() -> int:
    """Print every disagreement and the count; the exit code is 1 if there is any."""
    found = []
    for combination in battery():
        with tempfile.TemporaryDirectory() as folder:
            found += disagreements(combination, Path(folder))
    for one in found:
        print(one)  # noqa: T201
    print(f"{len(battery())} combinations, {len(found)} disagreements")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
