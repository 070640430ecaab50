"""How one hospital's scanner is set up to fill in headers: its language and its habits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from marrowtrail.imaging.series import Plane
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.record.sites import Side

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """Words of one language in descriptions. ``agent`` follows a name, ``fat`` marks saturation."""

    joints: dict[str, str]
    sides: dict[Side, str]
    planes: dict[Plane, str]
    agent: str
    fat: str


WORDS = {
    "en": Words(
        {"knee": "Knee", "ankle": "Ankle", "hip": "Hip", "foot": "Foot"},
        {Side.LEFT: "left", Side.RIGHT: "right"},
        {Plane.SAGITTAL: "sag", Plane.CORONAL: "cor", Plane.AXIAL: "ax"},
        "post GD",
        "fs",
    ),
    "de": Words(
        {"knee": "Knie", "ankle": "Sprunggelenk", "hip": "Huefte", "foot": "Fuss"},
        {Side.LEFT: "links", Side.RIGHT: "rechts"},
        {Plane.SAGITTAL: "sag", Plane.CORONAL: "cor", Plane.AXIAL: "tra"},
        "nach KM",
        "fs",
    ),
    "fr": Words(
        {"knee": "Genou", "ankle": "Cheville", "hip": "Hanche", "foot": "Pied"},
        {Side.LEFT: "gauche", Side.RIGHT: "droit"},
        {Plane.SAGITTAL: "sag", Plane.CORONAL: "coro", Plane.AXIAL: "ax"},
        "injection",
        "fat sat",
    ),
}


@dataclass(frozen=True, slots=True)
class Habits:
    """What is the same in all headers of one visit; the choices are those of an ImagingPlan."""

    language: str = "en"
    laterality: str = "coded"
    slice_order: str = "ascending"
    spacing_tag: str = "centres"
    position: str = "FFS"
    container: str = "classic"
    headers: str = "standard"

    @property
    def words(self) -> Words:
        """The words of the language."""
        return WORDS[self.language]

    def study_description(self, joint: str, side: Side) -> str:
        """As ``MR Knee left``; without the side where nobody writes it down."""
        named = f"MR {self.words.joints[joint]}"
        return named if self.laterality == "absent" else f"{named} {self.words.sides[side]}"

    def instance_numbers(self, count: int) -> list[int]:
        """The number of every slice along the normal: upwards, downwards or every other."""
        if self.slice_order == "descending":
            return list(range(count, 0, -1))
        if self.slice_order == "interleaved":
            acquired = [*range(0, count, 2), *range(1, count, 2)]
            return [acquired.index(k) + 1 for k in range(count)]
        return list(range(1, count + 1))


def draw_habits(plan: ImagingPlan, rng: np.random.Generator) -> Habits:
    """The habits of one visit's scanner."""
    return Habits(
        language=_one(plan.languages, rng),
        laterality=_one(plan.laterality, rng),
        slice_order=_one(plan.slice_order, rng),
        spacing_tag=_one(plan.spacing_tag, rng),
        position=_one(plan.positions, rng),
        container=plan.container,
        headers=plan.headers,
    )


def _one(choices: tuple[T, ...], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]
