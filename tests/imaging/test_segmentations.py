"""DICOM segmentations, written by highdicom, on the grid of the series they were drawn on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.pixels.utils import pack_bits
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRBigEndian

from marrowtrail.imaging.segments import bone_of_segment
from marrowtrail.record.sites import BoneId, Side
from tests.imaging.dicom_factory import (
    Made,
    datasets,
    decimals,
    expected_lps,
    placed_anyhow,
    uid,
    voxels,
    write,
)
from tests.imaging.reading import aside, plan, read, refusal

FEMUR = Code("71341001", "SCT", "Femur")
TIBIA = Code("12611008", "SCT", "Tibia")
ANATOMY = Code("91723000", "SCT", "Anatomical structure")
RIGHT, LEFT = codes.SCT.Right, codes.SCT.Left
R_FEMUR, R_TIBIA = BoneId("femur", Side.RIGHT), BoneId("tibia", Side.RIGHT)


def segment(
    number: int,
    kind: Code = FEMUR,
    side: Code | None = RIGHT,
    label: str = "bone",
    category: Code = ANATOMY,
    region: Code | None = None,
    region_side: Code | None = None,
) -> SegmentDescription:
    made = SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        anatomic_regions=[region] if region else None,
    )
    for sequence, name, modifier in (
        (
            "SegmentedPropertyTypeCodeSequence",
            "SegmentedPropertyTypeModifierCodeSequence",
            side,
        ),
        ("AnatomicRegionSequence", "AnatomicRegionModifierSequence", region_side),
    ):
        if modifier is not None:
            setattr(made[sequence][0], name, [hd.sr.CodedConcept.from_code(modifier)])
    return made


def drawn(
    source: Sequence[Dataset],
    masks: Sequence[np.ndarray],
    segments: Sequence[SegmentDescription],
    kind: SegmentationTypeValues = SegmentationTypeValues.BINARY,
    **more: object,
) -> Segmentation:
    """A SEG of (i, j, k) masks drawn on slices in the order that they are handed in."""
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in masks], axis=-1)
    return Segmentation(
        source_images=list(source),
        pixel_array=pixels.astype(np.float32 if kind.value == "FRACTIONAL" else np.uint8),
        segmentation_type=kind,
        segment_descriptions=list(segments),
        series_instance_uid=uid("seg series"),
        series_number=9,
        sop_instance_uid=uid("seg", *(str(m.sum()) for m in masks), kind),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        content_label="BONES",
        **more,
    )


def block(made: Made, *corners: tuple[slice, slice, slice]) -> list[np.ndarray]:
    masks = []
    for corner in corners:
        mask = np.zeros(voxels(made).shape, dtype=bool)
        mask[corner] = True
        masks.append(mask)
    return masks


MADE = Made(slices=6)
TWO = block(
    MADE,
    (slice(1, 6), slice(2, 9), slice(1, 3)),
    (slice(8, 15), slice(0, 4), slice(2, 5)),
)


def read_bones(folder: Path, seg: Dataset, made: Made = MADE):
    write(folder, datasets(made))
    seg.save_as(folder / "sally-bones.dcm", enforce_file_format=True)
    (visit,) = read(folder).visits
    (bones,) = visit.bones
    return visit.series[0], bones


class TestOnTheGrid:
    def test_voxels_names_and_source(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, [segment(1), segment(2, TIBIA)])
        series, bones = read_bones(tmp_path, seg)
        assert len(seg.PerFrameFunctionalGroupsSequence) == 2 + 3, "empty slices are left out"
        assert bones.labels.geometry.same_grid(series.volume.geometry)
        assert np.array_equal(bones.labels.data, TWO[0] + 2 * TWO[1])
        assert bones.names == ((1, R_FEMUR), (2, R_TIBIA))
        assert bones.source == "DICOM SEG"
        assert bones.series_uid == series.source_uid

    @settings(max_examples=25, deadline=None)
    @given(
        made=placed_anyhow(slices=4, rows=5, columns=7),
        order=st.permutations(range(4)),
        seed=st.integers(0, 999),
    )
    def test_any_orientation_and_order_of_slices(self, made, order, seed) -> None:
        mask = np.random.default_rng(seed).random(voxels(made).shape) < 0.3
        mask[:, :, seed % 4] = False
        mask[0, 0, (seed + 1) % 4] = True
        source = [datasets(made)[k] for k in order]
        seg = drawn(source, [mask[:, :, order]], [segment(1)])
        with tempfile.TemporaryDirectory() as name:
            _, bones = read_bones(Path(name), seg, made)
        for ijk in np.ndindex(mask.shape):
            at = np.rint(bones.labels.geometry.to_ijk(expected_lps(made, *ijk))).astype(int)
            assert bones.labels.data[tuple(at)] == mask[ijk]

    @pytest.mark.parametrize("kind", list(SegmentationTypeValues), ids=lambda one: one.value)
    def test_each_type(self, tmp_path: Path, kind: SegmentationTypeValues) -> None:
        seg = drawn(datasets(MADE), TWO, [segment(1), segment(2, TIBIA)], kind)
        _, bones = read_bones(tmp_path, seg)
        expected = np.where(TWO[1], 2, TWO[0])
        assert np.array_equal(bones.labels.data, expected)

    @pytest.mark.parametrize("vr", ["OB", "OW"])
    def test_of_the_other_byte_order(self, tmp_path: Path, vr: str) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        stored = bytes(seg.PixelData)
        assert len(stored) % 2 == 0
        swapped = np.frombuffer(stored, dtype="<u2").astype(">u2").tobytes()
        assert swapped != stored
        seg["PixelData"] = pydicom.DataElement("PixelData", vr, swapped if vr == "OW" else stored)
        seg.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        write(tmp_path, datasets(MADE))
        pydicom.dcmwrite(
            tmp_path / "bones", seg, force_encoding=True, implicit_vr=False, little_endian=False
        )
        (bones,) = read(tmp_path).visits[0].bones
        assert np.array_equal(bones.labels.data, TWO[0])

    def test_without_a_file_header(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        write(tmp_path, datasets(MADE))
        bare = Dataset(seg)
        pydicom.dcmwrite(
            tmp_path / "bones", bare, implicit_vr=True, little_endian=True, force_encoding=True
        )
        assert (tmp_path / "bones").read_bytes()[128:132] != b"DICM"
        (bones,) = read(tmp_path).visits[0].bones
        assert np.array_equal(bones.labels.data, TWO[0])

    def test_half_a_probability_is_where_a_bone_begins(self, tmp_path: Path) -> None:
        shares = np.zeros(voxels(MADE).shape)
        shares[2, 2, 2], shares[3, 2, 2], shares[4, 2, 2] = 0.2, 0.49, 0.6
        kind = SegmentationTypeValues.FRACTIONAL
        _, bones = read_bones(tmp_path, drawn(datasets(MADE), [shares], [segment(1)], kind))
        assert np.argwhere(bones.labels.data).tolist() == [[4, 2, 2]]

    def test_frames_whose_axes_are_turned(self, tmp_path: Path) -> None:
        """Rows from the other end: each frame's own position and orientation count."""
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        frames = seg.pixel_array
        turned = frames[:, ::-1, ::-1]
        geometry = datasets(MADE)[0]
        row, column = np.asarray(geometry.ImageOrientationPatient, dtype=float).reshape(2, 3)
        shared = seg.SharedFunctionalGroupsSequence[0]
        orientation = shared.PlaneOrientationSequence[0]
        orientation.ImageOrientationPatient = decimals((*-row, *-column))
        for groups in seg.PerFrameFunctionalGroupsSequence:
            place = groups.PlanePositionSequence[0]
            first = np.asarray(place.ImagePositionPatient, dtype=float)
            far = first + row * 0.6 * (MADE.columns - 1) + column * 0.6 * (MADE.rows - 1)
            place.ImagePositionPatient = decimals(far)
        seg.PixelData = pack_bits(np.ascontiguousarray(turned).astype(np.uint8))
        _, bones = read_bones(tmp_path, seg)
        assert np.array_equal(bones.labels.data, TWO[0])

    def test_frames_cut_to_the_bone(self, tmp_path: Path) -> None:
        """Slicer and dcmqi write them no larger than they need."""
        part = MADE.but(columns=8, rows=6, origin=(-30.0 - 4.0, -80.0 + 3 * 0.6, 70.0 - 2 * 0.6))
        small = np.random.default_rng(1).random((8, 6, 5)) < 0.5
        seg = drawn(datasets(part.but(slices=5)), [small], [segment(1)])
        _, bones = read_bones(tmp_path, seg)
        expected = np.zeros(voxels(MADE).shape, dtype=bool)
        expected[3:11, 2:8, 1:6] = small
        assert np.array_equal(bones.labels.data, expected)

    def test_every_echo_of_the_source_gets_the_mask(self, tmp_path: Path) -> None:
        write(tmp_path, datasets(MADE.but(te=80.0)), "echo2")
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        write(tmp_path, datasets(MADE))
        seg.save_as(tmp_path / "bones.dcm", enforce_file_format=True)
        (visit,) = read(tmp_path).visits
        (bones,) = visit.bones
        assert len(visit.series) == 2
        for series in visit.series:
            assert np.array_equal(bones.labels.on_grid_of(series.volume), TWO[0])

    def test_the_stack_of_a_series_that_was_drawn_on_is_found(self, tmp_path: Path) -> None:
        """One series UID, two orientations of ten slices each."""
        sagittal = Made(slices=10)
        coronal = Made(slices=10, cosines=(1, 0, 0, 0, 0, -1), te=36.0)
        for made in (sagittal, coronal):
            write(tmp_path, datasets(made), f"{made.te}")
        masks = block(coronal, (slice(2, 9), slice(3, 8), slice(4, 7)))
        seg = drawn(datasets(coronal), masks, [segment(1)])
        seg.save_as(tmp_path / "bones.dcm", enforce_file_format=True)
        (visit,) = read(tmp_path).visits
        (bones,) = visit.bones
        drawn_on = [one for one in visit.series if one.echo_time_ms == 36]
        assert np.array_equal(bones.labels.on_grid_of(drawn_on[0].volume), masks[0])

    def test_several_segments_of_one_bone_are_its_pieces(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, [segment(1), segment(2)])
        _, bones = read_bones(tmp_path, seg)
        assert bones.names == ((1, R_FEMUR),)
        assert np.array_equal(bones.labels.data, TWO[0] | TWO[1])

    def test_segments_of_something_else_are_left_out(self, tmp_path: Path) -> None:
        cartilage = segment(1, codes.SCT.Cartilage, label="right femur cartilage")
        _, bones = read_bones(tmp_path, drawn(datasets(MADE), TWO, [cartilage, segment(2)]))
        assert bones.names == ((2, R_FEMUR),)
        assert np.array_equal(bones.labels.data, 2 * TWO[1])

    def test_masks_go_to_the_visit_of_their_series(self, tmp_path: Path) -> None:
        later = MADE.but(date="20240601")
        write(tmp_path, datasets(MADE), "a")
        write(tmp_path, datasets(later), "b")
        drawn(datasets(later), TWO[:1], [segment(1)]).save_as(tmp_path / "seg.dcm")
        assert [len(visit.bones) for visit in read(tmp_path).visits] == [0, 1]
        assert len(plan(tmp_path).segmentations) == 1

    def test_a_copy_is_counted_as_one(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        seg.save_as(tmp_path / "again.dcm", enforce_file_format=True)
        read_bones(tmp_path, seg)
        assert aside(plan(tmp_path)) == {"duplicates": 1}


class TestOffTheGrid:
    MESSAGE = "A segmentation of bones does not lie on the grid of the series it refers to"

    @staticmethod
    def moved(seg: Segmentation, shift: Sequence[float]) -> Segmentation:
        for groups in seg.PerFrameFunctionalGroupsSequence:
            place = groups.PlanePositionSequence[0]
            position = np.asarray(place.ImagePositionPatient, dtype=float) + shift
            place.ImagePositionPatient = decimals(position)
        return seg

    def refused(self, folder: Path, seg: Segmentation) -> None:
        write(folder, datasets(MADE))
        seg.save_as(folder / "sally-bones.dcm", enforce_file_format=True)
        error = refusal(folder)
        assert error.what.startswith(self.MESSAGE)
        assert "(16, 12, 6) of 0.600 x 0.600 x 4.000 mm at (-30.0, -80.0, 70.0)" in error.what
        assert "got frames of 16 x 12 pixels elsewhere" in error.what
        assert error.where == "a DICOM SEG in the folder"
        assert error.remedy == "draw or resample the mask on the series itself"

    @pytest.mark.parametrize(
        "shift", [(0, 0.3, 0), (0, 0, 0.3), (2.0, 0, 0), (0, 0.6, 0), (-100, 0, 0)], ids=str
    )
    def test_another_place(self, tmp_path: Path, shift) -> None:
        self.refused(tmp_path, self.moved(drawn(datasets(MADE), TWO, self.bones()), shift))

    def test_rounding_is_no_other_place(self, tmp_path: Path) -> None:
        seg = self.moved(drawn(datasets(MADE), TWO, self.bones()), (0.05, 0.05, 0.05))
        _, bones = read_bones(tmp_path, seg)
        assert np.array_equal(bones.labels.data > 0, TWO[0] | TWO[1])

    @pytest.mark.parametrize(
        ("name", "value"),
        [("PixelSpacing", ["0.3", "0.3"]), ("PixelSpacing", ["0.6", "1.2"])],
    )
    def test_other_pixels(self, tmp_path: Path, name: str, value) -> None:
        seg = drawn(datasets(MADE), TWO, self.bones())
        setattr(seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], name, value)
        self.refused(tmp_path, seg)

    def test_coarse_pixels_that_all_fall_on_voxels(self, tmp_path: Path) -> None:
        """They would leave every second voxel empty."""
        coarse = MADE.but(columns=8, rows=6, spacing=(1.2, 1.2))
        masks = block(coarse, (slice(1, 6), slice(1, 5), slice(1, 3)))
        write(tmp_path, datasets(MADE))
        drawn(datasets(coarse), masks, [segment(1)]).save_as(tmp_path / "bones.dcm")
        error = refusal(tmp_path)
        assert error.what.startswith(self.MESSAGE)
        assert "got frames of 8 x 6 pixels" in error.what

    def test_a_nonsensical_orientation(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, self.bones())
        shared = seg.SharedFunctionalGroupsSequence[0]
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0] * 6
        self.refused(tmp_path, seg)

    def test_another_orientation_at_the_same_place(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, self.bones())
        shared = seg.SharedFunctionalGroupsSequence[0]
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, 0, -1, 0, 1, 0]
        self.refused(tmp_path, seg)

    def test_another_frame_of_reference(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, self.bones())
        seg.FrameOfReferenceUID = uid("elsewhere")
        self.refused(tmp_path, seg)

    @staticmethod
    def bones() -> list[SegmentDescription]:
        return [segment(1), segment(2, TIBIA)]


