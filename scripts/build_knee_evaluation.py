"""Build the knee of the evaluation family from the SPL knee atlas.

    python scripts/build_knee_evaluation.py DATA --out src/marrowtrail/phantom/shapes

``DATA`` holds ``knee-labels-with-fibula/spl-seg.nrrd``: one left knee (95 femur, 96 tibia,
97 fibula, 98 patella; 83 to 86 their cartilages), drawn by other hands than the building
family's knees. It is mirrored to a right knee and made a twentieth smaller, each bone is set
where that of ``knee.npz`` stands, deformed by fixed modes larger than any patient's, and its
shafts, which the atlas cuts 4 to 6 cm from the joint, are carried on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from build_knee_shapes import (
    Distances,
    Shape,
    align,
    canonical,
    femur_regions,
    fibula_regions,
    grid_of,
    patella_regions,
    points_of,
    read_nrrd,
    scar_of,
    shape_of,
    tibia_regions,
)
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.shafts import with_long_shaft
from marrowtrail.phantom.body.similarity import Similarity
from marrowtrail.phantom.body.template import (
    CLIP_MM,
    BoneTemplate,
    JointTemplate,
    load_template,
    save_template,
)
from marrowtrail.phantom.body.variation import (
    Deformation,
    Mode,
    ModeKind,
    Variation,
    displacement_of,
)

LABELS = {
    "femur": (95, 83),
    "tibia": (96, 84, 85),
    "patella": (98, 86),
    "fibula": (97,),
}
REGIONS = {
    "femur": femur_regions,
    "tibia": tibia_regions,
    "patella": patella_regions,
    "fibula": fibula_regions,
}
MODES = (
    Mode(kind=ModeKind.STRETCH, axis="y", sd=0.05),
    Mode(kind=ModeKind.TWIST, axis="z", sd=0.05),
    Mode(kind=ModeKind.BEND, axis="x", along="z", sd=2.5),
    Mode(kind=ModeKind.SWELL, centre=(30.0, 5.0, 18.0), radius_mm=18.0, sd=2.5),
)
NOISE = Variation(knot_mm=45.0, warp_mm=1.4)
SEED = 11
SIZE = 0.95
"""The atlas's knee is 82 mm wide; this brings it near the building family's mean."""


def mirrored(
    labels: NDArray[np.uint8], affine: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The knee of the other side: x turned round, in grid and frame."""
    flipped = np.flip(labels, axis=0)
    matrix = affine.copy()
    matrix[0, 3] = -(affine[0, 0] * (labels.shape[0] - 1) + affine[0, 3])
    return flipped, matrix


def place(shape: Shape, template: BoneTemplate) -> Similarity:
    """The rigid motion of a bone onto that of the building family."""
    model = Distances(template.surface_mm, template.geometry.affine, np.zeros(2), (-np.inf, np.inf))
    inside = template.geometry.to_lps(np.argwhere(template.surface_mm < 0))
    joint_end = inside[:, 2].min() if template.bone == "femur" else inside[:, 2].max()
    near = inside[np.abs(inside[:, 2] - joint_end) < 30.0]
    mine = shape.surface
    end = mine[:, 2].min() if template.bone == "femur" else mine[:, 2].max()
    close = mine[np.abs(mine[:, 2] - end) < 30.0]
    centre = (near.min(axis=0) + near.max(axis=0)) / 2
    middle = (close.min(axis=0) + close.max(axis=0)) / 2
    start = Shape(shape.bone, shape.outer, close, middle)
    pose = align(start, model, centre, SIZE)
    error = np.abs(model.at(pose.apply(close))).mean()
    print(f"{template.bone}: {error:.2f} mm from the building family's")
    return pose


def deformed(points: NDArray[np.float64], grid: Geometry) -> NDArray[np.float64]:
    """Where the deformed bone's points come from."""
    moved = Deformation.draw(NOISE, np.random.default_rng(SEED)).at(grid).astype(np.float64)
    for mode in MODES:
        moved += displacement_of(mode, np.moveaxis(points, -1, 0))
    return points + np.moveaxis(moved, 0, -1)


def bone_of(name: str, shape: Shape, pose: Similarity, centre: NDArray[np.float64]) -> BoneTemplate:
    """One bone of one shape, about the centre of its joint end."""
    grid = grid_of(name, centre)
    points = pose.undo(deformed(points_of(grid), grid))
    surface = np.clip(SIZE * shape.bone.at(points), -CLIP_MM, CLIP_MM).astype(np.float32)
    still = np.zeros((0, *grid.shape), dtype=np.float32)
    outer = None
    if shape.outer is not None:
        outer = np.clip(SIZE * shape.outer.at(points), -CLIP_MM, CLIP_MM).astype(np.float32)
        outer = np.minimum(outer, surface)
    regions, names = REGIONS[name](grid, surface)
    return with_long_shaft(
        BoneTemplate(
            name,
            grid,
            surface,
            still,
            outer,
            None if outer is None else still,
            regions,
            tuple(names),
            scar_of(name, grid, surface),
        ),
        KEPT_MM.get(name),
    )


KEPT_MM = {"femur": 66.0, "tibia": 62.0, "fibula": 34.0}
"""From the joint end of the box to where the atlas still shows the bone."""


def main() -> None:
    """Read the atlas, mirror, place, deform and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    path = options.data / "knee-labels-with-fibula" / "spl-seg.nrrd"
    labels, affine = mirrored(*canonical(*read_nrrd(path)))
    building = {bone.bone: bone for bone in load_template("knee").bones}
    shapes = {name: shape_of(labels, affine, v, top=name == "femur") for name, v in LABELS.items()}
    poses = {name: place(shapes[name], building[name]) for name in ("femur", "tibia", "patella")}
    poses["fibula"] = poses["tibia"]
    bones = []
    for name, shape in shapes.items():
        there = poses[name].apply(shape.surface)
        joint_end = there[:, 2].min() if name == "femur" else there[:, 2].max()
        near = there[np.abs(there[:, 2] - joint_end) < (30.0 if name != "patella" else 99.0)]
        centre = (near.min(axis=0) + near.max(axis=0)) / 2
        bones.append(bone_of(name, shape, poses[name], centre))
    file = options.out / "knee-evaluation.npz"
    save_template(JointTemplate("knee", tuple(bones)), file)
    print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
