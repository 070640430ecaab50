"""What a reader must know of the sides of bones that were found, not handed in.

The fibula, which tells most, is checked for all bones alike in :mod:`.cautions`.
"""

from __future__ import annotations

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.anatomy.finding.sides import LATERAL, MIN_OFFSET_MM
from marrowtrail.errors import Caution, Severity
from marrowtrail.record.sites import Side


def found_side_cautions(bone_map: BoneMap, where: str) -> list[Caution]:
    """Bones without a side, and bones whose neighbours lie on the wrong side of them."""
    unsided = sorted(
        {bone.id.bone for bone in bone_map.bones if bone.is_found and _lacks_side(bone.id.side)}
    )
    cautions = [_contradicted(outer, inner, side, where) for outer, inner, side in _wrong(bone_map)]
    if unsided:
        cautions.append(
            Caution(
                "side-unknown",
                Severity.UNVERIFIED,
                "Neither the header nor the bones in view say of which side these bones are, so "
                f"medial and lateral may be exchanged: {', '.join(unsided)}.",
                where,
                "restore the laterality in the header, or hand in masks with sides",
            )
        )
    return cautions


def _lacks_side(side: Side) -> bool:
    return side not in (Side.LEFT, Side.RIGHT)


def _wrong(bone_map: BoneMap) -> list[tuple[str, str, Side]]:
    """Pairs of found bones of one limb, the outer one of which lies to the inside."""
    x_mm = {
        (bone.id.bone, bone.id.side): float(bone.centroid_lps[0])
        for bone in bone_map.bones
        if bone.is_found
    }
    wrong = []
    for outer, inner in LATERAL:
        for side, sign in ((Side.LEFT, 1.0), (Side.RIGHT, -1.0)):
            if outer == "fibula" or (outer, side) not in x_mm or (inner, side) not in x_mm:
                continue
            if sign * (x_mm[outer, side] - x_mm[inner, side]) < -MIN_OFFSET_MM:
                wrong.append((outer, inner, side))
    return wrong


def _contradicted(outer: str, inner: str, side: Side, where: str) -> Caution:
    names = [one.replace("_", " ") for one in (outer, inner)]
    return Caution(
        "side-against-anatomy",
        Severity.UNVERIFIED,
        f"The {side.value} {names[0]} lies to the medial side of the {names[1]}: the image is "
        "mirrored, or the side is wrong.",
        where,
        "check the side on the images before using any medial or lateral region",
    )
