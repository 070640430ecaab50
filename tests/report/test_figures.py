"""Figures show the same tissue at every visit, and their outlines lie on what they outline."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from made_result import (
    FEMUR,
    KNEE_LPS,
    LESIONS_LPS,
    MOTIONS,
    Patient,
    migrating_patient,
    points_of,
    sagittal,
)
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from marrowtrail.anatomy.bones import BoneVerdict
from marrowtrail.follow_up.track import Verification
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane, Series
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import Lesion, VolumeEstimate
from marrowtrail.report.display import DisplayedSlice
from marrowtrail.report.figures import FIELD_MM, Crop, Window, draw_figures
from marrowtrail.report.outlines import contours, mask_on_page
from marrowtrail.report.spots import choose_views, spot_of
from marrowtrail.result.model import FigureRow

Figures = tuple[tuple[FigureRow, ...], dict[str, bytes]]


def draw(patient: Patient) -> Figures:
    return draw_figures(patient.study, patient.bone_maps, patient.readings, patient.registrations)


@pytest.fixture(scope="module")
def drawn() -> Figures:
    return draw(migrating_patient())


def grey(figures: Figures, row: FigureRow) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(figures[1][row.file])).convert("L"))


def filled(row: FigureRow, kind: str) -> NDArray[np.bool_]:
    """What the outlines of a kind enclose, drawn at four times the size."""
    canvas = Image.new("1", (4 * row.width, 4 * row.height))
    for outline in row.outlines:
        if outline.kind == kind:
            ImageDraw.Draw(canvas).polygon([(4 * x, 4 * y) for x, y in outline.points], fill=1)
    return np.asarray(canvas.resize((row.width, row.height)))


def unsure_tibia(patient: Patient, where: set[str]) -> Patient:
    maps = tuple(
        replace(
            one,
            bones=tuple(
                replace(bone, verdict=BoneVerdict.UNSURE, reason="for this test")
                if bone.id.bone == "tibia" and one.series_id in where
                else bone
                for bone in one.bones
            ),
        )
        for one in patient.bone_maps
    )
    return replace(patient, bone_maps=maps)


def series_of(patient: Patient) -> dict[str, Series]:
    return {s.id: s for visit in patient.study.visits for s in visit.series}


class TestSameSpot:
    def test_each_lesion_is_shown_at_every_visit_that_imaged_its_place(
        self, drawn: Figures
    ) -> None:
        shown = [(row.spot, row.series) for row in drawn[0]]
        knee = [f"v{n}-s{m}" for n in (1, 2, 3) for m in (1, 2)]
        assert shown == [
            *(("v1-femur-right-1", series) for series in knee),
            *(("v2-tibia-right-1", series) for series in knee),
            ("v3-tibia-right-1", "v3-s3"),
            ("v3-tibia-right-1", "v3-s4"),
        ]

    def test_the_middle_of_every_picture_is_the_same_tissue(self) -> None:
        patient = migrating_patient()
        pictures = choose_views(
            patient.study, patient.bone_maps, patient.readings, patient.registrations
        )
        first = pictures[0]
        assert {view.series.visit_id for view in first.views} == {"v1", "v2", "v3"}
        home = first.spot.point_lps
        for view in first.views:
            back = MOTIONS[view.series.visit_id].inverse().apply(view.point_lps)
            np.testing.assert_allclose(back, home, atol=1e-9)
            assert abs(view.slice.geometry.to_ijk(view.point_lps)[2] - view.slice.index) <= 0.5

    def test_inverting_and_chaining_reach_earlier_and_far_visits(self) -> None:
        """The plateau's lesion is of visit 2; visits 1 and 3 are one step back and on."""
        patient = migrating_patient()
        pictures = choose_views(
            patient.study, patient.bone_maps, patient.readings, patient.registrations
        )
        only = replace(patient, registrations=patient.registrations[2:])
        fewer = choose_views(only.study, only.bone_maps, only.readings, only.registrations)
        assert {v.series.visit_id for v in pictures[1].views} == {"v1", "v2", "v3"}
        assert {v.series.visit_id for v in fewer[0].views} == {"v1"}
        assert {v.series.visit_id for v in fewer[1].views} == {"v2", "v3"}

    def test_an_unverified_place_says_so_and_an_impossible_one_is_not_shown(self) -> None:
        patient = migrating_patient()

        def with_verdict(verdict: Verification) -> Figures:
            changed = tuple(replace(r, verification=verdict) for r in patient.registrations)
            return draw(replace(patient, registrations=changed))

        doubtful = with_verdict(Verification.UNVERIFIED)[0]
        femur = [row for row in doubtful if row.spot == "v1-femur-right-1"]
        assert [("not verified" in row.caption) for row in femur] == [False] * 2 + [True] * 4
        none = with_verdict(Verification.IMPOSSIBLE)[0]
        assert {row.visit for row in none if row.spot == "v1-femur-right-1"} == {"v1"}

    def test_frames_are_not_mixed_without_a_registration(self) -> None:
        """The ankle of another frame of reference cannot show a spot of the knee's."""
        patient = migrating_patient()
        named = {s.id: ("ankle" if s.body_part == "ankle" else "knee") for s in all_series(patient)}
        apart = with_frames(patient, named)
        rows, _ = draw(apart)
        ankle = [row.series for row in rows if row.spot == "v3-tibia-right-1"]
        assert ankle == ["v3-s3", "v3-s4"]
        assert len(rows) == 14

    def test_a_bone_that_was_not_measured_for_its_outline_is_shown(self) -> None:
        patient = migrating_patient()
        rows, _ = draw(unsure_tibia(patient, {"v1-s1", "v1-s2"}))
        (place,) = {(row.spot, row.bone) for row in rows if not row.spot}
        assert place == ("", "tibia")
        names = {one.name for row in rows if row.visit == "v1" for one in row.outlines}
        assert {"right tibia, outline unsure", "right femur"} <= {name.lower() for name in names}

    def test_a_sure_outline_on_another_series_of_the_visit_is_enough(self) -> None:
        patient = migrating_patient()
        doubted = unsure_tibia(patient, {"v1-s1"})
        sure = next(one for one in patient.bone_maps if one.series_id == "v1-s1")
        also = replace(sure, series_id="v1-s2")
        rows, _ = draw(replace(doubted, bone_maps=(*doubted.bone_maps, also)))
        assert all(row.spot for row in rows)

    def test_a_lesion_already_shown_well_gets_no_row_of_its_own(self) -> None:
        patient = migrating_patient()
        again = lesion_in(patient, "v2-s1", "v1")
        readings = tuple(
            replace(r, lesions=(*r.lesions, again))
            if r.series_id == "v2-s1" and r.bone == FEMUR
            else r
            for r in patient.readings
        )
        rows, _ = draw(replace(patient, readings=readings))
        assert {row.spot for row in rows if row.bone == "femur"} == {"v1-femur-right-1"}

    def test_without_lesions_the_middle_of_each_bone_is_shown(self) -> None:
        patient = migrating_patient()
        clear = tuple(replace(r, lesions=()) for r in patient.readings)
        rows, _ = draw(replace(patient, readings=clear))
        assert {(row.spot, row.bone) for row in rows} == {("", "femur"), ("", "tibia")}
        assert not any(outline.kind == "lesion" for row in rows for outline in row.outlines)

    def test_two_ends_of_a_bone_are_two_places(self) -> None:
        patient = migrating_patient()
        ends = {"v1-s1": "knee", "v2-s1": "knee", "v3-s1": "knee", "v3-s3": "ankle"}
        maps = tuple(
            replace(
                m, bones=tuple(replace(b, id=replace(b.id, end=ends[m.series_id])) for b in m.bones)
            )
            for m in patient.bone_maps
        )
        readings = tuple(
            replace(r, bone=replace(r.bone, end=ends[r.series_id or ""]), lesions=())
            for r in patient.readings
        )
        rows, _ = draw(replace(patient, bone_maps=maps, readings=readings))
        assert {(row.bone, row.end) for row in rows} == {
            ("femur", "knee"),
            ("tibia", "knee"),
            ("tibia", "ankle"),
        }

    def test_a_scout_is_never_shown(self) -> None:
        patient = migrating_patient()

        def thick(volume: Volume, series_id: str) -> Volume:
            g = volume.geometry
            if series_id != "v1-s2":
                return volume
            affine = g.affine.copy()
            affine[:3, 2] *= 4
            return Volume(volume.data, Geometry(g.shape, affine))

        rows, _ = draw(map_geometry(patient, thick))
        assert "v1-s2" not in {row.series for row in rows}
        assert "v1-s1" in {row.series for row in rows}

    def test_without_bones_nothing_is_drawn(self) -> None:
        patient = migrating_patient()
        assert draw(replace(patient, bone_maps=(), readings=(), registrations=())) == ((), {})


