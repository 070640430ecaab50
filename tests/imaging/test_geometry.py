"""Geometry, transforms and volumes: each property in both directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import GridMismatchError, Volume, bounding_box, resample

angles = st.tuples(*[st.floats(-1.5, 1.5) for _ in range(3)])
shifts = st.tuples(*[st.floats(-80, 80) for _ in range(3)])


def geometry(turn=(0.0, 0.0, 0.0), origin=(1.0, 2.0, 3.0), frame="1.2"):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ np.diag([0.5, 0.7, 4.0])
    affine[:3, 3] = origin
    return Geometry((9, 8, 5), affine, frame)


class TestGeometry:
    @given(angles, shifts)
    def test_index_to_patient_and_back(self, turn, origin) -> None:
        one = geometry(turn, origin)
        ijk = np.array([[0, 0, 0], [8, 7, 4], [2.5, 1.25, 3.0]])
        assert np.allclose(one.to_ijk(one.to_lps(ijk)), ijk, atol=1e-8)
        assert np.allclose(one.spacing_mm, (0.5, 0.7, 4.0))
        assert one.through_plane_axis == 2
        assert one.voxel_mm3 == pytest.approx(1.4)

    def test_crop_keeps_every_voxel_in_its_place(self) -> None:
        one = geometry((0.3, 0.2, 0.1))
        part = one.crop((2, 1, 1), (7, 5, 4))
        assert part.shape == (5, 4, 3)
        assert np.allclose(part.to_lps(np.zeros(3)), one.to_lps(np.array([2, 1, 1])))

    def test_rescaled_covers_the_same_block(self) -> None:
        one = geometry((0.3, 0.2, 0.1))
        coarse = one.rescaled((1.5, 1.4, 4.0))
        edge = np.array([-0.5, -0.5, -0.5])
        assert np.allclose(coarse.to_lps(edge), one.to_lps(edge))
        far = np.asarray(one.shape) - 0.5
        assert np.allclose(coarse.to_lps(np.asarray(coarse.shape) - 0.5), one.to_lps(far))

    def test_same_grid(self) -> None:
        one = geometry()
        assert one.same_grid(geometry())
        assert one.same_grid(geometry(frame=None))
        assert one.same_grid(geometry(origin=(1.001, 2.0, 3.0)))
        assert not one.same_grid(geometry(origin=(1.2, 2.0, 3.0)))
        assert not one.same_grid(geometry(frame="9.9"))
        assert not one.same_grid(geometry((0.02, 0.0, 0.0)))
        assert not one.same_grid(one.crop((0, 0, 0), (9, 8, 4)))

    def test_a_frame_that_nobody_names_is_not_shared(self) -> None:
        assert geometry().shares_frame(geometry(origin=(50, 0, 0)))
        assert not geometry().shares_frame(geometry(frame="9.9"))
        assert not geometry(frame=None).shares_frame(geometry(frame=None))

    @pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.eye(3), np.full((4, 4), np.nan)])
    def test_nonsense_is_refused(self, bad) -> None:
        with pytest.raises(ValueError, match="affine"):
            Geometry((2, 2, 2), bad)


class TestTransform:
    @given(angles, shifts)
    def test_there_and_back(self, turn, shift) -> None:
        motion = RigidTransform.about(np.array([5.0, 6, 7]), np.array(turn), np.array(shift))
        points = np.array([[0.0, 0, 0], [10, -20, 30]])
        assert np.allclose(motion.inverse().apply(motion.apply(points)), points, atol=1e-8)
        assert np.allclose((motion @ motion.inverse()).matrix, np.eye(4), atol=1e-8)

    def test_composition_applies_the_right_one_first(self) -> None:
        a = RigidTransform.about(np.zeros(3), np.array([0, 0, np.pi / 2]), np.zeros(3))
        b = RigidTransform.about(np.zeros(3), np.zeros(3), np.array([1.0, 0, 0]))
        point = np.array([1.0, 0, 0])
        assert np.allclose((b @ a).apply(point), [1, 1, 0])
        assert np.allclose((a @ b).apply(point), [0, 2, 0])
        assert a.angle_deg == pytest.approx(90)

    @pytest.mark.parametrize("factor", [np.diag([-1.0, 1, 1, 1]), np.diag([2.0, 2, 2, 1])])
    def test_mirrors_and_scales_are_refused(self, factor) -> None:
        with pytest.raises(ValueError, match="rigid"):
            RigidTransform(factor)


class TestVolume:
    def test_another_grid_is_refused(self) -> None:
        one = Volume(np.zeros((9, 8, 5)), geometry())
        assert one.on_grid_of(geometry()) is one.data
        with pytest.raises(GridMismatchError, match="Expected the grid"):
            one.on_grid_of(geometry(origin=(9, 9, 9)))

    def test_a_volume_cannot_be_written_to(self) -> None:
        data = np.zeros((9, 8, 5))
        with pytest.raises(ValueError, match="read-only"):
            Volume(data, geometry()).data[0, 0, 0] = 1
        data[0, 0, 0] = 1

    def test_the_shape_must_fit(self) -> None:
        with pytest.raises(ValueError, match="shape"):
            Volume(np.zeros((2, 2, 2)), geometry())

    def test_resampling_agrees_with_looking_each_voxel_up(self) -> None:
        rng = np.random.default_rng(0)
        source = Volume(rng.integers(0, 9, (9, 8, 5)), geometry((0.1, 0.2, 0.0)))
        target = geometry((0.0, 0.0, 0.3), origin=(1.5, 2.0, 4.0))
        motion = RigidTransform.about(np.zeros(3), np.array([0.1, 0, 0]), np.array([0.5, 0, 0]))
        moved = resample(source, target, motion, order=0)
        for ijk in np.ndindex(target.shape):
            there = source.geometry.to_ijk(motion.apply(target.to_lps(np.array(ijk))))
            if np.abs(there - np.rint(there)).max() > 0.45:
                continue
            at = np.rint(there).astype(int)
            inside = all(0 <= a < n for a, n in zip(at, source.geometry.shape, strict=True))
            assert moved.data[ijk] == (source.data[tuple(at)] if inside else 0)

    def test_bounding_box(self) -> None:
        mask = np.zeros((9, 8, 5), dtype=bool)
        mask[2:4, 5, 1:3] = True
        assert bounding_box(mask) == ((2, 5, 1), (4, 6, 3))
        assert bounding_box(mask, (3, 3, 3)) == ((0, 2, 0), (7, 8, 5))
        with pytest.raises(ValueError, match="empty"):
            bounding_box(np.zeros((2, 2, 2), dtype=bool))
