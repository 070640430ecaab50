"""The shapes that patients are drawn from: bones as signed distances, with painted regions.

A template describes one joint of a *right* limb in the limb frame: millimetres, x to the
patient's left, y to the back, z to the head (so lateral is -x), origin near the joint. A
bone is a mean signed distance map (negative inside), principal modes of it, the same for
the outer surface of its cartilage where the source has cartilage, a map of regions, and for
a long bone's end the level of its physeal scar.
The region map fills the whole box, not the bone alone, so every drawn shape is labelled
wherever its surface comes to lie.

Kept as one ``.npz`` per joint and family of shapes: distances as int8 tenths of a millimetre,
clipped at :data:`CLIP_MM`; modes as int8 with one scale each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.family import Family

CLIP_MM = 12.0
"""Distances are kept up to here: what int8 holds in tenths of a millimetre, and further
from a surface than any tissue that is drawn from it."""

DISTANCE_STEP_MM = 0.1
"""One step of the stored int8."""


@dataclass(frozen=True, slots=True, eq=False)
class BoneTemplate:
    """One bone of the right limb.

    Parameters
    ----------
    bone
        A key of the vocabulary of bones.
    geometry
        The grid of all maps, to the limb frame in millimetres.
    surface_mm
        (i, j, k) mean signed distance to the bone's surface, negative inside.
    surface_modes_mm
        (m, i, j, k) change of it for one standard deviation of each mode.
    outer_mm, outer_modes_mm
        The same for bone and cartilage together; ``None`` where the source has none.
    regions
        (i, j, k) uint8; value *n* is ``region_names[n - 1]``, 0 is no named region.
    region_names
        Region keys of the vocabulary.
    scar_mm
        (i, j, k) distance from the scar of the closed growth plate, negative towards the
        joint; ``None`` for a bone that has none there.
    """

    bone: str
    geometry: Geometry
    surface_mm: NDArray[np.float32]
    surface_modes_mm: NDArray[np.float32]
    outer_mm: NDArray[np.float32] | None
    outer_modes_mm: NDArray[np.float32] | None
    regions: NDArray[np.uint8]
    region_names: tuple[str, ...]
    scar_mm: NDArray[np.float32] | None = None

    @property
    def mode_count(self) -> int:
        """Number of principal modes."""
        return int(self.surface_modes_mm.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class JointTemplate:
    """The bones of one joint; modes of its bones vary together."""

    joint: str
    bones: tuple[BoneTemplate, ...]

    @property
    def mode_count(self) -> int:
        """Number of modes that the bones share."""
        return max(bone.mode_count for bone in self.bones)


def save_template(template: JointTemplate, file: Path | IO[bytes]) -> None:
    """Write a template as compressed ``.npz``."""
    arrays: dict[str, NDArray[np.generic]] = {
        "joint": np.array(template.joint),
        "bones": np.array([bone.bone for bone in template.bones]),
    }
    for bone in template.bones:
        arrays[f"{bone.bone}/affine"] = bone.geometry.affine
        arrays[f"{bone.bone}/regions"] = bone.regions
        arrays[f"{bone.bone}/region_names"] = np.array(bone.region_names, dtype=np.str_)
        arrays[f"{bone.bone}/surface"] = _packed(bone.surface_mm)
        arrays |= _packed_modes(f"{bone.bone}/surface_modes", bone.surface_modes_mm)
        if bone.outer_mm is not None and bone.outer_modes_mm is not None:
            arrays[f"{bone.bone}/outer"] = _packed(bone.outer_mm)
            arrays |= _packed_modes(f"{bone.bone}/outer_modes", bone.outer_modes_mm)
        if bone.scar_mm is not None:
            arrays[f"{bone.bone}/scar"] = _packed(bone.scar_mm)
    np.savez_compressed(file, allow_pickle=False, **arrays)


@cache
def load_template(joint: str, family: Family = Family.BUILDING) -> JointTemplate:
    """The packaged template of a joint in one family of shapes, read once.

    Raises
    ------
    FileNotFoundError
        If no shapes of that joint are packaged.
    """
    name = joint if family is Family.BUILDING else f"{joint}-{family.value}"
    source = resources.files("marrowtrail.phantom") / "shapes" / f"{name}.npz"
    with source.open("rb") as file, np.load(file) as arrays:
        stored = {name: arrays[name] for name in arrays.files}
    bones = tuple(_unpacked_bone(str(bone), stored) for bone in stored["bones"])
    return JointTemplate(str(stored["joint"]), bones)


def _packed(distance_mm: NDArray[np.float32]) -> NDArray[np.int8]:
    clipped = np.clip(distance_mm, -CLIP_MM, CLIP_MM)
    return np.round(clipped / DISTANCE_STEP_MM).astype(np.int8)


def _packed_modes(name: str, modes: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
    peak = np.abs(modes).max(axis=(1, 2, 3), initial=1e-6)
    packed = np.round(modes / peak[:, None, None, None] * 127.0).astype(np.int8)
    return {name: packed, f"{name}_peak": peak.astype(np.float32)}


def _unpacked_bone(bone: str, stored: dict[str, NDArray[np.generic]]) -> BoneTemplate:
    surface = _distances(stored[f"{bone}/surface"])
    has_outer, has_scar = f"{bone}/outer" in stored, f"{bone}/scar" in stored
    shape = (surface.shape[0], surface.shape[1], surface.shape[2])
    return BoneTemplate(
        bone=bone,
        geometry=Geometry(shape, stored[f"{bone}/affine"].astype(np.float64)),
        surface_mm=surface,
        surface_modes_mm=_modes(f"{bone}/surface_modes", stored),
        outer_mm=_distances(stored[f"{bone}/outer"]) if has_outer else None,
        outer_modes_mm=_modes(f"{bone}/outer_modes", stored) if has_outer else None,
        regions=stored[f"{bone}/regions"].astype(np.uint8),
        region_names=tuple(str(name) for name in stored[f"{bone}/region_names"]),
        scar_mm=_distances(stored[f"{bone}/scar"]) if has_scar else None,
    )


def _distances(packed: NDArray[np.generic]) -> NDArray[np.float32]:
    return packed.astype(np.float32) * np.float32(DISTANCE_STEP_MM)


def _modes(name: str, stored: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    peak = stored[f"{name}_peak"].astype(np.float32)
    return stored[name].astype(np.float32) * (peak[:, None, None, None] / np.float32(127.0))
