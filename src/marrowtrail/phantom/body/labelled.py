"""A limb whose bones are those of a label map of a right knee, instead of drawn ones.

Distances are computed on the map's own voxels, smoothed by what takes the steps of voxels away,
and read at :data:`LABELLED_STEP_MM` in the limb frame; pose and size are the map's. The fibula,
which such maps lack, is that of a family's template, carried by the similarity that brings the
template's tibia onto this one, and set to touch it nowhere. Shafts that the field of view cuts
are carried on (:mod:`marrowtrail.phantom.body.shafts`), so that an image may reach beyond the
map; there the truth drawn from the limb is a plausible shaft and not the patient's. Regions stay
empty: none are painted on a label map.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.bone_maps import END_MM, BoneLabels, BoneMaps, chosen, read_at
from marrowtrail.phantom.body.bones import marrow_texture
from marrowtrail.phantom.body.contact import gap_mm, surface_points
from marrowtrail.phantom.body.limb import SHAFT_WAY, Limb, PatientBone
from marrowtrail.phantom.body.shafts import with_long_shaft
from marrowtrail.phantom.body.similarity import Similarity, aligned
from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate, load_template
from marrowtrail.phantom.family import Family
from marrowtrail.record.sites import BoneId, Side

LABELLED_STEP_MM = 1.0
"""Grid of a labelled bone: read with linear weights, it holds a surface to a tenth of a
millimetre where its radius of curvature is above 2 mm."""

FIBULA_GAP_MM = 1.2
"""What is left between fibula and tibia, cortex to cortex: two thin cartilages."""

FIBULA_ROUNDS = 4
"""Shifts of the fibula along the line from tibia to fibula; the last moves by 0.05 to 0.2 mm."""

KNEE_LABELS: Mapping[str, BoneLabels] = {
    "femur": BoneLabels((1, 7), (2,)),
    "tibia": BoneLabels((3, 8), (4,)),
    "patella": BoneLabels((5, 9), (6,)),
}
"""The layout of Woo et al. (arXiv 2211.16696); 7, 8 and 9 are lesions within the bones."""

HELD_OUT = frozenset({"9005075", "9012867", "9031426", "9099363", "9271853", "9332151"})
"""Subjects of the public maps of that layout that figures are measured on: no shape model and no
network is built from them."""


def limb_of_labels(labels: NDArray[np.uint8], geometry: Geometry, family: Family) -> Limb:
    """The right knee of a label map, in the limb frame, with a fibula of the family.

    Parameters
    ----------
    labels
        (i, j, k) values of :data:`KNEE_LABELS`; others are ignored.
    geometry
        The map's grid, index to LPS, whose axes run roughly along those of the patient.
    family
        Whose template sets the limb frame and gives the fibula.

    Raises
    ------
    ValueError
        If a bone of the knee is missing.
    """
    for bone, values in KNEE_LABELS.items():
        if not chosen(labels, values.bone).any():
            raise ValueError(
                f"Expected the label of a {bone} ({values.bone[0]}), got the values "
                f"{np.unique(labels).tolist()}. A knee needs femur, tibia and patella."
            )
    maps = {
        bone: BoneMaps.of(labels, geometry, it, SHAFT_WAY.get(("knee", bone), 0))
        for bone, it in KNEE_LABELS.items()
    }
    templates = {bone.bone: bone for bone in load_template("knee", family).bones}
    to_limb = _to_limb(maps, templates)
    placed = {bone: one.moved(to_limb) for bone, one in maps.items()}
    matched = {bone: _onto_template(placed[bone], templates[bone]) for bone in maps}
    bones = {bone: _limb_bone(placed[bone], templates[bone], matched[bone]) for bone in maps}
    bones["fibula"] = _beside(bones["tibia"], _fibula(templates["fibula"], matched["tibia"]))
    rng = np.random.default_rng(zlib.crc32(labels.tobytes()))
    return Limb("knee", Side.RIGHT, tuple(_grained(bone, rng).trimmed() for bone in bones.values()))


def _joint_end_of(template: BoneTemplate) -> Points:
    """Points within the joint end of a template's bone."""
    way = SHAFT_WAY.get(("knee", template.bone), 1)
    inside = template.geometry.to_lps(np.argwhere(template.surface_mm < 0))
    along = inside[:, 2] * way
    return np.asarray(inside[along < along.min() + END_MM])


def _middle(points: Points) -> NDArray[np.float64]:
    """The middle of the box that holds the points."""
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _to_limb(maps: Mapping[str, BoneMaps], templates: Mapping[str, BoneTemplate]) -> RigidTransform:
    """From the map's frame to the limb frame: femur and tibia together onto the template's.

    Size is left free in the search and the map's own is kept.
    """
    femur, tibia = maps["femur"].joint_end(1), maps["tibia"].joint_end(-1)
    onto = [Volume(templates[b].surface_mm, templates[b].geometry) for b in ("femur", "tibia")]
    ends = [_joint_end_of(templates[bone]) for bone in ("femur", "tibia")]
    centre = (_middle(femur) + _middle(tibia)) / 2
    there = (_middle(ends[0]) + _middle(ends[1])) / 2
    count = len(femur)

    def distance_at(points: Points) -> NDArray[np.float64]:
        return np.concatenate([read_at(onto[0], points[:count]), read_at(onto[1], points[count:])])

    found = aligned(np.concatenate([femur, tibia]), centre, distance_at, there)
    matrix = np.eye(4)
    matrix[:3, :3] = found.rotation
    matrix[:3, 3] = found.apply(centre) - found.rotation @ centre
    return RigidTransform(matrix)


