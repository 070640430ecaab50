"""Regions of the bones that meet in the hip, from the sphere that head and socket share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.partitions.shape import BoneShape, Partition
from marrowtrail.anatomy.spheres import Sphere, head_sphere, socket_sphere

HEAD_REACH, HEAD_FRONT = 1.06, 0.72
"""The head: within this many radii of its middle, and no further along the neck than this many;
the sphere ends where the neck comes out of it."""

HEAD_CORE = 0.40
"""What lies no further along the neck than this many radii is head, whatever juts out of the
sphere: osteophytes, and a head that is no longer round."""

NECK_RING = (1.17, 1.42)
"""Distances from the middle of the head, in radii, between which its bone shows the way of the
neck: beyond the head, before the trochanters."""

NECK_END = 1.68
"""The neck ends this many radii along it: at the line between the trochanters."""

TROCHANTERS_END = 3.05
"""Below the middle of the head by this many radii, under the lesser trochanter, the shaft
begins."""

ACETABULUM_MM = 14.0
"""Bone within this of the socket is acetabulum."""

SOCKET_POLE = np.array([-0.74, -0.28, 0.61])
"""From the middle of the socket to its floor, in lateral, anterior and proximal: the mouth looks 40
degrees down and 20 to the front."""

SOCKET_HALF_DEG = 100.0
"""Acetabulum is bone within this of the pole, seen from the middle of the socket."""

ILIUM_ABOVE = 0.45
"""Ilium begins this many radii of the socket above its middle: at its roof."""

ISCHIUM_BEHIND, ISCHIUM_TURN = 0.07, 0.25
"""Below it ischium lies behind, pubis in front of a line this many radii behind the middle, which
runs backwards to the medial side by this, per mm."""


def femur_proximal(shape: BoneShape) -> Partition:
    """Head, neck, trochanters and shaft; nothing where the head is not in view."""
    head = head_sphere(shape.mask)
    if head is None:
        return Partition.of(len(shape.u), {})
    off = _from_middle(shape, head)
    radii = np.linalg.norm(off, axis=1)
    along = off @ neck_direction(off)
    below = off[:, 2] < -TROCHANTERS_END
    is_head = ((radii < HEAD_REACH) & (along < HEAD_FRONT)) | (along < HEAD_CORE)
    is_neck = ~is_head & (along < NECK_END)
    return Partition.of(
        len(shape.u),
        {
            "trochanters": ~is_head & ~is_neck,
            "neck": is_neck,
            "head": is_head,
            "shaft": below,
        },
    )


def _from_middle(shape: BoneShape, sphere: Sphere) -> NDArray[np.float64]:
    """(n, 3) voxels in own axes from the middle of a sphere, in its radii."""
    return np.asarray((shape.u - shape.axes.coordinates_mm(sphere.centre_lps)) / sphere.radius_mm)


def neck_direction(off: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) unit way along the neck: from the middle of the head to where bone leaves it.

    ``off`` is (n, 3) from the middle of the head in radii. Where the neck is not in view it is
    taken to run outward and down at 50 degrees.
    """
    away = np.linalg.norm(off, axis=1)
    ring = off[(away > NECK_RING[0]) & (away < NECK_RING[1])]
    way = ring.mean(axis=0) if len(ring) else np.array([0.77, 0.0, -0.64])
    return np.asarray(way / np.linalg.norm(way))


def hip_bone(shape: BoneShape) -> Partition:
    """Acetabulum, and beyond it the three bones that meet there; nothing without the socket.

    The pelvis hardly turns against the scanner, so its directions are the frame's.
    """
    socket = socket_sphere(shape.mask)
    if socket is None:
        return Partition.of(len(shape.u), {})
    off = _from_middle(shape, socket)
    away = np.maximum(np.linalg.norm(off, axis=1), 1e-6)
    floor = off @ SOCKET_POLE / (away * np.linalg.norm(SOCKET_POLE))
    acetabulum = (away * socket.radius_mm < socket.radius_mm + ACETABULUM_MM) & (
        floor > np.cos(np.radians(SOCKET_HALF_DEG))
    )
    ilium = off[:, 2] > ILIUM_ABOVE
    ischium = off[:, 1] < ISCHIUM_TURN * off[:, 0] - ISCHIUM_BEHIND
    return Partition.of(
        len(shape.u),
        {
            "pubis": ~ilium & ~ischium,
            "ischium": ~ilium & ischium,
            "ilium": ilium,
            "acetabulum": acetabulum,
        },
    )
