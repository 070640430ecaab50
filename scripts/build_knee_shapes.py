"""Build the knee's shape model from label maps: mean and modes of signed distance maps.

    python scripts/build_knee_shapes.py DATA --out src/marrowtrail/phantom/shapes/knee.npz

``DATA`` holds ``knee-labels/*_00m.nii.gz`` (1 femur, 2 its cartilage, 3 tibia, 4 its
cartilage, 5 patella, 6 its cartilage) and ``knee-labels-with-fibula/dess-right.nrrd``, which
gives the one fibula. The subjects in HELD_OUT are never read.

Every bone is aligned to the running mean by its surface (femur with scale; tibia and patella
rigidly, at the femur's scale, so that their relative size stays in the modes). Shafts, cut by
the field of view, are carried on along their own axis.
"""

from __future__ import annotations

import argparse
import ast
import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.phantom.body.labelled import HELD_OUT
from marrowtrail.phantom.body.shafts import with_long_shaft
from marrowtrail.phantom.body.similarity import Similarity, aligned
from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate, JointTemplate, save_template

REFERENCE = "9002430"
"""Its field of view holds 75 mm of femur and 65 mm of tibia: the widest of the first maps."""

BONES = {"femur": (1, 2), "tibia": (3, 4), "patella": (5, 6)}
BOXES_MM = {
    "femur": ((-54, -46, -38), (54, 46, 120)),
    "tibia": ((-54, -44, -104), (54, 44, 40)),
    "patella": ((-36, -22, -34), (36, 22, 34)),
    "fibula": ((-22, -24, -110), (22, 24, 20)),
}
"""Boxes about the centre of each bone's epiphysis, in the limb frame."""
STEP_MM = 2.0
MODES = 6
PAD_MM = 20.0
EPIPHYSIS_MM = 55.0


@dataclass(frozen=True)
class Distances:
    """A signed distance map in its own grid; beyond its ends it is carried along the shaft."""

    values: NDArray[np.float32]
    affine: NDArray[np.float64]
    slope: NDArray[np.float64]
    ends_z: tuple[float, float]

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances at (..., 3) points."""
        clamped = np.clip(points[..., 2], *self.ends_z)
        over = points[..., 2] - clamped
        moved = np.stack(
            [points[..., 0] - self.slope[0] * over, points[..., 1] - self.slope[1] * over, clamped],
            axis=-1,
        )
        inverse = np.linalg.inv(self.affine)
        ijk = moved @ inverse[:3, :3].T + inverse[:3, 3]
        return ndimage.map_coordinates(
            self.values, np.moveaxis(ijk, -1, 0), order=1, mode="nearest"
        )


@dataclass(frozen=True)
class Shape:
    """One bone of one subject: distances, surface points and the centre of its epiphysis."""

    bone: Distances
    outer: Distances | None
    surface: NDArray[np.float64]
    centre: NDArray[np.float64]


def read_nifti(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Labels and their affine to LPS."""
    image = nib.load(path)
    return np.asarray(image.dataobj).astype(np.uint8), LPS_FROM_RAS @ image.affine


