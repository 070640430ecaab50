"""Build the templates of ankle and foot from coarse bone surfaces.

    python scripts/build_ankle_template.py SURFACES --out src/marrowtrail/phantom/shapes

``SURFACES`` is ``data/bone-surfaces``. Writes ``ankle.npz`` and ``foot.npz``, and both once more
for evaluation: the same source under one strong deformation, with another trochlea.

The source's talus and cuboid are too small for their neighbours and are enlarged; the fibula
ends too high and is moved down; the medial malleolus is lengthened. Dome and plafond are made
one saddle, and all facing surfaces are brought to one gap, half by each bone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate, JointTemplate, save_template
from marrowtrail.phantom.body.variation import Mode, ModeKind
from marrowtrail.phantom.family import Family
from shape_building.maps import (
    Array,
    Map,
    capsule,
    congruent,
    points_of,
    redistanced,
    smooth_cut,
    smooth_step,
    smooth_union,
    warped,
)
from shape_building.surfaces import Surface, distance_map, read_ply

CUNEIFORMS = ("cuneiform_medial", "cuneiform_intermediate", "cuneiform_lateral")
METATARSALS = tuple(f"metatarsal_{n}" for n in range(1, 6))
MIDFOOT = ("navicular", "cuboid", *CUNEIFORMS, *METATARSALS)
SURFACES = ("tibia", "fibula", "talus", "calcaneus", *MIDFOOT)

STEP_MM = 1.5
MARGIN_MM = 12.0
SCALE = {
    "talus": (1.28, 1.28, 1.25),
    "cuboid": (1.35, 1.3, 1.25),
    "navicular": (1.08, 1.1, 1.15),
}
"""The source's talus has 14 cm3, where 30 to 40 are usual; its cuboid is 24 mm long."""
GROW_MM = {"navicular": 0.6, **dict.fromkeys(CUNEIFORMS, 0.8), **dict.fromkeys(METATARSALS, 0.6)}
FIBULA_DOWN_MM = 9.0
"""Brings the tip of the lateral malleolus to 2.5 cm below the plafond, where it belongs."""
TIBIA_SLENDER = (0.91, 0.86)
"""The source's plafond is 51 mm wide and 52 mm deep, where 45 and 40 are usual: the tibia's last
centimetres are made slender by this, its shaft is left."""
MALLEOLUS_MM = 11.5
"""From the medial wall of the talus to the medial edge of the tibia: gap and malleolus."""
LIP_MM = 2.0
"""How far below the top of the dome the plafond's front and back lips reach."""
GAP_MM = 3.0
"""Left between two bones of a joint: the cartilage of both, and a film."""
LEG_MM = 142.0
"""Tibia and fibula are kept this far above the joint: beyond any field of view."""
FOOT_LPS = np.array([2.0, -62.0, -44.0])
"""Origin of the foot's frame in the ankle's: at the joints of tarsus and metatarsus."""
FOOT_LEG_MM = 70.0

EVALUATION_MODES = (
    Mode(kind=ModeKind.STRETCH, axis="x", sd=0.06),
    Mode(kind=ModeKind.SHEAR, axis="x", along="y", sd=0.07),
    Mode(kind=ModeKind.SHEAR, axis="y", along="z", sd=0.08),
    Mode(kind=ModeKind.TWIST, axis="y", centre=(0.0, 0.0, -30.0), sd=0.10),
    Mode(kind=ModeKind.BEND, axis="z", along="y", sd=3.5),
    Mode(kind=ModeKind.SWELL, centre=(0.0, 58.0, -55.0), radius_mm=20.0, sd=4.0),
    Mode(kind=ModeKind.STRETCH, axis="y", centre=(0.0, -100.0, -60.0), radius_mm=50.0, sd=0.08),
)


@dataclass(frozen=True)
class Foot:
    """What differs between the families."""

    dome_radius_mm: float
    dome_width_mm: float
    modes: tuple[Mode, ...]
    noise_mm: float


