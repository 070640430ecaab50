"""How the bones of one patient differ from the template: smooth fields of displacement.

One field deforms all bones of a joint, so that opposing surfaces stay congruent. It is the sum
of noise between knots and of *modes*: stretches, bends, twists and swellings of a whole limb or
of one process. The modes of ``shapes/variation.yaml`` are invented, not measured; only the
knee of the building family has principal modes of real bones (in its template).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field as Of
from pydantic import TypeAdapter
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.ranges import Part

FIELD_STEP_MM = 8.0
"""The field is laid down every 8 mm, by cubic splines, and read with linear weights."""

FIELD_HALF_MM = 176.0
"""It covers a joint with its shafts, this far to each side of the origin."""

MODE_LIMIT_SD = 1.8
"""Modes are drawn within this many standard deviations: two of them together then deform a
bone no further than adults differ."""

Axis = Literal["x", "y", "z"]
_AXES: tuple[Axis, ...] = ("x", "y", "z")


class ModeKind(StrEnum):
    """What a mode does; ``d`` is the distance along an axis from the mode's centre."""

    STRETCH = "stretch"
    """Moves along ``axis`` by ``sd`` times d along ``axis``."""
    SHEAR = "shear"
    """Moves along ``axis`` by ``sd`` times d along ``along``."""
    BEND = "bend"
    """Moves along ``axis`` by ``sd`` mm at 100 mm along ``along``, growing with its square."""
    TWIST = "twist"
    """Turns about ``axis`` by ``sd`` radians at 100 mm along it."""
    SWELL = "swell"
    """Grows by up to 0.6 ``sd`` mm about the centre, at ``radius_mm`` from it."""


class Mode(Part):
    """One invented mode of variation, in the limb frame of a right limb.

    ``sd`` is one standard deviation. With ``radius_mm`` the mode fades with the distance from
    its centre, as a Gaussian of that width.
    """

    kind: ModeKind
    sd: float = Of(gt=0)
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    axis: Axis = "z"
    along: Axis = "z"
    radius_mm: float | None = Of(default=None, gt=0)


class Variation(Part):
    """How the bones of one joint vary: noise of ``warp_mm`` between knots, and modes."""

    knot_mm: float = Of(gt=0)
    warp_mm: float = Of(ge=0)
    modes: tuple[Mode, ...] = ()


@cache
def _table() -> Mapping[str, Mapping[Family, Variation]]:
    source = resources.files("marrowtrail.phantom") / "shapes" / "variation.yaml"
    table = TypeAdapter(Mapping[str, Mapping[Family, Variation]])
    return table.validate_python(yaml.load(source.read_text(encoding="utf-8"), yaml.CSafeLoader))


def variation_of(joint: str, family: Family) -> Variation:
    """How a joint of that family varies.

    Raises
    ------
    KeyError
        If ``shapes/variation.yaml`` does not name the joint.
    """
    return _table()[joint][family]


@dataclass(frozen=True, slots=True, eq=False)
class Deformation:
    """A smooth displacement in millimetres over the box of a joint.

    ``field`` (3, n, n, n) holds it every :data:`FIELD_STEP_MM`; a drawn bone at a point is the
    template at that point plus the displacement.
    """

    field: NDArray[np.float32]

    @classmethod
    def draw(cls, variation: Variation, rng: np.random.Generator) -> Deformation:
        """One patient's deformation."""
        axis = np.arange(-FIELD_HALF_MM, FIELD_HALF_MM + 1.0, FIELD_STEP_MM)
        field = _noise(variation, axis, rng)
        points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
        for mode in variation.modes:
            weight = float(np.clip(rng.standard_normal(), -MODE_LIMIT_SD, MODE_LIMIT_SD))
            field += weight * displacement_of(mode, points)
        return cls(field.astype(np.float32))

    def at(self, geometry: Geometry) -> NDArray[np.float32]:
        """(3, i, j, k) displacement at every voxel of a grid of the limb frame."""
        matrix = geometry.affine[:3, :3] / FIELD_STEP_MM
        offset = (geometry.affine[:3, 3] + FIELD_HALF_MM) / FIELD_STEP_MM
        return np.stack(
            [
                ndimage.affine_transform(
                    one, matrix, offset, geometry.shape, order=1, mode="nearest"
                )
                for one in self.field
            ]
        )


def displacement_of(mode: Mode, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, ...) displacement in mm for one standard deviation of a mode at (3, ...) points."""
    away = points - np.reshape(mode.centre, (3, *(1,) * (points.ndim - 1)))
    axis, along = _AXES.index(mode.axis), _AXES.index(mode.along)
    moved = np.zeros_like(away)
    if mode.kind is ModeKind.STRETCH:
        moved[axis] = mode.sd * away[axis]
    elif mode.kind is ModeKind.SHEAR:
        moved[axis] = mode.sd * away[along]
    elif mode.kind is ModeKind.BEND:
        moved[axis] = mode.sd * (away[along] / 100.0) ** 2
    elif mode.kind is ModeKind.TWIST:
        angle = mode.sd * away[axis] / 100.0
        first, second = (axis + 1) % 3, (axis + 2) % 3
        moved[first], moved[second] = -angle * away[second], angle * away[first]
    else:
        moved = mode.sd * away / (mode.radius_mm or 1.0)
    if mode.radius_mm is None:
        return np.asarray(moved, dtype=np.float64)
    fading = np.exp(-0.5 * (away**2).sum(axis=0) / mode.radius_mm**2)
    return np.asarray(moved * fading, dtype=np.float64)


def _noise(
    variation: Variation, axis: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """(3, n, n, n) noise laid down by cubic splines through knots."""
    count = int(np.ceil(2 * FIELD_HALF_MM / variation.knot_mm)) + 1
    at = (axis + FIELD_HALF_MM) / variation.knot_mm
    ijk = np.stack(np.meshgrid(at, at, at, indexing="ij"))
    knots = rng.normal(0.0, variation.warp_mm, (3, count, count, count))
    return np.stack([ndimage.map_coordinates(one, ijk, order=3, mode="nearest") for one in knots])