class TestPixels:
    def test_the_lesion_s_outline_encloses_what_is_bright(self, drawn: Figures) -> None:
        for row in drawn[0]:
            if not row.series.endswith(("s1", "s3")):
                continue
            inside = filled(row, "lesion")
            assert inside.any() == (row.spot.split("-")[0] == row.visit)
            bright = grey(drawn, row) > 170
            overlap = np.count_nonzero(inside & bright) / max(1, np.count_nonzero(inside | bright))
            assert not inside.any() or overlap > 0.93

    def test_the_bone_s_outline_encloses_its_marrow_on_the_t1_companion(
        self, drawn: Figures
    ) -> None:
        row = next(row for row in drawn[0] if row.id == "spot2-v1-s2")
        bright, inside = grey(drawn, row) > 170, filled(row, "bone")
        assert np.count_nonzero(bright & inside) / np.count_nonzero(bright | inside) > 0.93

    def test_pictures_are_square_fields_in_true_proportion(self, drawn: Figures) -> None:
        for row in drawn[0]:
            assert row.width * row.pixel_mm == pytest.approx(FIELD_MM, abs=1)
            assert row.height == row.width
            assert grey(drawn, row).shape == (row.height, row.width)
            assert row.letters == ("A", "P", "H", "F")

    def test_the_same_patient_stored_otherwise_gives_the_same_pictures(
        self, drawn: Figures
    ) -> None:
        """Axes reversed and swapped in the files: every byte and every outline stays."""
        rows, files = draw(stored_otherwise(migrating_patient()))
        assert files == drawn[1]
        for row, expected in zip(rows, drawn[0], strict=True):
            assert row.letters == expected.letters
            np.testing.assert_array_equal(filled(row, "lesion"), filled(expected, "lesion"))

    def test_the_same_input_gives_the_same_bytes(self, drawn: Figures) -> None:
        assert draw(migrating_patient()) == drawn

    def test_names_and_captions_tell_no_source_uid(self, drawn: Figures) -> None:
        assert "secret" not in "".join(row.model_dump_json() for row in drawn[0])


