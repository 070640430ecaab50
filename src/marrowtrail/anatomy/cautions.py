"""What does not fit together between headers, masks and the anatomy that can be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.arrangement import arrangement_cautions, lateral_by_bones
from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.anatomy.found_sides import found_side_cautions
from marrowtrail.errors import Caution, InputError, Severity
from marrowtrail.imaging.series import Series, Study
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

MIN_FIBULA_OFFSET_MM = 5.0
"""The fibula's centre lies 20 to 35 mm to the outside of the tibia's at the knee and at the
ankle. Within this much of the middle nothing is concluded."""

MIN_LIMBS_APART_MM = 10.0
"""Centres of the two knees, hips or feet of one image lie 80 to 300 mm apart. Bones of both
sides within this much of each other, or in the wrong order, carry a wrong side."""


def require_bones(study: Study, bone_maps: Sequence[BoneMap]) -> None:
    """Refuse a study none of whose series shows a bone.

    Raises
    ------
    InputError
        If no mask covers a series and the networks recognise no bone on any.
    """
    if any(bone_map.bones for bone_map in bone_maps):
        return
    handed_in = any(visit.bones for visit in study.visits)
    masks = (
        "bone masks came with them, but cover no series" if handed_in else "no mask came with them"
    )
    where = f"{len(study.visits)} visit(s), {len(bone_maps)} series"
    hand_in = (
        "add a DICOM SEG of the bones to the folder, or name a NIfTI mask and its labels.json "
        "under visits[].bones in case.yaml"
    )
    raise InputError(
        "Expected images of a hip, knee, ankle or foot; no bone of those was recognised in any "
        f"of the images ({masks}).",
        where=where,
        remedy=f"check that the images show one of these joints; if they do, {hand_in}",
    )


def anatomy_cautions(study: Study, bone_maps: Sequence[BoneMap]) -> tuple[Caution, ...]:
    """Everything a reader must know about bones and sides, in order of visit and series."""
    by_id = {one.id: one for visit in study.visits for one in visit.series}
    cautions: list[Caution] = []
    for bone_map in bone_maps:
        series = by_id[bone_map.series_id]
        where = f"{bone_map.visit_id}, series {bone_map.series_id}"
        if not bone_map.bones:
            cautions.append(_no_bones(where))
        cautions.extend(found_side_cautions(bone_map, where))
        cautions.extend(_side_of_header(series, bone_map, where))
        cautions.extend(_side_of_fibula(bone_map, where))
        cautions.extend(arrangement_cautions(bone_map, where))
        cautions.extend(_sides_exchanged(bone_map, where))
        cautions.extend(_unsure([bone for bone in bone_map.bones if _is_unsure(bone)], where))
    cautions.extend(_outside_lower_limb(bone_maps))
    return tuple(cautions)


def _outside_lower_limb(bone_maps: Sequence[BoneMap]) -> list[Caution]:
    """The evidence and most regions are those of the lower limb; other sites are named."""
    words = vocabulary()
    terms = {words.bone(bone.id.bone) for bone_map in bone_maps for bone in bone_map.bones}
    outside = sorted(term.label for term in terms if not term.lower_limb)
    if not outside:
        return []
    return [
        Caution(
            "outside-lower-limb",
            Severity.NOTE,
            f"Site outside the lower limb: {', '.join(outside)}. Oedema was measured there; the "
            "differential rests on evidence about the lower limb.",
            "all visits",
            "read the differential with that in mind",
        )
    ]


def _no_bones(where: str) -> Caution:
    return Caution(
        "no-bones",
        Severity.NOTE,
        "No bone was recognised on this series, so nothing was measured on it.",
        where,
        "hand in a mask of the bones for this series if it shows any that matter",
    )


def _side_of_header(series: Series, bone_map: BoneMap, where: str) -> list[Caution]:
    """What the header's side contradicts; nothing in an image that shows both limbs."""
    if series.side not in (Side.LEFT, Side.RIGHT) or _shows_both_limbs(bone_map):
        return []
    wrong = sorted({b.id.bone for b in bone_map.bones if b.id.side is series.side.opposite})
    if not wrong:
        return []
    return [
        Caution(
            "side-disagrees",
            Severity.UNVERIFIED,
            f"The header says {series.side.value}, the mask says {series.side.opposite.value} "
            f"for: {', '.join(wrong)}. The mask's side was used.",
            where,
            "check the side on the images; correct the header or the mask",
        )
    ]


