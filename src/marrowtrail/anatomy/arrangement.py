"""How the bones of a limb lie to one another, whatever the images say of themselves.

The patella is in front of the femur, and the femur above the tibia. Where masks have it
otherwise, the pixels do not lie as their headers say: they were mirrored or turned on the way,
and every side, region and letter is in doubt. What tells medial from lateral is the fibula, and
the other limb where one image shows both (:mod:`.cautions`); :func:`lateral_by_bones` says which
way lateral is without asking the frame of the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.errors import Caution, Severity
from marrowtrail.record.sites import Side

MIN_APART_MM = 10.0
"""The centres of the pairs below lie 20 to 100 mm apart, the right way round, also where the field
of view cuts the bones. A pair this far apart the wrong way is no matter of posture."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One bone lies to one side of another of the same limb; ``towards`` is a unit LPS vector."""

    bone: str
    other: str
    towards: tuple[float, float, float]
    opposite: str


_FRONT = (0.0, -1.0, 0.0)
_HEAD = (0.0, 0.0, 1.0)

_ORDERS = (
    _Order("patella", "femur", _FRONT, "behind"),
    _Order("patella", "tibia", _FRONT, "behind"),
    _Order("navicular", "talus", _FRONT, "behind"),
    _Order("metatarsals", "calcaneus", _FRONT, "behind"),
    _Order("hip_bone", "femur", _HEAD, "below"),
    _Order("femur", "tibia", _HEAD, "below"),
    _Order("femur", "fibula", _HEAD, "below"),
    _Order("tibia", "talus", _HEAD, "below"),
    _Order("tibia", "calcaneus", _HEAD, "below"),
    _Order("talus", "calcaneus", _HEAD, "below"),
)
"""Pairs that no posture in a scanner exchanges: a knee bends by up to some 60 degrees, a foot
points down by as much."""


def arrangement_cautions(bone_map: BoneMap, where: str) -> list[Caution]:
    """One caution for the pairs of bones of a series that lie the wrong way round, if any do."""
    wrong = list(_out_of_order(bone_map))
    if not wrong:
        return []
    return [
        Caution(
            "bones-out-of-place",
            Severity.UNVERIFIED,
            f"By the masks {'; '.join(wrong)}. The image is mirrored or turned against its header, "
            "or the masks are.",
            where,
            "check orientation and side on the images before using any side, region or letter",
        )
    ]


_FORWARD = (
    ("tibia", "patella"),
    ("calcaneus", "metatarsals"),
    ("calcaneus", "navicular"),
    ("calcaneus", "talus"),
)
"""From the first bone to the second is forward, the surest pair first."""

_UPWARD = (("tibia", "femur"), ("talus", "tibia"), ("calcaneus", "tibia"))
"""From the first bone to the second is up the limb."""


def lateral_by_bones(bone_map: BoneMap, tibia: Bone) -> NDArray[np.float64] | None:
    """Unit LPS vector to the outside of a tibia's limb, if its bones lay as they do in a body.

    Forward and up are taken from the bones and not from the frame, so that an image that is
    turned in any way gives the same answer, and a mirrored one the opposite. ``None`` where the
    series does not show bones enough.
    """
    limb = {bone.id.bone: bone for bone in bone_map.bones if bone.id.side is tibia.id.side}
    forward, upward = _first_way(limb, _FORWARD), _first_way(limb, _UPWARD)
    if forward is None or upward is None:
        return None
    to_the_right = np.cross(forward, upward)
    lateral = to_the_right if tibia.id.side is Side.RIGHT else -to_the_right
    return np.asarray(lateral / np.linalg.norm(lateral), dtype=np.float64)


def _first_way(
    limb: Mapping[str, Bone], pairs: tuple[tuple[str, str], ...]
) -> NDArray[np.float64] | None:
    for start, end in pairs:
        if start in limb and end in limb:
            return limb[end].centroid_lps - limb[start].centroid_lps
    return None


def _out_of_order(bone_map: BoneMap) -> Iterator[str]:
    for order in _ORDERS:
        for bone in _all(bone_map, order.bone):
            for other in _all(bone_map, order.other):
                ahead = float((bone.centroid_lps - other.centroid_lps) @ np.array(order.towards))
                if bone.id.side is other.id.side and ahead < -MIN_APART_MM:
                    yield f"the {bone.id} lies {-ahead:.0f} mm {order.opposite} the {other.id}"


def _all(bone_map: BoneMap, bone: str) -> Iterator[Bone]:
    return (one for one in bone_map.bones if one.id.bone == bone)
