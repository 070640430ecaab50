"""How a patient is drawn: from which family of shapes and textures, and how hard to read.

What is built and tuned on one family would be flattered by figures measured on it. Figures
are therefore measured on the other: other bones, edges of lesions, texture of marrow, noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Which family a patient is drawn from."""

    BUILDING = "building"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Draw:
    """What a caller decides about a drawing, beside scenario and seed.

    ``difficulty`` is a number from 0 (clean images) to 1 (as bad as images get that are still
    read); ``None`` lets the seed draw it from the scenario's range.
    """

    family: Family = Family.BUILDING
    difficulty: float | None = None


PLAIN_DRAW = Draw()
