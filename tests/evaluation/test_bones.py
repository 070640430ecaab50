"""Trying a finder on folders of either layout, on drawn exams, and going on from a log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from marrowtrail.cli.app import app
from marrowtrail.errors import InputError
from marrowtrail.evaluation.bones import score_bones, score_exam
from marrowtrail.evaluation.bones_exams import Subject, draw_exam
from marrowtrail.evaluation.bones_finding import Finder, find, find_by_pipeline
from marrowtrail.evaluation.bones_images import ImagedExam
from marrowtrail.evaluation.bones_scoring import FoundMask
from marrowtrail.evaluation.bones_shares import BLOCK, BonesSettings, Part, shared_out
from marrowtrail.evaluation.bones_sources import (
    PhantomSource,
    label_maps,
    real_sources,
    visit_pairs,
)
from marrowtrail.evaluation.bones_visits import PairSource, compare_visits
from marrowtrail.imaging.geometry import LPS_FROM_RAS
from marrowtrail.imaging.series import Series
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.labelled import HELD_OUT
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.family import Family
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.training.collect import HELD_OUT as NOT_TRAINED_ON
from tests.anatomy.finding.made import NETWORKS, painted
from tests.anatomy.made_knee import bone, grid

SHAPE = (32, 30, 12)
NAMES = {
    "1": {"bone": "femur", "side": "left"},
    "2": {"bone": "tibia", "side": "left"},
}


def labels_of_image() -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[8:24, 6:24, 7:11] = 1
    labels[8:24, 6:24, 1:5] = 2
    return labels


def save(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    nib.save(nib.Nifti1Image(data, affine), path)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Two labelled images, sagittal by their slices, of 1.0 x 1.0 x 4.0 mm."""
    for name in ("one", "two"):
        folder = tmp_path / "real" / name
        folder.mkdir(parents=True)
        affine = np.array([[0, 0, 4.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
        labels = labels_of_image()
        noise = np.random.default_rng(0).normal(0, 5, SHAPE)
        save(folder / "image.nii.gz", (100.0 * labels + noise).astype(np.float32), affine)
        save(folder / "labels.nii.gz", labels, affine)
        (folder / "labels.json").write_text(json.dumps(NAMES))
    return tmp_path / "real"


def by_threshold(side: Side) -> Finder:
    """Finds both bones of the labelled images by their brightness."""

    def finder(series: Sequence[Series]) -> list[list[FoundMask]]:
        return [
            [
                FoundMask(BoneId("femur", side), _between(one, 50, 150), True),
                FoundMask(BoneId("tibia", side), one.volume.data > 150, True),
            ]
            for one in series
        ]

    return finder


def _between(one: Series, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((one.volume.data > low) & (one.volume.data < high))


def nothing(series: Sequence[Series]) -> list[list[FoundMask]]:
    return [[] for _ in series]


class TestLabelledImages:
    def test_are_scored_as_they_are(self, real: Path) -> None:
        scores = score_bones(real, BonesSettings(), finder=by_threshold(Side.LEFT))
        assert scores.images == scores.exams == 2
        assert {bone: it.dice for bone, it in scores.bones.items()} == {"femur": 1.0, "tibia": 1.0}
        assert (scores.side_errors, scores.accepted_bad, scores.accepted) == (0, 0, 4)
        assert scores.kinds.keys() >= {"thick slices", "plane sagittal", "contrast unknown"}
        assert scores.seconds_per_series is not None
        assert scores.peak_memory_mb is not None
        assert scores.peak_memory_mb > 10.0

    def test_every_bone_of_the_wrong_side_is_a_side_error(self, real: Path) -> None:
        scores = score_bones(real, BonesSettings(), finder=by_threshold(Side.RIGHT))
        assert scores.side_errors == 4
        assert scores.bones["femur"].dice == 0.0
        assert scores.accepted_bad == 4

    def test_nothing_found_is_all_missed(self, real: Path) -> None:
        scores = score_bones(real, BonesSettings(), finder=nothing)
        assert (scores.missed, scores.accepted, scores.accepted_bad) == (4, 0, 0)
        assert scores.accepted_bad_upper is None

    def test_labels_on_another_grid_are_refused(self, real: Path) -> None:
        save(real / "two" / "labels.nii.gz", labels_of_image()[:-1], np.diag([1.0, 1, 4, 1]))
        with pytest.raises(InputError, match="grid") as error:
            score_bones(real, BonesSettings(), finder=nothing)
        assert error.value.where == "labelled image 2 of the folder, by name"

    def test_an_unnamed_value_is_refused(self, real: Path) -> None:
        (real / "one" / "labels.json").write_text(json.dumps({"1": NAMES["1"]}))
        with pytest.raises(InputError, match="no name"):
            score_bones(real, BonesSettings(), finder=nothing)

    def test_a_missing_image_is_refused(self, real: Path) -> None:
        (real / "one" / "image.nii.gz").unlink()
        with pytest.raises(InputError):
            score_bones(real, BonesSettings(), finder=nothing)


class TestTheProgramsOwnFinder:
    """Asked as a run without masks asks it, with networks that read made images."""

    @pytest.fixture
    def knee_image(self, tmp_path: Path) -> Path:
        geometry = grid((1.2, 4.0, 1.2))
        names = ("femur", "tibia", "fibula")
        masks = {name: np.asarray(bone(name, Side.RIGHT, geometry).data) for name in names}
        folder = tmp_path / "knee" / "one"
        folder.mkdir(parents=True)
        labels = np.zeros(geometry.shape, dtype=np.uint8)
        for value, mask in enumerate(masks.values(), start=1):
            labels[mask] = value
        affine = LPS_FROM_RAS @ geometry.affine
        save(folder / "image.nii.gz", painted(masks, geometry).data, affine)
        save(folder / "labels.nii.gz", labels, affine)
        return folder

    def named(self, folder: Path, side: str) -> Path:
        names = {
            str(value): {"bone": name, "side": side}
            for value, name in enumerate(("femur", "tibia", "fibula"), start=1)
        }
        (folder / "labels.json").write_text(json.dumps(names))
        return folder.parent

    def test_finds_the_bones_and_their_side(self, knee_image: Path) -> None:
        data = self.named(knee_image, "right")
        finder = partial(find_by_pipeline, networks=NETWORKS)
        scores = score_bones(data, BonesSettings(), finder=finder)
        assert {name: it.n for name, it in scores.bones.items()} == {
            "femur": 1,
            "tibia": 1,
            "fibula": 1,
        }
        assert all(it.dice is not None and it.dice > 0.85 for it in scores.bones.values())
        assert (scores.side_errors, scores.side_open, scores.missed, scores.false) == (0, 0, 0, 0)

    def test_labels_of_the_other_side_show_as_side_errors(self, knee_image: Path) -> None:
        data = self.named(knee_image, "left")
        finder = partial(find_by_pipeline, networks=NETWORKS)
        scores = score_bones(data, BonesSettings(), finder=finder)
        assert scores.side_errors == 3
        assert scores.missed == 3


class TestFolders:
    def test_an_empty_one_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="found neither"):
            score_bones(tmp_path, BonesSettings(), finder=nothing)
        result = CliRunner().invoke(app, ["evaluate", "bones", str(tmp_path)])
        assert isinstance(result.exception, InputError)
        assert "found neither" in str(result.exception)

    def test_label_maps_are_counted_and_paired(self, tmp_path: Path) -> None:
        for name in ("b_00m", "a_00m", "b_48m", "b_24m", "9005075_00m", "odd"):
            (tmp_path / f"{name}.nii.gz").touch()
        maps = label_maps(tmp_path, held_out=False)
        assert [(one.number, one.subject, one.months) for one in maps] == [
            (1, "9005075", 0),
            (2, "a", 0),
            (3, "b", 0),
            (4, "b", 24),
            (5, "b", 48),
            (6, "odd", 0),
        ]
        ((first, last),) = visit_pairs(maps)
        assert (first.months, last.months) == (0, 48)
        assert [one.subject for one in label_maps(tmp_path, held_out=True)] == ["9005075"]
        assert real_sources(tmp_path) == ()

    def test_held_out_of_others_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a_00m.nii.gz").touch()
        with pytest.raises(InputError, match="held-out"):
            label_maps(tmp_path, held_out=True)

    def test_nothing_is_trained_on_what_is_held_out(self) -> None:
        assert set(NOT_TRAINED_ON) == HELD_OUT

    def test_a_map_that_is_no_knee_is_refused(self, tmp_path: Path) -> None:
        labels = np.zeros((20, 20, 20), dtype=np.uint8)
        labels[5:15, 5:15, 5:15] = 1
        save(tmp_path / "a_00m.nii.gz", labels, np.eye(4))
        with pytest.raises(InputError, match="label of a tibia") as error:
            score_bones(tmp_path, BonesSettings(count=1), finder=nothing)
        assert "a_00m" not in str(error.value)
        save(tmp_path / "a_00m.nii.gz", labels * np.uint8(40), np.eye(4))
        with pytest.raises(InputError, match=r"got \[40\]"):
            score_bones(tmp_path, BonesSettings(count=1), finder=nothing)


class TestLog:
    def test_goes_on_where_it_stopped(self, real: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        settings, asked = BonesSettings(log=log), list[str]()

        def counting(series: Sequence[Series]) -> Sequence[Sequence[FoundMask]]:
            asked.extend(one.source_uid for one in series)
            return by_threshold(Side.LEFT)(series)

        whole = score_bones(real, settings, finder=counting)
        lines = log.read_text().splitlines(keepends=True)
        log.write_text(lines[0])
        again = score_bones(real, settings, finder=counting)
        assert asked == ["image-1", "image-2", "image-2"]
        assert again.bones == whole.bones
        assert len(log.read_text().splitlines()) == 2
        assert "one" not in json.loads(lines[0])["key"]

    def test_parts_join_to_the_whole(self, real: Path, tmp_path: Path) -> None:
        logs = [tmp_path / f"{number}.jsonl" for number in (1, 2)]
        for number, log in enumerate(logs, start=1):
            settings = BonesSettings(log=log, part=Part(number, 2))
            part = score_bones(real, settings, finder=by_threshold(Side.LEFT))
            assert part.images == 1
        joined = tmp_path / "joined.jsonl"
        joined.write_text("".join(log.read_text() for log in logs))

        def never(series: Sequence[Series]) -> Sequence[Sequence[FoundMask]]:
            raise AssertionError(f"asked again about {len(series)} series")

        scores = score_bones(real, BonesSettings(log=joined), finder=never)
        assert scores.images == 2
        assert scores.bones["femur"].n == 2

    @pytest.mark.parametrize("part", ["3/2", "0/2", "1", "a/b", "1/-2"])
    def test_parts_that_are_none_are_refused(self, real: Path, part: str) -> None:
        result = CliRunner().invoke(app, ["evaluate", "bones", str(real), "--part", part])
        assert result.exit_code == 2

    @pytest.mark.parametrize(("count", "parts"), [(600, 1), (601, 7), (3, 2), (45, 3)])
    def test_images_are_shared_out_over_sources_and_blocks(self, count: int, parts: int) -> None:
        sources = [PhantomSource(joint, 1) for joint in ("knee", "foot", "hip")]
        shares = shared_out(sources, count)
        assert sum(share.images for share in shares) == count
        assert all(0 < share.images <= BLOCK for share in shares)
        keys = {(share.source, share.first) for share in shares}
        assert len(keys) == len(shares)
        split = [Part(number, parts).of_list(shares) for number in range(1, parts + 1)]
        assert sorted(len(shares) for shares in split)[-1] <= len(shares) // parts + 1
        assert {(s.source, s.first) for part in split for s in part} == keys

    def test_of_another_seed_is_refused(self, real: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        score_bones(real, BonesSettings(log=log), finder=nothing)
        with pytest.raises(InputError, match="seed 2, got seed 1"):
            score_bones(real, BonesSettings(seed=2, log=log), finder=nothing)

    def test_of_something_else_is_refused(self, real: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        log.write_text("not a score\n")
        with pytest.raises(InputError, match="another") as error:
            score_bones(real, BonesSettings(log=log), finder=nothing)
        assert "line 1" in error.value.where


@pytest.fixture(scope="module")
def knee() -> Limb:
    return draw_limb("knee", Side.LEFT, np.random.default_rng(3), Family.EVALUATION)


def knowing(exam: ImagedExam) -> Finder:
    """Finds the truth of an exam."""

    def finder(series: Sequence[Series]) -> list[list[FoundMask]]:
        assert [one.id for one in series] == [one.series.id for one in exam.images]
        return [
            [FoundMask(bone, mask, True) for bone, mask in one.truth.bones.items()]
            for one in exam.images
        ]

    return finder


class TestDrawnExams:
    def test_are_the_same_for_a_seed_and_true_to_themselves(self, knee: Limb) -> None:
        subject = Subject(knee, bends=True)
        exam, again = (draw_exam(subject, "knee-0", 1, (1, 0)) for _ in range(2))
        other = draw_exam(subject, "knee-1", 1, (1, 1))
        (one,), (same,), (another,) = exam.images, again.images, other.images
        assert np.array_equal(one.series.volume.data, same.series.volume.data)
        assert (
            one.series.volume.geometry.shape != another.series.volume.geometry.shape
            or not np.array_equal(one.series.volume.data, another.series.volume.data)
        )
        for image in (one, another):
            series = image.series
            assert series.side in (Side.LEFT, Side.UNKNOWN)
            assert (series.body_part == "knee") == (series.side is Side.LEFT)
            assert all(bone.side is Side.LEFT for bone in image.truth.bones)
            assert image.truth.judged is None
            assert series.volume.geometry.shares_frame(series.volume.geometry)
        score = score_exam(exam, 1, knowing(exam))
        assert all(bone.dice == 1.0 for image in score.images for bone in image.bones)
        # A left knee: its fibula lies to the patient's left of its tibia.
        for image in (one, another):
            grid = image.series.volume.geometry
            x = {
                bone.bone: grid.to_lps(np.argwhere(mask))[:, 0].mean()
                for bone, mask in image.truth.bones.items()
            }
            if {"fibula", "tibia"} <= x.keys():
                assert x["fibula"] > x["tibia"]

    def test_are_drawn_where_no_folder_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("marrowtrail.evaluation.bones_shares.PHANTOM_JOINTS", ("foot",))
        scores = score_bones(None, BonesSettings(count=1), finder=nothing)
        assert scores.images == 1
        assert scores.missed >= 3
        assert scores.bones.keys() <= {
            "tibia",
            "fibula",
            "talus",
            "calcaneus",
            "navicular",
            "cuboid",
            "cuneiforms",
            "metatarsals",
        }
        assert scores.visits == {}


class TestVisits:
    def test_a_finder_that_sees_more_at_one_visit_is_noticed(
        self, knee: Limb, tmp_path: Path
    ) -> None:
        for name in ("a_00m", "a_36m"):
            (tmp_path / f"{name}.nii.gz").touch()
        ((first, last),) = visit_pairs(label_maps(tmp_path, held_out=False))
        source = PairSource(first, last, 1)
        calls = list[str]()

        def finder(series: Sequence[Series]) -> list[list[FoundMask]]:
            """Sees a femur everywhere in the image, of another size at the later visit."""
            (one,) = series
            calls.append(one.source_uid)
            mask = np.zeros(one.volume.geometry.shape, dtype=bool)
            mask[: 50 if "visit-1" in one.source_uid else 55] = True
            return [[FoundMask(BoneId("femur", Side.LEFT), mask, True)]]

        (score,) = compare_visits(source, (knee, knee), 1, finder)
        assert len(calls) == 2
        assert score.bone == "femur"
        assert score.accepted
        assert score.true_change == 0.0
        assert score.beyond == pytest.approx(np.log(55 / 50))


def test_a_finder_is_timed() -> None:
    found = find([], lambda series: [() for _ in series])
    assert found.bones == ()
    assert found.seconds >= 0.0
    assert found.peak_mb > 0.0
