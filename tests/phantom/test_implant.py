"""Lesions laid into series: made ones with known tissue, and real ones where they are at hand."""

from __future__ import annotations

import filecmp
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.nifti import read_label_values, read_volume
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.volume import Volume
from marrowtrail.imaging.write_nifti import write_nifti
from marrowtrail.phantom.implants.lesion import (
    EDGE_MM,
    RADIUS_MM,
    WATER,
    ImplantShape,
    Profile,
    Waves,
    draw_shape,
    read_on,
)
from marrowtrail.phantom.implants.patient import LESIONS_FILE, TRUTH_AS_READ, difficulty_of, implant
from marrowtrail.phantom.implants.place import clearance_mm, map_marrow, own_lesions, places_for
from marrowtrail.phantom.implants.signal import DARK_MOST, Levels, levels_of
from marrowtrail.phantom.implants.tissue_samples import (
    find_bone,
    sample_tissues,
    slices_back,
    slices_first,
)
from marrowtrail.phantom.implants.truth import load_implant_truth

SHAPE = (150, 150, 14)
TILTED = np.array(
    [[-0.6, 0.02, 0.2, 40.0], [0.02, 0.6, 0.3, -30.0], [0.03, -0.05, 3.3, 12.0], [0, 0, 0, 1.0]]
)
GRID = Geometry(SHAPE, TILTED)
T1 = {"fat": 200.0, "muscle": 60.0, "marrow": 110.0, "cortex": 15.0, "fluid": 40.0}
STIR = {"fat": 45.0, "muscle": 40.0, "marrow": 50.0, "cortex": 12.0, "fluid": 320.0}


def tissues() -> dict[str, np.ndarray]:
    """A body of muscle under fat, with one large bone and a canal of fluid."""
    i, j = np.mgrid[: SHAPE[0], : SHAPE[1]] - 74.5
    radius = np.hypot(i, j)[:, :, None] * np.ones(SHAPE[2])
    bone = np.maximum(np.abs(i), np.abs(j))[:, :, None] * np.ones(SHAPE[2])
    canal = np.hypot(i - 55, j)[:, :, None] * np.ones(SHAPE[2]) < 5
    return {
        "fat": (radius < 72) & (radius > 62),
        "muscle": radius <= 62,
        "cortex": bone < 36,
        "marrow": bone < 33,
        "fluid": canal,
    }


def painted(signal: dict[str, float], seed: int) -> np.ndarray:
    image = np.zeros(SHAPE)
    for name, where in tissues().items():
        image[where] = signal[name]
    blurred = ndimage.gaussian_filter(image, (0.8, 0.8, 0))
    noisy = blurred + 3.0 * np.random.default_rng(seed).standard_normal(SHAPE)
    return np.asarray(np.abs(noisy), dtype=np.float32)


