"""One patient's bones at rest.

They rest in the limb frame of their own side: LPS-like millimetres about the joint, x to
the patient's left, so lateral is -x in a right limb and +x in a left one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.record.sites import BoneId, Side

STEP_MM = 1.5
"""Grid of a patient's bones: no coarser than the templates (1.5 to 2 mm), which are read with
cubic splines, so what an image of 0.5 mm then reads with linear weights shows no facets."""

MARGIN_MM = 7.5
"""What is drawn outside a bone from its distance map (cartilage, meniscus, a film of fluid)
lies within this."""

SHAFT_WAY = {
    ("knee", "femur"): 1,
    ("knee", "tibia"): -1,
    ("knee", "fibula"): -1,
    ("ankle", "tibia"): 1,
    ("ankle", "fibula"): 1,
    ("hip", "femur"): -1,
}
"""Where the shaft lies from the joint, along z."""


@dataclass(frozen=True, slots=True)
class Shaft:
    """A long bone's joint end, as z in the limb frame, and the way (+1 or -1) to its shaft."""

    joint_end_z: float
    way: int


@dataclass(frozen=True, slots=True, eq=False)
class PatientBone:
    """One bone at rest in the limb frame.

    ``surface`` and ``outer`` are signed distances in mm (bone; bone and cartilage, where
    known), ``texture`` has mean 0 and standard deviation 1, ``regions`` holds *n* for
    ``region_names[n - 1]``. ``shaft`` says where a long bone's cortex thickens. ``scar`` is the
    distance in mm from the scar of the closed growth plate, negative towards the joint.
    """

    bone_id: BoneId
    joint: str
    surface: Volume
    outer: Volume | None
    texture: Volume
    regions: Volume
    region_names: tuple[str, ...]
    shaft: Shaft | None
    scar: Volume | None = None

    def inside_points(self) -> Points:
        """(n, 3) limb-frame centres of voxels within the bone."""
        return self.surface.geometry.to_lps(np.argwhere(self.surface.data < 0))

    def moved(self, matrix: NDArray[np.float64]) -> PatientBone:
        """The same bone, resting elsewhere in the limb frame."""
        grid = self.surface.geometry
        there = Geometry(grid.shape, matrix @ grid.affine)
        return replace(
            self,
            surface=Volume(self.surface.data, there),
            outer=None if self.outer is None else Volume(self.outer.data, there),
            texture=Volume(self.texture.data, there),
            regions=Volume(self.regions.data, there),
            scar=None if self.scar is None else Volume(self.scar.data, there),
        )

    def trimmed(self) -> PatientBone:
        """The same bone without the part of its box that no drawn tissue reaches."""
        maps = self.outer if self.outer is not None else self.surface
        start, stop = bounding_box(maps.data < MARGIN_MM)
        return replace(
            self,
            surface=self.surface.crop(start, stop),
            outer=None if self.outer is None else self.outer.crop(start, stop),
            texture=self.texture.crop(start, stop),
            regions=self.regions.crop(start, stop),
            scar=None if self.scar is None else self.scar.crop(start, stop),
            shaft=self._find_shaft(),
        )

    def _find_shaft(self) -> Shaft | None:
        way = SHAFT_WAY.get((self.joint, self.bone_id.bone))
        if way is None:
            return None
        z = self.inside_points()[:, 2]
        return Shaft(float(z.min() if way > 0 else z.max()), way)


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """The bones of one joint of one side."""

    joint: str
    side: Side
    bones: tuple[PatientBone, ...]

    def bone(self, key: str) -> PatientBone:
        """The bone of that vocabulary key."""
        return next(bone for bone in self.bones if bone.bone_id.bone == key)


def mirrored(limb: Limb) -> Limb:
    """The same joint of the other limb."""
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    bones = tuple(
        replace(bone.moved(mirror), bone_id=BoneId(bone.bone_id.bone, Side.LEFT))
        for bone in limb.bones
    )
    return Limb(limb.joint, Side.LEFT, bones)
