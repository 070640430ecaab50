"""The viewer's stacks: one pixel is one spot at every visit, and everything fits the budget."""

from __future__ import annotations

import io
import math
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from made_result import (
    FEMUR,
    KNEE_LPS,
    MOTIONS,
    TIBIA,
    Patient,
    migrating_patient,
    points_of,
    sagittal,
)
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from test_figures import stored_otherwise

from marrowtrail.follow_up.track import Verification
from marrowtrail.imaging.series import Study
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.report.viewer import BUDGET_BYTES, Viewer, draw_viewer
from marrowtrail.report.viewer_field import field_paths
from marrowtrail.report.viewer_grid import place_grid
from marrowtrail.report.viewer_outlines import paths_of
from marrowtrail.report.viewer_stack import coverage, inner, normal_marrow, tile_size
from marrowtrail.result.viewer_rows import ViewerContrast, ViewerPlaceRow, ViewerStackRow

LANDMARK_LPS = KNEE_LPS + np.array([-22, 4, 24])
"""In the lateral condyle at the first visit, away from the oedema."""


def draw(patient: Patient, budget_bytes: int = BUDGET_BYTES) -> Viewer:
    return draw_viewer(
        patient.study, patient.bone_maps, patient.readings, patient.registrations, budget_bytes
    )


@pytest.fixture(scope="module")
def drawn() -> Viewer:
    return draw(migrating_patient())


def place_of(viewer: Viewer, bone: str) -> ViewerPlaceRow:
    return next(place for place in viewer[0] if place.bone == bone)


def stack_of(place: ViewerPlaceRow, visit: str, kind: str = "fluid") -> ViewerStackRow:
    return next(s for s in place.stacks if s.visit == visit and s.contrast == kind)


def levels(viewer: Viewer, place: ViewerPlaceRow, stack: ViewerStackRow) -> NDArray[np.int_]:
    """(rows, columns, slices), untiled as the page does it."""
    sheet = np.asarray(Image.open(io.BytesIO(viewer[1][stack.file])).convert("RGB"))[:, :, 0]
    rows, columns, slices = place.shape
    width, height = place.tile
    volume = np.zeros(place.shape, dtype=int)
    for number in range(slices):
        line, across = divmod(number, place.tiles_across)
        tile = sheet[line * height :, across * width :]
        volume[:, :, number] = tile[:rows, :columns]
    return volume


def with_volumes(patient: Patient, change: object) -> Patient:
    """Every series passed through ``change(series)``, which gives its new signal."""
    assert callable(change)
    visits = tuple(
        replace(
            visit,
            series=tuple(
                replace(s, volume=Volume(change(s), s.volume.geometry)) for s in visit.series
            ),
        )
        for visit in patient.study.visits
    )
    return replace(patient, study=replace(patient.study, visits=visits))


def landmarked(patient: Patient) -> Patient:
    """A small bright ball in the femur of every series, moved with the bone."""

    def paint(series: object) -> NDArray[np.float32]:
        geometry = series.volume.geometry
        points = MOTIONS[series.visit_id].inverse().apply(points_of(geometry))
        ball = np.linalg.norm(points - LANDMARK_LPS, axis=-1) < 6
        return np.where(ball, 5000, series.volume.data).astype(np.float32)

    return with_volumes(patient, paint)


def middles(viewer: Viewer) -> dict[str, NDArray[np.float64]]:
    """Where the landmark is in the femur's stack of every visit: row, column, slice."""
    place = place_of(viewer, "femur")
    found = {}
    for visit in MOTIONS:
        bright = np.argwhere(levels(viewer, place, stack_of(place, visit)) > 245)
        assert len(bright) > 20
        found[visit] = bright.mean(axis=0)
    return found


