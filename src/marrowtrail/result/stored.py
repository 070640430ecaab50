"""An output folder read back: the document and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from marrowtrail.errors import InputError
from marrowtrail.result.folder import DOCUMENT, VIEWER
from marrowtrail.result.model import SCHEMA_VERSION, ResultDocument

ANOTHER_RUN = "run marrowtrail on the patient again and export from that result"


@dataclass(frozen=True, slots=True, eq=False)
class StoredResult:
    """What can be shown again without the images. ``figures`` as in ``Result``."""

    document: ResultDocument
    figures: dict[str, bytes]


def read_stored(folder: Path) -> StoredResult:
    """Read ``result.json`` and the pictures of an output folder.

    Raises
    ------
    InputError
        If the folder holds no result, one of another version, or a picture is missing.
    """
    path = folder / DOCUMENT
    if not path.is_file():
        raise InputError(
            f"An output folder of a run holds {DOCUMENT}, and there is none.",
            where=str(folder),
            remedy="give the folder that `marrowtrail run --out` wrote",
        )
    try:
        document = ResultDocument.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        found = str(error).splitlines()[0]
        raise InputError(
            f"A result of format {SCHEMA_VERSION} was expected, and it cannot be read: {found}.",
            where=str(path),
            remedy=ANOTHER_RUN,
        ) from error
    figures = {row.file: _picture(folder / "figures", row.file) for row in document.figures}
    stacks = [stack.file for place in document.viewer for stack in place.stacks]
    return StoredResult(
        document, figures | {name: _picture(folder / VIEWER, name) for name in stacks}
    )


def _picture(folder: Path, name: str) -> bytes:
    """A picture by its plain name: a result names no file outside of its own folder."""
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise InputError(
            f"The picture {name!r} belongs to the result and is not there.",
            where=str(folder),
            remedy=ANOTHER_RUN,
        )
    return path.read_bytes()
