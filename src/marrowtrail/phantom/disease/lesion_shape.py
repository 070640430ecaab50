"""Oedema drawn in a bone: its place, its form, its uneven edge.

A lesion is a level in millimetres on its bone's grid, positive inside, about the distance
to its edge. Truth is level > 0 within marrow. The image shows a soft edge about it whose
half height is at 0 (:mod:`marrowtrail.phantom.disease.edge_profile`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import bounding_box
from marrowtrail.phantom.body.limb import STEP_MM, PatientBone
from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.disease.edge_profile import EdgeProfile, draw_edge
from marrowtrail.phantom.disease.lesion_texture import draw_strength, smooth_noise
from marrowtrail.phantom.disease.placement import Vector, lesion_centre, towards
from marrowtrail.phantom.disease.plan import Form, LesionPlan
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import coordinate

FADED_MM = 11.0
"""No edge profile has more than 1 % of a lesion's water left this far outside its edge."""

SPILLING_SLOPE = 0.3
"""And by this much where its plan lets it run on, as from the head of a femur into the neck."""

BORDER_WAVES_MM = 2.0
"""And it crosses that border unevenly, by this standard deviation."""

HEALS_TOWARDS_JOINT = 0.5
"""As a lesion under a joint surface shrinks, its middle moves towards that surface by up to this
share of its radius: what is left of oedema lies under the plate."""

SMALLEST_SHARE = 0.005
"""Regions that hold less of a lesion are not named."""

BORDER_SLOPE = 1.5
"""Past its region's border a lesion thins by this much for every millimetre: oedema does not
stop at a painted border, and a hard cut would give it a corner."""

SUBCHONDRAL_MM = 1.2
"""Marrow begins here: depth of cortex and subchondral plate under the bone's surface."""

AXES: dict[Form, tuple[float, float, float]] = {
    "blob": (1.0, 1.0, 1.0),
    "cap": (1.25, 1.25, 0.55),
    "band": (1.7, 1.7, 0.5),
    "diffuse": (1.5, 1.5, 1.5),
    "geographic": (1.0, 1.0, 1.0),
    "multifocal": (0.5, 0.5, 0.5),
}
"""Semi-axes as shares of the radius; the last lies towards the joint surface."""

WAVES: dict[Form, tuple[float, float]] = {
    "blob": (0.14, 4.0),
    "cap": (0.12, 4.0),
    "band": (0.14, 5.0),
    "diffuse": (0.24, 6.0),
    "geographic": (0.22, 3.2),
    "multifocal": (0.12, 3.0),
}
"""Waviness of the edge as a share of the radius, and its scale in mm."""

CUT_WAVES_MM = 1.5
"""Unevenness of the gap that parts a lesion, standard deviation."""

MOST_WAVES = 0.45
"""The edge comes in or goes out by no more than this share of the radius."""

FOCI = (3, 5)
FOCI_APART = 0.55
"""Foci lie this share of the radius from the middle: near ones touch, others do not."""

FRINGE_MM = (0.8, 4.5)
"""Fingers along trabeculae: scale across and along the bone's long axis."""


@dataclass(frozen=True, slots=True, eq=False)
class LesionShape:
    """A lesion's place and form at ``size`` 1; :meth:`level` gives it at any size.

    ``centre`` is a point of the limb frame; ``spread`` (3, 3) maps millimetres from it to
    units of the semi-axes and ``offset`` is the distance in those units, ``scale_mm`` what one
    of them is in mm there. ``waviness`` makes the edge uneven, ``region_level`` is the distance
    to the region's border in mm. ``upwards`` is the distance from the centre towards the joint
    surface in units of the radius. ``strength`` multiplies its water from place to place.
    ``parting`` bounds a piece of a lesion that is cut: mm inside its half.
    """

    plan: LesionPlan
    bone: PatientBone
    radius_mm: float
    water: float
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    offset: NDArray[np.float32]
    scale_mm: NDArray[np.float32]
    waviness: NDArray[np.float32]
    region_level: NDArray[np.float32]
    upwards: NDArray[np.float32]
    edge: EdgeProfile
    strength: NDArray[np.float32]
    parting: NDArray[np.float32] | None = None

    def level(self, size: float) -> NDArray[np.float32]:
        """Millimetres inside the edge, at a size that scales the radius; in marrow alone."""
        return np.asarray(np.minimum(self.spread_level(size), marrow_level(self.bone)))

    def spread_level(self, size: float) -> NDArray[np.float32]:
        """The same as if there were marrow everywhere: oedema reaches the plate undimmed."""
        blob = self.scale_mm * (np.float32(size) * (np.float32(1.0) + self.waviness) - self.offset)
        if self.plan.place == "joint" and size < 1.0:
            lift = np.float32(HEALS_TOWARDS_JOINT * (1.0 - size))
            blob += lift * self.scale_mm * np.clip(self.upwards, -1.0, 1.0)
        slope = np.float32(SPILLING_SLOPE if self.plan.spills else BORDER_SLOPE)
        inside = blob + slope * np.minimum(self.region_level, 0.0)
        if self.parting is not None:
            inside = np.minimum(inside, self.parting)
        return np.asarray(inside, dtype=np.float32)