FEET = {
    Family.BUILDING: Foot(20.5, 29.0, (), 0.0),
    Family.EVALUATION: Foot(23.0, 31.0, EVALUATION_MODES, 1.8),
}

Maps = dict[str, Map]


def read_bones(folder: Path) -> dict[str, Surface]:
    """All surfaces in the limb frame: origin above the middle of the talus, at its top."""
    raw = {name: read_ply(folder / f"{name}.ply") for name in SURFACES}
    raw = {n: s.moved(SCALE.get(n, (1.0, 1.0, 1.0)), np.zeros(3)) for n, s in raw.items()}
    talus = raw["talus"].points
    origin = np.append((talus.min(axis=0) + talus.max(axis=0))[:2] / 2, talus[:, 2].max())
    down = {"fibula": np.array([0.0, 0.0, -FIBULA_DOWN_MM])}
    placed = {
        n: s.moved((1.0, 1.0, 1.0), down.get(n, np.zeros(3)) - origin) for n, s in raw.items()
    }
    return placed | {"tibia": slender(placed["tibia"])}


def slender(tibia: Surface) -> Surface:
    """The tibia with a slender lower end."""
    points = tibia.points.copy()
    end = points[points[:, 2] < points[:, 2].min() + 40.0]
    middle = (end.min(axis=0) + end.max(axis=0))[:2] / 2
    share = smooth_step(points[:, 2], 70.0, 15.0)[:, None]
    points[:, :2] = middle + (points[:, :2] - middle) * (
        1.0 - (1.0 - np.array(TIBIA_SLENDER)) * share
    )
    return Surface(points, tibia.faces)


def voxelised(bones: Mapping[str, Surface]) -> Maps:
    """Distance maps, grown where the source is too thin."""
    window = np.array([[-95.0, -190.0, -110.0], [95.0, 110.0, LEG_MM]])
    maps = {n: distance_map(s, window, STEP_MM, MARGIN_MM) for n, s in bones.items()}
    return {n: m.with_values(m.values - GROW_MM.get(n, 0.0)) for n, m in maps.items()}


def settled(maps: Maps) -> Maps:
    """Bones moved along given ways until the joints are closed; the talus stays."""
    moved = dict(maps)

    def settle(bones: tuple[str, ...], against: tuple[str, ...], way: Array, gap: float) -> None:
        shift = closing_shift([moved[n] for n in bones], [moved[n] for n in against], way, gap)
        for name in bones:
            moved[name] = moved[name].shifted(shift)
        print(f"{bones[0]}: moved {shift.round(1)} mm")

    settle(("tibia", "fibula"), ("talus",), np.array([0.0, 0.0, -1.0]), GAP_MM)
    settle(("calcaneus",), ("talus",), np.array([0.0, 0.0, 1.0]), 0.5)
    settle(MIDFOOT, ("talus", "calcaneus"), np.array([0.0, 1.0, 0.15]), 1.5)
    settle((*CUNEIFORMS, *METATARSALS), ("navicular", "cuboid"), np.array([0.0, 1.0, 0.0]), 1.5)
    settle(METATARSALS, (*CUNEIFORMS, "cuboid"), np.array([0.0, 1.0, 0.0]), 1.5)
    return moved


def closing_shift(moving: list[Map], fixed: list[Map], way: Array, gap_mm: float) -> Array:
    """The shift along a way that leaves a gap between the nearest of two sets of bones."""
    step = way / np.linalg.norm(way)
    points = np.concatenate([points_of(m.grid)[np.abs(m.values) < STEP_MM / 2] for m in moving])
    ways = np.arange(-10.0, 14.0, 0.2)
    gaps = [min(np.percentile(m.at(points + shift * step), 0.5) for m in fixed) for shift in ways]
    close = np.flatnonzero(np.array(gaps) < gap_mm)
    return np.asarray(step * ways[close[0]] if len(close) else np.zeros(3))