class TestCrop:
    def test_a_crop_beyond_the_image_is_black_there(self) -> None:
        geometry = sagittal(KNEE_LPS, size=40)
        cut = DisplayedSlice.through(geometry, Plane.SAGITTAL, KNEE_LPS)
        crop = Crop.about(np.array([0.0, 0.0]), cut)
        page = np.ones(cut.page_shape, dtype=np.float32)
        square = crop.pixels(page)
        assert np.isnan(square[0, 0])
        assert square[-1, -1] == 1 or np.isnan(square[-1, -1])
        assert np.nansum(square) == np.isfinite(square).sum() > 0

    def test_a_point_and_its_pixel_get_the_same_place(self) -> None:
        geometry = sagittal(KNEE_LPS)
        cut = DisplayedSlice.through(geometry, Plane.SAGITTAL, KNEE_LPS)
        crop = Crop.about(np.array([60.0, 70.0]), cut)
        x, y = crop.to_picture(np.array([[60.0, 70.0]]))[0]
        assert abs(x - crop.width / 2) <= crop.width / crop.columns
        assert abs(y - crop.height / 2) <= crop.height / crop.rows
        corner = crop.to_picture(np.array([[crop.column - 0.5, crop.row - 0.5]]))[0]
        np.testing.assert_allclose(corner, 0)


class TestWindow:
    def test_normal_marrow_has_the_same_grey_with_and_without_oedema(self) -> None:
        rng = np.random.default_rng(0)
        plain = np.abs(rng.normal(120, 20, (20, 20, 20)))
        marrow = np.zeros(plain.shape, dtype=bool)
        marrow[5:15, 5:15, 5:15] = True
        plain[marrow] = 50
        ill = plain.copy()
        ill[6:9, 6:9, 6:9] = 400
        grid = Geometry(plain.shape, np.eye(4))
        greys = [
            Window.of(Volume(data, grid), marrow).grey_levels(np.array([[50.0]], dtype=np.float32))
            for data in (plain, ill)
        ]
        assert abs(int(greys[0][0, 0]) - int(greys[1][0, 0])) <= 8

    def test_an_image_of_one_value_or_of_none_is_black(self) -> None:
        grid = Geometry((3, 3, 3), np.eye(4))
        for value in (7.0, np.nan):
            window = Window.of(Volume(np.full((3, 3, 3), value), grid))
            assert (window.grey_levels(np.full((3, 3), value, dtype=np.float32)) == 0).all()


