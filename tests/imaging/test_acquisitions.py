"""Several acquisitions, stacks and orientations in one series, and series that came with holes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from marrowtrail.errors import Severity
from marrowtrail.imaging.series import Dixon, Plane, Study
from tests.imaging.dicom_factory import (
    Made,
    datasets,
    decimals,
    uid,
    voxels,
    write,
    write_series,
)
from tests.imaging.reading import aside, only, plan, read, refusal
from tests.imaging.test_segmentations import drawn, segment

CORONAL = (1, 0, 0, 0, 0, -1)
AXIAL = (1, 0, 0, 0, 1, 0)


def apart(slices: list[Dataset], *owner: object) -> list[Dataset]:
    """Slices whose instance UIDs belong to nobody else."""
    for ds in slices:
        ds.SOPInstanceUID = uid(*owner, ds.InstanceNumber, ds.ImagePositionPatient)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return slices


def repetition(number: int, made: Made, value: int, **tags: object) -> list[Dataset]:
    """One acquisition; each of its voxels has the value, so that mixing is seen."""
    slices = datasets(made, np.full(voxels(made).shape, value) + voxels(made) % 2)
    for ds in slices:
        for name, content in tags.items():
            setattr(ds, name, content)
    return apart(slices, number)


def codes(study: Study) -> list[str]:
    assert all(one.severity is Severity.UNVERIFIED for one in study.cautions)
    return [one.code for one in study.cautions]


class TestRepetitions:
    @pytest.mark.parametrize("tag", ["AcquisitionNumber", "TriggerTime"])
    def test_a_number_of_its_own_parts_them(self, tmp_path: Path, tag: str) -> None:
        for number in (1, 2):
            write(tmp_path / str(number), repetition(number, Made(), 100 * number, **{tag: number}))
        series = read(tmp_path).visits[0].series
        assert sorted(round(float(one.volume.data.mean()), -2) for one in series) == [100, 200]
        assert all(np.ptp(one.volume.data) <= 1 for one in series), "no volume is mixed"

    def test_time_parts_those_that_follow_each_other(self, tmp_path: Path) -> None:
        """In two interleaved packages each, whose times differ as well."""
        for number in (1, 2):
            slices = repetition(number, Made(slices=6), 100 * number)
            for k, ds in enumerate(slices):
                ds.AcquisitionTime = f"1{number}{k % 2}000.5"
            write(tmp_path / str(number), slices)
        series = read(tmp_path).visits[0].series
        assert [one.volume.geometry.shape[2] for one in series] == [6, 6]
        assert all(np.ptp(one.volume.data) <= 1 for one in series)

    def test_times_that_overlap_part_nothing(self, tmp_path: Path) -> None:
        for number in (1, 2):
            slices = repetition(number, Made(slices=6), 100 * number)
            for k, ds in enumerate(slices):
                ds.AcquisitionTime = f"10{10 * k + number:02d}00"
            write(tmp_path / str(number), slices)
        assert "several images at one place" in refusal(tmp_path).what

    def test_packages_of_repetitions_are_not_taken_for_them(self, tmp_path: Path) -> None:
        """Two packages and two repetitions numbered 1 to 4: half a volume each."""
        write_series(tmp_path, Made(series="2", te=90.0))
        for number in (1, 2):
            slices = repetition(number, Made(slices=6), 100 * number)
            for k, ds in enumerate(slices):
                ds.AcquisitionNumber = 2 * number + k % 2
            write(tmp_path / str(number), slices)
        study = read(tmp_path)
        assert aside(study) == {"several images at one place": 12}
        assert codes(study) == ["series-incomplete"]
        assert study.cautions[0].remedy == "export each acquisition as a series of its own"

    def test_the_last_that_was_stopped_costs_only_itself(self, tmp_path: Path) -> None:
        for number, count in ((1, 6), (2, 6), (3, 2)):
            slices = repetition(number, Made(slices=6), number, AcquisitionNumber=number)
            write(tmp_path / str(number), slices[:count])
        study = read(tmp_path)
        assert [one.volume.geometry.shape[2] for one in study.visits[0].series] == [6, 6]
        assert aside(study) == {"too few slices": 2}

    @pytest.mark.parametrize(("points", "kept"), [(3, True), (4, False)])
    @pytest.mark.parametrize("tag", ["TemporalPositionIdentifier", "AcquisitionNumber"])
    def test_a_dynamic_series(self, tmp_path: Path, tag: str, points: int, kept: bool) -> None:
        write_series(tmp_path, Made(series="2", te=90.0))
        for number in range(points):
            write(tmp_path / str(number), repetition(number, Made(), 9, **{tag: number + 1}))
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1 + points * kept
        assert aside(study) == ({} if kept else {"dynamic series": 5 * points})
        assert study.cautions == ()

    @pytest.mark.parametrize(("twice", "kept"), [(1, True), (2, True), (3, False)])
    def test_a_slice_that_came_twice(self, tmp_path: Path, twice: int, kept: bool) -> None:
        write_series(tmp_path, Made(series="2", te=90.0))
        made = Made(slices=8)
        write(tmp_path / "first", repetition(1, made, 100))
        again = repetition(2, made, 200)[:twice]
        for ds in again:
            ds.InstanceNumber = int(ds.InstanceNumber) + 100
        write(tmp_path / "again", again)
        study = read(tmp_path)
        if kept:
            assert aside(study) == {"repeated slices": twice}
            assert codes(study) == ["slices-repeated"]
            assert study.cautions[0].what.startswith(f"{twice} of 8 slices came twice")
            (one,) = (one for one in study.visits[0].series if one.echo_time_ms == 35)
            assert one.volume.data.max() <= 101, "the first image of each place is used"
        else:
            assert aside(study) == {"several images at one place": 8 + twice}

    def test_magnitude_and_phase(self, tmp_path: Path) -> None:
        for kind in ("M", "P"):
            write_series(
                tmp_path / kind, Made(series="1", image_type=("ORIGINAL", "PRIMARY", kind))
            )
            for path in (tmp_path / kind).iterdir():
                path.unlink()
            slices = apart(datasets(Made(image_type=("ORIGINAL", "PRIMARY", kind))), kind)
            write(tmp_path / kind, slices)
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1
        assert aside(study) == {"phase, real or imaginary images": 5}

    def test_the_images_of_a_dixon_series(self, tmp_path: Path) -> None:
        for kind in ("WATER", "FAT", "IN_PHASE", "OPP_PHASE"):
            words = ("DERIVED", "PRIMARY", "M", "DIXON", kind)
            write(tmp_path / kind, apart(datasets(Made(image_type=words, options=())), kind))
        study = read(tmp_path)
        contrasts = [one.contrast for one in study.visits[0].series]
        assert {one.dixon for one in contrasts} == set(Dixon)
        assert sorted(one.label for one in contrasts) == [
            "Dixon fat",
            "Dixon opposed phase",
            "PD",
            "PD FS",
        ]
        assert [one.dixon for one in contrasts if one.is_fluid_sensitive] == [Dixon.WATER]


class TestStacks:
    def test_both_knees_in_one_sagittal_series(self, tmp_path: Path) -> None:
        """No slice is missing between the knees."""
        slices = datasets(Made(slices=6, laterality="B"))
        for k, ds in enumerate(slices):
            ds.ImagePositionPatient = decimals((-110 + 4 * k + (180 if k > 2 else 0), -80, 70))
        write(tmp_path, slices)
        study = read(tmp_path)
        assert [one.volume.geometry.shape[2] for one in study.visits[0].series] == [3, 3]
        assert study.set_aside == study.cautions == ()

    def test_both_knees_side_by_side(self, tmp_path: Path) -> None:
        """Axial slices at the same heights, each knee in a field of view of its own."""
        for x in (-120.0, 60.0):
            made = Made(cosines=AXIAL, origin=(x, -80.0, 70.0))
            write(tmp_path / str(x), apart(datasets(made), x))
        study = read(tmp_path)
        starts = [one.volume.geometry.affine[0, 3] for one in study.visits[0].series]
        assert sorted(starts) == [-120, 60]
        assert study.cautions == ()

    @pytest.mark.parametrize(("shift_mm", "kept"), [(0.2, True), (2.0, False)])
    def test_a_slice_out_of_line_is_no_stack_of_its_own(
        self, tmp_path: Path, shift_mm: float, kept: bool
    ) -> None:
        write_series(tmp_path, Made(series="2", te=90.0))
        slices = datasets(Made())
        x, y, z = slices[2].ImagePositionPatient
        slices[2].ImagePositionPatient = decimals((x, y + shift_mm, z))
        write(tmp_path, slices)
        assert aside(read(tmp_path)) == ({} if kept else {"slices out of line": 5})

    def test_stacks_that_the_scanner_numbers(self, tmp_path: Path) -> None:
        slices = datasets(Made(slices=8))
        for k, ds in enumerate(slices):
            ds.StackID = str(1 + k // 4)
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient = decimals((x + 3.0 * (k // 4), y, z))
        write(tmp_path, slices)
        study = read(tmp_path)
        assert [one.volume.geometry.shape[2] for one in study.visits[0].series] == [4, 4]
        assert study.cautions == ()

    def test_slices_of_two_sizes(self, tmp_path: Path) -> None:
        write(tmp_path / "a", apart(datasets(Made()), "a"))
        write(tmp_path / "b", apart(datasets(Made(rows=20)), "b"))
        study = read(tmp_path)
        assert {one.volume.geometry.shape for one in study.visits[0].series} == {
            (16, 12, 5),
            (16, 20, 5),
        }

    def test_frames_of_reference_that_differ_are_parted_and_said(self, tmp_path: Path) -> None:
        for frame in ("1", "2"):
            slices = datasets(Made(frame=frame))
            write(tmp_path / frame, apart(slices, frame))
        study = read(tmp_path)
        assert len(study.visits[0].series) == 2
        assert codes(study) == ["frames-mixed"] * 2
        assert "2 frames of reference" in study.cautions[0].what
        assert study.cautions[0].where == "v1, series v1-s1"

    def test_two_series_in_two_frames_are_no_mixture(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", frame="2", te=90.0))
        assert read(tmp_path).cautions == ()


class TestMissingSlices:
    @staticmethod
    def with_holes(folder: Path, slices: int, missing: set[int], **more: object) -> Study:
        write_series(folder, Made(series="2", te=90.0))
        made = Made(slices=slices, **more)
        write(folder, [ds for k, ds in enumerate(datasets(made)) if k not in missing])
        return read(folder)

    @pytest.mark.parametrize(
        ("slices", "missing", "parts", "beyond"),
        [
            (24, {3}, [20], 3),
            (24, {18, 19}, [18], 4),
            (24, {12}, [12, 11], 0),
            (24, {9, 10}, [9, 13], 0),
            (24, {2, 21}, [18], 4),
        ],
    )
    def test_whole_runs_are_read_with_a_caution(
        self, tmp_path: Path, slices: int, missing: set[int], parts: list[int], beyond: int
    ) -> None:
        study = self.with_holes(tmp_path, slices, missing)
        mine = [one for one in study.visits[0].series if one.echo_time_ms == 35]
        assert [one.volume.geometry.shape[2] for one in mine] == parts
        assert aside(study) == ({"slices beyond a gap": beyond} if beyond else {})
        assert codes(study) == ["slices-missing"] * len(parts)
        used = sum(parts)
        assert f"{used} of the {slices - len(missing)} slices" in study.cautions[0].what
        assert {one.where for one in study.cautions} == {f"v1, series {one.id}" for one in mine}

    def test_every_voxel_stays_in_its_place(self, tmp_path: Path) -> None:
        made = Made(slices=24)
        study = self.with_holes(tmp_path, 24, {12})
        for one in study.visits[0].series:
            if one.echo_time_ms != 35:
                continue
            start = one.volume.geometry.to_ijk(np.asarray(made.origin))[2]
            first = round(-start)
            assert np.allclose(one.volume.geometry.spacing_mm, (0.6, 0.6, 4.0))
            expected = voxels(made)[:, :, first : first + one.volume.geometry.shape[2]]
            assert np.array_equal(one.volume.data, expected)

    @pytest.mark.parametrize(
        ("slices", "missing"),
        [
            (24, set(range(1, 24, 2))),
            (24, {4, 9, 14, 19}),
            (14, {7}),
            (24, {7, 15}),
        ],
        ids=["every second one", "four holes", "two halves of six", "runs of seven"],
    )
    def test_what_is_too_broken_is_set_aside(
        self, tmp_path: Path, slices: int, missing: set[int]
    ) -> None:
        tags = {"SpacingBetweenSlices": "4.0", "SliceThickness": "4.0"}
        study = self.with_holes(tmp_path, slices, missing, tags=tags)
        assert [one.echo_time_ms for one in study.visits[0].series] == [90]
        assert aside(study) == {"gaps between slices": slices - len(missing)}
        assert codes(study) == ["series-incomplete"]

    def test_a_slice_too_close_is_no_hole(self, tmp_path: Path) -> None:
        """Positions that lie: nothing of it is measured, however long the run beside it."""
        write_series(tmp_path, Made(series="2", te=90.0))
        slices = datasets(Made(slices=24))
        x, y, z = slices[20].ImagePositionPatient
        slices[20].ImagePositionPatient = decimals((x + 2.0, y, z))
        write(tmp_path, slices)
        assert aside(read(tmp_path)) == {"gaps between slices": 24}

    def test_a_spacing_that_lies_changes_nothing(self, tmp_path: Path) -> None:
        """Positions say where slices are; the tag is no more than a hint of missing ones."""
        for said in ("0.4", "3.7", "17"):
            folder = tmp_path / said
            write_series(folder, Made(tags={"SpacingBetweenSlices": said, "SliceThickness": "3.5"}))
            assert only(folder).volume.geometry.spacing_mm[2] == pytest.approx(4.0)

    def test_masks_of_what_was_read_are_kept(self, tmp_path: Path) -> None:
        made = Made(slices=24)
        whole = datasets(made)
        mask = np.zeros(voxels(made).shape, dtype=bool)
        mask[2:14, 2:10, 2:22] = True
        seg = drawn(whole, [mask], [segment(1)])
        write(tmp_path, [ds for k, ds in enumerate(whole) if k != 12])
        seg.save_as(tmp_path / "bones", enforce_file_format=True)
        (visit,) = read(tmp_path).visits
        assert len(visit.bones) == len(visit.series) == 2
        for one in visit.series:
            (labels,) = (b for b in visit.bones if b.labels.geometry.same_grid(one.volume.geometry))
            first = round(-one.volume.geometry.to_ijk(np.asarray(made.origin))[2])
            slices = one.volume.geometry.shape[2]
            assert np.array_equal(labels.labels.data, mask[:, :, first : first + slices])

    def test_a_mask_off_a_whole_series_is_still_refused(self, tmp_path: Path) -> None:
        made = Made(slices=24)
        mask = np.zeros(voxels(made).shape, dtype=bool)
        mask[2:14, 2:10, 2:22] = True
        seg = drawn(datasets(made), [mask], [segment(1)])
        write(tmp_path, datasets(made)[:20])
        seg.save_as(tmp_path / "bones", enforce_file_format=True)
        assert "does not lie on the grid" in refusal(tmp_path).what


class TestReformats:
    MPR = ("DERIVED", "SECONDARY", "MPR", "CSA MPR")

    @pytest.mark.parametrize(
        "kind",
        [MPR, ("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"), ("DERIVED", "SECONDARY")],
    )
    def test_beside_its_original_it_is_set_aside(self, tmp_path: Path, kind) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", cosines=CORONAL, image_type=kind))
        study = read(tmp_path)
        assert [one.plane for one in study.visits[0].series] == [Plane.SAGITTAL]
        assert aside(study) == {"reformats": 5}
        assert study.cautions == ()

    @pytest.mark.parametrize(
        "other",
        [{"te": 90.0}, {"te": 38.0}, {"frame": "2"}, {"options": (), "description": "SAG PD"}],
    )
    def test_alone_it_is_used_with_a_caution(self, tmp_path: Path, other) -> None:
        """What else is there has another weighting, timing or frame, and is not its original."""
        write_series(tmp_path, Made(**other))
        write_series(tmp_path, Made(series="2", cosines=CORONAL, image_type=self.MPR))
        study = read(tmp_path)
        assert len(study.visits[0].series) == 2
        assert codes(study) == ["reformat-measured"]

    def test_it_is_used_where_its_original_has_holes(self, tmp_path: Path) -> None:
        write(tmp_path, [ds for k, ds in enumerate(datasets(Made(slices=24))) if k != 12])
        write_series(tmp_path, Made(series="2", cosines=CORONAL, image_type=self.MPR))
        study = read(tmp_path)
        assert [one.is_part for one in study.visits[0].series] == [False, True, True]
        assert sorted(codes(study)) == ["reformat-measured", "slices-missing", "slices-missing"]

    def test_an_original_is_none(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(image_type=("DERIVED", "PRIMARY", "M", "NORM")))
        write_series(tmp_path, Made(series="2", cosines=CORONAL))
        study = read(tmp_path)
        assert len(study.visits[0].series) == 2
        assert study.set_aside == study.cautions == ()


class TestPlanes:
    @pytest.mark.parametrize(
        ("cosines", "plane"),
        [
            ((0, 1, 0, 0, 0, -1), Plane.SAGITTAL),
            (CORONAL, Plane.CORONAL),
            (AXIAL, Plane.AXIAL),
        ],
    )
    @pytest.mark.parametrize(
        ("spacing", "step"), [((0.6, 0.6), 0.6), ((0.8, 0.5), 0.6), ((0.7, 0.7), 0.4)]
    )
    def test_of_3d_volumes(self, tmp_path: Path, cosines, plane: Plane, spacing, step) -> None:
        """Voxels as long as slices are thick, longer, and not square."""
        write_series(tmp_path, Made(cosines=cosines, spacing=spacing, step=step, slices=8))
        series = only(tmp_path)
        assert series.plane is plane
        assert series.volume.geometry.spacing_mm == pytest.approx((*spacing[::-1], step))

    def test_a_radial_series_has_no_volume(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        for angle in range(0, 180, 20):
            turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
            made = Made(cosines=(*(turn @ (1, 0, 0)), 0, 0, -1))
            write(tmp_path / str(angle), apart(datasets(made)[:1], angle))
        assert aside(plan(tmp_path)) == {"too few slices": 9}


class TestHeadersThatContradictThemselves:
    @pytest.mark.parametrize(
        ("spacing", "ratio", "said"),
        [
            ((0.6, 0.6), ["1", "1"], []),
            ((0.6, 0.6), ["200", "200"], []),
            ((0.6, 0.6), ["2", "1"], ["pixel-shape"]),
            ((0.6, 0.3), ["2", "1"], []),
            ((0.6, 0.3), ["1", "2"], ["pixel-shape"]),
            ((0.6, 0.3), ["0", "0"], []),
            ((0.6, 0.3), [], []),
        ],
    )
    def test_shape_of_pixels(self, tmp_path: Path, spacing, ratio: list[str], said) -> None:
        """Height to width. Spacing between rows comes first in Pixel Spacing, and is used."""
        tags = {"PixelAspectRatio": ratio} if ratio else {}
        write_series(tmp_path, Made(spacing=spacing, tags=tags))
        study = read(tmp_path)
        assert codes(study) == said
        (series,) = study.visits[0].series
        assert series.volume.geometry.spacing_mm == pytest.approx((*spacing[::-1], 4.0))

    @pytest.mark.parametrize(
        ("agent", "ti", "said"),
        [("Gd", "160", ["stir-after-contrast"]), ("NONE", "160", []), ("Gd", "", [])],
    )
    def test_stir_after_contrast(self, tmp_path: Path, agent: str, ti: str, said) -> None:
        tags = {"ContrastBolusAgent": agent, "InversionTime": ti}
        if ti:
            tags["ScanningSequence"] = ["SE", "IR"]
        write_series(tmp_path, Made(tags=tags))
        study = read(tmp_path)
        assert codes(study) == said
        assert study.visits[0].series[0].contrast.is_fluid_sensitive

    def test_a_place_on_the_table_only_is_no_place(self, tmp_path: Path) -> None:
        """SliceLocation without a position: along which line it counts is not known."""
        write_series(tmp_path, Made(series="2", te=90.0))
        slices = datasets(Made())
        for k, ds in enumerate(slices):
            del ds.ImagePositionPatient
            ds.SliceLocation = str(4.0 * k)
        write(tmp_path, slices)
        assert aside(read(tmp_path)) == {"images without a place": 5}