def read_nrrd(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Labels and their affine to LPS, from a gzipped NRRD whose space is LPS."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    shape = [int(n) for n in fields["sizes"].split()]
    affine = np.eye(4)
    columns = [ast.literal_eval(column) for column in fields["space directions"].split(" ")]
    affine[:3, :3] = np.array(columns, dtype=float).T
    affine[:3, 3] = ast.literal_eval(fields["space origin"])
    kind = "<i2" if fields["type"] == "short" else "u1"
    data = np.frombuffer(gzip.decompress(body), kind).reshape(shape, order="F").astype(np.uint8)
    return data, affine


def canonical(
    labels: NDArray[np.uint8], affine: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Axes reordered so that the third runs along z, to the head, and is the shaft's."""
    order = [int(np.argmax(np.abs(affine[row, :3]))) for row in range(3)]
    labels = labels.transpose(order)
    matrix = affine[:, [*order, 3]].copy()
    for axis in range(3):
        if matrix[axis, axis] < 0:
            labels = np.flip(labels, axis)
            matrix[:3, 3] += matrix[:3, axis] * (labels.shape[axis] - 1)
            matrix[:3, axis] *= -1
    return labels, matrix


def coarsened(
    mask: NDArray[np.bool_], affine: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Voxels of about 1 mm: whole numbers of finer ones, by majority."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    pool = np.maximum(1, np.round(1.0 / spacing)).astype(int)
    i, j, k = (int(n) for n in np.array(mask.shape) // pool)
    a, b, c = (int(n) for n in pool)
    blocks = mask[: i * a, : j * b, : k * c].reshape(i, a, j, b, k, c)
    matrix = affine.copy()
    matrix[:3, 3] += affine[:3, :3] @ ((pool - 1) / 2)
    matrix[:3, :3] *= pool
    return blocks.mean(axis=(1, 3, 5)) > 0.5, matrix


def distances(mask: NDArray[np.bool_], affine: NDArray[np.float64], top: bool) -> Distances:
    """Signed distances of a bone whose shaft leaves the field at the top or the bottom."""
    mask, matrix = coarsened(mask, affine)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    filled = np.flatnonzero(mask.any(axis=(0, 1)))
    z = matrix[2, 3] + matrix[2, 2] * filled
    cut = (filled[-1] >= mask.shape[2] - 4) if top else (filled[0] <= 3)
    slope = shaft_slope(mask, matrix, top) if cut else np.zeros(2)
    boxes = [np.flatnonzero(mask.any(axis=(1, 2))), np.flatnonzero(mask.any(axis=(0, 2)))]
    starts = [box[0] for box in boxes]
    padded = mask[boxes[0][0] : boxes[0][-1] + 1, boxes[1][0] : boxes[1][-1] + 1]
    pad = [int(PAD_MM / step) for step in spacing]
    padded = np.pad(padded, ((pad[0], pad[0]), (pad[1], pad[1]), (0, 0)))
    padded = np.pad(padded, ((0, 0), (0, 0), (pad[2], pad[2])), mode="edge")
    inside = ndimage.distance_transform_edt(padded, sampling=spacing)
    outside = ndimage.distance_transform_edt(~padded, sampling=spacing)
    values = ndimage.gaussian_filter((outside - inside).astype(np.float32), 0.7)
    moved = matrix.copy()
    moved[:3, 3] += matrix[:3, :3] @ np.array([starts[0] - pad[0], starts[1] - pad[1], -pad[2]])
    low, high = float(z[0]) - PAD_MM, float(z[-1]) + PAD_MM
    if cut and top:
        high = float(z[-1]) - 2.0
    elif cut:
        low = float(z[0]) + 2.0
    return Distances(values, moved, slope, (low, high))


def shaft_slope(
    mask: NDArray[np.bool_], affine: NDArray[np.float64], top: bool
) -> NDArray[np.float64]:
    """Drift (x, y) of the section's centre per millimetre along z, over the last 20 mm."""
    filled = np.flatnonzero(mask.any(axis=(0, 1)))
    rows = filled[-20:-3] if top else filled[3:20]
    points = [
        (affine @ np.append(np.argwhere(mask[:, :, k]).mean(axis=0), [k, 1]))[:3] for k in rows
    ]
    track = np.array(points)
    return np.array([np.polyfit(track[:, 2], track[:, axis], 1)[0] for axis in (0, 1)])


def shape_of(
    labels: NDArray[np.uint8],
    affine: NDArray[np.float64],
    values: tuple[int, ...],
    *,
    top: bool,
) -> Shape:
    """A bone (first value) and, with a second value, its cartilage."""
    mask = labels == values[0]
    bone = distances(mask, affine, top)
    outer = distances(np.isin(labels, values), affine, top) if len(values) > 1 else None
    edge = mask & ~ndimage.binary_erosion(mask, border_value=1)
    points = np.argwhere(edge) @ affine[:3, :3].T + affine[:3, 3]
    joint_end = points[:, 2].min() if top else points[:, 2].max()
    near = np.abs(points[:, 2] - joint_end) < EPIPHYSIS_MM
    points = points[near]
    chosen = np.random.default_rng(0).choice(len(points), min(3000, len(points)), replace=False)
    return Shape(bone, outer, points[chosen], (points.min(axis=0) + points.max(axis=0)) / 2)


def align(
    shape: Shape, model: Distances, centre: NDArray[np.float64], scale: float | None
) -> Similarity:
    """The pose that brings a subject's surface onto the model's; scale free if ``None``."""
    return aligned(shape.surface, shape.centre, model.at, centre, scale)


def grid_of(bone: str, centre: NDArray[np.float64]) -> Geometry:
    """The grid of a bone's maps about the centre of its epiphysis."""
    low, high = (np.array(end, dtype=float) for end in BOXES_MM[bone])
    shape = np.round((high - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = centre + low
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def points_of(grid: Geometry) -> NDArray[np.float64]:
    """(i, j, k, 3) points of a grid."""
    return grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))


def sampled(maps: Distances, pose: Similarity, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A subject's distances at points of the model, at the model's size."""
    return np.clip(maps.at(pose.undo(points)) * pose.scale, -CLIP_MM, CLIP_MM)


def modes_of(
    stack: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Mean, modes at one standard deviation, and their share of the variance."""
    mean = stack.mean(axis=0)
    _, singular, vectors = np.linalg.svd(stack - mean, full_matrices=False)
    deviations = singular[:MODES, None] * vectors[:MODES] / np.sqrt(len(stack) - 1)
    share = singular[:MODES] ** 2 / (singular**2).sum()
    return mean.astype(np.float32), deviations.astype(np.float32), share


def femur_regions(
    grid: Geometry, surface: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], list[str]]:
    """Condyles below the old growth plate, split at the notch; trochlea in front between them.

    The groove lies a tenth of the width lateral of the notch, and the ridges of its walls a tenth
    medial and a third lateral of it.
    """
    names = ["medial_condyle", "lateral_condyle", "trochlea", "distal_metaphysis", "shaft"]
    p = points_of(grid)
    inside = surface < 0
    z = p[..., 2]
    bottom = z[inside].min()
    epiphysis = inside & (z < bottom + 30)
    x_low, x_high = p[..., 0][epiphysis].min(), p[..., 0][epiphysis].max()
    notch_x = notch(p, inside, bottom, (x_low, x_high))
    front, back = p[..., 1][epiphysis].min(), p[..., 1][epiphysis].max()
    physis = bottom + 37 - 0.10 * (p[..., 1] - (front + back) / 2)
    width = x_high - x_low
    regions = np.where(p[..., 0] > notch_x, 1, 2).astype(np.uint8)
    in_front = p[..., 1] < front + 0.27 * (back - front)
    between = np.abs(p[..., 0] - (notch_x - 0.10 * width)) < 0.27 * width
    regions[in_front & between & (z > bottom + 11)] = 3
    regions[z >= physis] = 4
    regions[z >= physis + 45] = 5
    return regions, names


def notch(
    p: NDArray[np.float64],
    inside: NDArray[np.bool_],
    bottom: float,
    x_range: tuple[float, float],
) -> float:
    """Find x of the intercondylar notch: where the lower back half of the bone is thinnest."""
    level = inside & (p[..., 2] > bottom + 4) & (p[..., 2] < bottom + 16)
    xs = p[:, 0, 0, 0]
    counts = ndimage.gaussian_filter1d(level.sum(axis=(1, 2)).astype(float), 1.0)
    third = (x_range[1] - x_range[0]) / 3
    middle = (xs > x_range[0] + third) & (xs < x_range[1] - third)
    return float(xs[middle][np.argmin(counts[middle])])


def tibia_regions(
    grid: Geometry, surface: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], list[str]]:
    """Plateau: the upper 20 mm, its middle fifth under the spines; metaphysis below."""
    names = ["medial_plateau", "lateral_plateau", "subspinous", "proximal_metaphysis", "shaft"]
    p = points_of(grid)
    inside = surface < 0
    top = p[..., 2][inside].max()
    plateau = inside & (p[..., 2] > top - 25)
    x_low, x_high = p[..., 0][plateau].min(), p[..., 0][plateau].max()
    spines = inside & (p[..., 2] > top - 6)
    middle = 0.5 * (p[..., 0][spines].mean() + (x_low + x_high) / 2)
    regions = np.where(p[..., 0] > middle, 1, 2).astype(np.uint8)
    regions[np.abs(p[..., 0] - middle) < 0.10 * (x_high - x_low)] = 3
    level = top - 7 - 20
    regions[p[..., 2] < level] = 4
    regions[p[..., 2] < level - 35] = 5
    return regions, names


def patella_regions(
    grid: Geometry, surface: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], list[str]]:
    """Medial and lateral of the ridge: where the back of the bone reaches furthest."""
    p = points_of(grid)
    inside = surface < 0
    reach = np.where(inside, p[..., 1], -np.inf)
    centre_z = p[..., 2][inside].mean()
    near = np.abs(p[..., 2] - centre_z) < 8
    depth = np.where(near, reach, -np.inf).max(axis=(1, 2))
    ridge = p[:, 0, 0, 0][int(np.argmax(depth))]
    return np.where(p[..., 0] > ridge, 1, 2).astype(np.uint8), ["medial_facet", "lateral_facet"]


def fibula_regions(
    grid: Geometry, surface: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], list[str]]:
    """The head is the upper 25 mm; the neck below it, 20 mm of flare, is the metaphysis."""
    names = ["proximal_epiphysis", "proximal_metaphysis", "shaft"]
    p = points_of(grid)
    depth = p[..., 2][surface < 0].max() - p[..., 2]
    return np.where(depth < 25, 1, np.where(depth < 45, 2, 3)).astype(np.uint8), names


def scar_of(bone: str, grid: Geometry, surface: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Distance from the closed growth plate of a long bone, negative towards the joint.

    In the femur it lies at the adductor tubercle and waves over the condyles; in the tibia 18 mm
    below the plateau, lower in front, where it runs down under the tuberosity; in the fibula
    16 mm below the tip of its head.
    """
    p = points_of(grid)
    x, y, z = np.moveaxis(p, -1, 0)
    inside = surface < 0
    if bone == "femur":
        bottom = z[inside].min()
        near = inside & (z < bottom + 30)
        middle = [(p[..., n][near].min() + p[..., n][near].max()) / 2 for n in (0, 1)]
        wave = 2.2 * np.cos((x - middle[0]) / 8.0) * np.cos((y - middle[1]) / 14.0)
        level = z - (bottom + 36.0 - 0.10 * (y - middle[1]) + wave)
    elif bone == "tibia":
        top = z[inside].max()
        front = y[inside & (z > top - 25)].min()
        lower = 14.0 * np.clip((front + 12.0 - y) / 12.0, 0.0, 1.5) ** 2
        wave = 1.2 * np.cos(x / 8.0) * np.sin(y / 9.0)
        level = (top - 7.0 - 18.0 + wave - lower) - z
    elif bone == "fibula":
        level = (z[inside].max() - 16.0 + 0.8 * np.sin(x / 4.0)) - z
    else:
        return None
    return np.clip(level, -CLIP_MM, CLIP_MM).astype(np.float32)


def main() -> None:
    """Read the labels, align, model, paint and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    subjects = {
        path.name[:7]: path
        for path in sorted((options.data / "knee-labels").glob("*_00m.nii.gz"))
        if path.name[:7] not in HELD_OUT
    }
    shapes = {name: knee_of(path) for name, path in subjects.items()}
    print(f"{len(shapes)} knees")
    poses, centres, models = aligned_knees(shapes)
    template = modelled(shapes, poses, centres)
    template = with_fibula(
        template,
        models["tibia"],
        centres["tibia"],
        mean_place("tibia", poses, centres["femur"]),
        options.data / "knee-labels-with-fibula" / "dess-right.nrrd",
    )
    size = float(np.exp(-np.mean([np.log(pose["femur"].scale) for pose in poses.values()])))
    template = tuple(with_long_shaft(at_mean_size(bone, size)) for bone in template)
    save_template(JointTemplate("knee", template), options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


def knee_of(path: Path) -> dict[str, Shape]:
    """All bones of one subject."""
    labels, affine = canonical(*read_nifti(path))
    return {
        bone: shape_of(labels, affine, values, top=bone == "femur")
        for bone, values in BONES.items()
    }


Poses = dict[str, dict[str, Similarity]]


def aligned_knees(
    shapes: dict[str, dict[str, Shape]],
) -> tuple[Poses, dict[str, NDArray[np.float64]], dict[str, Distances]]:
    """Poses of every subject's bones against the running mean; two rounds."""
    reference = shapes[REFERENCE]
    origin = (reference["femur"].centre + reference["tibia"].centre) / 2
    still = {bone: Similarity(np.eye(3), -origin, 1.0, reference[bone].centre) for bone in BONES}
    centres = {bone: reference[bone].centre - origin for bone in BONES}
    models = {
        bone: mean_map([reference[bone]], [still[bone]], centres[bone], bone) for bone in BONES
    }
    poses: Poses = {}
    for round_ in range(2):
        errors = []
        for name, shape in shapes.items():
            femur = align(shape["femur"], models["femur"], centres["femur"], None)
            poses[name] = {"femur": femur} | {
                bone: align(shape[bone], models[bone], centres[bone], femur.scale)
                for bone in ("tibia", "patella")
            }
            errors.append(
                [np.abs(models[b].at(poses[name][b].apply(shape[b].surface))).mean() for b in BONES]
            )
        models = {
            bone: mean_map(
                [s[bone] for s in shapes.values()],
                [poses[n][bone] for n in shapes],
                centres[bone],
                bone,
            )
            for bone in BONES
        }
        scales = [poses[n]["femur"].scale for n in shapes]
        print(
            f"round {round_}: surface error mm {np.mean(errors, axis=0).round(2)}, "
            f"log scale sd {np.log(scales).std():.3f} mean {np.mean(scales):.3f}"
        )
    return poses, centres, models


def mean_map(
    shapes: list[Shape], poses: list[Similarity], centre: NDArray[np.float64], bone: str
) -> Distances:
    """A wide map for alignment: distances of the mean, not clipped."""
    grid = grid_of(bone, centre)
    points = points_of(grid)
    total = np.mean(
        [s.bone.at(pose.undo(points)) * pose.scale for s, pose in zip(shapes, poses, strict=True)],
        axis=0,
    )
    z = points[0, 0, :, 2]
    return Distances(
        total.astype(np.float32), np.asarray(grid.affine), np.zeros(2), (float(z[0]), float(z[-1]))
    )


def modelled(
    shapes: dict[str, dict[str, Shape]], poses: Poses, centres: dict[str, NDArray[np.float64]]
) -> tuple[BoneTemplate, ...]:
    """Mean and shared modes of all bones, each set where it stands in the mean knee."""
    grids = {bone: grid_of(bone, centres[bone]) for bone in BONES}
    rows = []
    for name, shape in shapes.items():
        parts = []
        for bone in BONES:
            points = points_of(grids[bone])
            pose = poses[name][bone]
            parts.append(sampled(shape[bone].bone, pose, points).ravel())
            outer = shape[bone].outer
            assert outer is not None
            parts.append(sampled(outer, pose, points).ravel())
        rows.append(np.concatenate(parts))
    mean, modes, share = modes_of(np.array(rows))
    print("variance of modes:", share.round(3))
    bones, at = [], 0
    for bone in BONES:
        grid = grids[bone]
        size = int(np.prod(grid.shape))
        cut = slice(at, at + size), slice(at + size, at + 2 * size)
        at += 2 * size
        surface, outer = (mean[c].reshape(grid.shape) for c in cut)
        changes = [modes[:, c].reshape(MODES, *grid.shape) for c in cut]
        regions, names = {
            "femur": lambda g=grid, s=surface: femur_regions(g, s),
            "tibia": lambda g=grid, s=surface: tibia_regions(g, s),
            "patella": lambda g=grid, s=surface: patella_regions(g, s),
        }[bone]()
        placed = mean_place(bone, poses, centres["femur"])
        bones.append(
            BoneTemplate(
                bone,
                Geometry(grid.shape, placed @ grid.affine),
                surface,
                changes[0],
                np.minimum(outer, surface),
                changes[1],
                regions,
                tuple(names),
                scar_of(bone, grid, surface),
            )
        )
    return tuple(bones)


def mean_place(bone: str, poses: Poses, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean rigid motion from a bone's aligned frame to the femur's."""
    turns, shifts = [], []
    for pose in poses.values():
        to_femur = lambda q, p=pose: p["femur"].apply(p[bone].undo(q))  # noqa: E731
        base = to_femur(centre)
        turn = np.column_stack([to_femur(centre + axis) - base for axis in np.eye(3)])
        turns.append(Rotation.from_matrix(turn))
        shifts.append(base - centre)
    mean = Rotation.concatenate(turns).mean()
    print(
        f"{bone}: turn against femur {np.degrees(mean.as_rotvec()).round(1)} deg,"
        f" spread {np.degrees([(mean.inv() * t).magnitude() for t in turns]).std():.1f}"
    )
    matrix = np.eye(4)
    matrix[:3, :3] = mean.as_matrix()
    matrix[:3, 3] = centre + np.mean(shifts, axis=0) - matrix[:3, :3] @ centre
    return matrix


def with_fibula(
    bones: tuple[BoneTemplate, ...],
    model: Distances,
    centre: NDArray[np.float64],
    place: NDArray[np.float64],
    path: Path,
) -> tuple[BoneTemplate, ...]:
    """Add the fibula of the one knee that has it, placed by that knee's tibia."""
    labels, affine = canonical(*read_nrrd(path))
    tibia = shape_of(labels, affine, (6,), top=False)
    fibula = shape_of(labels, affine, (8,), top=False)
    pose = align(tibia, model, centre, None)
    error = np.abs(model.at(pose.apply(tibia.surface))).mean()
    surface = pose.apply(fibula.surface)
    head = surface[surface[:, 2] > surface[:, 2].max() - 15].mean(axis=0)
    print(
        f"tibia of the fibula's knee fits to {error:.2f} mm, scale {pose.scale:.2f}; "
        f"fibula's head at {(head - centre).round(1)} from the tibia's"
    )
    grid = grid_of("fibula", head)
    values = sampled(fibula.bone, pose, points_of(grid)).astype(np.float32)
    regions, names = fibula_regions(grid, values)
    still = np.zeros((0, *grid.shape), dtype=np.float32)
    placed = Geometry(grid.shape, place @ grid.affine)
    return (
        *bones,
        BoneTemplate(
            "fibula",
            placed,
            values,
            still,
            None,
            None,
            regions,
            tuple(names),
            scar_of("fibula", grid, values),
        ),
    )


def at_mean_size(bone: BoneTemplate, scale: float) -> BoneTemplate:
    """The model was aligned at the reference's size; bring it to the mean of the subjects."""
    affine = np.diag([scale, scale, scale, 1.0]) @ bone.geometry.affine
    return replace(
        bone,
        geometry=Geometry(bone.geometry.shape, affine),
        surface_mm=bone.surface_mm * scale,
        surface_modes_mm=bone.surface_modes_mm * scale,
        outer_mm=None if bone.outer_mm is None else bone.outer_mm * scale,
        outer_modes_mm=None if bone.outer_modes_mm is None else bone.outer_modes_mm * scale,
        scar_mm=None if bone.scar_mm is None else bone.scar_mm * scale,
    )


if __name__ == "__main__":
    main()
