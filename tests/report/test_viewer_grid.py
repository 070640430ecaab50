"""Every visit lands on one grid that is laid on the page as a radiologist expects."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from made_result import KNEE_LPS, Patient, migrating_patient, sagittal
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.report.viewer_grid import (
    MARGIN_MM,
    MOST_SLICES,
    as_paged,
    is_reformatted,
    place_grid,
    planes_of,
    voxel_at,
    with_pixels,
)
from marrowtrail.report.viewer_stack import brought_onto, coverage, sampled

SAGITTAL = ("sagittal", ("A", "P", "H", "F"), ("R", "L"))
CORONAL = ("coronal", ("R", "L", "H", "F"), ("A", "P"))
AXIAL = ("axial", ("R", "L", "A", "P"), ("H", "F"))


def stored(geometry: Geometry, order: tuple[int, ...], reverse: tuple[bool, ...]) -> Geometry:
    """The same voxels with axes in another order, some counted from their end."""
    start = np.where(reverse, np.asarray(geometry.shape) - 1, 0)
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.to_lps(start)
    affine[:3, :3] *= np.where(reverse, -1, 1)
    affine[:3, :3] = affine[:3, list(order)]
    shape = tuple(geometry.shape[axis] for axis in order)
    return Geometry((shape[0], shape[1], shape[2]), affine)


def turned(geometry: Geometry, degrees: float) -> Geometry:
    """Turned about the axis from feet to head."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    return Geometry(geometry.shape, turn @ geometry.affine)


def told(grid: Geometry) -> list[tuple[str, tuple[str, ...], tuple[str, str]]]:
    return [
        (plane.name, plane.letters, plane.ends) for plane in planes_of(grid, grid.spacing_mm[2])
    ]


class TestPage:
    @pytest.mark.parametrize("order", list(permutations(range(3))))
    @pytest.mark.parametrize("reverse", list(product((False, True), repeat=3)))
    def test_however_it_is_stored_it_is_shown_the_same(
        self, order: tuple[int, ...], reverse: tuple[bool, ...]
    ) -> None:
        plain = sagittal(KNEE_LPS)
        grid = as_paged(stored(plain, order, reverse), order.index(2))
        assert told(grid) == [SAGITTAL, CORONAL, AXIAL]
        expected = as_paged(plain, 2)
        np.testing.assert_allclose(grid.affine, expected.affine, atol=1e-9)
        assert grid.shape == expected.shape

    def test_pixels_are_never_mirrored(self) -> None:
        """To the right of a sagittal page lies posterior, and below it the feet."""
        grid = as_paged(sagittal(KNEE_LPS), 2)
        np.testing.assert_allclose(grid.directions.T, [[0, 0, -1], [0, 1, 0], [1, 0, 0]])

    def test_an_oblique_grid_says_both_letters(self) -> None:
        grid = as_paged(turned(sagittal(KNEE_LPS), 40), 2)
        assert told(grid)[0] == ("sagittal", ("AL", "PR", "H", "F"), ("RA", "LP"))
        assert told(as_paged(turned(sagittal(KNEE_LPS), 20), 2))[0] == SAGITTAL

    def test_only_the_slices_are_acquired(self) -> None:
        grid = as_paged(sagittal(KNEE_LPS), 2)
        planes = planes_of(grid, grid.spacing_mm[2])
        assert [one.is_acquired for one in planes] == [True, False, False]

    def test_and_not_if_there_are_fewer_than_were_acquired(self) -> None:
        whole = Geometry((100, 100, 160), np.diag([0.6, 0.6, 0.7, 1.0]))
        thinned = with_pixels(whole, 1.0)
        assert thinned.shape[2] < 160
        assert not any(one.is_acquired for one in planes_of(thinned, whole.spacing_mm[2]))
        assert planes_of(whole, whole.spacing_mm[2])[0].is_acquired