class TestSameSpot:
    def test_a_landmark_is_at_the_same_pixel_at_every_visit(self) -> None:
        found = middles(draw(landmarked(migrating_patient())))
        for visit in ("v1", "v2"):
            assert np.abs(found[visit] - found["v3"])[:2].max() < 0.8
            assert abs(found[visit][2] - found["v3"][2]) < 0.4

    def test_without_its_registration_it_is_elsewhere(self) -> None:
        patient = landmarked(migrating_patient())
        still = tuple(
            replace(one, transform=RigidTransform.identity()) for one in patient.registrations
        )
        found = middles(draw(replace(patient, registrations=still)))
        assert np.abs(found["v1"] - found["v3"])[:2].max() > 5

    def test_the_latest_visit_is_shown_as_acquired(self, drawn: Viewer) -> None:
        place = place_of(drawn, "femur")
        stack = stack_of(place, "v3")
        (series,) = [s for s in migrating_patient().study.visits[2].series if s.id == stack.series]
        (bone_map,) = [m for m in migrating_patient().bone_maps if m.series_id == series.id]
        grid = place_grid(series, bone_map.bones[0].mask)
        assert grid.shape == place.shape
        places = np.moveaxis(np.indices(grid.shape), 0, -1)[::3, ::3]
        i, j, k = np.rint(series.volume.geometry.to_ijk(grid.to_lps(places))).astype(int).T
        acquired = series.volume.data[i, j, k].T
        shown = levels(drawn, place, stack)[::3, ::3]
        right = np.corrcoef(acquired.ravel(), shown.ravel())[0, 1]
        mirrored = np.corrcoef(acquired.ravel(), shown[:, ::-1].ravel())[0, 1]
        assert right > 0.97
        assert mirrored < right - 0.1

    def test_the_first_slice_shown_cuts_the_largest_oedema(self, drawn: Viewer) -> None:
        place = place_of(drawn, "femur")
        shown = levels(drawn, place, stack_of(place, "v1"))
        row, column, slice_ = place.start
        assert shown[row, column, slice_] > 1.5 * np.median(shown[:, :, slice_])

    def test_axes_stored_otherwise_give_the_same_pictures(self, drawn: Viewer) -> None:
        other = draw(stored_otherwise(migrating_patient()))
        for place, again in zip(drawn[0], other[0], strict=True):
            assert (again.planes, again.shape, again.start) == (
                place.planes,
                place.shape,
                place.start,
            )
            for stack, same in zip(place.stacks, again.stacks, strict=True):
                gap = levels(drawn, place, stack) - levels(other, again, same)
                assert np.abs(gap).max() <= 3


class TestSignal:
    def test_the_scale_of_a_visit_does_not_matter(self, drawn: Viewer) -> None:
        def louder(series: object) -> NDArray[np.float32]:
            return series.volume.data * np.float32(3 if series.visit_id == "v2" else 1)

        other = draw(with_volumes(migrating_patient(), louder))
        place, again = place_of(drawn, "femur"), place_of(other, "femur")
        assert again.ranges == place.ranges
        gap = levels(drawn, place, stack_of(place, "v2")) - levels(
            other, again, stack_of(again, "v2")
        )
        assert np.abs(gap).max() <= 2

    def test_normal_marrow_is_one_whatever_oedema_there_is(self, drawn: Viewer) -> None:
        place = place_of(drawn, "femur")
        top = next(r.top for r in place.ranges if r.contrast == ViewerContrast.FLUID)
        row, column, slice_ = place.start
        level = levels(drawn, place, stack_of(place, "v3"))[row - 3 : row + 4, column, slice_]
        assert np.median(level) / 255 * top == pytest.approx(1.0, abs=0.12)

    def test_voxels_without_a_value_are_black(self) -> None:
        def holed(series: object) -> NDArray[np.float32]:
            data = series.volume.data.copy()
            data[:, 40:60] = np.nan
            return data

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            viewer = draw(with_volumes(migrating_patient(), holed))
        place = place_of(viewer, "femur")
        shown = levels(viewer, place, stack_of(place, "v3"))
        dark = shown[:, :, place.start[2]].max(axis=1) < 20
        assert 5 < np.count_nonzero(dark) <= 20
        assert all(math.isfinite(one.top) and one.top > 1 for one in place.ranges)

    def test_without_enough_marrow_the_next_best_is_used(self) -> None:
        stack = np.full((20, 20, 5), 40, dtype=np.float32)
        bone = np.zeros(stack.shape, dtype=bool)
        none = np.zeros_like(bone)
        bone[:10] = True
        stack[bone] = 80
        small = np.zeros_like(bone)
        small[:3, :3] = True
        assert normal_marrow(stack, (bone,)) == 80
        assert normal_marrow(stack, (small, none, bone)) == 80
        assert normal_marrow(stack * 0, (bone,)) == 1
        stack[...] = 40
        assert normal_marrow(stack, (none,)) == 40

    def test_the_rim_is_left_out_within_slices_and_not_across_them(self) -> None:
        bone = np.zeros((21, 25, 3), dtype=bool)
        bone[3:18, 4:21] = True
        inside = inner(bone, (0.5, 0.5, 4.0))
        expected = np.zeros_like(bone)
        expected[7:14, 8:17] = True
        np.testing.assert_array_equal(inside, expected)

    def test_tiles_are_whole_macroblocks(self) -> None:
        assert tile_size((33, 16, 4)) == (16, 48)