@dataclass(frozen=True)
class Saddle:
    """The surface of the talar dome: a cylinder across the foot, its edges a little raised."""

    centre: Array
    radius_mm: float
    width_mm: float

    def level(self, points: Array) -> Array:
        """Distance from the dome's surface, negative below it."""
        x, y, z = np.moveaxis(points - self.centre, -1, 0)
        raised = 0.9 * (2.0 * x / self.width_mm) ** 2
        return np.asarray(np.hypot(y, z) - self.radius_mm - np.minimum(raised, 2.0))

    def share(self, points: Array, half_deg: float) -> Array:
        """1 where the dome's surface holds, falling to 0 about it."""
        x, y, z = np.moveaxis(points - self.centre, -1, 0)
        angle = np.degrees(np.abs(np.arctan2(y, z)))
        half = self.width_mm / 2
        share = smooth_step(angle, half_deg + 8.0, half_deg - 8.0)
        share = share * smooth_step(np.abs(x), half + 2.5, half - 1.0)
        off = np.abs(np.hypot(y, z) - self.radius_mm)
        return np.asarray(share * smooth_step(off, 11.0, 6.0))


def saddle_of(maps: Maps, plan: Foot) -> Saddle:
    """The saddle at the talus's top, its medial wall under the tibia's medial malleolus."""
    points = points_of(maps["talus"].grid)[maps["talus"].values < 0]
    top = points[points[:, 2] > points[:, 2].max() - 5.0].mean(axis=0)
    height = float(points[:, 2].max())
    leg = points_of(maps["tibia"].grid)[maps["tibia"].values < 0]
    edge = float(np.percentile(leg[leg[:, 2] < height + 16.0][:, 0], 99.5))
    x = edge - MALLEOLUS_MM - plan.dome_width_mm / 2
    return Saddle(
        np.array([x, top[1], height - plan.dome_radius_mm]),
        plan.dome_radius_mm,
        plan.dome_width_mm,
    )


def with_mortise(maps: Maps, plan: Foot) -> Maps:
    """Dome and plafond as one saddle, held between two malleoli."""
    saddle = saddle_of(maps, plan)
    x0, y0, _ = saddle.centre
    return maps | {
        "talus": with_dome(maps["talus"], saddle),
        "tibia": with_plafond(maps["tibia"], saddle),
        "fibula": beside_talus(maps["fibula"], x0 - plan.dome_width_mm / 2 - GAP_MM, y0),
    }


def with_dome(talus: Map, saddle: Saddle) -> Map:
    """The talus with a block under the dome, whose walls stand upright."""
    p = points_of(talus.grid)
    x, y, z = np.moveaxis(p - saddle.centre, -1, 0)
    wall = np.abs(x) - saddle.width_mm / 2
    level = saddle.level(p)
    ends = np.maximum(np.abs(y) - 0.8 * saddle.radius_mm, -z - 4.0)
    roof = smooth_cut(level, wall, 4.0)
    block = smooth_cut(roof, ends, 4.0)
    joined = smooth_union(talus.values.astype(np.float64), block, 3.0)
    share = saddle.share(p, 54.0)
    joined = (1 - share) * joined + share * roof
    # Beside the dome nothing stands out; below it the lateral process does.
    upright = np.where(np.abs(y) < 0.8 * saddle.radius_mm, wall - np.maximum(0.0, 4.0 - z), -9.0)
    return talus.with_values(np.maximum(joined, upright))


def with_plafond(tibia: Map, saddle: Saddle) -> Map:
    """The tibia with a plafond over the dome and a malleolus beside it."""
    p = points_of(tibia.grid)
    x0, y0, z0 = saddle.centre
    top = z0 + saddle.radius_mm
    medial = x0 + saddle.width_mm / 2 + GAP_MM + 5.0
    ends = np.array([[medial + 0.5, y0 - 3.0, top + 14.0], [medial, y0 - 2.0, top - 8.0]])
    joined = smooth_union(tibia.values.astype(np.float64), capsule(p, ends, (8.0, 6.0)), 6.0)
    share = saddle.share(p, 64.0)
    joined = (1 - share) * joined + share * (GAP_MM - saddle.level(p))
    x, _, z = np.moveaxis(p - saddle.centre, -1, 0)
    lips = saddle.radius_mm - LIP_MM - z
    lips -= 30.0 * smooth_step(x, saddle.width_mm / 2 - 1.0, saddle.width_mm / 2 + 4.0)
    return tibia.with_values(smooth_cut(joined, lips, 2.5))


