"""Features of images whose noise, edges and texture are known, and their comparison."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from marrowtrail.errors import InputError
from marrowtrail.evaluation import image_statistics as statistics
from marrowtrail.evaluation.realism import Compared, compare_one
from marrowtrail.evaluation.realism_series import Kind, kind_of, real_series, synthetic_series
from marrowtrail.evaluation.realism_sheet import COLUMNS, GAP, SIDE, draw_sheet, tile_of
from marrowtrail.evaluation.series_features import Feature, measure_series
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Weighting
from marrowtrail.imaging.volume import Volume

PIXEL_MM = 0.6


def noise(blur: float = 0.0) -> np.ndarray:
    white = np.random.default_rng(1).standard_normal((4, 160, 160))
    return ndimage.gaussian_filter(white, (0, blur, blur)) if blur else white


def squares(data: np.ndarray) -> np.ndarray:
    return statistics.patches(data, np.ones(data.shape, dtype=bool))


class TestNoise:
    def test_white_noise_is_white(self) -> None:
        assert statistics.fine_share(squares(noise())) == pytest.approx(0.8, abs=0.05)
        assert statistics.spectrum_slope(squares(noise())) == pytest.approx(0.0, abs=0.15)
        assert statistics.correlation_length_mm(squares(noise()), PIXEL_MM) < PIXEL_MM

    def test_filtered_noise_is_not(self) -> None:
        assert statistics.fine_share(squares(noise(1.0))) < 0.2
        assert statistics.spectrum_slope(squares(noise(1.0))) < -2.0

    def test_length_of_noise_filtered_by_a_gaussian(self) -> None:
        """Its autocorrelation is a Gaussian too, which falls to 1/e at twice the sigma.

        Taking a plane off each square shortens it by an eighth.
        """
        length = statistics.correlation_length_mm(squares(noise(1.2)), PIXEL_MM)
        assert length == pytest.approx(2 * 1.2 * PIXEL_MM, rel=0.15)

    def test_deviation_and_variation_forget_shading(self) -> None:
        slope = np.linspace(0, 40, 160)[None, :, None]
        even, shaded = 100 + 5 * noise(), 100 + 5 * noise() + slope
        assert statistics.typical_deviation(squares(shaded)) == pytest.approx(5, rel=0.05)
        assert statistics.variation(squares(even)) == pytest.approx(0.05, rel=0.05)

    def test_nothing_to_measure_is_not_a_number(self) -> None:
        none = statistics.patches(noise(), np.zeros((4, 160, 160), dtype=bool))
        assert none.shape == (0, statistics.PATCH, statistics.PATCH)
        for each in (statistics.fine_share, statistics.spectrum_slope, statistics.variation):
            assert np.isnan(each(none))
        assert np.isnan(statistics.correlation_length_mm(none, PIXEL_MM))
        assert np.isnan(statistics.entropy_bits(np.array([])))

    def test_squares_lie_wholly_inside_the_mask(self) -> None:
        mask = np.zeros((4, 160, 160), dtype=bool)
        mask[1, 20:60, 30:70] = True
        data = np.where(mask, 1.0, 99.0)
        found = statistics.patches(data, mask)
        assert len(found) > 1
        assert (found == 1.0).all()


class TestHistogram:
    def test_one_value_has_no_entropy_and_an_even_spread_has_six_bits(self) -> None:
        assert statistics.entropy_bits(np.full(1000, 7.0)) == 0.0
        assert statistics.entropy_bits(np.linspace(0, 1, 100_000)) == pytest.approx(6.0, abs=0.05)


class TestEdges:
    def disc(
        self, width_mm: float, inside: float = 100.0, shift_mm: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        i, j = np.mgrid[:160, :160] - 79.5
        depth = 30.0 - np.hypot(i, j) * PIXEL_MM
        scale = width_mm / statistics.TEN_TO_NINETY
        image = 20.0 + (inside - 20.0) / (1.0 + np.exp(-(depth - shift_mm) / scale))
        return np.stack([image] * 2), np.stack([depth > 0] * 2)

    @pytest.mark.parametrize("width_mm", [1.5, 3.0, 5.0])
    def test_a_known_width(self, width_mm: float) -> None:
        """To one step of the ladder of widths that are tried, 16 %, and interpolation's blur."""
        image, mask = self.disc(width_mm)
        found = statistics.edge_width_mm(image, mask, PIXEL_MM, (-6.0, 6.0))
        assert found == pytest.approx(width_mm, rel=0.18)

    def test_an_outline_beside_the_edge_gives_the_same_width(self) -> None:
        image, mask = self.disc(3.0, shift_mm=1.0)
        found = statistics.edge_width_mm(image, mask, PIXEL_MM, (-6.0, 6.0))
        assert found == pytest.approx(3.0, rel=0.15)

    def test_an_edge_that_falls_inwards_is_none(self) -> None:
        image, mask = self.disc(3.0, inside=5.0)
        assert np.isnan(statistics.edge_width_mm(image, mask, PIXEL_MM, (-6.0, 6.0)))

    def test_no_border_is_none(self) -> None:
        image, mask = self.disc(3.0)
        for each in (np.zeros_like(mask), np.ones_like(mask)):
            assert np.isnan(statistics.edge_width_mm(image, each, PIXEL_MM, (-6.0, 6.0)))


