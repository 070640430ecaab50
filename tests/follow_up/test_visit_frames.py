"""The series of a visit share a frame, or they do not: in name, and in fact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.follow_up.cautions import follow_up_cautions
from marrowtrail.follow_up.compare import follow_up
from marrowtrail.follow_up.prepared import Prepared
from marrowtrail.follow_up.track import FollowUp, Verification
from marrowtrail.follow_up.visit_frames import MOVED_MM, VisitFrames, frames_in_fact
from marrowtrail.imaging.series import Series, Visit
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion, RegionShare, VolumeEstimate
from tests.follow_up.made_bones import (
    FEMUR,
    T1,
    TIBIA,
    Knee,
    Scanner,
    Spot,
    error_mm,
    moved,
    outline,
    sagittal,
    scan,
    still,
    turn,
)
from tests.follow_up.made_visits import dates

SHAPE = ((100, 116, 24), (1.0, 1.0, 3.5))
SPOT = Spot(FEMUR, (17, 4, -4), 10)
MOTION = turn((6, -4, 3), (9, -5, 4))

Shown = tuple[Series, BoneMap]


def shown(knee: Knee, series_id: str, **kwargs) -> Shown:  # type: ignore[no-untyped-def]
    scanner = Scanner(sagittal(*SHAPE), series_id=series_id, visit_id=series_id[:2], **kwargs)
    drawn = outline(knee, scanner, only=(FEMUR, TIBIA))
    return scan(knee, scanner, sub_slices=2), drawn


def displaced(one: Shown, mm: float, frame: str = "1.2.3") -> Shown:
    """The same voxels, their place told wrong by so much along the leg: the patient moved."""
    series, drawn = one
    affine = series.volume.geometry.affine.copy()
    affine[2, 3] += mm
    grid = replace(series.volume.geometry, affine=affine, frame_of_reference=frame)

    def there(volume: Volume) -> Volume:
        return Volume(volume.data, grid)

    bones = tuple(
        replace(bone, mask=there(bone.mask), regions=there(bone.regions)) for bone in drawn.bones
    )
    return (
        replace(series, volume=there(series.volume)),
        replace(drawn, geometry=grid, bones=bones),
    )


@pytest.fixture(scope="module")
def visits() -> tuple[tuple[Shown, Shown], tuple[Shown, Shown]]:
    """A fat-suppressed series and a T1 of either visit."""
    first = still(spots=(SPOT,))
    second = moved(first, MOTION)
    return (
        (shown(first, "v1-s1", seed=1), shown(first, "v1-s2", contrast=T1, seed=2)),
        (shown(second, "v2-s1", seed=3), shown(second, "v2-s2", contrast=T1, seed=4)),
    )


def in_fact(*pairs: Shown, read_on: str | None = "v1-s1") -> VisitFrames:
    readings = [BoneReading("v1", FEMUR, read_on, read_on is not None, "test")]
    return frames_in_fact({"v1": pairs}, readings, Prepared())


class TestOneVisit:
    def test_series_at_one_place_share_their_frame(self, visits) -> None:  # type: ignore[no-untyped-def]
        frames = in_fact(*visits[0])
        assert frames.usable["v1", FEMUR] == {"v1-s1", "v1-s2"}
        assert frames.moved == ()

    @pytest.mark.parametrize(("mm", "is_moved"), [(0.7 * MOVED_MM, False), (10.0, True)])
    def test_one_that_moved_does_not(self, visits, mm: float, is_moved: bool) -> None:  # type: ignore[no-untyped-def]
        water, fat = visits[0]
        frames = in_fact(water, displaced(fat, mm))
        assert ("v1-s2" in frames.usable["v1", FEMUR]) is not is_moved
        assert [round(one.apart_mm) for one in frames.moved] == ([10] if is_moved else [])
        assert frames.allow(water[0], FEMUR)

    def test_another_frame_is_not_shared_and_nobody_moved(self, visits) -> None:  # type: ignore[no-untyped-def]
        water, fat = visits[0]
        frames = in_fact(water, displaced(fat, 0.0, frame="1.2.9"))
        assert frames.usable["v1", FEMUR] == {"v1-s1"}
        assert frames.moved == ()

    def test_what_is_not_sure_proves_no_motion(self, visits) -> None:  # type: ignore[no-untyped-def]
        water, (series, drawn) = visits[0][0], displaced(visits[0][1], 10.0)
        unsure = tuple(replace(bone, verdict=BoneVerdict.UNSURE) for bone in drawn.bones)
        assert in_fact(water, (series, replace(drawn, bones=unsure))).moved == ()

    def test_a_bone_that_was_not_read_lies_where_it_is_shown_first(self, visits) -> None:  # type: ignore[no-untyped-def]
        water, fat = visits[0]
        frames = in_fact(displaced(fat, 10.0), water, read_on=None)
        assert frames.usable["v1", FEMUR] == {"v1-s2"}


def oedema(one: Shown, visit: str, motion: RigidTransform) -> Lesion:
    """The spot as it lies on a series."""
    series, _ = one
    grid = series.volume.geometry
    ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    away = motion.inverse().apply(grid.to_lps(ijk.reshape(-1, 3))) - np.asarray(SPOT.centre)
    mask = (np.linalg.norm(away, axis=-1) < SPOT.radius_mm).reshape(grid.shape)
    mm3 = float(mask.sum()) * grid.voxel_mm3
    return Lesion(
        f"{visit}-femur-1",
        visit,
        series.id,
        FEMUR,
        Volume(mask, grid),
        VolumeEstimate(mm3, 0.9 * mm3, 1.1 * mm3),
        (RegionShare("medial_condyle", 1.0, 0.4),),
        np.zeros(3),
        2.0,
        0.1,
    )


def compared(
    first: tuple[Shown, ...], second: tuple[Shown, ...], motion: RigidTransform
) -> FollowUp:
    pairs = (*first, *second)
    there = [Visit("v1", dates("v1")["v1"], tuple(one for one, _ in first), ())]
    there.append(Visit("v2", dates("v1", "v2")["v2"], tuple(one for one, _ in second), ()))
    readings = []
    for visit, shows, motion_here in (
        ("v1", first, RigidTransform.identity()),
        ("v2", second, motion),
    ):
        lesion = oedema(shows[0], visit, motion_here)
        readings.append(BoneReading(visit, FEMUR, shows[0][0].id, True, "test", (lesion,)))
        readings.append(BoneReading(visit, TIBIA, shows[0][0].id, True, "test"))
    return follow_up(there, [drawn for _, drawn in pairs], readings)


class TestTwoVisits:
    def test_the_best_series_is_used_where_it_lay_still(self, visits) -> None:  # type: ignore[no-untyped-def]
        found = compared(*visits, MOTION)
        assert {(one.from_series, one.to_series) for one in found.registrations} == {
            ("v1-s2", "v2-s2")
        }
        assert [one.verified for one in found.matches] == [True]
        assert not [one for one in follow_up_cautions(found, 2) if one.code.startswith("moved")]

    @pytest.mark.parametrize(("mm", "frame"), [(12.0, "1.2.3"), (20.0, "1.2.9")])
    def test_where_it_did_not_the_series_that_was_read_is_registered(  # type: ignore[no-untyped-def]
        self, visits, mm: float, frame: str
    ) -> None:
        first, (water, fat) = visits
        found = compared(first, (water, displaced(fat, mm, frame)), MOTION)
        (femur,) = (one for one in found.registrations if one.bone == FEMUR)
        assert femur.to_series == "v2-s1"
        assert femur.verification is Verification.VERIFIED
        assert error_mm(femur.transform, MOTION, first[0][1].bones[0]) < 0.5
        assert [(one.verified, one.overlap > 0.8) for one in found.matches] == [(True, True)]
        codes = [one.code for one in follow_up_cautions(found, 2)]
        assert ("moved-between-series" in codes) is (frame == "1.2.3")