def marrow_level(bone: PatientBone) -> NDArray[np.float32]:
    """Millimetres inside a bone's marrow."""
    return np.asarray(-bone.surface.data - np.float32(SUBCHONDRAL_MM), dtype=np.float32)


def volume_of(level: NDArray[np.float32]) -> float:
    """Volume in mm3 where a level on a bone's grid is positive, edge voxels counted in part."""
    return float(soft(level, STEP_MM).sum()) * STEP_MM**3


def region_shares(level: NDArray[np.float32], bone: PatientBone) -> tuple[tuple[str, float], ...]:
    """(region, share of where the level is positive), largest first."""
    weight = soft(level, STEP_MM).ravel()
    names = ("unspecified", *bone.region_names)
    totals = np.bincount(bone.regions.data.ravel(), weight, minlength=len(names))
    shares = [(name, float(t / totals.sum())) for name, t in zip(names, totals, strict=True)]
    return tuple(sorted((s for s in shares if s[1] >= SMALLEST_SHARE), key=lambda s: -s[1]))


def soft(level: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Share of a voxel of that width on the positive side of an edge."""
    return np.asarray(np.clip(0.5 + level / np.float32(width), 0.0, 1.0), dtype=np.float32)


def draw_lesion(
    plan: LesionPlan,
    bone: PatientBone,
    rng: np.random.Generator,
    family: Family = Family.BUILDING,
) -> LesionShape:
    """A lesion of that plan in that bone."""
    radius = plan.radius_mm.draw(rng)
    region_level = _region_level(bone, bone.region_names.index(plan.region) + 1)
    centre = lesion_centre(plan, bone, region_level, radius, rng)
    way = towards(plan.towards, bone.bone_id.side)
    spread = _spread(plan.form, radius, way, rng)
    geometry = bone.surface.geometry
    offset = _offset(plan.form, geometry, centre, spread, radius, rng)
    amount, scale = WAVES[plan.form]
    waviness = np.float32(amount) * smooth_noise(geometry.shape, scale, rng)
    border = region_level + np.float32(BORDER_WAVES_MM / amount) * waviness
    edge = draw_edge(plan.edge, family, rng)
    if edge.fringe_mm > 0:
        waviness += np.float32(edge.fringe_mm / (radius * min(AXES[plan.form]))) * _fingers(
            geometry, rng
        )
    waviness = np.clip(waviness, -MOST_WAVES, MOST_WAVES)
    upwards = _upwards(geometry, centre, way / radius)
    return LesionShape(
        plan=plan,
        bone=bone,
        radius_mm=radius,
        water=plan.water.draw(rng),
        centre=centre,
        spread=spread,
        offset=offset,
        scale_mm=_scale_mm(offset, radius, plan.form),
        waviness=waviness,
        region_level=border,
        upwards=upwards,
        edge=edge,
        strength=draw_strength(upwards, offset, family, rng),
    )


def cut_piece(plan: LesionPlan, whole: LesionShape, rng: np.random.Generator) -> LesionShape:
    """One half of a lesion that is cut through its middle, with a gap between the halves.

    Both halves must be drawn from generators of one state: they share the cut.
    """
    way = towards(plan.cut, whole.bone.bone_id.side)
    tilted = Rotation.from_rotvec(rng.uniform(-0.25, 0.25, 3)).apply(way)
    gap = plan.gap_mm.draw(rng)
    geometry = whole.bone.surface.geometry
    middle = geometry.to_lps(np.argwhere(whole.level(1.0) > 0)).mean(axis=0)
    away = _upwards(geometry, middle, tilted)
    away += np.float32(CUT_WAVES_MM) * smooth_noise(away.shape, 4.0, rng)
    signed = away if plan.half == 1 else -away
    parting = np.asarray(signed - np.float32(gap / 2), dtype=np.float32)
    return replace(whole, plan=plan, parting=parting)


def _spread(form: Form, radius: float, way: Vector, rng: np.random.Generator) -> Vector:
    """(3, 3) millimetres to units of the semi-axes; flat forms lie across the way to the joint."""
    axes = radius * np.exp(rng.uniform(-0.22, 0.22, 3)) * np.asarray(AXES[form])
    turn = Rotation.random(random_state=rng).as_matrix()
    if form in ("cap", "band"):
        turn, _ = np.linalg.qr(np.column_stack([way, turn[:, 0], turn[:, 1]]))
        turn = turn[:, [1, 2, 0]]
    return np.asarray((turn / axes) @ turn.T)


def _offset(
    form: Form,
    geometry: Geometry,
    centre: Vector,
    spread: Vector,
    radius: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    if form != "multifocal":
        return offset_from(geometry, centre, spread)
    foci = rng.standard_normal((int(rng.integers(FOCI[0], FOCI[1] + 1)), 3))
    foci *= FOCI_APART * radius / np.linalg.norm(foci, axis=1, keepdims=True)
    sizes = rng.uniform(0.75, 1.1, len(foci))
    each = [
        offset_from(geometry, centre + focus, spread / size)
        for focus, size in zip(foci, sizes, strict=True)
    ]
    return np.asarray(np.min(each, axis=0), dtype=np.float32)


def _scale_mm(offset: NDArray[np.float32], radius: float, form: Form) -> NDArray[np.float32]:
    """Millimetres that one unit of an offset takes at every voxel.

    With it a flat lesion's edge is as wide at its rim as on its flat side.
    """
    slope = np.sqrt(np.sum(np.square(np.gradient(offset, STEP_MM)), axis=0))
    axes = AXES[form]
    low, high = 0.75 * radius * min(axes), 1.25 * radius * max(axes)
    return np.asarray(np.clip(1.0 / np.maximum(slope, 1e-6), low, high), dtype=np.float32)


def offset_from(
    geometry: Geometry, centre: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(i, j, k) distance of every voxel from a centre, in units of an ellipsoid's semi-axes.

    ``spread`` (3, 3) maps millimetres to those units.
    """
    whole = tuple(slice(0, n) for n in geometry.shape)
    to_units = spread @ geometry.affine[:3, :3]
    shift = spread @ (geometry.affine[:3, 3] - centre)
    total = np.zeros(geometry.shape, dtype=np.float32)
    for row, start in zip(to_units, shift, strict=True):
        total += coordinate(np.append(row, start), (whole[0], whole[1], whole[2])) ** 2
    return np.asarray(np.sqrt(total), dtype=np.float32)


def _upwards(geometry: Geometry, centre: Vector, way: Vector) -> NDArray[np.float32]:
    """(i, j, k) distance of every voxel from a centre along a vector."""
    whole = tuple(slice(0, n) for n in geometry.shape)
    row = np.append(way @ geometry.affine[:3, :3], way @ (geometry.affine[:3, 3] - centre))
    return coordinate(row, (whole[0], whole[1], whole[2]))


def _fingers(geometry: Geometry, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise drawn out along z of the limb frame, standard deviation 1."""
    along = np.abs(geometry.directions[2])
    across_mm, along_mm = FRINGE_MM
    sigma = (across_mm + (along_mm - across_mm) * along) / STEP_MM
    noise = rng.standard_normal(geometry.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, sigma)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _region_level(bone: PatientBone, value: int) -> NDArray[np.float32]:
    """Millimetres to where another part of the bone begins, positive in the region.

    Outside the bone it goes on, so that a surface is no border.
    """
    own = bone.regions.data == value
    other = ~own & (bone.surface.data < 0)
    if not other.any():
        return np.full(own.shape, CLIP_MM, dtype=np.float32)
    to_other = ndimage.distance_transform_edt(~other, sampling=STEP_MM)
    to_own = ndimage.distance_transform_edt(~own, sampling=STEP_MM)
    return np.asarray(to_other - to_own, dtype=np.float32)


def cut_box(
    level: NDArray[np.float32],
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Start and stop of the block of a bone's grid where a lesion of that level shows."""
    return bounding_box(level > -FADED_MM, (1, 1, 1))