class TestGrid:
    def test_it_holds_the_bone_and_its_margin_and_no_more(self) -> None:
        patient = migrating_patient()
        home, mask = home_and_mask(patient)
        grid = place_grid(home, mask)
        inside = mask.geometry.to_lps(np.argwhere(mask.data))
        ijk = grid.to_ijk(inside)
        assert (ijk.min(axis=0) > -1e-6).all()
        assert (ijk.max(axis=0) < np.asarray(grid.shape) - 1 + 1e-6).all()
        to_front = ijk[:, 1].min() * grid.spacing_mm[1]
        assert to_front == pytest.approx(MARGIN_MM, abs=1.2)
        assert grid.spacing_mm == pytest.approx((1.1, 1.1, 4.0))

    def test_native_pixels_stay_and_coarser_ones_cover_the_same_block(self) -> None:
        grid = as_paged(sagittal(KNEE_LPS), 2)
        np.testing.assert_allclose(with_pixels(grid, 1.0).affine, grid.affine)
        coarse = with_pixels(grid, 2.0)
        assert coarse.spacing_mm == pytest.approx((2.2, 2.2, 4.0))
        np.testing.assert_allclose(
            coarse.to_lps(np.array([-0.5, -0.5, 0])), grid.to_lps(np.array([-0.5, -0.5, 0]))
        )

    def test_a_block_of_thin_slices_is_cut_less_often(self) -> None:
        affine = np.diag([0.7, 0.7, 0.7, 1])
        grid = with_pixels(Geometry((100, 100, 160), affine), 1.0)
        assert grid.shape[2] == MOST_SLICES
        assert with_pixels(Geometry((100, 100, 30), affine), 1.0).shape[2] == 30

    def test_a_point_and_its_voxel(self) -> None:
        grid = as_paged(sagittal(KNEE_LPS), 2)
        assert voxel_at(grid, grid.to_lps(np.array([10.2, 20.4, 3.3]))) == (10, 20, 3)
        assert voxel_at(grid, grid.to_lps(np.array([-9.0, 20, 99]))) == (0, 20, 23)

    def test_another_plane_is_reformatted_and_the_same_is_not(self) -> None:
        home, mask = home_and_mask(migrating_patient())
        grid = place_grid(home, mask)
        assert not is_reformatted(home, grid)
        plain = home.volume.geometry
        coronal = Geometry(plain.shape, plain.affine[:, [2, 1, 0, 3]] * [1, 1, 4 / 1.1, 1])
        other = replace(home, plane=Plane.CORONAL, volume=Volume(home.volume.data, coronal))
        assert is_reformatted(other, grid)


class TestSampled:
    @pytest.mark.parametrize("order", list(permutations(range(3))))
    @pytest.mark.parametrize("reverse", list(product((False, True), repeat=3)))
    def test_what_fits_is_taken_as_it_is(
        self, order: tuple[int, ...], reverse: tuple[bool, ...]
    ) -> None:
        """The same as sampling it, however the series is stored."""
        source = stored(sagittal(KNEE_LPS, size=20), order, reverse)
        rng = np.random.default_rng(1)
        volume = Volume(rng.random(source.shape, dtype=np.float32), source)
        grid = as_paged(source, order.index(2)).crop((2, 3, 1), (12, 19, 9))
        still = RigidTransform.identity()
        np.testing.assert_allclose(
            sampled(volume, grid, still), resample(volume, grid).data, atol=1e-6
        )
        taken = set(volume.data.ravel().tolist())
        assert set(sampled(volume, grid, still).ravel().tolist()) <= taken

    def test_what_does_not_fit_or_leaves_the_volume_is_sampled(self) -> None:
        source = sagittal(KNEE_LPS, size=20)
        volume = Volume(np.random.default_rng(1).random(source.shape, dtype=np.float32), source)
        grid = as_paged(source, 2)
        for shift in ([0.4, 0, 0], [0, 2.2, 0], [-8, 0, 0]):
            motion = RigidTransform.about(np.zeros(3), np.zeros(3), np.array(shift, dtype=float))
            np.testing.assert_allclose(
                sampled(volume, grid, motion), resample(volume, grid, motion).data, atol=1e-5
            )


class TestCoverage:
    def test_the_edge_is_neither_darkened_nor_invented(self) -> None:
        """A constant image stays constant up to half a voxel beyond its last centres."""
        source = Geometry((20, 20, 6), np.diag([1.0, 1, 4, 1]))
        constant = Volume(np.full(source.shape, 50.0, dtype=np.float32), source)
        shifted = RigidTransform.about(np.zeros(3), np.zeros(3), np.array([1.3, -0.4, 2.7]))
        share = coverage(source, source, shifted)
        stack = brought_onto(constant, source, shifted, share)
        np.testing.assert_allclose(stack[share > 0], 50, rtol=1e-4)
        assert (stack[share == 0] == 0).all()
        expected = inside(source, shifted)
        np.testing.assert_array_equal(share > 0, expected)
        assert 0 < np.count_nonzero(~expected) < expected.size / 2

    def test_everything_is_covered_without_motion(self) -> None:
        source = sagittal(KNEE_LPS)
        assert (coverage(source, source, RigidTransform.identity()) > 0.999).all()


def inside(grid: Geometry, motion: RigidTransform) -> NDArray[np.bool_]:
    """Voxel by voxel: does its place lie within the source's voxels?"""
    found = np.zeros(grid.shape, dtype=bool)
    for index in np.ndindex(grid.shape):
        ijk = grid.to_ijk(motion.apply(grid.to_lps(np.array(index))))
        found[index] = (ijk >= -0.5).all() and (ijk <= np.asarray(grid.shape) - 0.5).all()
    return found


def home_and_mask(patient: Patient) -> tuple:
    home = next(s for s in patient.study.visits[2].series if s.id == "v3-s1")
    (bone_map,) = [one for one in patient.bone_maps if one.series_id == "v3-s1"]
    return home, bone_map.bones[0].mask