def _onto_template(maps: BoneMaps, template: BoneTemplate) -> Similarity:
    """The similarity of a bone in the limb frame onto its template, which it lies near."""
    model = Volume(template.surface_mm, template.geometry)
    points = maps.joint_end(SHAFT_WAY.get(("knee", template.bone), 0))
    there = _middle(_joint_end_of(template))
    return aligned(points, _middle(points), lambda p: read_at(model, p), there)


def _limb_bone(maps: BoneMaps, model: BoneTemplate, to_template: Similarity) -> PatientBone:
    """A bone of the map on a grid of the limb frame, its shaft carried on."""
    way = SHAFT_WAY.get(("knee", model.bone), 0)
    grid = _grid(maps.points.min(axis=0) - CLIP_MM, maps.points.max(axis=0) + CLIP_MM)
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    surface = read_at(maps.surface, points).astype(np.float32)
    outer = surface if maps.outer is None else read_at(maps.outer, points).astype(np.float32)
    still = np.zeros((0, *grid.shape), dtype=np.float32)
    scar = None
    if model.scar_mm is not None:
        scar = read_at(Volume(model.scar_mm, model.geometry), to_template.apply(points))
    shape = BoneTemplate(
        model.bone,
        grid,
        surface,
        still,
        np.minimum(outer, surface),
        still,
        np.zeros(grid.shape, dtype=np.uint8),
        (),
        None if scar is None else scar.astype(np.float32),
    )
    if way and len(maps.cut):
        cut = (maps.cut[:, 2] * way).min()
        start = grid.affine[2, 3] if way > 0 else -grid.to_lps(np.asarray(grid.shape) - 1)[2]
        shape = with_long_shaft(shape, cut - start)
    return _patient_bone(shape, with_outer=maps.outer is not None)


def _grid(low: NDArray[np.float64], high: NDArray[np.float64]) -> Geometry:
    """A grid of :data:`LABELLED_STEP_MM` along the axes of the limb frame, over a box."""
    shape = np.ceil((high - low) / LABELLED_STEP_MM).astype(int) + 1
    affine = np.diag([LABELLED_STEP_MM] * 3 + [1.0])
    affine[:3, 3] = low
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def _patient_bone(shape: BoneTemplate, *, with_outer: bool) -> PatientBone:
    grid = shape.geometry
    outer = Volume(shape.outer_mm, grid) if with_outer and shape.outer_mm is not None else None
    return PatientBone(
        bone_id=BoneId(shape.bone, Side.RIGHT),
        joint="knee",
        surface=Volume(shape.surface_mm, grid),
        outer=outer,
        texture=Volume(np.zeros(grid.shape, dtype=np.float32), grid),
        regions=Volume(shape.regions, grid),
        region_names=shape.region_names,
        shaft=None,
        scar=None if shape.scar_mm is None else Volume(shape.scar_mm, grid),
    )


def _grained(bone: PatientBone, rng: np.random.Generator) -> PatientBone:
    """The bone with a marrow of its own."""
    grid = bone.surface.geometry
    return replace(bone, texture=Volume(marrow_texture(grid.shape, grid.spacing_mm[0], rng), grid))


def _fibula(template: BoneTemplate, to_template: Similarity) -> PatientBone:
    """The template's fibula in the limb frame, at the size of this tibia."""
    inside = to_template.undo(template.geometry.to_lps(np.argwhere(template.surface_mm < 0)))
    grid = _grid(inside.min(axis=0) - CLIP_MM, inside.max(axis=0) + CLIP_MM)
    points = to_template.apply(grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1)))

    def read(values: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled = read_at(Volume(values, template.geometry), points, CLIP_MM) / to_template.scale
        return np.clip(scaled, -CLIP_MM, CLIP_MM).astype(np.float32)

    return _patient_bone(
        replace(
            template,
            geometry=grid,
            surface_mm=read(template.surface_mm),
            regions=np.zeros(grid.shape, dtype=np.uint8),
            region_names=(),
            scar_mm=None if template.scar_mm is None else read(template.scar_mm),
        ),
        with_outer=False,
    )


def _beside(tibia: PatientBone, fibula: PatientBone) -> PatientBone:
    """The fibula moved along the line from the tibia's shaft until a film is left between them.

    What still overlaps is taken off the fibula.
    """
    bare = replace(tibia, outer=None)
    away = _middle(surface_points(fibula)) - tibia.inside_points().mean(axis=0)
    away[2] = 0.0
    away /= np.linalg.norm(away)
    for _ in range(FIBULA_ROUNDS):
        move = np.eye(4)
        move[:3, 3] = away * (FIBULA_GAP_MM - gap_mm(bare, surface_points(fibula)))
        fibula = fibula.moved(move)
    grid = fibula.surface.geometry
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    beyond = FIBULA_GAP_MM - read_at(tibia.surface, points, CLIP_MM)
    apart = np.maximum(fibula.surface.data, np.minimum(beyond, CLIP_MM)).astype(np.float32)
    return replace(fibula, surface=Volume(apart, grid))
