"""Soft tissue of a joint as tapered tubes, from ``tubes/JOINT.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
import yaml
from pydantic import Field as Of

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.ranges import Part


class Tube(Part):
    """A tapered tube along (x, y, z, radius) points of a right limb, in mm.

    It is ``wide`` times as wide from side to side as from front to back.
    """

    points: tuple[tuple[float, float, float, float], ...] = Of(min_length=2)
    wide: float = Of(default=1.0, gt=0)


class JointTubes(Part):
    """All tubes of a joint, and how skin lies about them.

    Skin keeps ``fat_under_skin_mm`` from what is inside; hollows narrower than about twice
    ``close_mm`` are filled by fat.
    """

    fat_under_skin_mm: float
    close_mm: float
    muscles: Mapping[str, Tube]
    tendons: Mapping[str, Tube]
    arteries: Mapping[str, Tube]
    veins: Mapping[str, Tube]
    nerves: Mapping[str, Tube]
    recesses: Mapping[str, Tube]


@cache
def load_tubes(joint: str) -> JointTubes:
    """The tubes of a joint, read once.

    Raises
    ------
    FileNotFoundError
        If none of that joint are packaged.
    """
    source = resources.files("marrowtrail.phantom") / "tubes" / f"{joint}.yaml"
    return JointTubes.model_validate(
        yaml.load(source.read_text(encoding="utf-8"), yaml.CSafeLoader)
    )


def tube_distance(tube: Tube, axes: tuple[Field, Field, Field]) -> Field:
    """Distance to a tapered tube: to its nearest section, less the radius there.

    ``axes`` are x, y and z of a grid's voxels, each broadcast along its own axis.
    """
    squeeze = np.array([1.0 / tube.wide, 1.0, 1.0], dtype=np.float32)
    knots = np.asarray(tube.points, dtype=np.float32)
    nearest = None
    for start, end in pairwise(knots):
        a, step = start[:3] * squeeze, (end - start)[:3] * squeeze
        away = [axis * s - x for axis, s, x in zip(axes, squeeze, a, strict=True)]
        length2 = float(step @ step)
        forward = away[0] * step[0] + away[1] * step[1] + away[2] * step[2]
        along = np.clip(forward / length2, 0.0, 1.0)
        square = away[0] ** 2 + away[1] ** 2 + away[2] ** 2
        square = square - along * (2.0 * forward - along * length2)
        section = np.sqrt(np.maximum(square, 0.0)) - (start[3] + along * (end[3] - start[3]))
        nearest = section if nearest is None else np.minimum(nearest, section)
    return np.asarray(nearest, dtype=np.float32)
