"""Lines, areas and rims of known size; and what is no sign, or could not be seen."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from marrowtrail.lesions.dark_rims import STEPS, _paths
from marrowtrail.lesions.joint_strips import DEPTHS_MM, JointStrip
from marrowtrail.lesions.lesion import BoneReading, SignKind, SignState
from marrowtrail.lesions.low_signal import find_low_signal, has_marrow_beneath
from marrowtrail.lesions.sign_states import NO_MARROW, PARTLY_SHOWN, T1_ONLY
from marrowtrail.lesions.signs import MISSING, look_for_signs
from marrowtrail.lesions.stripes import find_stripes
from tests.lesions.made_joint import FEMUR, FLUID, T1, Sketch, signs_of

LINE, AREA, RIM = SignKind.SUBCHONDRAL_LINE, SignKind.LOW_SIGNAL_AREA, SignKind.DEMARCATION

WITH_LINE = Sketch(line=(22.0, 2.6, 3.6))
WITH_AREA = Sketch(area=(18.0, 0.8, 5.2))
WITH_RIM = Sketch(rim=(9.0, 2.4, 0.0), oedema_mm=17.0)


def states(sketch: Sketch, **how) -> list[str]:  # type: ignore[no-untyped-def]
    found = signs_of(sketch, **how)
    return [found[kind].state.value for kind in (LINE, AREA, RIM)]


class TestWhatIsThere:
    def test_a_line(self) -> None:
        found = signs_of(WITH_LINE)
        line = found[LINE]
        assert line.state is SignState.PRESENT
        # 44 degrees at a radius of 22 mm, five slices of 3.5 mm.
        assert line.length_mm == pytest.approx(np.hypot(16.9, 14.0), abs=2.0)
        assert line.thickness_mm == pytest.approx(1.0, abs=0.3)
        assert re.search(r"\b(2\.9|3\.\d) mm below", line.reason)
        assert line.confidence > 0.9
        assert found[AREA].state is found[RIM].state is SignState.ABSENT

    def test_an_area(self) -> None:
        found = signs_of(WITH_AREA)
        assert found[AREA].state is SignState.PRESENT
        assert found[AREA].thickness_mm == pytest.approx(4.0, abs=0.5)
        assert found[LINE].state is found[RIM].state is SignState.ABSENT

    def test_a_rim(self) -> None:
        found = signs_of(WITH_RIM)
        assert found[RIM].state is SignState.PRESENT
        assert found[RIM].thickness_mm == pytest.approx(2.4, abs=0.6)
        assert found[LINE].state is SignState.ABSENT

    def test_none(self) -> None:
        assert states(Sketch()) == ["absent"] * 3

    @pytest.mark.parametrize(("turn", "mirrored"), [((1, 0, 2), True), ((2, 0, 1), False)])
    def test_however_the_voxels_are_stored(
        self, turn: tuple[int, int, int], mirrored: bool
    ) -> None:
        for sketch, kind in ((WITH_LINE, LINE), (WITH_RIM, RIM)):
            plain = signs_of(sketch)[kind]
            stored = signs_of(sketch, turn=turn, mirrored=mirrored)[kind]
            assert stored.state is plain.state is SignState.PRESENT
            assert stored.length_mm == pytest.approx(plain.length_mm, abs=1.5)


class TestWhatIsNoSign:
    def test_oedema_that_is_dark_on_t1_only(self) -> None:
        # Marrow beneath it keeps its fat on T1, so that the plate seems 5 mm thick.
        found = signs_of(Sketch(dark_oedema_mm=6.0, oedema_mm=17.0))[AREA]
        assert found.state is SignState.EQUIVOCAL
        assert found.reason.startswith(T1_ONLY)
        assert found.confidence <= 0.5

    def test_a_line_away_from_oedema(self) -> None:
        assert states(Sketch(line=(22.0, 2.6, 3.6), oedema_mm=6.0))[0] == "absent"

    def test_a_rim_with_a_gap(self) -> None:
        assert states(Sketch(rim=(9.0, 2.4, 60.0), oedema_mm=17.0))[2] != "present"

    def test_a_dark_disc(self) -> None:
        assert states(Sketch(disc=9.0, oedema_mm=17.0))[2] == "absent"

    def test_a_short_line_is_at_most_possible(self) -> None:
        assert states(Sketch(line=(4.0, 2.6, 3.6), spacing_mm=(0.5, 0.5, 0.9)))[0] != "present"


class TestWhatCouldNotBeSeen:
    def test_without_fat_on_any_series(self) -> None:
        found = signs_of(WITH_RIM, contrasts=(FLUID,), frames=("1.2.3",))
        assert found[RIM].state is found[AREA].state is SignState.NOT_ASSESSABLE
        assert "T1 series would settle it" in found[RIM].reason
        assert found[RIM].length_mm is None

    def test_a_line_is_judged_without_t1(self) -> None:
        found = signs_of(WITH_LINE, contrasts=(FLUID,), frames=("1.2.3",))
        assert found[LINE].state is SignState.PRESENT

    def test_a_series_of_another_frame_is_not_used(self) -> None:
        found = signs_of(WITH_RIM, frames=("1.2.3", "4.5.6"))
        assert found[RIM].state is SignState.NOT_ASSESSABLE

    def test_coarse_slices(self) -> None:
        found = signs_of(Sketch(spacing_mm=(0.5, 0.5, 8.0)))
        assert found[LINE].state is found[RIM].state is SignState.NOT_ASSESSABLE
        assert "8.0 mm apart" in found[LINE].reason

    def test_coarse_pixels(self) -> None:
        found = signs_of(Sketch(spacing_mm=(1.2, 1.2, 3.5)))
        assert found[LINE].state is SignState.NOT_ASSESSABLE
        assert "pixels of 1.2 mm" in found[LINE].reason

    def test_without_the_other_bone_of_the_joint(self) -> None:
        sketch = Sketch(line=(22.0, 2.6, 3.6), has_tibia=False)
        assert states(sketch) == ["not_assessable"] * 3

    def test_images_that_hold_a_part_of_the_oedema(self) -> None:
        found = signs_of(Sketch(), last_has=5)
        assert found[LINE].state is SignState.ABSENT
        assert found[AREA].state is found[RIM].state is SignState.NOT_ASSESSABLE
        assert found[AREA].reason == found[RIM].reason == PARTLY_SHOWN

    def test_what_a_part_shows_is_there(self) -> None:
        assert signs_of(WITH_RIM, last_has=6)[RIM].state is SignState.PRESENT

    def test_slices_of_the_bone_are_missing(self) -> None:
        found = signs_of(WITH_AREA, is_part=True)
        assert found[AREA].state is SignState.PRESENT
        assert found[LINE].state is SignState.NOT_ASSESSABLE
        assert (found[LINE].reason, found[LINE].confidence) == (MISSING, 0.0)

    def test_an_empty_t1(self) -> None:
        assert states(Sketch(), is_blank=True) == ["absent", "not_assessable", "not_assessable"]

    def test_no_normal_marrow_is_left(self) -> None:
        rim = signs_of(Sketch(oedema_mm=60.0))[RIM]
        assert rim.state is SignState.NOT_ASSESSABLE
        assert rim.reason == NO_MARROW

    def test_without_any_series(self) -> None:
        found = signs_of(WITH_LINE)
        assert {one.state for one in found.values()} != {SignState.NOT_ASSESSABLE}
        reading = BoneReading("v1", FEMUR, None, False, "not read")
        assert look_for_signs((reading,), (), ()) == ()


def plate_over(thick_mm: float, bone_mm: float) -> JointStrip:
    """A level surface: a dark plate, bright marrow, a dark layer of 1 mm from 4 mm on, bright."""
    along = np.arange(30.0) * 0.5
    depths = np.tile(DEPTHS_MM, (30, 1))
    dark = (depths < thick_mm) | ((depths > 4.0) & (depths < 5.0))
    points = np.stack([along, np.zeros(30), np.zeros(30)], axis=1)
    inward = np.tile([0.0, 1.0, 0.0], (30, 1))
    everywhere = np.ones(depths.shape, dtype=bool)
    signal = np.where(dark, 10.0, 100.0)
    return JointStrip(0, points, inward, signal, depths < bone_mm, everywhere, everywhere[:, 0])


@pytest.mark.parametrize(("bone_mm", "count"), [(20.0, 1), (4.9, 0)])
def test_the_far_cortex_of_a_thin_bone_is_no_line(bone_mm: float, count: int) -> None:
    assert len(find_stripes([plate_over(1.0, bone_mm)])) == count


@pytest.mark.parametrize(("bone_mm", "count"), [(20.0, 1), (6.0, 0)])
def test_a_plate_is_held_against_marrow_only(bone_mm: float, count: int) -> None:
    strip = plate_over(3.5, bone_mm)
    assert len(find_low_signal([strip], 3.5)) == count
    assert has_marrow_beneath([strip]) is bool(count)


def test_the_path_of_a_rim_is_the_best_of_all() -> None:
    rng = np.random.default_rng(3)
    depth = rng.normal(size=(2, 4, 6))
    path, found = _paths(depth)
    for centre in range(2):
        sums = {
            radii: sum(depth[centre, ray, radius] for ray, radius in enumerate(radii))
            for radii in product(range(6), repeat=4)
            if np.abs(np.diff(radii)).max() <= STEPS
        }
        assert tuple(path[centre]) == max(sums, key=lambda radii: sums[radii])
        assert found[centre].sum() == pytest.approx(max(sums.values()))


def test_t1_alone_shows_a_rim() -> None:
    assert signs_of(WITH_RIM, contrasts=(T1,), frames=("1.2.3",))[RIM].state is SignState.PRESENT
