"""The bones found in one image against its true ones.

A bone is the vocabulary's bone of one side. What is found under another side, or under the name
of another bone, is a side error and no match, however well it is outlined; a bone whose side the
finder leaves open is matched, and counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from marrowtrail.anatomy.extent import at_border
from marrowtrail.evaluation.bones_surfaces import surface_distance
from marrowtrail.evaluation.overlap import dice
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

Mask = NDArray[np.bool_]

SCORED_MM3 = 1000.0
"""Less of a bone than this in view is not asked for: a cube of 10 mm at the edge of the image.
What is found of it is judged all the same."""

GOOD_DICE = 0.85
"""A mask below this must not be handed on as accepted (issue 4)."""

SAME_SHARE = 0.5
"""A found mask is that of the true bone which holds at least this share of it."""


class Outcome(StrEnum):
    """What became of a bone."""

    ACCEPTED = "accepted"
    UNSURE = "unsure"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, eq=False)
class FoundMask:
    """A bone as it was found: its mask on the image's grid, and whether it may be measured."""

    id: BoneId
    mask: Mask
    accepted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """True masks on the grid of an image.

    ``judged`` names the bones that the truth would hold if they were there; ``None`` for all.
    """

    bones: Mapping[BoneId, Mask]
    judged: frozenset[str] | None = None


class BoneScore(BaseModel):
    """One true bone of an image, or one that was found where there is none.

    ``asked`` is false for a false bone and for less than :data:`SCORED_MM3`. ``dice`` is 0 for a
    bone that was missed or is false. ``wrong_side`` and ``swapped`` are those of the found mask.
    """

    model_config = ConfigDict(frozen=True)

    bone: str
    outcome: Outcome
    asked: bool
    cut: bool
    true_mm3: float
    found_mm3: float
    dice: float
    surface_mm: float | None = None
    surface_95_mm: float | None = None
    wrong_side: bool = False
    swapped: bool = False
    side_open: bool = False

    @property
    def is_side_error(self) -> bool:
        """It bears the name of another side or bone."""
        return self.wrong_side or self.swapped

    @property
    def is_accepted_bad(self) -> bool:
        """It was handed on and should not have been."""
        return self.outcome is Outcome.ACCEPTED and self.dice < GOOD_DICE

    @property
    def is_refused_good(self) -> bool:
        """It was held back and need not have been."""
        return self.outcome is Outcome.UNSURE and self.dice >= GOOD_DICE


def score_bones_of(
    truth: Truth, found: Sequence[FoundMask], geometry: Geometry
) -> tuple[BoneScore, ...]:
    """Every true bone with what was found of it, then what was found beside them."""
    judged = [one for one in found if one.mask.any() and _is_judged(one, truth)]
    matched = {bone: _match(bone, judged) for bone in truth.bones}
    pairs = [
        (_true_bone(bone, mask, matched[bone], geometry), matched[bone])
        for bone, mask in truth.bones.items()
    ]
    taken = {id(one) for one in matched.values()}
    pairs += [(_other(one, geometry), one) for one in judged if id(one) not in taken]
    return tuple(
        score if match is None else score.model_copy(update=_mistaken(match, truth))
        for score, match in pairs
        if score.asked or match is not None
    )


def _is_judged(found: FoundMask, truth: Truth) -> bool:
    return truth.judged is None or found.id.bone in truth.judged


def _match(bone: BoneId, found: Sequence[FoundMask]) -> FoundMask | None:
    """The bone under its own name and side; else under its name with the side left open."""
    named = [one for one in found if one.id.bone == bone.bone]
    for side in (bone.side, Side.UNKNOWN):
        for one in named:
            if one.id.side is side:
                return one
    return None


def _true_bone(bone: BoneId, mask: Mask, found: FoundMask | None, geometry: Geometry) -> BoneScore:
    true_mm3 = float(np.count_nonzero(mask)) * geometry.voxel_mm3
    cut = bool(at_border(Volume(mask, geometry)).any())
    score = BoneScore(
        bone=bone.bone,
        outcome=Outcome.MISSED,
        asked=true_mm3 >= SCORED_MM3,
        cut=cut,
        true_mm3=true_mm3,
        found_mm3=0.0,
        dice=0.0,
    )
    if found is None:
        return score
    apart = surface_distance(mask, found.mask, geometry)
    return score.model_copy(
        update={
            "outcome": Outcome.ACCEPTED if found.accepted else Outcome.UNSURE,
            "found_mm3": float(np.count_nonzero(found.mask)) * geometry.voxel_mm3,
            "dice": dice(mask, found.mask),
            "surface_mm": None if apart is None else apart.mean_mm,
            "surface_95_mm": None if apart is None else apart.far_mm,
            "side_open": found.id.side is Side.UNKNOWN,
        }
    )


def _other(found: FoundMask, geometry: Geometry) -> BoneScore:
    """A bone that the truth does not hold under that name and side."""
    return BoneScore(
        bone=found.id.bone,
        outcome=Outcome.ACCEPTED if found.accepted else Outcome.UNSURE,
        asked=False,
        cut=bool(at_border(Volume(found.mask, geometry)).any()),
        true_mm3=0.0,
        found_mm3=float(np.count_nonzero(found.mask)) * geometry.voxel_mm3,
        dice=0.0,
        side_open=found.id.side is Side.UNKNOWN,
    )


def _mistaken(found: FoundMask, truth: Truth) -> dict[str, bool]:
    """Whether a found mask bears the name of another side, or of another bone."""
    under = {bone: int(np.count_nonzero(found.mask & mask)) for bone, mask in truth.bones.items()}
    bone = max(under, key=lambda one: under[one], default=None)
    is_known = found.id.side is not Side.UNKNOWN
    mine = BoneId(found.id.bone, found.id.side)
    wrong_side = (
        is_known
        and mine not in truth.bones
        and BoneId(found.id.bone, found.id.side.opposite) in truth.bones
    )
    swapped = False
    if bone is not None and under[bone] >= SAME_SHARE * np.count_nonzero(found.mask):
        swapped = bone.bone != found.id.bone
        wrong_side |= is_known and not swapped and bone.side is not found.id.side
    return {"wrong_side": bool(wrong_side), "swapped": swapped}
