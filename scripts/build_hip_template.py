"""Build the hip's templates from coarse bone surfaces.

    python scripts/build_hip_template.py SURFACES --out src/marrowtrail/phantom/shapes

``SURFACES`` is ``data/bone-surfaces``. Writes ``hip.npz`` and ``hip-evaluation.npz``; the second
is the same source under one strong deformation, with another head and socket.

The source's femoral head is a sphere to 0.3 mm, but lies 13 mm off the middle of the socket.
The femur is moved there, head and socket are made concentric spheres, and cartilage is laid on
both: all of the head but its fovea, and a horseshoe in the socket, about a fossa.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate, JointTemplate, save_template
from marrowtrail.phantom.body.variation import Mode, ModeKind
from marrowtrail.phantom.family import Family
from shape_building.maps import (
    Map,
    points_of,
    redistanced,
    smooth_step,
    smooth_union,
    warped,
)
from shape_building.surfaces import distance_map, read_ply

Array = NDArray[np.float64]

STEP_MM = 2.0
MARGIN_MM = 14.0
HEAD_LPS = np.array([-83.8, 70.9, -66.7])
"""Middle of the sphere that fits the source's femoral head (radius 22.6 mm)."""
SOCKET_LPS = HEAD_LPS + np.array([3.0, 7.0, -11.0])
"""Where most of the socket's surface lies at one distance: found by search on a 2 mm grid."""
WINDOW_MM = np.array([[-80.0, -90.0, -156.0], [92.0, 110.0, 150.0]])
"""About the socket: past the midline, and along the femur beyond any field of view."""

CARTILAGE_MM = {"femur": 1.5, "hip_bone": 1.5}
FILM_MM = 0.4
GAP_MM = sum(CARTILAGE_MM.values()) + FILM_MM

POLE = np.array([0.74, 0.28, 0.61])
"""From the middle of the socket into the pelvis: its mouth looks 40 degrees down and 20 to the
front, as usual on CT."""
FOSSA = np.array([0.86, 0.15, -0.49])
"""Towards the fossa, which opens at the notch below."""
SHELL_MM = 6.0
"""Least thickness of bone behind the socket."""

EVALUATION_MODES = (
    Mode(kind=ModeKind.STRETCH, axis="x", sd=0.05),
    Mode(kind=ModeKind.STRETCH, axis="z", sd=0.06),
    Mode(kind=ModeKind.SHEAR, axis="z", along="x", sd=0.09),
    Mode(kind=ModeKind.TWIST, axis="z", sd=0.16),
    Mode(kind=ModeKind.BEND, axis="y", along="z", sd=6.0),
    Mode(kind=ModeKind.SWELL, centre=(-58.0, 4.0, -10.0), radius_mm=18.0, sd=4.0),
)


@dataclass(frozen=True)
class Hip:
    """What differs between the families."""

    radius_mm: float
    modes: tuple[Mode, ...]
    noise_mm: float


HIPS = {
    Family.BUILDING: Hip(23.6, (), 0.0),
    Family.EVALUATION: Hip(25.4, EVALUATION_MODES, 2.2),
}


def angle_deg(points: Array, direction: Array) -> Array:
    """Angle between (..., 3) points, as seen from the origin, and a direction."""
    norm = np.maximum(np.linalg.norm(points, axis=-1), 1e-6) * np.linalg.norm(direction)
    return np.asarray(np.degrees(np.arccos(np.clip(points @ direction / norm, -1.0, 1.0))))


def neck_axis(femur: Map, radius: float) -> Array:
    """From the head's middle along the neck: where bone leaves the head."""
    points = points_of(femur.grid)
    away = np.linalg.norm(points, axis=-1)
    beyond = points[(femur.values < 0) & (away > radius + 4) & (away < radius + 10)]
    axis = beyond.mean(axis=0)
    return np.asarray(axis / np.linalg.norm(axis))


def with_round_head(femur: Map, radius: float, axis: Array) -> Map:
    """The femur with a spherical head about the origin, running into its neck."""
    points = points_of(femur.grid)
    away = np.linalg.norm(points, axis=-1)
    ball = away - radius
    joined = smooth_union(femur.values.astype(np.float64), ball, 4.0)
    free = smooth_step(angle_deg(points, axis), 38.0, 62.0) * smooth_step(
        away, radius + 14.0, radius + 5.0
    )
    # The source's head may reach beyond the ball; on its free side only the ball counts.
    return redistanced(femur.with_values((1 - free) * joined + free * ball), 0.8)


def with_round_socket(hip: Map, radius: float) -> Map:
    """The hip bone with a spherical socket about the origin, with fossa and notch."""
    points = points_of(hip.grid)
    away = np.linalg.norm(points, axis=-1)
    from_pole, from_fossa = angle_deg(points, POLE), angle_deg(points, FOSSA)
    notch = smooth_step(angle_deg(points, np.array([0.35, -0.05, -0.93])), 34.0, 48.0)
    rim = smooth_step(from_pole, 84.0, 72.0) * notch
    shell = np.maximum(away - radius - SHELL_MM, radius - 6.0 - away) + 14.0 * (1.0 - rim)
    joined = smooth_union(hip.values.astype(np.float64), shell, 5.0)
    deep = 3.2 * smooth_step(from_fossa, 34.0, 22.0)
    return redistanced(hip.with_values(np.maximum(joined, radius + deep - away)), 0.7)


