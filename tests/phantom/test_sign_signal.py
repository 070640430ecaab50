"""What signs look like: signal along a line through each, before any scanner."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.series import Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.drawn_patient import DrawnPatient
from marrowtrail.phantom.painting.layers import Layers
from marrowtrail.phantom.painting.lesions import Shares, draw_lesions
from marrowtrail.phantom.painting.scene import BoneView, Scene
from marrowtrail.phantom.painting.scene_of import scene_of
from marrowtrail.phantom.scanner.tissue import Timing, Tissue, signal_parts
from tests.phantom.test_disease import SEED, patient_of

FAT_SATURATED = Timing(Weighting.T2, 4000.0, 60.0, None, 0.08, 1.5)
T1 = Timing(Weighting.T1, 550.0, 12.0, None, 1.0, 1.5)

STEP_MM = 0.1
REACH = 60


@cache
def scene(name: str, visit: int) -> tuple[DrawnPatient, Scene]:
    patient = patient_of(name)
    rng = np.random.default_rng(SEED)
    pose = draw_pose(patient.joints["knee"].limb, patient.scenario.imaging, rng)
    return patient, scene_of(patient, visit, "knee", pose)


def across(
    name: str, visit: int, map_of: Volume, voxel: NDArray[np.int64], timing: Timing
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Signal every 0.1 mm on a line through a voxel of a map, up the map's slope."""
    _, drawn = scene(name, visit)
    bone = drawn.limb.bone("femur")
    slope = np.array([one[tuple(voxel)] for one in np.gradient(map_of.data)])
    way = np.linalg.inv(map_of.geometry.affine[:3, :3]).T @ slope
    way /= np.linalg.norm(way)
    start = map_of.geometry.to_lps(voxel) - map_of.data[tuple(voxel)] * way
    line = np.eye(4)
    line[:3, 0], line[:3, 3] = way * STEP_MM, start - REACH * STEP_MM * way
    line[:3, 1:3] = np.linalg.svd(way[None])[2][1:].T
    n = 2 * REACH + 1
    view = BoneView(bone, line, (slice(0, n), slice(0, 1), slice(0, 1)))
    level = {tissue: signal_parts(tissue, timing) for tissue in Tissue}
    marrow: Layers = np.ones((2, n, 1, 1), dtype=np.float32) * level[Tissue.YELLOW_MARROW]
    grain = np.zeros((n, 1, 1), dtype=np.float32)
    draw_lesions(marrow, drawn, view, grain, level, Shares((n, 1, 1)), np.float32(1.0))
    return marrow.sum(axis=0)[:, 0, 0], (np.arange(n) - REACH) * STEP_MM


def test_a_subchondral_line_is_dark_within_oedema_on_both() -> None:
    name = "insufficiency-fracture"
    _, drawn = scene(name, 1)
    (line,) = drawn.sheets
    inside = np.where(np.abs(line.across.data) < 0.75, line.outline.data, -np.inf)
    voxel = np.array(np.unravel_index(np.argmax(inside), inside.shape))
    for timing in (FAT_SATURATED, T1):
        signal, at = across(name, 1, line.across, voxel, timing)
        middle = signal[np.abs(at) < 0.25 * line.thickness_mm].max()
        deeper = signal[(at > line.thickness_mm) & (at < 4.0)].min()
        assert middle < 0.4 * deeper


def test_the_double_line_is_dark_outside_and_bright_inside() -> None:
    name = "avn"
    _, drawn = scene(name, 1)
    (band,) = drawn.bands
    bone = drawn.limb.bone("femur")
    on_it = np.where(np.abs(band.level.data) < 0.75, -bone.surface.data, -np.inf)
    voxel = np.array(np.unravel_index(np.argmax(on_it), on_it.shape))
    quarter = band.thickness_mm / 4
    fluid, at = across(name, 1, band.level, voxel, FAT_SATURATED)
    outer, inner = (np.abs(at - centre) < 0.2 for centre in (quarter, -quarter))
    dead = (at < -2.5 * quarter - 1.0) & (at > -2.5 * quarter - 2.0)
    assert fluid[inner].min() > 3.0 * fluid[outer].max()
    assert fluid[inner].min() > 3.0 * fluid[dead].max()
    t1, _ = across(name, 1, band.level, voxel, T1)
    assert t1[outer].max() < t1[inner].max() < 0.7 * t1[dead].min()


def test_a_crescent_is_bright_on_t2_and_no_brighter_than_fat_on_t1() -> None:
    name = "avn-collapse"
    _, drawn = scene(name, 2)
    (crescent,) = drawn.sheets
    inside = np.where(np.abs(crescent.across.data) < 0.75, crescent.outline.data, -np.inf)
    voxel = np.array(np.unravel_index(np.argmax(inside), inside.shape))
    fluid, at = across(name, 2, crescent.across, voxel, FAT_SATURATED)
    middle = np.abs(at) < 0.2
    deeper = (at > crescent.thickness_mm) & (at < 3.0)
    assert fluid[middle].min() > 3.0 * fluid[deeper].min()
    t1, _ = across(name, 2, crescent.across, voxel, T1)
    assert t1[middle].max() < 0.6 * t1[deeper].max()