class TestSetAside:
    def check(self, folder: Path, seg: Dataset, reason: str) -> None:
        write(folder, datasets(MADE))
        seg.save_as(folder / "sally-bones.dcm", enforce_file_format=True)
        study = read(folder)
        assert study.visits[0].bones == ()
        (one,) = study.set_aside
        assert (one.what, one.files) == ("segmentation", 1)
        assert reason in one.reason

    def test_of_something_else(self, tmp_path: Path) -> None:
        cartilage = segment(1, codes.SCT.Cartilage, label="right femur cartilage")
        seg = drawn(datasets(MADE), TWO[:1], [cartilage])
        self.check(tmp_path, seg, "none of its segments is a bone")

    def test_oedema_of_a_bone_is_no_bone(self, tmp_path: Path) -> None:
        lesion = segment(
            1,
            codes.SCT.Edema,
            None,
            "right femur",
            codes.SCT.MorphologicallyAbnormalStructure,
            region=FEMUR,
            region_side=RIGHT,
        )
        seg = drawn(datasets(MADE), TWO[:1], [lesion])
        self.check(tmp_path, seg, "none of its segments is a bone")

    def test_of_a_series_that_is_not_there(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE.but(series="7")), TWO[:1], [segment(1)])
        self.check(tmp_path, seg, "the series it was drawn on is not among those")

    def test_of_a_series_that_it_does_not_name(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        del seg.ReferencedSeriesSequence
        self.check(tmp_path, seg, "the series it was drawn on is not among those")

    def test_two_bones_that_only_the_side_would_tell_apart(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, [segment(1, side=None), segment(2, side=None)])
        self.check(tmp_path, seg, "do not say of which side")

    def test_without_frames(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1)])
        del seg.PerFrameFunctionalGroupsSequence
        self.check(tmp_path, seg, "cannot be read")

    def test_cut_short(self, tmp_path: Path) -> None:
        write(tmp_path, datasets(MADE))
        path = tmp_path / "sally-bones.dcm"
        drawn(datasets(MADE), TWO, [segment(1), segment(2)]).save_as(path)
        content = path.read_bytes()
        for end in np.linspace(1, len(content) - 1, 25).astype(int):
            path.write_bytes(content[:end])
            assert sum(aside(read(tmp_path)).values()) == 1


