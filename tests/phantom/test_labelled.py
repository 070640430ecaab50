"""A limb made from a label map: the map's bones, a template's fibula, shafts carried on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.nifti import read_geometry, read_label_values
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.labelled import KNEE_LABELS, limb_of_labels
from marrowtrail.phantom.body.limb import Limb, PatientBone
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.body.similarity import Similarity, aligned
from marrowtrail.phantom.body.soft_tissue import build_soft_tissue
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.painting.synthesis import render
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.field_of_view import grid
from marrowtrail.phantom.scanner.tissue import Timing
from marrowtrail.record.sites import Side

TOP_MM, BOTTOM_MM = 70.0, -65.0
"""Where the map made for these tests cuts femur and tibia, in the drawn knee's frame."""


@dataclass(frozen=True)
class Mapped:
    """A drawn knee, the label map that was made of it, and the limb that the map gave."""

    drawn: Limb
    labels: NDArray[np.uint8]
    geometry: Geometry
    placed: RigidTransform
    limb: Limb


def label_map(
    limb: Limb, placed: RigidTransform, *, empty_slices: int = 0
) -> tuple[NDArray[np.uint8], Geometry]:
    """Labels of a knee on a sagittal grid, first axis to the right, as the public maps have it."""
    spacing = np.array([1.4, 0.8, 0.8])
    low, high = np.array([-55.0, -75.0, BOTTOM_MM]), np.array([55.0, 75.0, TOP_MM])
    shape = tuple(int(n) for n in np.round((high - low) / spacing))
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = (high[0], high[1], low[2])
    at_rest = Geometry((shape[0], shape[1], shape[2]), affine)
    labels = np.zeros(at_rest.shape, dtype=np.uint8)
    for name, values in KNEE_LABELS.items():
        bone = limb.bone(name)
        assert bone.outer is not None
        outer = resample(bone.outer, at_rest, fill=12.0).data < 0
        labels[outer & (labels == 0)] = values.cartilage[0]
    for name, values in KNEE_LABELS.items():
        labels[resample(limb.bone(name).surface, at_rest, fill=12.0).data < 0] = values.bone[0]
    if empty_slices:
        labels[:, :, -empty_slices:] = 0
        labels[:, :, :empty_slices] = 0
    return labels, Geometry(at_rest.shape, placed.matrix @ at_rest.affine)


@pytest.fixture(scope="module")
def mapped() -> Mapped:
    drawn = draw_limb("knee", Side.RIGHT, np.random.default_rng(5))
    placed = RigidTransform.about(
        np.zeros(3), np.radians([3.0, -2.0, 9.0]), np.array([-80.0, 20.0, -10.0])
    )
    labels, geometry = label_map(drawn, placed)
    limb = limb_of_labels(labels, geometry, Family.EVALUATION)
    return Mapped(drawn, labels, geometry, placed, limb)


def read(volume: Volume, points: Points) -> NDArray[np.float64]:
    ijk = np.moveaxis(volume.geometry.to_ijk(points), -1, 0)
    return np.asarray(ndimage.map_coordinates(volume.data, ijk, order=1, mode="nearest"))


def in_the_map(points: Points, margin_mm: float) -> NDArray[np.bool_]:
    z = points[:, 2]
    return np.asarray((z > BOTTOM_MM + margin_mm) & (z < TOP_MM - margin_mm))