class TestOutlines:
    def test_a_contour_runs_half_a_pixel_outside_pixel_centres(self) -> None:
        mask = np.zeros((9, 9), dtype=bool)
        mask[3:6, 2:7] = True
        (line,) = contours(mask)
        assert (line[:, 0].min(), line[:, 0].max()) == (1.5, 6.5)
        assert (line[:, 1].min(), line[:, 1].max()) == (2.5, 5.5)

    def test_holes_and_the_image_s_edge_are_outlined_and_nothing_is_not(self) -> None:
        mask = np.ones((7, 7), dtype=bool)
        mask[3, 3] = False
        assert len(contours(mask)) == 2
        assert contours(np.zeros((7, 7), dtype=bool)) == ()

    def test_a_mask_of_another_grid_is_brought_onto_the_slice(self) -> None:
        fine, coarse = sagittal(KNEE_LPS, spacing=0.7, size=160), sagittal(KNEE_LPS)
        centre = KNEE_LPS + np.array([2.0, 10.0, -6.0])
        near = np.linalg.norm(points_of(coarse) - centre, axis=-1) < 15
        cut = DisplayedSlice.through(fine, Plane.SAGITTAL, centre)
        mask = mask_on_page(Volume(near, coarse), cut)
        rows, columns = np.nonzero(mask)
        middle = cut.to_page(fine.to_ijk(centre))
        assert abs(columns.mean() - middle[0]) < 1
        assert abs(rows.mean() - middle[1]) < 1
        assert mask.sum() * 0.7**2 == pytest.approx(np.pi * 15**2, rel=0.08)


def test_an_empty_lesion_has_no_spot() -> None:
    patient = migrating_patient()
    lesion = next(found for reading in patient.readings for found in reading.lesions)
    empty = replace(lesion, mask=lesion.mask.with_data(np.zeros_like(lesion.mask.data)))
    with pytest.raises(ValueError, match="empty"):
        spot_of(empty, Plane.SAGITTAL)


def test_the_spot_lies_inside_a_ring_shaped_lesion() -> None:
    """The middle of a ring is a hole; the spot is on the ring."""
    geometry = sagittal(KNEE_LPS)
    radius = np.linalg.norm(points_of(geometry) - KNEE_LPS, axis=-1)
    ring = (radius < 20) & (radius > 14)
    lesion = migrating_patient().readings[0].lesions[0]
    spot = spot_of(replace(lesion, mask=Volume(ring, geometry)), Plane.SAGITTAL)
    i, j, k = np.rint(geometry.to_ijk(spot.point_lps)).astype(int)
    assert ring[i, j, k]


def all_series(patient: Patient) -> list[Series]:
    return [s for visit in patient.study.visits for s in visit.series]


def lesion_in(patient: Patient, series_id: str, like: str) -> Lesion:
    """The lesion of one visit once more, on the series of another."""
    series = series_of(patient)[series_id]
    geometry = series.volume.geometry
    _, _, centre, radius = LESIONS_LPS[like]
    points = MOTIONS[series.visit_id].inverse().apply(points_of(geometry))
    mask = np.linalg.norm(points - centre, axis=-1) < radius - 2
    first = patient.readings[0].lesions[0]
    return replace(
        first,
        id="again",
        volume=VolumeEstimate(1000.0, 900.0, 1100.0),
        visit_id=series.visit_id,
        series_id=series_id,
        mask=Volume(mask, geometry),
    )


def map_geometry(patient: Patient, change: object) -> Patient:
    """The same patient with every volume passed through ``change(volume, series id)``."""
    assert callable(change)

    def lesion(found: Lesion) -> Lesion:
        return replace(found, mask=change(found.mask, found.series_id))

    visits = tuple(
        replace(
            visit,
            series=tuple(replace(s, volume=change(s.volume, s.id)) for s in visit.series),
        )
        for visit in patient.study.visits
    )
    maps = []
    for bone_map in patient.bone_maps:
        bones = tuple(
            replace(
                bone,
                mask=change(bone.mask, bone_map.series_id),
                regions=change(bone.regions, bone_map.series_id),
            )
            for bone in bone_map.bones
        )
        maps.append(replace(bone_map, bones=bones, geometry=bones[0].mask.geometry))
    readings = tuple(
        replace(r, lesions=tuple(lesion(found) for found in r.lesions)) for r in patient.readings
    )
    return replace(
        patient,
        study=replace(patient.study, visits=visits),
        bone_maps=tuple(maps),
        readings=readings,
    )


def with_frames(patient: Patient, names: dict[str, str]) -> Patient:
    def change(volume: Volume, series_id: str) -> Volume:
        g = volume.geometry
        return Volume(volume.data, Geometry(g.shape, g.affine, names[series_id]))

    return map_geometry(patient, change)


def stored_otherwise(patient: Patient) -> Patient:
    """Slices from the other side, columns from the back, first axis and last one swapped."""

    def change(volume: Volume, _: str) -> Volume:
        g = volume.geometry
        affine = g.affine.copy()
        affine[:3, 3] = g.to_lps(np.array([g.shape[0] - 1, 0, g.shape[2] - 1]))
        affine[:3, :3] = (affine[:3, :3] * (-1, 1, -1))[:, ::-1]
        data = np.ascontiguousarray(volume.data[::-1, :, ::-1].transpose(2, 1, 0))
        return Volume(data, Geometry(data.shape, affine, g.frame_of_reference))

    return map_geometry(patient, change)
