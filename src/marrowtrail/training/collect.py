"""Make label sets: joints drawn from the phantom's building family, and knees of label maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.nifti import read_geometry, read_label_values
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.body.appearance import draw_appearance
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.labelled import HELD_OUT, limb_of_labels
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.pose import MOVES
from marrowtrail.phantom.body.soft_tissue import BOX_MM, SoftTissue, build_soft_tissue
from marrowtrail.phantom.family import Family
from marrowtrail.record.sites import Side
from marrowtrail.training.label_set import (
    AIR,
    CLASSES,
    CLIP_MM,
    FAT,
    FIBROUS,
    FLUID,
    JOINT,
    MUSCLE,
    STEP_MM,
    VEIN,
    LabelSet,
    pack,
    save_label_set,
)

DRAWN = {"knee": 12, "ankle": 12, "foot": 6, "hip": 12}
"""How many of each joint are drawn; with the label maps of 27 knees the files stay under 64 MB."""

FLEXION_DEG = {"knee": (-2.0, 35.0), "ankle": (-12.0, 30.0), "foot": (-12.0, 30.0), "hip": (0, 20)}
"""How far a joint is bent: from stretched to propped up by a coil; the ankle to pointed toes."""

PLAY_DEG, PLAY_MM = 1.5, 0.5
"""Each bone lies this much off, more than in life: gaps and angles of joints vary with it."""

GAP_MM = 4.5
"""Nearer than this to two bones, and in no cartilage, lies what fills a joint."""

LONGEST_MM = 105.0
"""Bones further from the joint than half of the largest field of view are not kept."""


def collect(labels: Path, out: Path, say: Callable[[str], None]) -> int:
    """Write all label sets that are not there yet; returns how many there are.

    Parameters
    ----------
    labels
        A folder of knee label maps, ``SUBJECT_VISIT.nii.gz`` (values:
        :data:`marrowtrail.phantom.body.labelled.KNEE_LABELS`); first visits are used.
    out
        Where ``.npz`` files are written.

    Raises
    ------
    InputError
        If the folder holds no label map that may be trained on.
    """
    maps = [path for path in sorted(labels.glob("*_00m.nii.gz")) if _may_be_used(path)]
    if not maps:
        raise InputError(
            "Found no label map to train on.",
            where=labels.name,
            remedy="give a folder of SUBJECT_00m.nii.gz, subjects held out not counted",
        )
    out.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(maps):
        file = out / f"labelled-{number:03d}.npz"
        if not file.is_file():
            say(f"label map {number + 1} of {len(maps)}")
            save_label_set(knee_label_set(path, number), file)
    for joint, count in DRAWN.items():
        for seed in range(count):
            file = out / f"{joint}-{seed:03d}.npz"
            if not file.is_file():
                say(f"{joint} {seed + 1} of {count}")
                save_label_set(drawn_label_set(joint, seed), file)
    return len(list(out.glob("*.npz")))


def _may_be_used(path: Path) -> bool:
    return path.name.partition("_")[0] not in HELD_OUT


def knee_label_set(path: Path, seed: int) -> LabelSet:
    """A knee of a label map, with the building family's fibula and soft tissue."""
    labels = read_label_values(path).astype(np.uint8)
    limb = limb_of_labels(labels, read_geometry(path), Family.BUILDING)
    return label_set_of(limb, np.random.default_rng([seed, 9]), (-LONGEST_MM, LONGEST_MM))


def drawn_label_set(joint: str, seed: int) -> LabelSet:
    """A joint of the building family, bent and loosened."""
    rng = np.random.default_rng([seed, len(joint)])
    limb = draw_limb(joint, Side.RIGHT, rng)
    return label_set_of(limb, rng, (-LONGEST_MM, LONGEST_MM))


def label_set_of(limb: Limb, rng: np.random.Generator, known_z_mm: tuple[float, float]) -> LabelSet:
    """Any right limb at rest, bent and loosened, with soft tissue about it."""
    appearance = draw_appearance("F" if rng.random() < 0.5 else "M", float(rng.random()), rng)
    grid = _grid(limb.joint, known_z_mm)
    bone, distance, cartilage, second = _bones(limb, grid, rng)
    tissue = _tissue(build_soft_tissue(limb, appearance), grid)
    between = (second < GAP_MM) & (cartilage > 0) & (distance < GAP_MM)
    tissue[between] = JOINT
    packed = pack(bone, distance, cartilage, tissue)
    return LabelSet(limb.joint, packed, grid.affine[:3, 3].copy(), known_z_mm)


def _grid(joint: str, known_z_mm: tuple[float, float]) -> Geometry:
    low, high = (np.array(corner) for corner in BOX_MM[joint])
    low[2], high[2] = max(low[2], known_z_mm[0]), min(high[2], known_z_mm[1])
    i, j, k = (int(n) for n in np.floor((high - low) / STEP_MM) + 1)
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    return Geometry((i, j, k), affine)


_Maps = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _bones(limb: Limb, grid: Geometry, rng: np.random.Generator) -> _Maps:
    """Class of the nearest bone, distance to it and to cartilage, distance to the next bone."""
    nearest = np.full(grid.shape, CLIP_MM, dtype=np.float32)
    second, cartilage = nearest.copy(), nearest.copy()
    name = np.zeros(grid.shape, dtype=np.uint8)
    bend = np.radians(rng.uniform(*FLEXION_DEG[limb.joint]))
    moves = MOVES[limb.joint](limb, bend)
    for bone in limb.bones:
        centre = bone.inside_points().mean(axis=0)
        play = RigidTransform.about(
            centre,
            np.radians(rng.uniform(-PLAY_DEG, PLAY_DEG, 3)),
            rng.uniform(-PLAY_MM, PLAY_MM, 3),
        )
        there = bone.moved((moves[bone.bone_id.bone] @ play).matrix)
        surface = resample(there.surface, grid, fill=CLIP_MM).data
        second = np.minimum(second, np.maximum(nearest, surface))
        closer = surface < nearest
        name[closer] = CLASSES.index(bone.bone_id.bone)
        nearest = np.minimum(nearest, surface)
        outer = surface if there.outer is None else resample(there.outer, grid, fill=CLIP_MM).data
        cartilage = np.minimum(cartilage, outer)
    return name, nearest, cartilage, second


def _tissue(soft: SoftTissue, grid: Geometry) -> NDArray[np.uint8]:
    tissue = np.full(grid.shape, FAT, dtype=np.uint8)
    for value, part in (
        (MUSCLE, soft.muscle),
        (FLUID, soft.recess),
        (FIBROUS, soft.dark),
        (VEIN, soft.vein),
    ):
        tissue[_read(part, grid) < 0] = value
    tissue[_read(soft.skin, grid) > 0] = AIR
    return tissue


def _read(part: Volume, grid: Geometry) -> NDArray[np.float32]:
    return np.asarray(resample(part, grid, fill=CLIP_MM).data, dtype=np.float32)
