"""The side of a mask's bones, where the mask itself does not say it.

Medial and lateral are mirror images on the two sides, so a bone without a side has no named
regions. The header of the series that it was drawn on may tell; if nothing does, the reader
must know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.series import BoneLabels, Series
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import vocabulary


def sided(bones: BoneLabels, visit: Sequence[Series]) -> BoneLabels:
    """The mask with the side of its series for bones that have none of their own.

    Only if every series of the visit that shares its grid or UID says the same side, left or
    right.
    """
    if not any(_lacks_side(bone) for _, bone in bones.names):
        return bones
    said = {one.side for one in visit if _drawn_on(bones, one)}
    side = said.pop() if len(said) == 1 else Side.UNKNOWN
    if side not in (Side.LEFT, Side.RIGHT):
        return bones
    names = tuple(
        (value, replace(bone, side=side) if _lacks_side(bone) else bone)
        for value, bone in bones.names
    )
    return replace(bones, names=names, source=f"{bones.source}, side from the image header")


def side_cautions(visit_id: str, masks: Sequence[BoneLabels]) -> list[Caution]:
    """One for each mask with bones of a limb that have no side."""
    return [
        Caution(
            "side-unknown",
            Severity.UNVERIFIED,
            "Neither the mask nor the header says of which side these bones are, so medial and "
            f"lateral may be exchanged: {', '.join(lacking)}.",
            visit_id,
            "give the mask's bones a side",
        )
        for one in masks
        if (lacking := sorted({bone.bone for _, bone in one.names if _lacks_side(bone)}))
    ]


def _lacks_side(bone: BoneId) -> bool:
    return bone.side is Side.UNKNOWN and vocabulary().bone(bone.bone).lower_limb


def _drawn_on(bones: BoneLabels, series: Series) -> bool:
    by_uid = bones.series_uid is not None and bones.series_uid == series.source_uid
    return by_uid or bones.labels.geometry.same_grid(series.volume.geometry)