def write_pelvis(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, signal, seed in (("t1", T1, 1), ("stir", STIR, 2)):
        write_nifti(Volume(painted(signal, seed), GRID), folder / f"{name}.nii.gz")
    bone = tissues()["cortex"].astype(np.uint8)
    normal = np.zeros(SHAPE, dtype=np.uint8)
    normal[60:75, 60:75, 4:9] = 1
    write_nifti(Volume(bone, GRID), folder / "bone.nii.gz")
    write_nifti(Volume(normal, GRID), folder / "normal-marrow.nii.gz")
    return folder


@pytest.fixture(scope="module")
def pelvis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pelvis(tmp_path_factory.mktemp("real") / "pelvis")


@pytest.fixture(scope="module")
def laid(pelvis: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("laid") / "one"
    implant(pelvis, out, seed=4)
    return out


def shape_of(radius: float = 9.0, **changes: object) -> ImplantShape:
    drawn = draw_shape(np.array([3.0, 12.0, 30.0]), radius, np.random.default_rng(2))
    return replace(drawn, **changes)  # type: ignore[arg-type]


def voxels(path: Path) -> np.ndarray:
    return np.asarray(read_volume(path).data, dtype=float)


class TestLesion:
    def test_waves_are_the_sum_of_cosines(self) -> None:
        """The slow twin: a cosine for every voxel and wave."""
        waves = Waves.draw(4.0, np.random.default_rng(3))
        block = (slice(10, 18), slice(20, 27), slice(3, 8))
        index = np.moveaxis(np.mgrid[block], 0, -1) + np.array([0.0, 0.0, 0.25])
        points = GRID.to_lps(index)
        slow = sum(
            np.cos(points @ number + phase)
            for number, phase in zip(waves.numbers, waves.phases, strict=True)
        ) * np.sqrt(2.0 / len(waves.phases))
        assert np.allclose(waves.on(GRID, block, 0.25), slow)

    def test_one_lesion_on_two_grids(self) -> None:
        shape = shape_of()
        volumes = [
            read_on(shape, grid)[2].sum() * grid.voxel_mm3
            for grid in (GRID, GRID.rescaled((1.0, 0.5, 2.0)))
        ]
        assert volumes[0] > 500
        assert volumes[0] == pytest.approx(volumes[1], rel=0.06)

    @pytest.mark.parametrize("profile", list(Profile))
    def test_the_edge_is_as_wide_as_it_says(self, profile: Profile) -> None:
        shape = shape_of(profile=profile, edge_mm=4.0)
        assert shape.faded(np.array([2.0, -2.0])) == pytest.approx([0.9, 0.1], abs=0.01)

    def test_a_lesion_off_the_grid_is_nowhere(self) -> None:
        block, water, lesion = read_on(shape_of(centre_lps=np.array([900.0, 0.0, 0.0])), GRID)
        assert water.size == lesion.size == 0
        assert np.zeros(SHAPE)[block].size == 0

    def test_draws_stay_in_their_ranges(self) -> None:
        rng = np.random.default_rng(1)
        drawn = [draw_shape(np.zeros(3), 8.0, rng) for _ in range(50)]
        assert all(WATER.low <= one.water <= WATER.high for one in drawn)
        assert all(EDGE_MM.low <= one.edge_mm <= EDGE_MM.high for one in drawn)
        assert {one.profile for one in drawn} == set(Profile)


class TestPlace:
    def test_marrow_is_not_cortex(self) -> None:
        there = tissues()
        marrow = map_marrow(
            Volume(painted(T1, 1), GRID), slices_first(Volume(there["cortex"], GRID))
        )
        share = slices_back(marrow.share, GRID)
        core = ndimage.binary_erosion(there["marrow"], np.ones((5, 5, 1)))
        rim = there["cortex"] & ~ndimage.binary_dilation(there["marrow"], np.ones((3, 3, 1)))
        assert share[core].mean() > 0.98
        assert share[rim].mean() < 0.05
        assert not share[~there["cortex"]].any()

    def test_oedema_of_the_patient_is_seen_and_even_marrow_is_not(self) -> None:
        there = tissues()
        bone = slices_first(Volume(there["cortex"], GRID))
        marrow = map_marrow(Volume(painted(T1, 1), GRID), bone)
        even = slices_first(Volume(painted(STIR, 2), GRID)).copy()
        assert not own_lesions(even, marrow)[:, 60:90, 60:90].any()
        even[5:9, 70:85, 70:85] *= 2.0
        found = own_lesions(even, marrow)
        assert found[6, 77, 77]
        assert not found[2, 77, 77]

    def test_places_keep_their_depth_and_distance(self) -> None:
        depth = np.zeros((14, 150, 150))
        depth[6, 70, 70], depth[6, 80, 80] = 5.0, 30.0
        free = clearance_mm(np.zeros(depth.shape, dtype=bool), GRID)
        (place,) = places_for(8.0, depth, free, GRID)
        assert GRID.to_ijk(place) == pytest.approx([70, 70, 6])
        near = np.zeros(depth.shape, dtype=bool)
        near[6, 70, 75] = True
        assert not len(places_for(8.0, depth, clearance_mm(near, GRID), GRID))

    def test_bone_without_a_mask(self) -> None:
        signal = {**T1, "marrow": 190.0}
        found = slices_back(find_bone(Volume(painted(signal, 1), GRID)), GRID)
        there = tissues()
        assert found[there["marrow"]].mean() > 0.8
        assert found[~there["cortex"]].mean() < 0.02

    def test_no_bone_in_muscle(self) -> None:
        signal = {**T1, "marrow": T1["muscle"], "cortex": T1["muscle"]}
        assert not find_bone(Volume(painted(signal, 1), GRID)).any()


class TestSignal:
    def levels(
        self, signal: dict[str, float], *, suppressed: bool, echo: float | None = None
    ) -> Levels:
        bone = slices_first(Volume(tissues()["cortex"], GRID))
        samples = sample_tissues(Volume(painted(T1, 1), GRID), bone)
        series = Volume(painted(signal, 2), GRID)
        return levels_of(series, samples, samples.marrow, suppressed=suppressed, echo_ms=echo)

    def test_bright_where_fat_is_suppressed_and_darker_than_fluid(self) -> None:
        found = self.levels(STIR, suppressed=True)
        assert found.marrow == pytest.approx(STIR["marrow"], rel=0.03)
        assert STIR["marrow"] < found.water < STIR["fluid"]

    def test_dark_elsewhere_and_never_near_marrow(self) -> None:
        assert self.levels(T1, suppressed=False).ratio < 1.0
        red = {**T1, "muscle": 105.0}
        assert self.levels(red, suppressed=False).ratio == pytest.approx(DARK_MOST)

    def test_later_echoes_lose_muscle_faster_than_oedema(self) -> None:
        early = self.levels(T1, suppressed=False, echo=5.0).ratio
        late = self.levels(T1, suppressed=False, echo=30.0).ratio
        assert late > early

    def test_no_fluid_brighter_than_marrow_adds_nothing(self) -> None:
        dull = dict.fromkeys(STIR, 50.0)
        assert self.levels(dull, suppressed=True).ratio == pytest.approx(1.0, abs=0.1)


class TestImplant:
    def test_bright_on_stir_and_dark_on_t1_at_one_place(self, pelvis: Path, laid: Path) -> None:
        mask = voxels(laid / TRUTH_AS_READ) > 0
        assert mask.sum() * GRID.voxel_mm3 > 60
        assert (voxels(laid / "stir.nii.gz") / voxels(pelvis / "stir.nii.gz"))[mask].mean() > 1.2
        assert (voxels(laid / "t1.nii.gz") / voxels(pelvis / "t1.nii.gz"))[mask].mean() < 0.95

    def test_nothing_changes_outside_marrow(self, pelvis: Path, laid: Path) -> None:
        outside = ~tissues()["cortex"]
        for name in ("stir.nii.gz", "t1.nii.gz"):
            assert np.array_equal(voxels(laid / name)[outside], voxels(pelvis / name)[outside])

    def test_most_marrow_is_left_as_it_was(self, pelvis: Path, laid: Path) -> None:
        changed = np.abs(voxels(laid / "stir.nii.gz") - voxels(pelvis / "stir.nii.gz")) > 5.0
        mask = voxels(laid / TRUTH_AS_READ) > 0
        far = ~ndimage.binary_dilation(mask, np.ones((3, 3, 3)), iterations=6)
        assert changed[mask].mean() > 0.6
        assert not changed[far].mean() > 0.001

    def test_noise_stays(self, pelvis: Path, laid: Path) -> None:
        """Fine detail of the lesion follows that of the marrow which it replaced."""
        mask = voxels(laid / TRUTH_AS_READ) > 0
        fine = []
        for folder in (pelvis, laid):
            data = voxels(folder / "stir.nii.gz")
            fine.append((data - ndimage.gaussian_filter(data, (1.5, 1.5, 0)))[mask])
        assert np.corrcoef(*fine)[0, 1] > 0.9
        assert fine[1].std() < 2.0 * fine[0].std()

    def test_truth_says_what_is_in_the_masks(self, laid: Path) -> None:
        truth = load_implant_truth(laid)
        labels = read_label_values(laid / LESIONS_FILE)
        assert set(np.unique(labels)) == {0, *(one.value for one in truth.lesions)}
        assert np.array_equal(labels > 0, voxels(laid / TRUTH_AS_READ) > 0)
        for one in truth.lesions:
            volume = np.count_nonzero(labels == one.value) * GRID.voxel_mm3
            assert one.volume_mm3 == pytest.approx(volume, rel=0.01)
            assert WATER.low <= one.water <= WATER.high
            assert 0.0 <= one.difficulty <= 1.0
            centre = np.argwhere(labels == one.value).mean(axis=0)
            away = np.linalg.norm(GRID.to_lps(centre) - one.centre_lps)
            assert away < RADIUS_MM.high
        shown = {one.file: one for one in truth.series}
        assert shown["stir.nii.gz"].ratio > 1.0 > shown["t1.nii.gz"].ratio
        assert shown["stir.nii.gz"].fluid_sensitive
        assert not shown["t1.nii.gz"].fluid_sensitive

    def test_normal_marrow_holds_no_lesion(self, laid: Path) -> None:
        normal = voxels(laid / "normal-marrow.nii.gz") > 0
        assert not (normal & (voxels(laid / TRUTH_AS_READ) > 0)).any()

    def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
        self, pelvis: Path, laid: Path, tmp_path: Path
    ) -> None:
        for seed, same in ((4, True), (5, False)):
            implant(pelvis, tmp_path / str(seed), seed=seed)
            other = tmp_path / str(seed) / TRUTH_AS_READ
            assert filecmp.cmp(laid / TRUTH_AS_READ, other, shallow=False) is same

    def test_a_patient_with_readers_is_refused(self, tmp_path: Path) -> None:
        folder = write_pelvis(tmp_path / "read")
        write_nifti(Volume(np.zeros(SHAPE, np.uint8), GRID), folder / TRUTH_AS_READ)
        with pytest.raises(InputError, match="nobody outlined"):
            implant(folder, tmp_path / "out", seed=1)

    def test_no_room_for_a_lesion_is_said(self, tmp_path: Path) -> None:
        folder = write_pelvis(tmp_path / "thin")
        thin = np.zeros(SHAPE, dtype=np.uint8)
        thin[74:76] = tissues()["cortex"][74:76]
        write_nifti(Volume(thin, GRID), folder / "bone.nii.gz")
        with pytest.raises(InputError, match="room for a lesion"):
            implant(folder, tmp_path / "out", seed=1)

    def test_no_truth_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"truth\.json"):
            load_implant_truth(tmp_path)

    def test_difficulty_falls_with_contrast_and_volume(self) -> None:
        assert difficulty_of(3.0, 500.0) > difficulty_of(6.0, 500.0) > difficulty_of(6.0, 4000.0)
        assert difficulty_of(20.0, 9000.0) == 0.0
        assert difficulty_of(0.0, 9000.0) == difficulty_of(20.0, 10.0) == 1.0


class TestRealKnee:
    def test_dark_in_every_echo_and_not_fluid_sensitive(
        self, shared_data: Path, tmp_path: Path
    ) -> None:
        source = shared_data / "knee-multi-echo-dicom"
        truth = implant(source, tmp_path, seed=1)
        labels = read_label_values(tmp_path / LESIONS_FILE)
        before = {f"series-{n}.nii.gz": s for n, s in enumerate(_series(source), start=1)}
        assert len(truth.series) == len(before) == 3
        for one in truth.series:
            assert not one.fluid_sensitive
            assert one.ratio < 0.6
            laid = voxels(tmp_path / one.file)
            old = before[one.file]
            assert laid[labels > 0].mean() < 0.9 * old[labels > 0].mean()
            assert np.array_equal(laid[old == 0], old[old == 0])
        study_file = (tmp_path / "case.yaml").read_text(encoding="utf-8")
        assert "fat_suppressed: false" in study_file


def _series(source: Path) -> list[np.ndarray]:
    return [np.asarray(one.volume.data, dtype=float) for one in read_study(source).visits[0].series]