class TestSides:
    """A bone without a side takes that of its series; without one there too, it is said."""

    def test_from_the_header(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1, side=None)])
        _, bones = read_bones(tmp_path, seg)
        assert bones.names == ((1, R_FEMUR),)
        assert bones.source == "DICOM SEG, side from the image header"

    def test_a_stated_side_stays_even_against_the_header(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO[:1], [segment(1, side=LEFT)])
        _, bones = read_bones(tmp_path, seg)
        assert bones.names == ((1, BoneId("femur", Side.LEFT)),)
        assert bones.source == "DICOM SEG"

    def test_from_nowhere(self, tmp_path: Path) -> None:
        made = MADE.but(laterality="")
        seg = drawn(datasets(made), TWO[:1], [segment(1, side=None)])
        _, bones = read_bones(tmp_path, seg, made)
        assert bones.names == ((1, BoneId("femur", Side.UNKNOWN)),)
        (caution,) = read(tmp_path).cautions
        assert (caution.code, caution.where) == ("side-unknown", "v1")
        assert "medial and lateral may be exchanged: femur." in caution.what

    def test_of_the_midline_needs_none(self, tmp_path: Path) -> None:
        made = MADE.but(laterality="")
        sacrum = segment(1, Code("54735007", "SCT", "Sacrum"), None)
        read_bones(tmp_path, drawn(datasets(made), TWO[:1], [sacrum]), made)
        assert read(tmp_path).cautions == ()


