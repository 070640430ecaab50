"""Fat that stays bright outside the bones excuses marrow beside it, and no other marrow."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.mapping import map_bones
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels, Contrast, Plane, Series, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.fat_suppression import check_fat_suppression
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.lesions.reading import read_visit
from marrowtrail.record.sites import BoneId, Side

GRID = Geometry((120, 120, 20), np.diag([0.6, 0.6, 3.5, 1.0]), "1.2.3")
COARSE = Geometry((72, 72, 14), np.diag([1.0, 1.0, 5.0, 1.0]), "1.2.3")
PATELLA = BoneId("patella", Side.RIGHT)
"""A bone without a home of red marrow: brightness and T1 alone decide."""
FLUID = Contrast(Weighting.PD, True, "test")
T1 = Contrast(Weighting.T1, False, "test")


def places(grid: Geometry) -> np.ndarray:
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return np.asarray(grid.to_lps(ijk))


def bone_on(grid: Geometry) -> np.ndarray:
    at = places(grid)
    return (np.hypot(at[..., 0] - 36, at[..., 1] - 36) < 24) & (at[..., 2] > 8) & (at[..., 2] < 60)


def failing(grid: Geometry) -> np.ndarray:
    """A factor of six near one side of the limb, falling off smoothly."""
    return 1.0 + 5.0 / (1.0 + np.exp((places(grid)[..., 1] - 22.0) / 2.5))


def fluid_image(*, fails: bool, lesion_at_mm: float | None = None) -> Volume:
    """Suppressed fat of 90 all round, marrow of 100 in a black cortex."""
    at, bone = places(GRID), bone_on(GRID)
    signal = np.where(bone, 100.0, 90.0)
    if fails:
        signal *= failing(GRID)
    rim = np.hypot(at[..., 0] - 36, at[..., 1] - 36)
    signal[bone & (rim > 22.8)] = 20.0
    if lesion_at_mm is not None:
        ball = np.linalg.norm(at - np.array([36.0, lesion_at_mm, 35.0]), axis=-1) < 9
        signal[ball & bone] = 900.0
    signal *= np.exp(np.random.default_rng(0).normal(0, 0.05, signal.shape))
    return Volume(signal.astype(np.float32), GRID)


def t1_image(frame: str = "1.2.3", *, fat: float = 420.0) -> Volume:
    grid = Geometry(COARSE.shape, COARSE.affine, frame)
    signal = np.where(bone_on(grid), 400.0, fat)
    return Volume(signal.astype(np.float32), grid)


def series(name: str, volume: Volume, contrast: Contrast) -> Series:
    return Series(name, "v1", name, volume, contrast, Plane.SAGITTAL, "knee", Side.RIGHT)


def read(fluid: Volume, t1: Volume | None) -> BoneReading:
    shown = [series("v1-s1", fluid, FLUID)]
    labels = BoneLabels(
        Volume(bone_on(GRID).astype(np.uint8), GRID), ((1, PATELLA),), "test", "v1-s1"
    )
    bones = [map_bones(shown[0], (labels,))]
    if t1 is not None:
        shown.append(series("v1-s2", t1, T1))
    return read_visit("v1", shown, bones)[0]


def test_marrow_beside_unsuppressed_fat_is_not_called_oedema() -> None:
    assert read(fluid_image(fails=True), None).lesions  # without T1 it cannot be known
    told = read(fluid_image(fails=True), t1_image())
    assert told.lesions == ()
    assert "fat suppression failed" in told.reason


@pytest.mark.parametrize("fails", [False, True])
def test_oedema_away_from_it_is_found(fails: bool) -> None:
    found = read(fluid_image(fails=fails, lesion_at_mm=46.0), t1_image())
    assert len(found.lesions) == 1
    assert found.lesions[0].volume.mm3 == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.2)


def test_oedema_within_it_is_not_claimed_and_the_reading_says_why() -> None:
    told = read(fluid_image(fails=True, lesion_at_mm=25.0), t1_image())
    assert told.lesions == ()
    assert "bright area(s) not counted: fat suppression failed there" in told.reason


def test_nothing_is_doubted_where_fat_is_dark() -> None:
    told = read(fluid_image(fails=False), t1_image())
    assert told.lesions == ()
    assert "fat suppression" not in told.reason


@pytest.mark.parametrize("t1", [t1_image("9.9.9"), t1_image(fat=60.0)])
def test_it_is_not_known_without_fat_in_the_same_frame_or_under_skin(t1: Volume) -> None:
    fluid = series("v1-s1", fluid_image(fails=True), FLUID)
    mask = Volume(bone_on(GRID).astype(np.uint8), GRID)
    labels = BoneLabels(mask, ((1, PATELLA),), "test", "v1-s1")
    bones = map_bones(fluid, (labels,)).bones
    assert check_fat_suppression(fluid, bones, [fluid, series("v1-s2", t1, T1)]) is None
    assert check_fat_suppression(fluid, bones, [fluid]) is None
    assert check_fat_suppression(fluid, (), [fluid, series("v1-s2", t1_image(), T1)]) is None


def test_fat_under_the_skin_tells_without_any_t1() -> None:
    image = fluid_image(fails=True)
    at = places(GRID)
    in_air = np.hypot(at[..., 0] - 36, at[..., 1] - 36) > 34
    signal = np.where(in_air, 3.0, image.data).astype(np.float32)
    told = read(Volume(signal, GRID), None)
    assert told.lesions == ()
    assert "fat suppression failed" in told.reason
