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

    @given(angles, st.tuples(*[st.floats(0.2, 9.0)] * 3))
    def test_rescaled_covers_the_same_block(self, turn, spacing) -> None:
        one = geometry(turn)
        other = one.rescaled(spacing)
        edge = np.array([-0.5, -0.5, -0.5])
        assert np.allclose(other.to_lps(edge), one.to_lps(edge))
        far = np.asarray(one.shape) - 0.5
        assert np.allclose(other.to_lps(np.asarray(other.shape) - 0.5), one.to_lps(far))
        assert min(other.shape) >= 1
        assert other.shares_frame(one)

    def test_corners(self) -> None:
        one = geometry((0.3, 0.2, 0.1))
        corners = one.corners_lps()
        assert np.allclose(corners[0], one.to_lps(np.zeros(3)))
        assert np.allclose(corners[-1], one.to_lps(np.array([8, 7, 4])))
        assert np.allclose(corners.mean(axis=0), one.centre_lps)

    @pytest.mark.parametrize(
        "other",
        [
            geometry(),
            geometry(frame=None),
            geometry(origin=(1.001, 2.0, 3.0)),
            geometry(origin=(1.04, 2.0, 3.0)),
        ],
    )
    def test_same_grid(self, other: Geometry) -> None:
        assert geometry().same_grid(other)
        assert other.same_grid(geometry())

    @pytest.mark.parametrize(
        "other",
        [
            geometry(origin=(1.06, 2.0, 3.0)),
            geometry(origin=(1.2, 2.0, 3.0)),
            geometry(frame="9.9"),
            geometry((0.02, 0.0, 0.0)),
            geometry((0.0, 0.0, np.pi)),
            geometry().crop((0, 0, 0), (9, 8, 4)),
            geometry().crop((1, 0, 0), (10, 8, 5)),
            geometry().rescaled((0.5, 0.7, 2.0)),
        ],
    )
    def test_another_grid(self, other: Geometry) -> None:
        assert not geometry().same_grid(other)
        assert not other.same_grid(geometry())

    def test_a_mirrored_grid_is_another_one(self) -> None:
        """The same eight corners, in another order."""
        flipped = geometry().affine @ np.diag([-1.0, 1, 1, 1])
        flipped[:3, 3] = geometry().to_lps(np.array([8, 0, 0]))
        assert not geometry().same_grid(Geometry((9, 8, 5), flipped, "1.2"))

    def test_a_frame_that_nobody_names_is_not_shared(self) -> None:
        assert geometry().shares_frame(geometry(origin=(50, 0, 0)))
        assert not geometry().shares_frame(geometry(frame="9.9"))
        assert not geometry().shares_frame(geometry(frame=None))
        assert not geometry(frame=None).shares_frame(geometry())
        assert not geometry(frame=None).shares_frame(geometry(frame=None))

    def test_the_affine_is_a_copy_and_cannot_be_written_to(self) -> None:
        affine = np.diag([1.0, 2, 3, 1])
        one = Geometry((2, 2, 2), affine)
        affine[0, 0] = 9
        assert one.affine[0, 0] == 1
        with pytest.raises(ValueError, match="read-only"):
            one.affine[0, 0] = 9

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((4, 4)),
            np.eye(3),
            np.full((4, 4), np.nan),
            np.diag([1.0, 1.0, np.inf, 1.0]),
            np.diag([1.0, 1.0, 0.0, 1.0]),
            np.diag([1.0, 1.0, 1.0, 2.0]),
            np.vstack([np.eye(4)[:3], [1, 0, 0, 1]]),
        ],
    )
    def test_nonsense_is_refused(self, bad) -> None:
        with pytest.raises(ValueError, match="affine"):
            Geometry((2, 2, 2), bad)

    def test_in_words(self) -> None:
        assert geometry().in_words == "(9, 8, 5) of 0.500 x 0.700 x 4.000 mm at (1.0, 2.0, 3.0) LPS"


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

    @given(angles, shifts, angles, shifts)
    def test_composition_is_one_after_the_other(self, turn, shift, turn2, shift2) -> None:
        centre = np.array([5.0, 6, 7])
        a = RigidTransform.about(centre, np.array(turn), np.array(shift))
        b = RigidTransform.about(-centre, np.array(turn2), np.array(shift2))
        points = np.array([[[0.0, 0, 0], [10, -20, 30]]])
        assert np.allclose((b @ a).apply(points), b.apply(a.apply(points)))
        assert np.allclose((b @ a).inverse().matrix, (a.inverse() @ b.inverse()).matrix)

    @given(angles, shifts)
    def test_lengths_and_handedness_are_kept(self, turn, shift) -> None:
        motion = RigidTransform.about(np.zeros(3), np.array(turn), np.array(shift))
        corner = motion.apply(np.vstack([np.zeros(3), np.eye(3)]))
        edges = corner[1:] - corner[0]
        assert np.allclose(edges @ edges.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(edges) == pytest.approx(1)

    def test_about_keeps_its_centre(self) -> None:
        centre = np.array([5.0, 6, 7])
        motion = RigidTransform.about(centre, np.array([0.3, -0.2, 0.9]), np.zeros(3))
        assert np.allclose(motion.apply(centre), centre)
        assert motion.angle_deg == pytest.approx(np.degrees(np.linalg.norm([0.3, -0.2, 0.9])))
        assert RigidTransform.identity().angle_deg == 0

    @pytest.mark.parametrize(
        "matrix",
        [
            np.diag([-1.0, 1, 1, 1]),
            np.diag([2.0, 2, 2, 1]),
            np.array([[1.0, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
            np.full((4, 4), np.nan),
            np.diag([1.0, 1, 1, 2]),
            np.eye(3),
        ],
    )
    def test_what_is_not_rigid_is_refused(self, matrix) -> None:
        with pytest.raises(ValueError, match="rigid"):
            RigidTransform(matrix)


def slow_resample(source: Volume, target: Geometry, motion, order: int, fill: float):
    """Voxel by voxel; beyond the outermost centres lies ``fill``, one voxel away."""
    padded = np.pad(source.data.astype(float), 1, constant_values=fill)
    moved = np.full(target.shape, fill)
    for ijk in np.ndindex(target.shape):
        point = motion.apply(target.to_lps(np.array(ijk)))
        at = source.geometry.to_ijk(point) + 1
        if (at < 0).any() or (at > np.asarray(padded.shape) - 1).any():
            continue
        if order == 0:
            moved[ijk] = padded[tuple(np.floor(at + 0.5).astype(int))]
            continue
        low = np.minimum(np.floor(at).astype(int), np.asarray(padded.shape) - 2)
        share = at - low
        moved[ijk] = sum(
            padded[tuple(low + corner)] * np.prod(np.where(corner, share, 1 - share))
            for corner in np.ndindex(2, 2, 2)
        )
    return moved


class TestVolume:
    def test_another_grid_is_refused(self) -> None:
        one = Volume(np.zeros((9, 8, 5)), geometry())
        assert one.on_grid_of(geometry()) is one.data
        assert one.on_grid_of(one.with_data(np.ones((9, 8, 5)))) is one.data
        with pytest.raises(GridMismatchError) as caught:
            one.on_grid_of(geometry(origin=(9, 9, 9)))
        assert str(caught.value) == (
            "Expected the grid (9, 8, 5) of 0.500 x 0.700 x 4.000 mm at (9.0, 9.0, 9.0) LPS, got "
            "(9, 8, 5) of 0.500 x 0.700 x 4.000 mm at (1.0, 2.0, 3.0) LPS."
        )
        with pytest.raises(GridMismatchError):
            one.on_grid_of(one.crop((0, 0, 0), (9, 8, 4)))

    def test_a_volume_cannot_be_written_to(self) -> None:
        data = np.zeros((9, 8, 5))
        with pytest.raises(ValueError, match="read-only"):
            Volume(data, geometry()).data[0, 0, 0] = 1
        data[0, 0, 0] = 1

    def test_the_shape_must_fit(self) -> None:
        with pytest.raises(ValueError, match="shape"):
            Volume(np.zeros((2, 2, 2)), geometry())

    def test_a_crop_keeps_voxels_in_their_place(self) -> None:
        one = Volume(np.arange(360).reshape(9, 8, 5), geometry((0.3, 0.2, 0.1)))
        part = one.crop((2, 1, 1), (7, 5, 4))
        assert part.data.shape == (5, 4, 3)
        assert part.data[1, 2, 0] == one.data[3, 3, 1]
        assert np.allclose(
            part.geometry.to_lps(np.array([1, 2, 0])), one.geometry.to_lps(np.array([3, 3, 1]))
        )

    @pytest.mark.parametrize("order", [0, 1])
    @pytest.mark.parametrize("fill", [0.0, -7.0])
    def test_resampling_agrees_with_looking_each_voxel_up(self, order: int, fill: float) -> None:
        rng = np.random.default_rng(0)
        source = Volume(rng.integers(0, 9, (9, 8, 5)), geometry((0.1, 0.2, 0.0)))
        target = geometry((0.0, 0.0, 0.3), origin=(0.5, 1.0, 1.0))
        motion = RigidTransform.about(np.zeros(3), np.array([0.1, 0, 0]), np.array([0.5, 0, 0]))
        moved = resample(source, target, motion, order=order, fill=fill)
        expected = slow_resample(source, target, motion, order, fill)
        assert 0.2 < (expected != fill).mean() < 0.9, "part of the target lies outside"
        assert np.allclose(moved.data, expected, atol=1e-5)
        assert moved.geometry is target

    @given(angles, shifts)
    def test_onto_its_own_grid_nothing_changes(self, turn, origin) -> None:
        """A rounding error of an index must not push an outer slice out of the image."""
        source = Volume(np.arange(1, 361, dtype=np.int16).reshape(9, 8, 5), geometry(turn, origin))
        assert np.array_equal(resample(source, source.geometry, order=0).data, source.data)
        assert np.allclose(resample(source, source.geometry, order=1).data, source.data)

    def test_motion_and_its_inverse_cancel(self) -> None:
        source = Volume(np.arange(1, 361, dtype=np.int16).reshape(9, 8, 5), geometry())
        motion = RigidTransform.about(np.zeros(3), np.array([0.4, 0.1, 0]), np.array([3.0, 0, 9]))
        there = Geometry((9, 8, 5), motion.matrix @ source.geometry.affine)
        assert np.array_equal(resample(source, there, motion.inverse(), order=0).data, source.data)

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.float32, np.float64])
    def test_labels_keep_their_type(self, dtype) -> None:
        source = Volume((np.arange(360).reshape(9, 8, 5) % 2).astype(dtype), geometry())
        moved = resample(source, source.geometry, order=0)
        assert moved.data.dtype == dtype
        assert np.array_equal(moved.data, source.data)

    def test_whole_numbers_are_not_truncated_between_voxels(self) -> None:
        source = Volume(np.arange(360, dtype=np.int16).reshape(9, 8, 5), geometry())
        between = geometry(origin=(1.25, 2.0, 3.0)).crop((0, 0, 0), (8, 8, 5))
        assert resample(source, between, order=1).data[0, 0, 0] == pytest.approx(20)

    def test_bounding_box(self) -> None:
        mask = np.zeros((9, 8, 5), dtype=bool)
        mask[2:4, 5, 1:3] = True
        assert bounding_box(mask) == ((2, 5, 1), (4, 6, 3))
        assert bounding_box(mask, (3, 3, 3)) == ((0, 2, 0), (7, 8, 5))
        assert bounding_box(np.ones((2, 3, 4), dtype=bool)) == ((0, 0, 0), (2, 3, 4))
        with pytest.raises(ValueError, match="empty"):
            bounding_box(np.zeros((2, 2, 2), dtype=bool))