def beside_talus(fibula: Map, wall_x: float, y0: float) -> Map:
    """The fibula with the medial face of its malleolus at the talus's lateral wall."""
    points = points_of(fibula.grid)[fibula.values < 0]
    low = points[points[:, 2] < points[:, 2].min() + 22.0]
    shift = np.array([wall_x - np.percentile(low[:, 0], 98.0), y0 + 7.0 - low[:, 1].mean(), 0.0])
    print(f"fibula: moved {shift.round(1)} mm")
    return fibula.shifted(shift)


def fitted(maps: Maps) -> Maps:
    """All facing surfaces at one gap, half by each bone."""
    made = dict(maps)
    pairs = (
        ("tibia", "talus", GAP_MM, 7.0),
        ("fibula", "talus", GAP_MM, 9.0),
        ("tibia", "fibula", 2.4, 5.0),
        ("talus", "calcaneus", GAP_MM, 11.0),
        ("talus", "navicular", GAP_MM, 9.0),
        ("calcaneus", "cuboid", GAP_MM, 9.0),
        *(("navicular", name, 2.6, 7.0) for name in CUNEIFORMS),
        ("cuboid", "cuneiform_lateral", 2.4, 5.0),
        *((one, other, 2.2, 5.0) for one, other in pairwise(CUNEIFORMS)),
        *(
            (one, other, 2.4, 6.5)
            for one, other in zip((*CUNEIFORMS, "cuboid", "cuboid"), METATARSALS, strict=True)
        ),
        *((one, other, 2.0, 3.5) for one, other in pairwise(METATARSALS)),
    )
    for _ in range(2):
        for one, other, gap, reach in pairs:
            made[one], made[other] = congruent(made[one], made[other], gap, reach)
    return {name: redistanced(one, 0.6) for name, one in made.items()}