def shell(bone: PatientBone) -> Points:
    """Points within 2 mm of a drawn bone's surface, away from where the map cuts it."""
    near = np.argwhere(np.abs(bone.surface.data) < 2.0)
    points = bone.surface.geometry.to_lps(near)
    points = points[in_the_map(points, 5.0)]
    return points[:: max(1, len(points) // 3000)]


def to_limb(mapped: Mapped) -> Similarity:
    """From the drawn knee's frame to the limb's, by the femur alone and without scale."""
    points = shell(mapped.drawn.bone("femur"))
    drawn = read(mapped.drawn.bone("femur").surface, points)
    made = mapped.limb.bone("femur").surface
    return aligned(points, np.zeros(3), lambda p: read(made, p) - drawn, np.zeros(3), 1.0)


@pytest.mark.parametrize("name", list(KNEE_LABELS))
def test_surfaces_are_those_of_the_map_where_it_holds_them(mapped: Mapped, name: str) -> None:
    """All bones by one rigid motion: their arrangement is the map's, and so is their size."""
    points = shell(mapped.drawn.bone(name))
    motion = to_limb(mapped)
    bone, made = mapped.drawn.bone(name), mapped.limb.bone(name)
    error = read(made.surface, motion.apply(points)) - read(bone.surface, points)
    assert abs(float(error.mean())) < 0.12
    assert np.percentile(np.abs(error), 95) < 0.6
    assert made.outer is not None
    assert bone.outer is not None
    at = read(bone.outer, points)
    edge = points[(np.abs(at) < 0.7) & (at < read(bone.surface, points) - 1.0)]
    assert len(edge) > 30
    error = read(made.outer, motion.apply(edge)) - read(bone.outer, edge)
    assert abs(float(np.median(error))) < 0.3


def test_the_limb_lies_in_the_limb_frame_wherever_the_map_lies(mapped: Mapped) -> None:
    """Turned by 10 degrees and far from the origin, a map gives a limb near the template."""
    motion = to_limb(mapped)
    assert np.degrees(Rotation.from_matrix(motion.rotation).magnitude()) < 8.0
    assert np.linalg.norm(motion.shift) < 10.0


def test_the_fibula_is_lateral_and_touches_no_bone(mapped: Mapped) -> None:
    limb = mapped.limb
    assert limb.side is Side.RIGHT
    assert [bone.bone_id.bone for bone in limb.bones] == ["femur", "tibia", "patella", "fibula"]
    assert all(bone.bone_id.side is Side.RIGHT for bone in limb.bones)
    fibula, tibia = limb.bone("fibula").inside_points(), limb.bone("tibia")
    assert fibula[:, 0].mean() < tibia.inside_points()[:, 0].mean() - 15.0
    assert fibula[:, 2].max() < tibia.inside_points()[:, 2].max() - 5.0
    distance = read(tibia.surface, fibula)
    assert distance.min() > 0.5
    # Near its head it lies against the tibia, as a joint does.
    assert distance.min() < 4.0


@pytest.mark.parametrize(("name", "way"), [("femur", 1), ("tibia", -1)])
def test_a_cut_shaft_goes_on_with_an_open_end(mapped: Mapped, name: str, way: int) -> None:
    bone = mapped.limb.bone(name)
    ends = bone.inside_points()[:, 2] * way
    assert ends.max() > 140.0
    sections = [int((np.abs(ends - at) < 0.6).sum()) for at in (60.0, 80.0, 120.0)]
    assert 0.4 * sections[0] < sections[1] <= 1.02 * sections[0]
    assert 0.4 * sections[1] < sections[2] <= 1.02 * sections[1]
    # Marrow deep in the shaft stays deep about the cut: no cap is left in it.
    inside = bone.surface.geometry.to_lps(np.argwhere(bone.surface.data < -6.0))[:, 2] * way
    for at in (55.0, 60.0, 65.0, 70.0, 75.0):
        assert (np.abs(inside - at) < 0.6).any(), at


def test_frayed_last_slices_change_nothing_of_that(mapped: Mapped) -> None:
    labels, geometry = label_map(mapped.drawn, mapped.placed, empty_slices=1)
    limb = limb_of_labels(labels, geometry, Family.EVALUATION)
    for name, way in (("femur", 1), ("tibia", -1)):
        surface = limb.bone(name).surface
        deep = surface.geometry.to_lps(np.argwhere(surface.data < -6.0))[:, 2] * way
        assert deep.max() > 120.0


def test_a_bone_that_ends_within_the_map_is_not_carried_on(mapped: Mapped) -> None:
    labels, geometry = label_map(mapped.drawn, mapped.placed, empty_slices=12)
    limb = limb_of_labels(labels, geometry, Family.EVALUATION)
    assert limb.bone("femur").inside_points()[:, 2].max() < TOP_MM
    assert limb.bone("tibia").inside_points()[:, 2].min() > BOTTOM_MM - 5.0


def test_lesion_labels_belong_to_their_bone(mapped: Mapped) -> None:
    labels = mapped.labels.copy()
    inside = np.argwhere(labels == 1)
    middle = inside[len(inside) // 2]
    box = tuple(slice(int(n) - 4, int(n) + 4) for n in middle)
    labels[box] = np.where(labels[box] == 1, 7, labels[box])
    limb = limb_of_labels(labels, mapped.geometry, Family.EVALUATION)
    assert np.array_equal(limb.bone("femur").surface.data, mapped.limb.bone("femur").surface.data)


def test_a_map_without_a_patella_is_refused(mapped: Mapped) -> None:
    labels = np.where(mapped.labels == 5, 0, mapped.labels).astype(np.uint8)
    with pytest.raises(ValueError, match="label of a patella"):
        limb_of_labels(labels, mapped.geometry, Family.EVALUATION)


def test_it_is_imaged_like_a_drawn_limb(mapped: Mapped) -> None:
    """Marrow is bright and cortex dark in T1; truth holds the four bones, right of the centre."""
    limb = mapped.limb
    still = RigidTransform.identity()
    pose = Pose(still, {bone.bone_id.bone: still for bone in limb.bones})
    scene = Scene(limb, build_soft_tissue(limb), pose, oedema=(), family=Family.EVALUATION)
    geometry = grid(Plane.CORONAL, np.zeros(3), np.eye(3), (120, 120, 12), (1.2, 1.2, 6.0))
    timing = Timing(Weighting.T1, 600.0, 12.0, None, 1.0, 3.0)
    rendered = render(scene, Acquisition(timing, Plane.CORONAL, geometry, 4.0, 100.0, 0.0, 4, 1))
    image = rendered.images[0].data
    assert set(rendered.bones) == {"femur", "tibia", "patella", "fibula"}
    for name, mask in rendered.bones.items():
        assert mask.any(), name
        core = ndimage.binary_erosion(mask, np.ones((5, 5, 1)))
        rim = mask & ~ndimage.binary_erosion(mask, np.ones((3, 3, 1)))
        if core.any():
            assert np.median(image[core]) > 1.3 * np.median(image[rim]), name
    x = {
        name: geometry.to_lps(np.argwhere(mask))[:, 0].mean()
        for name, mask in rendered.bones.items()
    }
    assert x["fibula"] < x["tibia"]
    assert not rendered.regions.any()


@pytest.mark.slow
def test_the_public_maps_are_right_knees(shared_data: Path) -> None:
    """The femoral shaft leans to the patient's right; volumes are the labels' own."""
    path = shared_data / "knee-labels" / "9012867_00m.nii.gz"
    labels, geometry = read_label_values(path).astype(np.uint8), read_geometry(path)
    limb = limb_of_labels(labels, geometry, Family.EVALUATION)
    mm3 = (
        len(limb.bone("patella").inside_points()) * limb.bone("patella").surface.geometry.voxel_mm3
    )
    assert mm3 == pytest.approx(np.isin(labels, (5, 9)).sum() * geometry.voxel_mm3, rel=0.02)
    femur = limb.bone("femur").inside_points()
    low, high = femur[femur[:, 2] < 15.0], femur[(femur[:, 2] > 55.0) & (femur[:, 2] < 70.0)]
    assert high[:, 0].mean() < low[:, 0].mean() - 1.0


def test_a_similarity_is_found_and_undone() -> None:
    """A turned, scaled and shifted ellipsoid comes back onto itself."""
    rng = np.random.default_rng(0)
    axes = np.array([20.0, 14.0, 9.0])
    surface = rng.normal(size=(500, 3))
    surface = axes * surface / np.linalg.norm(surface, axis=1, keepdims=True)
    turn = Rotation.from_rotvec([0.1, -0.15, 0.2]).as_matrix()
    moved = 1.1 * surface @ turn.T + np.array([2.0, -1.0, 3.0])

    def distance(points: Points) -> NDArray[np.float64]:
        return np.asarray((np.linalg.norm(points / axes, axis=1) - 1.0) * 10.0)

    found = aligned(moved, moved.mean(axis=0), distance, np.zeros(3))
    assert np.abs(distance(found.apply(moved))).max() < 0.05
    assert found.scale == pytest.approx(1 / 1.1, abs=0.01)
    assert np.allclose(found.undo(found.apply(moved)), moved)
    kept = aligned(moved, moved.mean(axis=0), distance, np.zeros(3), scale=1.0)
    assert kept.scale == 1.0
    assert np.abs(distance(kept.apply(moved))).max() > 0.3