class TestOutlines:
    def test_oedema_is_outlined_where_it_is_bright(self, drawn: Viewer) -> None:
        place = place_of(drawn, "femur")
        (outline,) = [o for o in place.outlines if o.kind == "lesion" and "v1-s1" in o.series]
        slice_ = place.start[2]
        inside = filled(outline.paths[slice_], place.shape)
        bright = levels(drawn, place, stack_of(place, "v1"))[:, :, slice_] > 130
        both = np.count_nonzero(inside & bright) / np.count_nonzero(inside | bright)
        assert both > 0.9

    def test_only_a_moved_field_of_view_is_outlined(self, drawn: Viewer) -> None:
        place = place_of(drawn, "femur")
        fields = {o.visit for o in place.outlines if o.kind == "imaged"}
        assert "v3" not in fields
        assert "v1" in fields

    def test_the_outlined_field_is_what_was_sampled(self) -> None:
        grid = sagittal(KNEE_LPS, size=40)
        turn = np.radians([10.0, -15, 20])
        motion = RigidTransform.about(KNEE_LPS, turn, np.array([6.0, 9, -4]))
        paths = field_paths(grid, grid, motion)
        share = coverage(grid, grid, motion)
        assert paths.count("") == np.count_nonzero(~share.any(axis=(0, 1)))
        for number, path in enumerate(paths):
            if path:
                wrong = filled(path, grid.shape) != (share[:, :, number] > 0)
                assert np.count_nonzero(wrong) <= 0.02 * wrong.size
        assert 0 < np.count_nonzero(share == 0) < share.size

    def test_without_motion_the_field_is_the_whole_slice(self) -> None:
        grid = sagittal(KNEE_LPS, size=40)
        paths = field_paths(grid, grid, RigidTransform.identity())
        assert all(filled(path, grid.shape).all() for path in paths)

    def test_a_path_is_a_square_s_border(self) -> None:
        share = np.zeros((8, 9, 2), dtype=np.float32)
        share[2:5, 3:7, 0] = 1
        path, none = paths_of(share)
        assert none == ""
        points = points_of_path(path)
        assert points.min(axis=0).tolist() == [3.0, 2.0]
        assert points.max(axis=0).tolist() == [7.0, 5.0]
        assert filled(path, share.shape)[2:5, 3:7].all()


def points_of_path(path: str) -> NDArray[np.float64]:
    (closed,) = path.rstrip("z").split("z")
    numbers = [int(n) for n in re.findall(r"-?\d+", closed)]
    return np.cumsum(np.array(numbers).reshape(-1, 2), axis=0) / 2


