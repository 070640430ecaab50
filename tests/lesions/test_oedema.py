"""Oedema of known size in marrow of known signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from marrowtrail.anatomy.mapping import map_bones
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels, Contrast, Plane, Series, Weighting
from marrowtrail.imaging.volume import GridMismatchError, Volume
from marrowtrail.lesions.marrow import depth_mm, model_marrow
from marrowtrail.lesions.oedema import SMALLEST_LESION_MM3
from marrowtrail.lesions.reading import read_visit
from marrowtrail.record.sites import BoneId, Side

GRID = Geometry((110, 110, 22), np.diag([0.6, 0.6, 3.5, 1.0]), "1.2.3")
PATELLA = BoneId("patella", Side.RIGHT)
"""A bone without a home of red marrow: brightness and T1 alone decide."""
FLUID = Contrast(Weighting.PD, True, "test")


def points() -> np.ndarray:
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing="ij"), axis=-1)
    return np.asarray(GRID.to_lps(ijk))


def ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    return np.linalg.norm(points() - np.asarray(centre), axis=-1) < radius


def image(
    bone: np.ndarray,
    lesion: np.ndarray | None = None,
    *,
    contrast: float = 2.0,
    shading: float = 0.0,
    noise: float = 0.06,
    seed: int = 0,
) -> Volume:
    """Marrow of 100, muscle of 140, fluid of 400 beside the bone; blurred, shaded, noisy."""
    signal = np.where(bone, 100.0, 140.0)
    signal[ndimage.binary_dilation(bone, iterations=2) & ~bone] = 400.0
    signal[bone & ~ndimage.binary_erosion(bone, np.ones((5, 5, 1)))] = 25.0
    if lesion is not None:
        signal[lesion & bone] = 100.0 * contrast
    signal = ndimage.gaussian_filter(signal, (0.9, 0.9, 0.0))
    ramp = np.linspace(-1, 1, GRID.shape[0])[:, None, None]
    signal *= np.exp(shading * ramp)
    signal += np.random.default_rng(seed).normal(0, 100 * noise, signal.shape)
    return Volume(signal.astype(np.float32), GRID)


def read(volume: Volume, bone: np.ndarray, contrast: Contrast = FLUID):  # type: ignore[no-untyped-def]
    series = Series("v1-s1", "v1", "uid", volume, contrast, Plane.SAGITTAL, "knee", Side.RIGHT)
    labels = BoneLabels(Volume(bone.astype(np.uint8), GRID), ((1, PATELLA),), "test", "uid")
    return read_visit("v1", [series], [map_bones(series, (labels,))])[0]


BONE = ball((33, 33, 38), 29)
INSIDE = (36.0, 30.0, 38.0)


class TestFinding:
    @pytest.mark.parametrize("contrast", [1.6, 2.5, 4.0])
    @pytest.mark.parametrize("shading", [0.0, 0.3])
    def test_a_lesion_is_found_with_its_volume(self, contrast: float, shading: float) -> None:
        lesion = ball(INSIDE, 11)
        found = read(image(BONE, lesion, contrast=contrast, shading=shading), BONE)
        (one,) = (*found.lesions, *found.possible)
        truth = lesion.sum() * GRID.voxel_mm3
        assert one.volume.mm3 == pytest.approx(truth, rel=0.15)
        assert one.volume.low_mm3 <= truth <= one.volume.high_mm3
        both = 2 * (one.mask.data & lesion).sum()
        assert both / (one.mask.data.sum() + lesion.sum()) > 0.9

    @pytest.mark.parametrize(("contrast", "is_certain"), [(1.6, False), (2.5, True)])
    def test_without_t1_a_faint_area_is_possible_and_its_bone_is_not_called_clear(
        self, contrast: float, is_certain: bool
    ) -> None:
        found = read(image(BONE, ball(INSIDE, 11), contrast=contrast), BONE)
        assert len(found.lesions) == is_certain
        assert len(found.possible) == (not is_certain)
        assert ("possible oedema" in found.reason) is not is_certain
        assert ("no T1" in found.reason) is not is_certain

    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 1000), shading=st.floats(-0.35, 0.35))
    def test_a_healthy_bone_has_none(self, seed: int, shading: float) -> None:
        found = read(image(BONE, shading=shading, seed=seed, noise=0.12), BONE)
        assert found.is_read
        assert found.lesions == ()

    def test_two_lesions_are_two_and_the_larger_comes_first(self) -> None:
        large, small = ball((33, 18, 38), 9), ball((33, 48, 38), 6)
        found = read(image(BONE, large | small), BONE)
        assert len(found.lesions) == 2
        assert found.lesions[0].volume.mm3 > found.lesions[1].volume.mm3

    def test_a_speck_is_not_a_lesion(self) -> None:
        speck = ball(INSIDE, 1.5)
        assert speck.sum() * GRID.voxel_mm3 < SMALLEST_LESION_MM3
        assert read(image(BONE, speck), BONE).lesions == ()

    def test_a_dark_area_is_not_oedema(self) -> None:
        assert read(image(BONE, ball(INSIDE, 11), contrast=0.5), BONE).lesions == ()

    def test_a_lesion_in_a_third_of_the_bone_leaves_the_reference_alone(self) -> None:
        lesion = BONE & (points()[..., 0] > 40)
        found = read(image(BONE, lesion), BONE)
        truth = lesion.sum() * GRID.voxel_mm3
        assert sum(one.volume.mm3 for one in found.lesions) == pytest.approx(truth, rel=0.25)


class TestNotRead:
    @pytest.mark.parametrize(
        "contrast",
        [
            Contrast(Weighting.T1, False, ""),
            Contrast(Weighting.PD, False, ""),
            Contrast(Weighting.PD, None, ""),
            Contrast(Weighting.T1, True, ""),
        ],
    )
    def test_without_fluid_sensitivity_nothing_is_claimed(self, contrast: Contrast) -> None:
        found = read(image(BONE, ball(INSIDE, 11)), BONE, contrast)
        assert not found.is_read
        assert found.lesions == ()
        assert "STIR" in found.reason

    def test_a_bone_that_is_all_rim_is_not_read(self) -> None:
        thin = ball((33, 33, 38), 29) & ~ball((33, 33, 38), 27.5)
        assert not read(image(thin), thin).is_read


class TestDepth:
    def test_depth_grows_to_the_middle_and_a_cut_face_is_no_surface(self) -> None:
        mask = np.zeros((20, 20, 5), dtype=bool)
        mask[:, 5:15, :] = True
        depth = depth_mm(mask, (1.0, 1.0, 4.0))
        assert depth[0, 10, 0] == pytest.approx(depth[10, 10, 2])
        assert depth[10, 10, 2] == pytest.approx(5.0)
        assert depth[10, 5, 2] == pytest.approx(1.0)
        assert depth[10, 4, 2] == 0

    def test_a_mask_of_another_grid_is_refused(self) -> None:
        moved = Geometry(GRID.shape, GRID.affine + np.diag([0.1, 0, 0, 0]), "1.2.3")
        with pytest.raises(GridMismatchError):
            model_marrow(image(BONE), Volume(BONE, moved))
