"""Bones brought from one visit to another: known motions found, misfits told apart."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.follow_up.registration import Imaged, contrasts_agree, register_bones
from marrowtrail.follow_up.surface_alignment import displacement_mm
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.series import Contrast, Dixon, Series, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId
from tests.follow_up.made_bones import (
    FEMUR,
    FS,
    PATELLA,
    T1,
    TIBIA,
    Knee,
    Scanner,
    Spot,
    bone_of,
    error_mm,
    moved,
    outline,
    sagittal,
    scan,
    still,
    turn,
)

WHOLE = turn((14, -9, 8), (18, -14, 12))
"""A knee laid down turned by 18 degrees and 26 mm away."""

FLEXED_DEG = 11.0
GRID = ((100, 116, 24), (1.0, 1.0, 3.5))
LATER_GRID = ((104, 120, 26), (1.0, 1.0, 3.2))

EARLIER_SCANNER = Scanner(sagittal(*GRID), shading=(0.3, -0.2, 0.2), seed=1)
LATER_SCANNER = Scanner(
    sagittal(*LATER_GRID, centre=(21.0, -17.0, 2.0), frame="1.2.4"),
    gain=1.6,
    shading=(-0.3, 0.2, 0.1),
    seed=2,
    series_id="v2-s1",
    visit_id="v2",
)


def imaged(knee: Knee, scanner: Scanner) -> tuple[Series, BoneMap]:
    return scan(knee, scanner), outline(knee, scanner)


@pytest.fixture(scope="module")
def knee() -> Knee:
    return still(spots=(Spot(FEMUR, (17, 4, -4), 13),))


@pytest.fixture(scope="module")
def later_knee() -> Knee:
    return moved(still(spots=(Spot(TIBIA, (-14, 2, -40), 12),)), WHOLE, FLEXED_DEG)


@pytest.fixture(scope="module")
def earlier(knee: Knee) -> Imaged:
    return (imaged(knee, EARLIER_SCANNER),)


@pytest.fixture(scope="module")
def later(later_knee: Knee) -> Imaged:
    return (imaged(later_knee, LATER_SCANNER),)


@pytest.fixture(scope="module")
def later_t1(later: Imaged) -> Imaged:
    """The same voxels under another label: what matters here is what the series says it is."""
    series, bone_map = later[0]
    return ((replace(series, id="v2-s2", contrast=T1), replace(bone_map, series_id="v2-s2")),)


@pytest.fixture(scope="module")
def found(earlier: Imaged, later: Imaged) -> tuple[BoneRegistration, ...]:
    return register_bones(earlier, later)


def by_bone(found: tuple[BoneRegistration, ...]) -> dict[BoneId, BoneRegistration]:
    return {one.bone: one for one in found}


def keeping(one: Imaged, *bones: BoneId) -> Imaged:
    """Only these bones, where a test does not need all three."""
    return tuple(
        (series, replace(drawn, bones=tuple(bone for bone in drawn.bones if bone.id in bones)))
        for series, drawn in one
    )


def cropped(one: tuple[Series, BoneMap], start: tuple[int, int, int], stop: tuple[int, int, int]):  # type: ignore[no-untyped-def]
    series, bone_map = one
    volume = series.volume.crop(start, stop)
    bones = tuple(
        bone_of(bone.id, bone.mask.crop(start, stop).data, volume.geometry)
        for bone in bone_map.bones
    )
    return replace(series, volume=volume), replace(bone_map, geometry=volume.geometry, bones=bones)


class TestKnownMotion:
    def test_every_bone_once_in_order(self, found: tuple[BoneRegistration, ...]) -> None:
        assert [one.bone for one in found] == [FEMUR, PATELLA, TIBIA]
        assert {(one.from_visit, one.to_visit) for one in found} == {("v1", "v2")}
        assert {(one.from_series, one.to_series) for one in found} == {("v1-s1", "v2-s1")}

    @pytest.mark.parametrize(("bone", "limit"), [(FEMUR, 0.25), (TIBIA, 0.25), (PATELLA, 0.5)])
    def test_motion_is_found_though_lesions_came_and_went(
        self,
        bone: BoneId,
        limit: float,
        found: tuple[BoneRegistration, ...],
        earlier: Imaged,
        later_knee: Knee,
    ) -> None:
        drawn = earlier[0][1].get(bone)
        assert drawn is not None
        one = by_bone(found)[bone]
        assert error_mm(one.transform, later_knee.motions[bone], drawn) < limit
        assert error_mm(one.transform, later_knee.motions[bone], drawn, 99) < 4 * limit
        assert one.verification is Verification.VERIFIED
        assert one.surface_gap_mm is not None
        assert one.surface_gap_mm < 0.6
        assert one.correlation is not None
        assert one.correlation > 0.8

    def test_the_bones_did_not_move_as_one(
        self, found: tuple[BoneRegistration, ...], earlier: Imaged
    ) -> None:
        tibia = earlier[0][1].get(TIBIA)
        assert tibia is not None
        assert error_mm(by_bone(found)[FEMUR].transform, by_bone(found)[TIBIA].transform, tibia) > 3

    def test_backwards_is_the_inverse(
        self, found: tuple[BoneRegistration, ...], earlier: Imaged, later: Imaged
    ) -> None:
        back = by_bone(register_bones(later, earlier))
        for one in found:
            drawn = earlier[0][1].get(one.bone)
            assert drawn is not None
            assert error_mm(back[one.bone].transform.inverse(), one.transform, drawn) < 0.4
            assert error_mm(back[one.bone].transform, one.transform, drawn) > 5

    def test_a_visit_onto_itself_stays(self, earlier: Imaged) -> None:
        only = keeping(earlier, TIBIA, PATELLA)
        for one in register_bones(only, only):
            drawn = earlier[0][1].get(one.bone)
            assert drawn is not None
            assert error_mm(one.transform, RigidTransform.identity(), drawn, 100) < 0.05
            assert one.verification is Verification.VERIFIED

    def test_shafts_cut_at_other_heights_do_not_pull(
        self, earlier: Imaged, later: Imaged, later_knee: Knee
    ) -> None:
        short = cropped(later[0], (0, 30, 0), (104, 120, 26))
        found = by_bone(register_bones(keeping(earlier, FEMUR, TIBIA), (short,)))
        for bone in (FEMUR, TIBIA):
            drawn = earlier[0][1].get(bone)
            assert drawn is not None
            one = found[bone]
            assert error_mm(one.transform, later_knee.motions[bone], drawn) < 0.35
            assert one.verification is Verification.VERIFIED


class TestSameBytes:
    def test_twice(
        self, found: tuple[BoneRegistration, ...], earlier: Imaged, later: Imaged
    ) -> None:
        for one, again in zip(found, register_bones(earlier, later), strict=True):
            assert one.transform.matrix.tobytes() == again.transform.matrix.tobytes()
            assert (one.reason, one.correlation) == (again.reason, again.correlation)

    def test_on_one_thread_and_on_two(self, earlier: Imaged, later: Imaged, tmp_path: Path) -> None:
        inputs = tmp_path / "inputs.pickle"
        inputs.write_bytes(pickle.dumps((keeping(earlier, TIBIA, PATELLA), later)))
        program = (
            "import pickle, sys; from pathlib import Path;"
            "from marrowtrail.follow_up.registration import register_bones;"
            "pair = pickle.loads(Path(sys.argv[1]).read_bytes());"
            "print(*[r.transform.matrix.tobytes().hex() for r in register_bones(*pair)])"
        )
        outputs = set()
        for threads in ("1", "2"):
            names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
            environment = os.environ | dict.fromkeys(names, threads)
            outputs.add(
                subprocess.run(
                    [sys.executable, "-c", program, str(inputs)],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
        assert len(outputs) == 1
        assert len(outputs.pop().split()) == 2


def deformed(one: tuple[Series, BoneMap], factors: tuple[float, float, float]) -> Imaged:
    """The visit of a body stretched along LPS: another person, or a mirror image."""
    series, bone_map = one
    stretch = np.diag([*factors, 1.0])
    grid = replace(series.volume.geometry, affine=stretch @ series.volume.geometry.affine)
    bones = tuple(bone_of(bone.id, bone.mask.data, grid) for bone in bone_map.bones)
    volume = Volume(series.volume.data, grid)
    return ((replace(series, volume=volume), replace(bone_map, geometry=grid, bones=bones)),)


class TestMisfits:
    @pytest.mark.parametrize(
        "factors", [(1.07, 0.93, 1.04), (0.94, 0.94, 0.94), (1.08, 1.08, 1.08), (-1.0, 1.0, 1.0)]
    )
    def test_another_person_or_a_mirror_image_is_never_verified(
        self, factors: tuple[float, float, float], earlier: Imaged, later: Imaged
    ) -> None:
        found = register_bones(keeping(earlier, FEMUR, PATELLA), deformed(later[0], factors))
        assert len(found) == 2
        assert Verification.VERIFIED not in {one.verification for one in found}

    def test_a_much_larger_person_is_impossible(self, earlier: Imaged, later: Imaged) -> None:
        found = register_bones(earlier, deformed(later[0], (1.22, 1.2, 1.22)))
        assert {one.verification for one in found} == {Verification.IMPOSSIBLE}

    def test_masks_that_fit_do_not_verify_images_that_do_not(
        self, earlier: Imaged, later: Imaged
    ) -> None:
        series, bone_map = later[0]
        noise = np.random.default_rng(5).normal(400, 60, series.volume.data.shape)
        volume = series.volume.with_data(noise.astype(np.float32))
        only = keeping(earlier, FEMUR, TIBIA)
        found = register_bones(only, ((replace(series, volume=volume), bone_map),))
        assert {one.verification for one in found} == {Verification.UNVERIFIED}

    def test_an_unsure_mask_is_not_verified(self, earlier: Imaged, later: Imaged) -> None:
        series, bone_map = later[0]
        bones = tuple(
            replace(bone, verdict=BoneVerdict.UNSURE, reason="in two pieces")
            if bone.id == TIBIA
            else bone
            for bone in bone_map.bones
        )
        unsure = ((series, replace(bone_map, bones=bones)),)
        found = by_bone(register_bones(keeping(earlier, FEMUR, TIBIA), unsure))
        assert found[TIBIA].verification is Verification.UNVERIFIED
        assert "in two pieces" in found[TIBIA].reason
        assert found[FEMUR].verification is Verification.VERIFIED


class TestChoiceOfSeries:
    def test_other_contrasts_are_placed_by_masks_and_say_so(
        self, earlier: Imaged, later_t1: Imaged, later_knee: Knee
    ) -> None:
        for one in register_bones(keeping(earlier, FEMUR, TIBIA), later_t1):
            drawn = earlier[0][1].get(one.bone)
            assert drawn is not None
            assert error_mm(one.transform, later_knee.motions[one.bone], drawn) < 0.6
            assert one.verification is Verification.UNVERIFIED
            assert "PD FS against T1" in one.reason
            assert one.correlation is None
            assert one.surface_gap_mm is not None

    def test_the_same_contrast_is_taken_where_there_is_one(
        self, earlier: Imaged, later: Imaged, later_t1: Imaged
    ) -> None:
        found = register_bones(keeping(earlier, PATELLA), (*later_t1, *later))
        assert {one.to_series for one in found} == {"v2-s1"}

    def test_another_body_part_shares_no_bone(self, earlier: Imaged, later: Imaged) -> None:
        series, bone_map = later[0]
        only = keeping(earlier, PATELLA)
        assert register_bones(only, ((replace(series, body_part="ankle"), bone_map),)) == ()
        assert register_bones(only, ((replace(series, body_part="unknown"), bone_map),)) != ()

    def test_contrasts(self) -> None:
        stir = Contrast(Weighting.STIR, True, "")
        plain = Contrast(Weighting.PD, False, "")
        assert contrasts_agree(FS, stir)
        assert contrasts_agree(T1, T1)
        assert not contrasts_agree(FS, T1)
        assert not contrasts_agree(FS, plain)
        assert not contrasts_agree(T1, plain)

    def test_a_contrast_agent_and_another_dixon_image_change_the_order(self) -> None:
        assert not contrasts_agree(T1, replace(T1, after_agent=True))
        assert contrasts_agree(replace(T1, after_agent=True), replace(T1, after_agent=True))
        fat = Contrast(Weighting.UNKNOWN, False, "", dixon=Dixon.FAT)
        assert contrasts_agree(fat, fat)
        assert not contrasts_agree(fat, replace(fat, dixon=Dixon.OPPOSED_PHASE))
        assert contrasts_agree(T1, replace(T1, dixon=Dixon.IN_PHASE))


class TestTooLittle:
    def test_no_visit_or_no_common_bone_is_empty(self, earlier: Imaged, later: Imaged) -> None:
        series, bone_map = later[0]
        other_side = tuple(
            replace(bone, id=BoneId(bone.id.bone, bone.id.side.opposite)) for bone in bone_map.bones
        )
        assert register_bones(earlier, ()) == ()
        assert register_bones((), later) == ()
        assert register_bones(earlier, ((series, replace(bone_map, bones=other_side)),)) == ()

    def test_an_empty_mask_is_no_bone(self, earlier: Imaged, later: Imaged) -> None:
        series, bone_map = later[0]
        grid = bone_map.geometry
        bones = tuple(
            bone_of(bone.id, np.zeros(grid.shape, dtype=bool), grid) if bone.id == PATELLA else bone
            for bone in bone_map.bones
        )
        found = register_bones(earlier, ((series, replace(bone_map, bones=bones)),))
        assert [one.bone for one in found] == [FEMUR, TIBIA]

    def test_a_single_slice_is_unverified(self, earlier: Imaged, later: Imaged) -> None:
        single = cropped(later[0], (0, 0, 12), (104, 120, 13))
        found = register_bones(earlier, (single,))
        assert found
        for one in found:
            assert one.verification is Verification.UNVERIFIED
            assert one.surface_gap_mm is None
            assert "single slice" in one.reason

    def test_parts_that_hardly_overlap_are_not_verified(
        self, earlier: Imaged, later: Imaged
    ) -> None:
        left = cropped(earlier[0], (0, 0, 0), (100, 116, 8))
        right = cropped(later[0], (0, 0, 17), (104, 120, 26))
        verdicts = {one.verification for one in register_bones((left,), (right,))}
        assert Verification.VERIFIED not in verdicts


def test_displacement_helper_can_tell_motions_apart() -> None:
    points = np.zeros((1, 3))
    assert displacement_mm(WHOLE, RigidTransform.identity(), points)[0] > 20
