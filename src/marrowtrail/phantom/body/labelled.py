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
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, bounding_box
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

SMOOTH_MM = 0.5
"""Width of the Gaussian that takes the steps of 0.7 mm slices off the distances. It moves a
surface of 10 mm radius by 0.03 mm."""

REACH_MM = 9.0
"""Distances are computed this far about a bone: further than anything drawn from it."""

FIBULA_GAP_MM = 1.2
"""What is left between fibula and tibia, cortex to cortex: two thin cartilages."""

FIBULA_ROUNDS = 4
"""Shifts of the fibula along the line from tibia to fibula; the last moves under 0.1 mm."""

END_MM = 30.0
"""The joint end of a bone, which is matched with the template's."""

SURFACE_POINTS = 3000
"""Points of each surface that are matched: about one to 4 mm2 of an epiphysis."""

CUT_WITHIN_MM = 1.5
"""A shaft whose last section is this near to the border of the map is cut by it."""

CUT_MARGIN_MM = 2.0
"""The last sections before the cut are left out: labels fray there."""


@dataclass(frozen=True, slots=True)
class BoneLabels:
    """Which values of a label map are a bone, and which its cartilage."""

    bone: tuple[int, ...]
    cartilage: tuple[int, ...]


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
        if not _chosen(labels, values.bone).any():
            raise ValueError(
                f"Expected the label of a {bone} ({values.bone[0]}), got the values "
                f"{np.unique(labels).tolist()}. A knee needs femur, tibia and patella."
            )
    maps = {
        bone: _BoneMaps.of(labels, geometry, it, SHAFT_WAY.get(("knee", bone), 0))
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


@dataclass(frozen=True, slots=True, eq=False)
class _BoneMaps:
    """Signed distances of one bone at the map's resolution, and where it ends.

    ``points`` (m, 3) are those of its surface, ``cut`` (n, 3) of the last whole section of a
    shaft that leaves the map; none where it does not.
    """

    surface: Volume
    outer: Volume | None
    points: Points
    cut: Points

    @staticmethod
    def of(
        labels: NDArray[np.uint8], geometry: Geometry, values: BoneLabels, way: int
    ) -> _BoneMaps:
        """Those of one bone whose shaft points up (+1) or down (-1), or that has none (0)."""
        bone, cartilage = _chosen(labels, values.bone), _chosen(labels, values.cartilage)
        section = _carry_to_border(bone, geometry, way) if way else np.zeros((0, 3))
        start, stop = bounding_box(bone | cartilage, (1, 1, 1))
        cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        box, bone, cartilage = geometry.crop(start, stop), _largest(bone[cut]), cartilage[cut]
        edge = np.argwhere(bone & ~ndimage.binary_erosion(bone, border_value=1))
        return _BoneMaps(
            _distances(bone, box),
            _distances(bone | cartilage, box) if cartilage.any() else None,
            box.to_lps(edge),
            section,
        )

    def moved(self, to_limb: RigidTransform) -> _BoneMaps:
        """The same bone in another frame."""

        def there(volume: Volume) -> Volume:
            grid = volume.geometry
            return Volume(volume.data, Geometry(grid.shape, to_limb.matrix @ grid.affine))

        return _BoneMaps(
            there(self.surface),
            None if self.outer is None else there(self.outer),
            to_limb.apply(self.points),
            to_limb.apply(self.cut),
        )

    def joint_end(self, way: int) -> Points:
        """Surface points within :data:`END_MM` of the end that a shaft points away from."""
        along = self.points[:, 2] * (way or 1)
        near = self.points[along < along.min() + END_MM]
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(near), min(SURFACE_POINTS, len(near)), replace=False)
        return np.asarray(near[chosen])


