"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from marrowtrail.phantom import Draw
    from marrowtrail.report.language import Language

OutOption = Annotated[Path, typer.Option("--out", help="Folder for the result.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
SilentOption = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines on stdout.")]
SettingOption = Annotated[
    str, typer.Option("--setting", help="Prior to rank with: which patients come to you.")
]
LanguageOption = Annotated[
    str, typer.Option("--language", help="Language of report.html and report.pdf: en or de.")
]

FamilyOption = Annotated[
    str, typer.Option("--family", help="building, or evaluation: other shapes and textures.")
]
DifficultyOption = Annotated[
    float | None,
    typer.Option("--difficulty", min=0, max=1, help="0 clean to 1; drawn where not given."),
]


def language_of(tag: str) -> Language:
    """A language by its tag; an unknown one is a mistake of usage."""
    from marrowtrail.report.language import Language

    if tag not in list(Language):
        known = ", ".join(Language)
        raise typer.BadParameter(f"{tag!r} is not among: {known}", param_hint="--language")
    return Language(tag)


def draw_of(family: str, difficulty: float | None) -> Draw:
    """How patients are to be drawn; an unknown family is a mistake of usage."""
    from marrowtrail.phantom import Draw, Family

    if family not in list(Family):
        known = ", ".join(Family)
        raise typer.BadParameter(f"{family!r} is not among: {known}", param_hint="--family")
    return Draw(Family(family), difficulty)
