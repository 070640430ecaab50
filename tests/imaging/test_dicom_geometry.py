"""Every voxel lies where its header says: PS3.3 written out and highdicom are the oracles."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

import highdicom as hd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.plan import nearest_plane
from marrowtrail.imaging.series import Plane
from marrowtrail.imaging.slice_place import slice_place
from tests.imaging.dicom_factory import (
    Made,
    datasets,
    decimals,
    expected_lps,
    normal,
    voxels,
    write,
    write_series,
)
from tests.imaging.reading import aside, only, read

angles = st.tuples(*[st.floats(-3, 3) for _ in range(3)])
signs = st.sampled_from([1.0, -1.0])
sizes = st.floats(0.3, 1.2)


@st.composite
def series(draw: st.DrawFn) -> Made:
    """Any orientation, negated cosines, pixels that are not square, either side of the body."""
    turn = Rotation.from_rotvec(draw(angles)).as_matrix()
    return Made(
        cosines=(*(turn[:, 0] * draw(signs)), *(turn[:, 1] * draw(signs))),
        origin=(draw(signs) * 60.0, draw(st.floats(-90, 90)), draw(st.floats(-90, 90))),
        spacing=(draw(sizes), draw(sizes)),
        step=draw(st.floats(1.0, 6.0)),
        slices=4,
        rows=5,
        columns=7,
    )


class TestEveryVoxel:
    @settings(max_examples=40, deadline=None)
    @given(made=series(), order=st.permutations(range(4)))
    def test_lies_where_its_header_says(self, made: Made, order: list[int]) -> None:
        slices = datasets(made)
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), [slices[k] for k in order])
            volume = only(Path(folder)).volume
        truth = voxels(made)
        assert volume.geometry.shape == truth.shape
        for ijk in np.ndindex(truth.shape):
            lps = expected_lps(made, *ijk)
            at = np.rint(volume.geometry.to_ijk(lps)).astype(int)
            assert np.allclose(volume.geometry.to_lps(at), lps, atol=1e-3)
            assert volume.data[tuple(at)] == truth[ijk]

    @settings(max_examples=40, deadline=None)
    @given(made=series(), order=st.permutations(range(4)))
    def test_lies_where_highdicom_says(self, made: Made, order: list[int]) -> None:
        slices = [datasets(made)[k] for k in order]
        oracle = hd.get_volume_from_series(slices)
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), slices)
            volume = only(Path(folder)).volume
        indices = np.argwhere(np.ones(oracle.spatial_shape, dtype=bool))
        ijk = volume.geometry.to_ijk(oracle.map_indices_to_reference(indices))
        at = np.rint(ijk).astype(int)
        assert np.abs(ijk - at).max() < 1e-3
        assert np.array_equal(volume.data[tuple(at.T)], oracle.array[tuple(indices.T)])

    def test_the_first_pixel_spacing_is_between_rows(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(spacing=(0.5, 0.8)))
        geometry = only(tmp_path).volume.geometry
        assert np.allclose(geometry.spacing_mm, (0.8, 0.5, 4.0))
        assert np.allclose(geometry.directions[:, 0], (0, 1, 0))

    def test_what_is_bright_on_the_left_stays_on_the_left(self, tmp_path: Path) -> None:
        made = Made(cosines=(1, 0, 0, 0, 0, -1), origin=(-40, 0, 30), columns=16, spacing=(5, 5))
        data = np.ones_like(voxels(made))
        data[15, 3, 2] = 900
        write_series(tmp_path, made, data)
        volume = only(tmp_path).volume
        at = np.argwhere(volume.data == 900)[0]
        x, _, z = volume.geometry.to_lps(at)
        assert (x, z) == pytest.approx((-40 + 15 * 5, 30 - 3 * 5))
        assert x > 0, "LPS: x grows to the patient's left"

    def test_the_third_axis_completes_a_right_handed_system(self, tmp_path: Path) -> None:
        for number, sign in enumerate((1, -1)):
            made = Made(cosines=(0, sign, 0, 0, 0, -1))
            write_series(tmp_path / str(number), made)
            affine = only(tmp_path / str(number)).volume.geometry.affine
            assert np.linalg.det(affine[:3, :3]) > 0
            assert np.allclose(affine[:3, 2], made.step * normal(made))

    def test_the_frame_of_reference_is_kept(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0))
        write_series(tmp_path, Made(series="3", te=20.0, frame="2"))
        by_echo = {one.echo_time_ms: one.volume.geometry for one in read(tmp_path).visits[0].series}
        assert by_echo[35].shares_frame(by_echo[80])
        assert not by_echo[35].shares_frame(by_echo[20])


class TestPlane:
    @pytest.mark.parametrize(
        ("cosines", "plane"),
        [
            ((0, 1, 0, 0, 0, -1), Plane.SAGITTAL),
            ((1, 0, 0, 0, 0, -1), Plane.CORONAL),
            ((1, 0, 0, 0, 1, 0), Plane.AXIAL),
            ((-1, 0, 0, 0, -1, 0), Plane.AXIAL),
        ],
    )
    def test_of_straight_slices(self, tmp_path: Path, cosines, plane: Plane) -> None:
        write_series(tmp_path, Made(cosines=cosines))
        assert only(tmp_path).plane is plane

    def test_oblique_slices_keep_their_own_axes(self, tmp_path: Path) -> None:
        turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
        cosines = (*(turn @ (0, 1, 0)), 0, 0, -1)
        write_series(tmp_path, Made(cosines=cosines))
        one = only(tmp_path)
        assert one.plane is Plane.SAGITTAL
        assert np.allclose(one.volume.geometry.directions[:, 0], cosines[:3])
        assert np.array_equal(one.volume.data, voxels(Made())), "nothing was interpolated"

    @pytest.mark.parametrize(("degrees", "plane"), [(44, Plane.SAGITTAL), (46, Plane.CORONAL)])
    def test_the_nearest_plane_wins(self, tmp_path: Path, degrees: float, plane: Plane) -> None:
        turn = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
        write_series(tmp_path, Made(cosines=(*(turn @ (0, 1, 0)), 0, 0, -1)))
        assert nearest_plane(only(tmp_path).volume.geometry) is plane


class TestPlaceOfASlice:
    """What is refused as a place; the folder's tests show that such files are set aside."""

    GOOD: ClassVar = {
        "orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
        "position": (1.0, 2.0, 3.0),
        "pixel_spacing": (0.5, 0.8),
        "size": (16.0, 12.0),
    }

    def test_a_good_one(self) -> None:
        place = slice_place(**self.GOOD)
        assert place is not None
        assert np.allclose(place.normal, (-1, 0, 0))
        assert np.allclose(place.corners_lps[1] - place.position, (0, 15 * 0.8, 0))
        assert np.allclose(place.corners_lps[2] - place.corners_lps[1], (0, 0, -11 * 0.5))

    def test_three_decimals_are_brought_to_unit_length(self) -> None:
        place = slice_place(**{**self.GOOD, "orientation": (0.0, 0.999, 0.044, 0.0, 0.044, -0.999)})
        assert place is not None
        assert np.linalg.norm(place.row) == pytest.approx(1, abs=1e-12)
        assert np.linalg.norm(place.column) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"orientation": ()},
            {"orientation": (0, 1, 0, 0, 0)},
            {"orientation": (0, 0, 0, 0, 0, -1)},
            {"orientation": (0, 2, 0, 0, 0, -1)},
            {"orientation": (0, 1, 0, 0, 1, 0)},
            {"orientation": (0, 1, 0, 0, 0.1, -0.995)},
            {"position": (1, 2)},
            {"pixel_spacing": (0.5,)},
            {"pixel_spacing": (0.5, 0)},
            {"pixel_spacing": (-0.5, 0.5)},
            {"size": (16,)},
            {"size": (0, 12)},
        ],
        ids=str,
    )
    def test_nonsense_is_no_place(self, wrong) -> None:
        assert slice_place(**{**self.GOOD, **wrong}) is None


