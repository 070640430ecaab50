"""Bring the drawn bones of a knee into contact.

Size and modes change each bone on its own; without this a condyle would hang above its
plateau or sink into it. Cartilage is soft: bones are pressed together a little further than
their cartilages allow, and both cartilages then give way equally, so that they meet over an
area and not at a point.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Points
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.body.limb import STEP_MM, PatientBone
from marrowtrail.phantom.body.template import CLIP_MM

FILM_MM = 0.4
"""Gap that is left between opposing cartilages: a film of fluid."""

PRESSED_MM = {"tibia": 1.2, "patella": 0.9}
"""How far cartilages would overlap if neither gave way. Against a condyle of 25 to 35 mm
radius, 1.2 mm spreads contact over 2 to 4 cm2 in each compartment."""

CLOSED_MM, OPEN_MM = 0.7, 2.2
"""Gaps up to the first close as the cartilages adapt to each other; from the second on they
stay as they are."""

PLATEAU_DEEP_MM = 25.0
MOST_TILT_RAD = 0.05
"""Three degrees to either side: more would be a varus or valgus deformity."""

ROUNDS = 3
"""Each round measures the gap anew where the bones then lie; the third moves under 0.1 mm."""


def knee_in_contact(bones: list[PatientBone]) -> list[PatientBone]:
    """Tibia (with fibula) and patella shifted until cartilages touch in each compartment.

    Bones are those of a right knee, before trimming, with the outer surface of their cartilage.
    """
    parts = {bone.bone_id.bone: bone for bone in bones}
    for _ in range(ROUNDS):
        matrix = _tibia_correction(parts["femur"], parts["tibia"])
        parts["tibia"] = parts["tibia"].moved(matrix)
        parts["fibula"] = parts["fibula"].moved(matrix)
    for _ in range(ROUNDS):
        back = np.eye(4)
        back[1, 3] = gap_mm(parts["femur"], surface_points(parts["patella"]))
        back[1, 3] += PRESSED_MM["patella"] - FILM_MM
        parts["patella"] = parts["patella"].moved(back)
    for lower in ("tibia", "patella"):
        parts["femur"], parts[lower] = adapted(parts["femur"], parts[lower])
    return [parts[bone.bone_id.bone] for bone in bones]


def _tibia_correction(femur: PatientBone, tibia: PatientBone) -> NDArray[np.float64]:
    points = surface_points(tibia)
    points = points[points[:, 2] > points[:, 2].max() - PLATEAU_DEEP_MM]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (points[:, 0].max() - points[:, 0].min()) / 4
    press = PRESSED_MM["tibia"] - FILM_MM
    medial = gap_mm(femur, points[points[:, 0] > centre[0] + half / 2]) + press
    lateral = gap_mm(femur, points[points[:, 0] < centre[0] - half / 2]) + press
    tilt = float(np.clip((lateral - medial) / (2 * half), -MOST_TILT_RAD, MOST_TILT_RAD))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.0, tilt, 0.0]).as_matrix()
    lift = np.array([0.0, 0.0, (medial + lateral) / 2])
    matrix[:3, 3] = centre + lift - matrix[:3, :3] @ centre
    return matrix


def adapted(one: PatientBone, other: PatientBone) -> tuple[PatientBone, PatientBone]:
    """Two bones whose cartilages give way to each other, to a film apart where they are near.

    Raises
    ------
    ValueError
        If one of them has no cartilage.
    """
    if one.outer is None or other.outer is None:
        raise ValueError("Only bones with cartilage adapt to each other.")
    return _giving_way(one, one.outer, other.outer), _giving_way(other, other.outer, one.outer)


def _giving_way(bone: PatientBone, outer: Volume, opposite: Volume) -> PatientBone:
    near = resample(opposite, outer.geometry, fill=CLIP_MM).data
    settled = outer.data + closing_mm(outer.data + near)
    return replace(
        bone,
        outer=Volume(np.minimum(settled, bone.surface.data).astype(np.float32), outer.geometry),
    )


def closing_mm(gap_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to add to each of two distances that sum up to a gap, so that a film is left."""
    share = np.clip((OPEN_MM - gap_mm) / (OPEN_MM - CLOSED_MM), 0.0, 1.0)
    return np.asarray(-0.5 * (gap_mm - FILM_MM) * share, dtype=np.float32)


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