class TestComparison:
    def one(
        self, drawn: list[float], *, pelvis: bool = False, feature: Feature = Feature.FAT
    ) -> Compared:
        return compare_one(Kind.T1, feature, [1.0, 1.5, 2.0], drawn, pelvis)

    def test_inside_the_real_range_gives_nothing_away(self) -> None:
        assert not self.one([1.2, 1.6]).gives_away
        assert self.one([1.2, 1.6]).outside == 0.0

    @pytest.mark.parametrize("drawn", [[0.4, 0.5], [2.5, 3.0]])
    def test_outside_on_either_side_does(self, drawn: list[float]) -> None:
        assert self.one(drawn).gives_away

    def test_another_part_of_the_body_excuses_anatomy_alone(self) -> None:
        assert not self.one([5.0], pelvis=True).gives_away
        assert self.one([5.0], pelvis=True).other_anatomy
        assert self.one([5.0], pelvis=True, feature=Feature.MARROW_FINE).gives_away

    def test_a_single_real_value_has_a_range_of_its_own(self) -> None:
        assert not compare_one(Kind.T1, Feature.NOISE, [0.05], [0.0501], False).gives_away
        assert compare_one(Kind.T1, Feature.NOISE, [0.05], [0.2], False).gives_away


class TestSeries:
    @pytest.mark.parametrize(
        ("weighting", "suppressed", "kind"),
        [
            (Weighting.T1, False, Kind.T1),
            (Weighting.PD, False, Kind.PLAIN),
            (Weighting.T2, True, Kind.FLUID),
            (Weighting.STIR, True, Kind.FLUID),
            (Weighting.T1, True, None),
            (Weighting.PD, None, None),
            (Weighting.T2_STAR, False, None),
        ],
    )
    def test_what_a_series_is_compared_with(
        self, weighting: Weighting, suppressed: bool | None, kind: Kind | None
    ) -> None:
        assert kind_of(Contrast(weighting, suppressed, "test")) is kind

    def test_after_contrast_agent_with_nothing(self) -> None:
        assert kind_of(Contrast(Weighting.T1, False, "test", after_agent=True)) is None

    def test_a_folder_without_real_series_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="found neither"):
            next(real_series(tmp_path))

    def test_a_drawn_patient_gives_both_kinds_with_their_tissues(self) -> None:
        shown = list(synthetic_series(3))
        kinds = {one.kind for one in shown}
        assert Kind.FLUID in kinds
        assert kinds & {Kind.T1, Kind.PLAIN}
        for one in shown:
            assert not one.pelvis
            assert not (one.samples.fat & one.samples.muscle).any()
            assert not (one.samples.air & one.samples.marrow).any()
        fluid = next(one for one in shown if one.kind is Kind.FLUID and one.oedema is not None)
        assert fluid.oedema is not None
        assert not (fluid.samples.marrow & fluid.oedema).any()
        found = measure_series(fluid.volume, fluid.samples, fluid.bone, fluid.oedema)
        assert found[Feature.OEDEMA] > 1.2
        assert {Feature.MARROW_FINE, Feature.CORTEX_EDGE, Feature.ENTROPY} <= set(found)


class TestRealSeries:
    def test_a_pelvis_and_its_readers(self, shared_data: Path, tmp_path: Path) -> None:
        shutil.copytree(shared_data / "sacroiliac" / "1007", tmp_path / "sacroiliac" / "1007")
        t1, stir = real_series(tmp_path)
        assert (t1.kind, stir.kind) == (Kind.T1, Kind.FLUID)
        assert t1.pelvis
        assert stir.pelvis
        plain = measure_series(t1.volume, t1.samples, t1.bone, t1.oedema)
        bright = measure_series(stir.volume, stir.samples, stir.bone, stir.oedema)
        assert plain[Feature.OEDEMA] < 1.0 < bright[Feature.OEDEMA]
        assert plain[Feature.FAT] > 1.0 > plain[Feature.MUSCLE] > plain[Feature.CORTEX]
        assert plain[Feature.MUSCLE_FINE] < 0.4

    def test_a_knee_without_masks(self, shared_data: Path, tmp_path: Path) -> None:
        (tmp_path / "knee-multi-echo-dicom").symlink_to(shared_data / "knee-multi-echo-dicom")
        echoes = list(real_series(tmp_path))
        assert [one.kind for one in echoes] == [Kind.PLAIN] * 3
        muscle = [
            measure_series(one.volume, one.samples, one.bone, None)[Feature.MUSCLE]
            for one in echoes
        ]
        assert muscle == sorted(muscle, reverse=True)


class TestSheet:
    def test_both_halves_and_a_bar_between(self, tmp_path: Path) -> None:
        data = np.random.default_rng(1).random((60, 80, 9), dtype=np.float32)
        volume = Volume(data, Geometry((60, 80, 9), np.diag([0.6, 0.6, 3.0, 1.0])))
        tiles = [tile_of(volume, np.random.default_rng(seed)) for seed in range(COLUMNS + 1)]
        assert tiles[0].shape == (SIDE, SIDE)
        draw_sheet(tiles, tiles[:2], tmp_path / "sheet.png")
        sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
        assert sheet.shape == (2 * SIDE, 2 * COLUMNS * SIDE + GAP)
        bar = sheet[:, COLUMNS * SIDE : COLUMNS * SIDE + GAP]
        assert (bar == 255).all()
        assert sheet[SIDE:, COLUMNS * SIDE + GAP :].max() == 0

    def test_no_tiles_is_an_empty_sheet(self, tmp_path: Path) -> None:
        draw_sheet([], [], tmp_path / "sheet.png")
        sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
        assert sheet[:, : COLUMNS * SIDE].max() == 0
