"""Bring the drawn bones of a knee into contact.

Size and modes change each bone on its own; without this a condyle would hang above its
plateau or sink into it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Points
from marrowtrail.phantom.limb import STEP_MM, PatientBone
from marrowtrail.phantom.template import CLIP_MM

FILM_MM = 0.4
"""Gap that is left between opposing cartilages: a film of fluid."""

PLATEAU_DEEP_MM = 25.0
MOST_TILT_RAD = 0.05
"""Three degrees to either side: more would be a varus or valgus deformity."""

ROUNDS = 3
"""Each round measures the gap anew where the bones then lie; the third moves under 0.1 mm."""


def knee_in_contact(bones: list[PatientBone]) -> list[PatientBone]:
    """Tibia (with fibula) and patella shifted until cartilages nearly touch in each compartment.

    Bones are those of a right knee, before trimming.
    """
    parts = {bone.bone_id.bone: bone for bone in bones}
    for _ in range(ROUNDS):
        matrix = _tibia_correction(parts["femur"], parts["tibia"])
        parts["tibia"] = parts["tibia"].moved(matrix)
        parts["fibula"] = parts["fibula"].moved(matrix)
    for _ in range(ROUNDS):
        back = np.eye(4)
        back[1, 3] = gap_mm(parts["femur"], surface_points(parts["patella"])) - FILM_MM
        parts["patella"] = parts["patella"].moved(back)
    return [parts[bone.bone_id.bone] for bone in bones]


def _tibia_correction(femur: PatientBone, tibia: PatientBone) -> NDArray[np.float64]:
    points = surface_points(tibia)
    points = points[points[:, 2] > points[:, 2].max() - PLATEAU_DEEP_MM]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (points[:, 0].max() - points[:, 0].min()) / 4
    medial = gap_mm(femur, points[points[:, 0] > centre[0] + half / 2]) - FILM_MM
    lateral = gap_mm(femur, points[points[:, 0] < centre[0] - half / 2]) - FILM_MM
    tilt = float(np.clip((lateral - medial) / (2 * half), -MOST_TILT_RAD, MOST_TILT_RAD))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.0, tilt, 0.0]).as_matrix()
    lift = np.array([0.0, 0.0, (medial + lateral) / 2])
    matrix[:3, 3] = centre + lift - matrix[:3, :3] @ centre
    return matrix


def surface_points(bone: PatientBone) -> Points:
    """Points near the outer surface of a bone and its cartilage."""
    maps = bone.outer if bone.outer is not None else bone.surface
    near = np.argwhere(np.abs(maps.data) < STEP_MM / 2)
    return maps.geometry.to_lps(near)


def gap_mm(bone: PatientBone, points: Points) -> float:
    """Distance from a bone's outer surface to the nearest of the points; negative if sunk in.

    The 1st percentile stands for the nearest: single voxels are noise of half a step.
    """
    maps = bone.outer if bone.outer is not None else bone.surface
    ijk = np.moveaxis(maps.geometry.to_ijk(points), -1, 0)
    values = ndimage.map_coordinates(maps.data, ijk, order=1, mode="constant", cval=CLIP_MM)
    return float(np.percentile(values, 1.0))