def _chosen(labels: NDArray[np.uint8], values: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a map holds one of the values."""
    table = np.zeros(256, dtype=np.bool_)
    table[list(values)] = True
    return table[labels]


def _carry_to_border(bone: NDArray[np.bool_], geometry: Geometry, way: int) -> Points:
    """Carry a shaft that nearly reaches the border of the map out to it, in place.

    Labels fray in the last slices: without this the shaft would end in a cap within the map, and
    its marrow be too near to a surface. Returns the points of the section that is repeated; none
    where the bone ends by itself.
    """
    axis = int(np.argmax(np.abs(geometry.directions[2])))
    ahead = way * geometry.directions[2, axis] > 0
    upright = np.moveaxis(bone, axis, 0)[:: 1 if ahead else -1]
    filled = np.flatnonzero(upright.any(axis=(1, 2)))
    step = geometry.spacing_mm[axis]
    if (len(upright) - 1 - filled[-1]) * step > CUT_WITHIN_MM:
        return np.zeros((0, 3))
    last = int(filled[-1] - round(CUT_MARGIN_MM / step))
    upright[last + 1 :] = upright[last]
    index = np.insert(np.argwhere(upright[last]), 0, last, axis=1)
    if not ahead:
        index[:, 0] = len(upright) - 1 - index[:, 0]
    return geometry.to_lps(np.insert(index[:, 1:], axis, index[:, 0], axis=1))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of a mask: label maps hold single stray voxels."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == int(np.argmax(sizes)))


def _distances(mask: NDArray[np.bool_], geometry: Geometry) -> Volume:
    """Signed distances in mm in and about a mask; what the grid's edge cuts goes on beyond it."""
    spacing = np.asarray(geometry.spacing_mm)
    pad = np.ceil(REACH_MM / spacing).astype(int)
    around = [(n, n) for n in pad]
    box = np.pad(mask, around, mode="edge")
    signed = ndimage.distance_transform_edt(~box, sampling=spacing).astype(np.float32)
    # One voxel about the mask is enough for the distances in it, at half the cost.
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"), sampling=spacing)
    signed -= np.pad(inside[1:-1, 1:-1, 1:-1].astype(np.float32), around, mode="edge")
    # Both are distances to voxels' centres; the surface lies half a voxel before them.
    signed -= np.sign(signed) * np.float32(0.5 * np.sqrt(np.mean(spacing**2)))
    smooth = ndimage.gaussian_filter(signed, SMOOTH_MM / spacing)
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.to_lps(-pad)
    shape = (box.shape[0], box.shape[1], box.shape[2])
    return Volume(np.clip(smooth, -CLIP_MM, CLIP_MM), Geometry(shape, affine))


def _read(volume: Volume, points: Points, fill: float | None = None) -> NDArray[np.float64]:
    """A map at (..., 3) points, beyond its grid that of its edge or ``fill``."""
    ijk = np.moveaxis(volume.geometry.to_ijk(points), -1, 0)
    mode = "nearest" if fill is None else "constant"
    return np.asarray(
        ndimage.map_coordinates(volume.data, ijk, order=1, mode=mode, cval=fill or 0.0)
    )


def _joint_end_of(template: BoneTemplate) -> Points:
    """Points within the joint end of a template's bone."""
    way = SHAFT_WAY.get(("knee", template.bone), 1)
    inside = template.geometry.to_lps(np.argwhere(template.surface_mm < 0))
    along = inside[:, 2] * way
    return np.asarray(inside[along < along.min() + END_MM])


def _middle(points: Points) -> NDArray[np.float64]:
    """The middle of the box that holds the points."""
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _to_limb(
    maps: Mapping[str, _BoneMaps], templates: Mapping[str, BoneTemplate]
) -> RigidTransform:
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
        return np.concatenate([_read(onto[0], points[:count]), _read(onto[1], points[count:])])

    found = aligned(np.concatenate([femur, tibia]), centre, distance_at, there)
    matrix = np.eye(4)
    matrix[:3, :3] = found.rotation
    matrix[:3, 3] = found.apply(centre) - found.rotation @ centre
    return RigidTransform(matrix)


def _onto_template(maps: _BoneMaps, template: BoneTemplate) -> Similarity:
    """The similarity of a bone in the limb frame onto its template, which it lies near."""
    model = Volume(template.surface_mm, template.geometry)
    points = maps.joint_end(SHAFT_WAY.get(("knee", template.bone), 0))
    there = _middle(_joint_end_of(template))
    return aligned(points, _middle(points), lambda p: _read(model, p), there)


def _limb_bone(maps: _BoneMaps, model: BoneTemplate, to_template: Similarity) -> PatientBone:
    """A bone of the map on a grid of the limb frame, its shaft carried on."""
    way = SHAFT_WAY.get(("knee", model.bone), 0)
    grid = _grid(maps.points.min(axis=0) - CLIP_MM, maps.points.max(axis=0) + CLIP_MM)
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    surface = _read(maps.surface, points).astype(np.float32)
    outer = surface if maps.outer is None else _read(maps.outer, points).astype(np.float32)
    still = np.zeros((0, *grid.shape), dtype=np.float32)
    scar = None
    if model.scar_mm is not None:
        scar = _read(Volume(model.scar_mm, model.geometry), to_template.apply(points))
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
        scaled = _read(Volume(values, template.geometry), points, CLIP_MM) / to_template.scale
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
    beyond = FIBULA_GAP_MM - _read(tibia.surface, points, CLIP_MM)
    apart = np.maximum(fibula.surface.data, np.minimum(beyond, CLIP_MM)).astype(np.float32)
    return replace(fibula, surface=Volume(apart, grid))
