"""Stop early, with one clear sentence, where Python is too old."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        f"Marrowtrail needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
        "Name another one: make PYTHON=python3.12 demo"
    )