class TestStraightness:
    """A stack is refused if any corner of a slice lies half a millimetre off."""

    @pytest.mark.parametrize(("shift_mm", "kept"), [(0.05, True), (0.3, False)])
    def test_a_stack_that_leans(self, tmp_path: Path, shift_mm: float, kept: bool) -> None:
        slices = datasets(Made())
        for k, ds in enumerate(slices):
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient = decimals((x, y + k * shift_mm, z))
        self.check(tmp_path, slices, kept)

    @pytest.mark.parametrize(("shift_mm", "kept"), [(0.2, True), (0.9, False)])
    def test_one_slice_shifted_in_plane(self, tmp_path: Path, shift_mm: float, kept: bool) -> None:
        slices = datasets(Made())
        x, y, z = slices[2].ImagePositionPatient
        slices[2].ImagePositionPatient = decimals((x, y + shift_mm, z))
        self.check(tmp_path, slices, kept)

    @pytest.mark.parametrize(("spacing", "kept"), [(0.61, True), (0.75, False)])
    def test_one_slice_with_other_pixels(self, tmp_path: Path, spacing: float, kept: bool) -> None:
        slices = datasets(Made())
        slices[2].PixelSpacing = decimals((spacing, spacing))
        self.check(tmp_path, slices, kept)

    @staticmethod
    def check(folder: Path, slices, kept: bool) -> None:
        write_series(folder, Made(series="2", te=80.0))
        write(folder, slices)
        study = read(folder)
        assert len(study.visits[0].series) == (2 if kept else 1)
        assert aside(study) == ({} if kept else {"slices out of line": 5})
