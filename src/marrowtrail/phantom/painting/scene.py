"""What lies in front of the scanner at one exam, and reading it on an image's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.phantom.body.appearance import PLAIN, Appearance
from marrowtrail.phantom.body.grain import Grain, read_tile
from marrowtrail.phantom.body.limb import Limb, PatientBone
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.body.soft_tissue import SoftTissue
from marrowtrail.phantom.disease.edge_profile import EdgeProfile
from marrowtrail.phantom.disease.plan import SheetKind
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Box, Field, coordinate


@dataclass(frozen=True, slots=True, eq=False)
class Oedema:
    """A lesion to draw.

    ``level`` is its level in mm at rest (positive inside), as if marrow were everywhere;
    ``strength``, on the same grid, multiplies its water share from place to place.
    """

    lesion_id: str
    bone: str
    level: Volume
    water: float
    edge: EdgeProfile
    strength: Volume


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A demarcation band to draw.

    ``level`` is the distance in mm from the middle of the band at rest, negative towards
    the segment that it bounds. With a ``double_line`` its inner half is bright on T2.
    """

    bone: str
    level: Volume
    thickness_mm: float
    double_line: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A thin flat sign to draw: mm from its middle and mm inside its outline, at rest."""

    bone: str
    kind: SheetKind
    across: Volume
    outline: Volume
    thickness_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Cyst:
    """A fluid-filled cyst to draw: mm inside its wall, at rest."""

    bone: str
    level: Volume


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A posed limb with its soft tissue and what is in its marrow.

    ``effusion`` runs from 0 to 1, a joint tense with fluid.
    """

    limb: Limb
    tissue: SoftTissue
    pose: Pose
    oedema: tuple[Oedema, ...]
    bands: tuple[Band, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    cysts: tuple[Cyst, ...] = ()
    family: Family = Family.BUILDING
    appearance: Appearance = PLAIN
    effusion: float = 0.0

    def box_of(self, bone: PatientBone, onto: Geometry) -> Box | None:
        """The part of a grid that a posed bone's maps may reach; ``None`` if they miss it."""
        pose = self.pose.bones[bone.bone_id.bone]
        corners = onto.to_ijk(pose.apply(bone.surface.geometry.corners_lps()))
        low = np.maximum(np.floor(corners.min(axis=0)) - 1, 0).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0)) + 2, onto.shape).astype(int)
        if (low >= high).any():
            return None
        i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return i, j, k

    def view_of(self, bone: PatientBone, onto: Geometry, box: Box) -> BoneView:
        """Maps of one bone, to be read in one box of a grid."""
        to_rest = self.pose.bones[bone.bone_id.bone].inverse().matrix @ onto.affine
        return BoneView(bone, to_rest, box)


@dataclass(frozen=True, slots=True, eq=False)
class BoneView:
    """Maps of one bone, read in a box of an image's grid.

    ``to_rest`` (4, 4) maps the grid's index to the limb frame at rest.
    """

    bone: PatientBone
    to_rest: NDArray[np.float64]
    box: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the box."""
        return tuple(part.stop - part.start for part in self.box)

    def read(self, volume: Volume, fill: float, order: int = 1) -> Field:
        """A map at rest, for every voxel of the box."""
        matrix = np.linalg.inv(volume.geometry.affine) @ self.to_rest
        start = np.array([part.start for part in self.box], dtype=np.float64)
        read: Field = ndimage.affine_transform(
            volume.data,
            matrix[:3, :3],
            matrix[:3, :3] @ start + matrix[:3, 3],
            self.shape,
            order=order,
            mode="constant",
            cval=fill,
            prefilter=False,
        )
        return read

    def read_tile(self, grain: Grain, scene: Scene) -> Field:
        """A repeating fine structure, at rest in the bone, for every voxel of the box."""
        offset = scene.appearance.grain_offset_mm
        return read_tile(grain, scene.family, self.to_rest, self.box, offset)

    def part_with(self, volume: Volume) -> BoneView | None:
        """The part of the box that a map at rest reaches; ``None`` if it reaches none."""
        corners = volume.geometry.corners_lps() - self.to_rest[:3, 3]
        index = corners @ np.linalg.inv(self.to_rest[:3, :3]).T
        low = np.floor(index.min(axis=0)).astype(int)
        high = np.ceil(index.max(axis=0)).astype(int) + 1
        parts = [
            slice(max(int(a), whole.start), min(int(b), whole.stop))
            for a, b, whole in zip(low, high, self.box, strict=True)
        ]
        if any(part.start >= part.stop for part in parts):
            return None
        return BoneView(self.bone, self.to_rest, (parts[0], parts[1], parts[2]))

    def part_where(self, mask: NDArray[np.bool_]) -> BoneView:
        """The smallest box that holds a mask of this one; this one where the mask is empty."""
        if not mask.any():
            return self
        start, stop = bounding_box(mask)
        i, j, k = (
            slice(whole.start + a, whole.start + b)
            for a, b, whole in zip(start, stop, self.box, strict=True)
        )
        return BoneView(self.bone, self.to_rest, (i, j, k))

    def rest_coordinate(self, axis: int) -> Field:
        """One coordinate in the limb frame at rest, in mm, for every voxel of the box."""
        return coordinate(self.to_rest[axis], self.box)