def head_cartilage(femur: Map, radius: float, axis: Array) -> Map:
    """Cartilage over the head, fading at the neck and at the fovea."""
    points = points_of(femur.grid)
    thick = smooth_step(angle_deg(points, axis), 58.0, 76.0)
    thick *= smooth_step(angle_deg(points, np.array([0.93, 0.2, -0.3])), 9.0, 16.0)
    thick *= smooth_step(np.linalg.norm(points, axis=-1), radius + 12.0, radius + 5.0)
    return femur.with_values(femur.values - CARTILAGE_MM["femur"] * thick)


def socket_cartilage(hip: Map, radius: float) -> Map:
    """A horseshoe of cartilage about the fossa, open at the notch."""
    points = points_of(hip.grid)
    thick = smooth_step(angle_deg(points, FOSSA), 36.0, 44.0)
    thick *= smooth_step(angle_deg(points, POLE), 84.0, 76.0)
    away = np.linalg.norm(points, axis=-1)
    thick *= smooth_step(away, radius + 5.0, radius + 2.0)
    return hip.with_values(hip.values - CARTILAGE_MM["hip_bone"] * thick)


def femur_regions(femur: Map, radius: float, axis: Array) -> tuple[NDArray[np.uint8], list[str]]:
    """Head, neck to the line between the trochanters, trochanters, shaft below the lesser one."""
    points = points_of(femur.grid)
    along = points @ axis
    head = (np.linalg.norm(points, axis=-1) < 1.06 * radius) & (along < 0.72 * radius)
    regions = np.full(femur.values.shape, 3, dtype=np.uint8)
    regions[along < radius + 16.0] = 2
    regions[head | (along < 0.4 * radius)] = 1
    regions[points[..., 2] < -74.0] = 4
    return regions, ["head", "neck", "trochanters", "shaft"]


def hip_regions(hip: Map, radius: float) -> tuple[NDArray[np.uint8], list[str]]:
    """The acetabulum is within 14 mm of the socket; beyond it the three bones that meet there."""
    points = points_of(hip.grid)
    x, y, z = np.moveaxis(points, -1, 0)
    away = np.linalg.norm(points, axis=-1)
    regions = np.where(z > 12.0, 2, np.where(y > 2.0 + 0.25 * x, 3, 4)).astype(np.uint8)
    regions[(away < radius + 14.0) & (angle_deg(points, POLE) < 100.0)] = 1
    return regions, ["acetabulum", "ilium", "ischium", "pubis"]


def head_scar(femur: Map, radius: float, axis: Array) -> NDArray[np.float32]:
    """The closed plate of the head: a shallow cap across it, a third of a radius to the neck."""
    points = points_of(femur.grid)
    along = points @ axis
    off = np.linalg.norm(points - along[..., None] * axis, axis=-1)
    wave = 1.2 * np.sin(points[..., 0] / 6.0) * np.cos(points[..., 1] / 7.0)
    level = along - (0.52 * radius - 0.009 * off**2 + wave)
    return np.clip(level, -CLIP_MM, CLIP_MM).astype(np.float32)


def template_of(
    bone: str,
    surface: Map,
    outer: Map,
    regions: tuple[NDArray[np.uint8], list[str]],
    scar: NDArray[np.float32] | None,
) -> BoneTemplate:
    """A bone of one shape."""
    still = np.zeros((0, *surface.grid.shape), dtype=np.float32)
    painted, names = regions
    return BoneTemplate(
        bone,
        surface.grid,
        np.clip(surface.values, -CLIP_MM, CLIP_MM),
        still,
        np.clip(outer.values, -CLIP_MM, CLIP_MM),
        still,
        painted,
        tuple(names),
        scar,
    )


def hip_template(raw: dict[str, Map], plan: Hip) -> JointTemplate:
    """The hip of one family."""
    radius, socket = plan.radius_mm, plan.radius_mm + GAP_MM
    if plan.modes:
        raw = {name: warped(one, plan.modes, plan.noise_mm, 5) for name, one in raw.items()}
    axis = neck_axis(raw["femur"], radius)
    femur = with_round_head(raw["femur"], radius, axis)
    hip = with_round_socket(raw["hip_bone"], socket)
    return JointTemplate(
        "hip",
        (
            template_of(
                "femur",
                femur,
                head_cartilage(femur, radius, axis),
                femur_regions(femur, radius, axis),
                head_scar(femur, radius, axis),
            ),
            template_of(
                "hip_bone", hip, socket_cartilage(hip, socket), hip_regions(hip, socket), None
            ),
        ),
    )


def main() -> None:
    """Voxelise, round, paint and save both families."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("surfaces", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    femur, hip = (read_ply(options.surfaces / f"{n}.ply") for n in ("femur", "pelvis_right"))
    window = WINDOW_MM
    raw = {
        "femur": distance_map(femur.moved((1.0, 1.0, 1.0), -HEAD_LPS), window, STEP_MM, MARGIN_MM),
        "hip_bone": distance_map(
            hip.moved((1.0, 1.0, 1.0), -SOCKET_LPS), window, STEP_MM, MARGIN_MM
        ),
    }
    for family, plan in HIPS.items():
        name = "hip.npz" if family is Family.BUILDING else f"hip-{family.value}.npz"
        save_template(hip_template(raw, plan), options.out / name)
        print(f"{name}: {(options.out / name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