def _side_of_fibula(bone_map: BoneMap, where: str) -> list[Caution]:
    """The fibula is lateral: where it is not, the image is mirrored or the side is wrong.

    Lateral by the image's own frame, and by the other bones, whatever the frame: a mirror
    image of oblique slices is also turned, by twice their tilt, and its fibula may come to lie
    behind the tibia.
    """
    cautions = []
    for side in (Side.LEFT, Side.RIGHT):
        tibia = _named(bone_map, "tibia", side)
        fibula = _named(bone_map, "fibula", side)
        if tibia is None or fibula is None:
            continue
        ways = (tibia.axes.lateral, lateral_by_bones(bone_map, tibia))
        offset = min(fibula_offset_mm(tibia, fibula, way) for way in ways if way is not None)
        if offset < -MIN_FIBULA_OFFSET_MM:
            cautions.append(
                Caution(
                    "fibula-medial",
                    Severity.UNVERIFIED,
                    f"The {side.value} fibula lies {-offset:.0f} mm to the medial side of the "
                    "tibia: the image is mirrored, or the side is wrong.",
                    where,
                    "check the side on the images before using any medial or lateral region",
                )
            )
    return cautions


def _shows_both_limbs(bone_map: BoneMap) -> bool:
    """One bone is there twice, left and right."""
    known = [bone.id for bone in bone_map.bones if bone.id.side in (Side.LEFT, Side.RIGHT)]
    return len({one.bone for one in known}) < len({(one.bone, one.side) for one in known})


def _sides_exchanged(bone_map: BoneMap, where: str) -> list[Caution]:
    """In one image the bones of the left limb lie to the patient's left (LPS x grows to it)."""
    left, right = (
        {
            bone.id.bone: float(_points(bone)[:, 0].mean())
            for bone in bone_map.bones
            if bone.id.side is side
        }
        for side in (Side.LEFT, Side.RIGHT)
    )
    if not left or not right:
        return []
    wrong = sorted(
        {name for name, x in left.items() if x < max(right.values()) + MIN_LIMBS_APART_MM}
        | {name for name, x in right.items() if x > min(left.values()) - MIN_LIMBS_APART_MM}
    )
    if not wrong:
        return []
    return [
        Caution(
            "sides-exchanged",
            Severity.UNVERIFIED,
            "Bones called left do not lie to the patient's left of those called right: "
            f"{', '.join(wrong)}. A side is wrong, or the image is mirrored.",
            where,
            "check the sides of the mask on the images before using any of its regions",
        )
    ]


def _named(bone_map: BoneMap, bone: str, side: Side) -> Bone | None:
    return next((b for b in bone_map.bones if (b.id.bone, b.id.side) == (bone, side)), None)


def fibula_offset_mm(tibia: Bone, fibula: Bone, lateral: NDArray[np.float64]) -> float:
    """How far the fibula's centre lies beside the tibia at the same height.

    ``lateral`` is the unit LPS vector along which the offset is measured.
    """
    origin, upwards = tibia.axes.origin_lps, tibia.axes.proximal
    fibular, tibial = _points(fibula) - origin, _points(tibia) - origin
    heights = fibular @ upwards
    level = (tibial @ upwards >= heights.min()) & (tibial @ upwards <= heights.max())
    beside = tibial[level] if level.any() else tibial
    return float(np.median(fibular @ lateral) - np.median(beside @ lateral))


def _points(bone: Bone) -> NDArray[np.float64]:
    return bone.mask.geometry.to_lps(np.argwhere(bone.mask.data))


def _is_unsure(bone: Bone) -> bool:
    return bone.verdict is BoneVerdict.UNSURE


def _unsure(bones: Sequence[Bone], where: str) -> list[Caution]:
    """One caution for all found bones of a series, one for each mask that was handed in."""
    cautions = [
        _not_measured(
            f"The mask of the {bone.id} is not sure: {bone.reason}",
            where,
            "correct the mask and run again",
        )
        for bone in bones
        if not bone.is_found
    ]
    found = [bone for bone in bones if bone.is_found]
    if len(found) == 1:
        (bone,) = found
        what = f"The outline found for the {bone.id} is not sure: {bone.reason}"
        remedy = "look at it; hand in a mask to have the bone measured"
        cautions.append(_not_measured(what, where, remedy))
    elif found:
        names = ", ".join(str(bone.id) for bone in found)
        what = f"The outlines found for {len(found)} bones are not sure: {names}"
        remedy = "look at them; hand in masks to have these bones measured"
        cautions.append(_not_measured(what, where, remedy))
    return cautions


def _not_measured(what: str, where: str, remedy: str) -> Caution:
    return Caution("unsure-bone", Severity.UNVERIFIED, f"{what}. Not measured here.", where, remedy)