def joined(parts: list[Map]) -> Map:
    """Several bones as one map on a grid about all of them."""
    corners = np.concatenate([part.grid.corners_lps() for part in parts])
    low = corners.min(axis=0)
    shape = np.round((corners.max(axis=0) - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    grid = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    points = points_of(grid)
    return Map(grid, reduce(np.minimum, (part.at(points) for part in parts)))


def regions_of(bone: str, made: Map) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Paint the regions of a bone over its whole box."""
    p, inside = points_of(made.grid), made.values < 0
    low, high = p[inside].min(axis=0), p[inside].max(axis=0)
    x, y, z = np.moveaxis(p, -1, 0)
    if bone == "tibia":
        plafond = plafond_z(p, inside)
        regions = np.where(z < plafond + 13, 1, np.where(z < plafond + 50, 2, 3))
        return regions.astype(np.uint8), ("distal_epiphysis", "distal_metaphysis", "shaft")
    if bone == "fibula":
        regions = np.where(z < low[2] + 30, 1, np.where(z < low[2] + 60, 2, 3))
        return regions.astype(np.uint8), ("distal_epiphysis", "distal_metaphysis", "shaft")
    if bone == "talus":
        middle_x = (low[0] + high[0]) / 2
        neck = y < low[1] + 0.38 * (high[1] - low[1])
        dome = (z > high[2] - 10.0) & ~neck
        head = y < low[1] + 0.22 * (high[1] - low[1])
        front = np.where(head, 5, np.where(neck, 4, 3))
        regions = np.where(dome, np.where(x > middle_x, 1, 2), front)
        return regions.astype(np.uint8), ("medial_dome", "lateral_dome", "body", "neck", "head")
    if bone == "calcaneus":
        back = y > high[1] - 0.36 * (high[1] - low[1])
        return np.where(back, 1, 2).astype(np.uint8), ("tuberosity", "body")
    return np.zeros(inside.shape, dtype=np.uint8), ()


def plafond_z(p: Array, inside: NDArray[np.bool_]) -> float:
    """Height of the tibia's weight-bearing surface: the median lower end, malleolus aside."""
    lowest = np.where(inside, p[..., 2], np.inf).min(axis=2)
    return float(np.median(lowest[np.isfinite(lowest)]))


def scar_of(bone: str, made: Map) -> NDArray[np.float32] | None:
    """Distance from the closed growth plate, negative towards the joint.

    In the tibia 11 mm above the plafond, with Kump's hump over its front medial corner; in the
    fibula level with the plafond, 24 mm above the tip.
    """
    p, inside = points_of(made.grid), made.values < 0
    x, y, z = np.moveaxis(p, -1, 0)
    if bone == "tibia":
        hump = 3.0 * np.exp(-(((x - 12.0) / 8.0) ** 2 + ((y + 8.0) / 8.0) ** 2))
        level = z - (plafond_z(p, inside) + 11.0 + hump + 0.8 * np.sin(x / 5.0))
    elif bone == "fibula":
        level = z - (z[inside].min() + 24.0 + 0.7 * np.sin(x / 3.0))
    else:
        return None
    return np.clip(level, -CLIP_MM, CLIP_MM).astype(np.float32)


def template_of(bone: str, made: Map) -> BoneTemplate:
    """A bone of one shape, with its painted regions."""
    regions, names = regions_of(bone, made)
    still = np.zeros((0, *made.grid.shape), dtype=np.float32)
    surface = np.clip(made.values, -CLIP_MM, CLIP_MM)
    return BoneTemplate(
        bone, made.grid, surface, still, None, None, regions, names, scar_of(bone, made)
    )


def foot_part(bone: BoneTemplate) -> BoneTemplate:
    """The same bone in the foot's frame, and no more of the leg than a foot's image shows."""
    affine = bone.geometry.affine.copy()
    affine[:3, 3] -= FOOT_LPS
    count = bone.geometry.shape[2]
    if bone.bone in ("tibia", "fibula"):
        count = int((FOOT_LEG_MM - bone.geometry.affine[2, 3]) / STEP_MM)
    shape = bone.geometry.shape[:2] + (count,)
    return BoneTemplate(
        bone.bone,
        Geometry(shape, affine),
        bone.surface_mm[:, :, :count],
        bone.surface_modes_mm[:, :, :, :count],
        None,
        None,
        bone.regions[:, :, :count],
        bone.region_names,
        None if bone.scar_mm is None else bone.scar_mm[:, :, :count],
    )


def bones_of(raw: Maps, plan: Foot) -> tuple[BoneTemplate, ...]:
    """The bones of ankle and foot of one family."""
    if plan.modes:
        raw = {name: warped(one, plan.modes, plan.noise_mm, 7) for name, one in raw.items()}
    made = fitted(with_mortise(settled(raw), plan))
    whole = {name: made[name] for name in ("tibia", "fibula", "talus", "calcaneus")}
    whole |= {name: made[name] for name in ("navicular", "cuboid")}
    whole["cuneiforms"] = joined([made[name] for name in CUNEIFORMS])
    whole["metatarsals"] = joined([made[name] for name in METATARSALS])
    for name, one in whole.items():
        volume = (one.values < 0).sum() * STEP_MM**3 / 1000
        pieces = ndimage.label(one.values < 0)[1]
        print(f"{name}: {volume:.1f} cm3 in {pieces}")
    return tuple(template_of(name, one) for name, one in whole.items())


def main() -> None:
    """Voxelise, settle, fit, paint and save both joints of both families."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("surfaces", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    raw = voxelised(read_bones(options.surfaces))
    for family, plan in FEET.items():
        ankle = bones_of(raw, plan)
        ending = "" if family is Family.BUILDING else f"-{family.value}"
        for joint, bones in (("ankle", ankle), ("foot", tuple(map(foot_part, ankle)))):
            path = options.out / f"{joint}{ending}.npz"
            save_template(JointTemplate(joint, bones), path)
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