class TestSegments:
    """Which bone an item of the Segment Sequence is."""

    @pytest.mark.parametrize(
        ("item", "bone"),
        [
            (segment(1), R_FEMUR),
            (segment(1, side=LEFT), BoneId("femur", Side.LEFT)),
            (segment(1, side=None), BoneId("femur", Side.UNKNOWN)),
            (segment(1, side=None, label="Right femur"), R_FEMUR),
            (segment(1, side=LEFT, label="right femur"), BoneId("femur", Side.LEFT)),
            (segment(1, side=codes.SCT.RightAndLeft), BoneId("femur", Side.UNKNOWN)),
            (segment(1, side=None, label="left or right"), BoneId("femur", Side.UNKNOWN)),
            (segment(1, side=None, region=FEMUR, region_side=RIGHT), R_FEMUR),
            (segment(1, codes.SCT.Bone, None, region=TIBIA, region_side=RIGHT), R_TIBIA),
            (segment(1, Code("3138006", "SCT", "Bone"), None, "right", region=TIBIA), R_TIBIA),
            (segment(1, Code("T-12710", "SRT", "Femur"), Code("G-A100", "SRT", "Right")), R_FEMUR),
            (
                segment(1, Code("0001451", "UBERON", "navicular bone of pes")),
                BoneId("navicular", Side.RIGHT),
            ),
            (
                segment(1, Code("hip_bone", "99X", "Hip bone"), label="right hip_bone"),
                BoneId("hip_bone", Side.RIGHT),
            ),
            (
                segment(1, Code("x", "99X", "x"), None, label="Hip Bone left"),
                BoneId("hip_bone", Side.LEFT),
            ),
        ],
    )
    def test_bones(self, item: Dataset, bone: BoneId) -> None:
        assert bone_of_segment(item) == bone

    @pytest.mark.parametrize(
        "item",
        [
            segment(1, codes.SCT.Cartilage, label="femur"),
            segment(1, codes.SCT.Edema, region=FEMUR),
            segment(1, codes.SCT.Bone),
            segment(1, codes.SCT.Bone, region=Code("12738006", "SCT", "Brain")),
            segment(1, Code("71341001", "UBERON", "another list's number")),
            segment(1, Code("x", "99X", "x"), label="femoral cartilage"),
            segment(1, Code("x", "99X", "x"), label="right femur cartilage"),
            segment(1, Code("x", "99X", "x"), label="right"),
        ],
    )
    def test_what_is_none(self, item: Dataset) -> None:
        assert bone_of_segment(item) is None

    def test_the_side_of_our_own_files(self) -> None:
        """highdicom keeps the modifier inside the property type; others beside it."""
        item = segment(1, side=None)
        item.SegmentedPropertyTypeModifierCodeSequence = [hd.sr.CodedConcept.from_code(LEFT)]
        assert bone_of_segment(item) == BoneId("femur", Side.LEFT)

    def test_an_empty_item(self) -> None:
        assert bone_of_segment(Dataset()) is None

    def test_a_saved_file_reads_the_same(self, tmp_path: Path) -> None:
        seg = drawn(datasets(MADE), TWO, [segment(1), segment(2, TIBIA, LEFT)])
        seg.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        items = pydicom.dcmread(tmp_path / "a.dcm").SegmentSequence
        assert [bone_of_segment(one) for one in items] == [R_FEMUR, BoneId("tibia", Side.LEFT)]
