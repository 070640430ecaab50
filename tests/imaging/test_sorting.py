"""Which slices form a volume, and why others do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.errors import Severity
from marrowtrail.imaging.folder import scan
from marrowtrail.imaging.stacks import build_stacks, sort_into_stacks
from tests.imaging.dicom_factory import Made, datasets, decimals, header, uid, write, write_series
from tests.imaging.reading import aside, only, plan, read, refusal

SAGITTAL = (0, 1, 0, 0, 0, -1)
CORONAL = (1, 0, 0, 0, 0, -1)
AXIAL = (1, 0, 0, 0, 1, 0)


def write_apart(folder: Path, made: Made, count: int = 5) -> None:
    """Slices whose instance UIDs belong to nobody else."""
    slices = datasets(made)[:count]
    for ds in slices:
        ds.SOPInstanceUID = uid("apart", made, ds.InstanceNumber)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    write(folder / str(len(list(folder.rglob("*")))), slices)


class TestWhatPartsASeries:
    def test_each_echo_is_a_series_of_its_own(self, tmp_path: Path) -> None:
        for te in (10.0, 40.0, 80.0):
            write_series(tmp_path, Made(te=te))
        series = read(tmp_path).visits[0].series
        assert sorted(one.echo_time_ms for one in series) == [10, 40, 80]
        assert len({one.source_uid for one in series}) == 1

    def test_echo_times_that_differ_by_rounding_are_one(self, tmp_path: Path) -> None:
        slices = datasets(Made())
        for ds, te in zip(slices, (6.25, 6.249, 6.2501, 6.31, 6.2), strict=True):
            ds.EchoTime = str(te)
        write(tmp_path, slices)
        assert only(tmp_path).volume.geometry.shape[2] == 5

    def test_without_echo_times_the_echo_number_parts(self, tmp_path: Path) -> None:
        for number in ("1", "2"):
            tags = {"EchoTime": "", "EchoNumbers": number}
            write_apart(tmp_path, Made(tags=tags))
        assert len(read(tmp_path).visits[0].series) == 2

    @pytest.mark.parametrize(
        ("tag", "values"),
        [
            ("ImageType", (["ORIGINAL", "PRIMARY", "WATER"], ["ORIGINAL", "PRIMARY", "FAT"])),
            ("TemporalPositionIdentifier", ("1", "2")),
            ("FrameOfReferenceUID", (uid("a"), uid("b"))),
        ],
    )
    def test_what_else_parts(self, tmp_path: Path, tag: str, values) -> None:
        for value in values:
            write_apart(tmp_path, Made(tags={tag: value}))
        assert len(read(tmp_path).visits[0].series) == 2

    def test_packages_of_an_interleaved_series_stay_together(self, tmp_path: Path) -> None:
        slices = datasets(Made())
        for k, ds in enumerate(slices):
            ds.AcquisitionNumber = str(k % 2 + 1)
        write(tmp_path, slices)
        assert only(tmp_path).volume.geometry.shape[2] == 5

    def test_orientations_on_the_edge_of_rounding_stay_together(self, tmp_path: Path) -> None:
        slices = datasets(Made())
        for k, ds in enumerate(slices):
            tilt = 0.125 + (-1) ** k * 2e-5
            row = (tilt, np.sqrt(1 - tilt**2), 0)
            ds.ImageOrientationPatient = decimals((*row, 0, 0, -1))
            normal = np.cross((0.125, np.sqrt(1 - 0.125**2), 0), (0, 0, -1))
            ds.ImagePositionPatient = decimals(4.0 * k * normal)
        write(tmp_path, slices)
        assert only(tmp_path).volume.geometry.shape[2] == 5

    def test_an_extra_slice_in_another_direction_costs_only_itself(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(slices=12))
        write_apart(tmp_path, Made(cosines=AXIAL), count=1)
        study = read(tmp_path)
        assert study.visits[0].series[0].volume.geometry.shape[2] == 12
        assert aside(study) == {"too few slices": 1}

    def test_a_slice_turned_in_its_plane_is_another_orientation(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(slices=12))
        write_apart(tmp_path, Made(cosines=(0, 0, -1, 0, -1, 0)), count=2)
        assert aside(read(tmp_path)) == {"too few slices": 2}


class TestLocalisers:
    @pytest.mark.parametrize("word", ["LOCALIZER", "LOCALISER", "SCOUT"])
    def test_by_image_type(self, tmp_path: Path, word: str) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", image_type=("ORIGINAL", "PRIMARY", word)))
        assert aside(read(tmp_path)) == {"localiser": 5}

    @pytest.mark.parametrize("directions", [(SAGITTAL, CORONAL), (SAGITTAL, CORONAL, AXIAL)])
    def test_by_directions(self, tmp_path: Path, directions) -> None:
        write_series(tmp_path, Made())
        for cosines in directions:
            write_apart(tmp_path, Made(series="2", cosines=cosines))
        assert aside(read(tmp_path)) == {"localiser": 5 * len(directions)}

    def test_three_series_of_few_wide_slices(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        for number, cosines in enumerate((SAGITTAL, CORONAL, AXIAL)):
            write_series(tmp_path, Made(series=f"9{number}", cosines=cosines, step=10.0, slices=3))
        assert aside(read(tmp_path)) == {"localiser": 9}

    def test_many_slices_in_two_directions_are_measured(self, tmp_path: Path) -> None:
        for cosines in (SAGITTAL, CORONAL):
            write_apart(tmp_path, Made(cosines=cosines, slices=10), count=10)
        study = read(tmp_path)
        assert len(study.visits[0].series) == 2
        assert not study.set_aside

    def test_a_radial_series_is_no_localiser(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        for angle in range(0, 180, 30):
            turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
            cosines = (*(turn @ (1, 0, 0)), 0, 0, -1)
            write_apart(tmp_path, Made(series="2", cosines=cosines), count=1)
        assert aside(read(tmp_path)) == {"too few slices": 6}

    def test_a_folder_of_nothing_else_is_refused_with_the_reason(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")))
        error = refusal(tmp_path)
        assert "(5 localiser: it only places the other series)" in error.what


class TestWhatIsNoVolume:
    def test_a_missing_slice_is_not_filled_in(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2", te=80.0))
        write(tmp_path, [ds for k, ds in enumerate(datasets(Made(slices=8))) if k != 4])
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1
        assert aside(study) == {"gaps between slices": 7}
        assert "nothing is filled in" in study.set_aside[0].reason
        (caution,) = study.cautions
        assert (caution.code, caution.severity) == ("series-incomplete", Severity.UNVERIFIED)
        assert caution.what.startswith("7 images could not be used")

    @pytest.mark.parametrize(
        ("said", "thickness", "kept"),
        [(2.0, 2.0, False), (4.0, 4.0, True), (0.4, 4.0, True), (3.6, 3.6, True)],
    )
    def test_every_second_slice_missing(
        self, tmp_path: Path, said: float, thickness: float, kept: bool
    ) -> None:
        tags = {"SpacingBetweenSlices": f"{said}", "SliceThickness": f"{thickness}"}
        write_series(tmp_path, Made(series="2", te=80.0))
        write_series(tmp_path, Made(step=4.0, tags=tags))
        assert aside(read(tmp_path)) == ({} if kept else {"gaps between slices": 5})

    def test_what_is_set_aside_for_good_is_no_caution(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        localiser = ("ORIGINAL", "PRIMARY", "LOCALIZER")
        write_series(tmp_path, Made(series="2", te=80.0, image_type=localiser))
        write_series(tmp_path, Made(series="3", te=90.0, slices=2))
        study = read(tmp_path)
        assert len(study.set_aside) == 2
        assert study.cautions == ()

    def test_diffusion_is_no_fluid(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        kind = ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")
        write_series(tmp_path, Made(series="2", te=80.0, image_type=kind))
        assert aside(read(tmp_path)) == {"diffusion images": 5}

    @pytest.mark.parametrize(("error_mm", "kept"), [(0.1, True), (0.3, True), (0.6, False)])
    def test_uneven_gaps(self, tmp_path: Path, error_mm: float, kept: bool) -> None:
        write_series(tmp_path, Made(series="2", te=80.0))
        slices = datasets(Made())
        x, y, z = slices[2].ImagePositionPatient
        slices[2].ImagePositionPatient = decimals((x + error_mm, y, z))
        write(tmp_path, slices)
        assert aside(read(tmp_path)) == ({} if kept else {"gaps between slices": 5})

    @pytest.mark.parametrize(("slices", "kept"), [(3, True), (2, False), (1, False)])
    def test_few_slices(self, tmp_path: Path, slices: int, kept: bool) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0, slices=slices))
        assert aside(read(tmp_path)) == ({} if kept else {"too few slices": slices})

    @pytest.mark.parametrize(
        ("word", "what"),
        [
            ("T1 MAP", "derived map"),
            ("T2_STAR_MAP", "derived map"),
            ("ADC", "derived map"),
            ("FAT_FRACTION", "derived map"),
            ("SUBTRACT", "subtraction images"),
            ("PROJECTION IMAGE", "projections (MIP)"),
            ("MIP_COR", "projections (MIP)"),
            ("PHASE MAP", "phase, real or imaginary images"),
            ("P", "phase, real or imaginary images"),
            ("R", "phase, real or imaginary images"),
            ("IMAGINARY", "phase, real or imaginary images"),
            ("TRACEW", "diffusion images"),
            ("TTP", "perfusion images"),
            ("MOSAIC", "mosaic images"),
            ("SCREEN SAVE", "screenshots"),
            ("NORM", None),
            ("MPR", None),
            ("M_SE", None),
            ("IN_PHASE", None),
        ],
    )
    def test_calculated_images(self, tmp_path: Path, word: str, what: str | None) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0, image_type=("DERIVED", "PRIMARY", word)))
        assert aside(read(tmp_path)) == ({} if what is None else {what: 5})

    def test_a_header_without_a_place_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="without a place"):
            build_stacks([header(ImageType="ORIGINAL")] * 3)


@pytest.fixture(scope="module")
def shuffled_images(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("images")
    write_series(folder, Made())
    write_series(folder, Made(te=80.0))
    write_series(folder, Made(series="2", slices=8, tags={"ScanOptions": ""}))
    write_series(folder, Made(series="3", slices=2))
    for cosines in (SAGITTAL, CORONAL):
        write_apart(folder, Made(series="4", cosines=cosines))
    return scan(folder).images


class TestOrder:
    """Neither names nor folders nor the order of the disk decide anything."""

    def test_of_files_and_folders(self, tmp_path: Path) -> None:
        write_series(tmp_path / "x" / "y", Made())
        write_series(tmp_path / "a", Made(series="2"))
        for kind in ("N", "O", "Q"):
            write_apart(tmp_path, Made(series="3", image_type=("ORIGINAL", "PRIMARY", kind)))
        before = plan(tmp_path)
        assert len(before.visits[0].series) == 5
        for number, path in enumerate(sorted(tmp_path.rglob("*.dcm"), reverse=True)):
            path.rename(tmp_path / f"{number:04d}")
        after = plan(tmp_path)
        assert [self.named(one) for one in after.visits] == [
            self.named(one) for one in before.visits
        ]

    @staticmethod
    def named(visit):
        return [
            (one.id, [h.text("SOPInstanceUID") for h in one.stack.headers]) for one in visit.series
        ]

    @given(data=st.data())
    def test_of_headers(self, shuffled_images, data: st.DataObject) -> None:
        order = data.draw(st.permutations(range(len(shuffled_images))))
        stacks, rest = sort_into_stacks([shuffled_images[n] for n in order])
        expected, expected_rest = sort_into_stacks(shuffled_images)
        assert self.content(stacks) == self.content(expected)
        assert rest == expected_rest

    @staticmethod
    def content(stacks):
        return {tuple(h.text("SOPInstanceUID") for h in one.headers) for one in stacks}