def filled(path: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Inside of a path with one part, drawn at eight times the size."""
    canvas = Image.new("1", (8 * shape[1], 8 * shape[0]))
    points = [tuple(8 * xy) for xy in points_of_path(path)]
    ImageDraw.Draw(canvas).polygon(points, fill=1)
    return np.asarray(canvas.resize((shape[1], shape[0])))


class TestBudget:
    def test_plenty_leaves_native_pixels_and_t1(self, drawn: Viewer) -> None:
        for place in drawn[0]:
            assert place.spacing_mm[1] == pytest.approx(place.native_pixel_mm)
            assert {s.contrast for s in place.stacks} == set(ViewerContrast)

    def test_a_small_one_is_kept_by_coarser_pixels_and_without_t1(self, drawn: Viewer) -> None:
        budget = sum(map(len, drawn[1].values())) // 3
        rows, files = draw(migrating_patient(), budget)
        assert 0 < sum(map(len, files.values())) <= budget
        assert [place.bone for place in rows] == [place.bone for place in drawn[0]]
        assert all(place.spacing_mm[1] > 1.2 * place.native_pixel_mm for place in rows)
        assert {s.contrast for place in rows for s in place.stacks} == {ViewerContrast.FLUID}

    def test_a_tiny_one_leaves_places_out(self) -> None:
        assert draw(migrating_patient(), 300) == ((), {})

    def test_every_file_is_named_once_and_is_there(self, drawn: Viewer) -> None:
        names = [s.file for place in drawn[0] for s in place.stacks]
        assert sorted(names) == sorted(drawn[1])
        assert len(set(names)) == len(names)
        assert all(math.prod(place.shape) > 0 for place in drawn[0])


class TestPlaces:
    def test_bones_with_oedema_are_shown_the_largest_first(self, drawn: Viewer) -> None:
        assert [(place.bone, place.home_visit) for place in drawn[0]] == [
            ("femur", "v3"),
            ("tibia", "v3"),
        ]

    def test_an_unverified_alignment_says_so_and_an_impossible_one_is_not_shown(self) -> None:
        patient = migrating_patient()

        def femur_with(verdict: Verification) -> ViewerPlaceRow:
            changed = tuple(
                replace(one, verification=verdict) if one.bone == FEMUR else one
                for one in patient.registrations
            )
            return place_of(draw(replace(patient, registrations=changed)), "femur")

        doubtful = {s.visit: s.is_verified for s in femur_with(Verification.UNVERIFIED).stacks}
        assert doubtful == {"v1": False, "v2": False, "v3": True}
        assert {s.visit for s in femur_with(Verification.IMPOSSIBLE).stacks} == {"v3"}

    def test_one_visit_is_shown_alone(self) -> None:
        patient = migrating_patient()
        first = Study(patient.study.visits[:1], (), ())
        rows, _ = draw_viewer(
            first,
            tuple(m for m in patient.bone_maps if m.visit_id == "v1"),
            tuple(r for r in patient.readings if r.visit_id == "v1"),
            (),
        )
        assert [(place.bone, place.home_visit) for place in rows] == [("femur", "v1")]
        assert {s.visit for s in rows[0].stacks} == {"v1"}

    def test_without_oedema_bones_that_were_read_are_shown(self) -> None:
        patient = migrating_patient()
        clear = tuple(replace(one, lesions=()) for one in patient.readings)
        rows, _ = draw(replace(patient, readings=clear))
        assert {place.bone for place in rows} == {FEMUR.bone, TIBIA.bone}
        assert not any(o.kind == "lesion" for place in rows for o in place.outlines)

    def test_without_bones_there_is_no_viewer(self) -> None:
        patient = migrating_patient()
        assert draw(replace(patient, bone_maps=(), readings=())) == ((), {})

    def test_nothing_tells_who_it_is(self, drawn: Viewer) -> None:
        text = "".join(place.model_dump_json() for place in drawn[0])
        assert "secret" not in text + "".join(drawn[1])
        assert not any(b"secret" in content for content in drawn[1].values())

    def test_the_same_input_gives_the_same_bytes(self, drawn: Viewer) -> None:
        assert draw(migrating_patient()) == drawn
