"""Lesions, readings and registrations made by hand, for what follows measuring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from marrowtrail.anatomy.bones import Bone, BoneAxes, BoneMap, BoneVerdict
from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.graph import choose
from marrowtrail.follow_up.matching import candidates
from marrowtrail.follow_up.track import BoneRegistration, Match, Verification
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion, RegionShare, VolumeEstimate
from marrowtrail.record.sites import BoneId, Side

GRID = Geometry((40, 40, 20), np.diag([2.0, 2.0, 4.0, 1.0]), "1.2.3")
FEMUR = BoneId("femur", Side.RIGHT)
TIBIA = BoneId("tibia", Side.RIGHT)
START = date(2024, 1, 10)

REGIONS = {
    "femur": ("medial_condyle", "lateral_condyle"),
    "tibia": ("medial_plateau", "lateral_plateau", "distal_epiphysis"),
}


def block(start: tuple[int, int, int], size: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[tuple(slice(a, a + size) for a in start)] = True
    return mask


def lesion(
    visit: str,
    bone: BoneId,
    region: str,
    start: tuple[int, int, int] = (10, 10, 5),
    size: int = 6,
    number: int = 1,
) -> Lesion:
    mask = block(start, size)
    mm3 = float(mask.sum()) * GRID.voxel_mm3
    return Lesion(
        f"{visit}-{bone.bone}-{number}",
        visit,
        f"{visit}-s1",
        bone,
        Volume(mask, GRID),
        VolumeEstimate(mm3, 0.9 * mm3, 1.1 * mm3),
        (RegionShare(region, 1.0, 0.4),),
        GRID.to_lps(np.argwhere(mask).mean(axis=0)),
        2.0,
        0.1,
    )


def reading(visit: str, bone: BoneId, *lesions: Lesion, is_read: bool = True) -> BoneReading:
    return BoneReading(visit, bone, f"{visit}-s1", is_read, "test", lesions)


def bone_map(visit: str, *bones: BoneId, cut: int = 40) -> BoneMap:
    """Bones that fill the grid, or its first ``cut`` planes."""
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[:cut] = True
    volume = Volume(mask, GRID)
    axes = BoneAxes(np.zeros(3), *(row for row in np.eye(3)))
    return BoneMap(
        f"{visit}-s1",
        visit,
        GRID,
        tuple(
            Bone(
                one,
                volume,
                volume,
                REGIONS[one.bone],
                axes,
                "test",
                BoneVerdict.ACCEPTED,
                "",
                touches_edge=True,
            )
            for one in bones
        ),
    )


def registration(
    first: str,
    second: str,
    bone: BoneId,
    verification: Verification = Verification.VERIFIED,
    transform: RigidTransform | None = None,
) -> BoneRegistration:
    return BoneRegistration(
        bone,
        first,
        second,
        f"{first}-s1",
        f"{second}-s1",
        transform or RigidTransform.identity(),
        verification,
        "test",
        0.2,
        0.9,
    )


def dates(*visits: str, days: int = 60) -> dict[str, date]:
    return {visit: START + timedelta(days=days * number) for number, visit in enumerate(visits)}


def atlas(
    readings: list[BoneReading],
    maps: list[BoneMap],
    registrations: list[BoneRegistration],
) -> Atlas:
    return Atlas.of(readings, maps, registrations)


def edges(
    readings: Sequence[BoneReading], registrations: Sequence[BoneRegistration], known: Atlas
) -> tuple[Match, ...]:
    """The edges of the graph that following takes."""
    lesions = {one.id: one for each in readings for one in each.lesions}
    return choose(
        candidates(readings, registrations),
        {one.id: one.visit_id for one in lesions.values()},
        sorted({one.visit_id for one in readings}),
        lambda lesion, visit: known.cover(lesions[lesion], visit) is Cover.READ,
    ).chosen
