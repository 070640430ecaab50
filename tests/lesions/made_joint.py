"""A round condyle over a flat plateau, with oedema and whichever sign is painted into it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone, BoneAxes, BoneMap, BoneVerdict
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Plane, Series, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion, Sign, SignKind, VolumeEstimate
from marrowtrail.lesions.signs import look_for_signs
from marrowtrail.record.sites import BoneId, Side

FEMUR, TIBIA = BoneId("femur", Side.RIGHT), BoneId("tibia", Side.RIGHT)
FLUID = Contrast(Weighting.PD, True, "test")
T1 = Contrast(Weighting.T1, False, "test")

AXIS_MM, CONDYLE_MM, PLATEAU_MM = (35.0, 30.0), 25.0, 59.0
"""In the plane: middle of the condyle, its radius, and where the plateau begins."""

MARROW = {FLUID: 30.0, T1: 200.0}
OEDEMA = {FLUID: 150.0, T1: 110.0}
DARK, OTHER, DARK_ON_T1 = 12.0, 60.0, 65.0


@dataclass(frozen=True)
class Sketch:
    """What is painted: ``line``/``area`` (degrees to either side, first and last depth in mm),
    a ``rim`` (radius and width in mm; degrees of it that are left out), a ``disc``; oedema that
    ends at a depth (``dark_oedema_mm``) and is as dark as muscle on T1.
    """

    line: tuple[float, float, float] | None = None
    area: tuple[float, float, float] | None = None
    rim: tuple[float, float, float] | None = None
    disc: float | None = None
    oedema_mm: float = 15.0
    spacing_mm: tuple[float, float, float] = (0.5, 0.5, 3.5)
    has_tibia: bool = True
    dark_oedema_mm: float = 0.0


def _places(sketch: Sketch):
    shape = [round(70.0 / sketch.spacing_mm[0]), round(70.0 / sketch.spacing_mm[1]), 9]
    x, y, k = np.meshgrid(
        np.arange(shape[0]) * sketch.spacing_mm[0],
        np.arange(shape[1]) * sketch.spacing_mm[1],
        np.arange(shape[2]),
        indexing="ij",
    )
    return x, y, k


def paint(sketch: Sketch, contrast: Contrast, seed: int = 0):
    """Signal, labels (1 femur, 2 tibia) and lesion. The sign lies in the middle five slices."""
    x, y, k = _places(sketch)
    away = np.hypot(x - AXIS_MM[0], y - AXIS_MM[1])
    depth = CONDYLE_MM - away
    angle = np.degrees(np.arctan2(x - AXIS_MM[0], y - AXIS_MM[1]))
    femur, tibia = depth > 0, (y > PLATEAU_MM) & sketch.has_tibia
    centre = (AXIS_MM[0], AXIS_MM[1] + 12.0)
    lesion = femur & (np.hypot(x - centre[0], y - centre[1]) < sketch.oedema_mm)
    middle = np.abs(k - 4) <= 2
    signal = np.where(femur | tibia, MARROW[contrast], OTHER)
    signal[lesion] = OEDEMA[contrast]
    if sketch.rim is not None or sketch.disc is not None:
        off = np.hypot(x - centre[0], y - (AXIS_MM[1] + 21.0))
        turn = np.degrees(np.arctan2(x - centre[0], AXIS_MM[1] + 21.0 - y))
        if sketch.rim is not None:
            radius, width, gap = sketch.rim
            whole = middle & femur & (off < radius + width / 2)
            signal[whole & (off < radius - width / 2)] = MARROW[contrast]
            lesion &= ~whole
            signal[whole & (off >= radius - width / 2) & (np.abs(turn - 45) >= gap / 2)] = DARK
        else:
            signal[middle & femur & (off < sketch.disc)] = DARK
    if sketch.dark_oedema_mm:
        signal[lesion & (depth >= sketch.dark_oedema_mm)] = MARROW[contrast]
        lesion &= depth < sketch.dark_oedema_mm
        signal[lesion & (contrast == T1)] = DARK_ON_T1
    for stripe in (sketch.line, sketch.area):
        if stripe is not None:
            half, first, last = stripe
            signal[middle & (np.abs(angle) < half) & (depth > first) & (depth < last)] = DARK
    signal[(femur & (depth < 1.0)) | (tibia & (y < PLATEAU_MM + 1.0))] = DARK
    signal = ndimage.gaussian_filter(signal, (0.6, 0.6, 0.0))
    signal += np.random.default_rng(seed).normal(0, 3.0, signal.shape)
    return signal.astype(np.float32), np.where(femur, 1, np.where(tibia, 2, 0)), lesion


def _bone(bone: BoneId, mask: Volume) -> Bone:
    axes = BoneAxes(np.zeros(3), *np.eye(3))
    whole = mask.with_data(mask.data.astype(np.uint8))
    return Bone(
        bone, mask, whole, ("medial_condyle",), axes, "test", BoneVerdict.ACCEPTED, "", True
    )


@cache
def signs_of(
    sketch: Sketch,
    contrasts: tuple[Contrast, ...] = (FLUID, T1),
    frames: tuple[str, ...] = ("1.2.3", "1.2.3"),
    turn: tuple[int, int, int] = (0, 1, 2),
    mirrored: bool = False,
    last_has: int | None = None,
    is_blank: bool = False,
    is_part: bool = False,
) -> dict[SignKind, Sign]:
    """What is said of the femur; ``turn`` and ``mirrored`` store the same knee another way.

    ``last_has``: the last series ends after so many slices; ``is_blank``: it has no signal;
    ``is_part``: slices of the bone are missing.
    """
    series, maps, lesions = [], [], []
    for number, (contrast, frame) in enumerate(zip(contrasts, frames, strict=True), start=1):
        signal, labels, lesion = paint(sketch, contrast, seed=number)
        affine = np.eye(4)
        affine[:3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]]) * sketch.spacing_mm
        arrays = [signal, labels.astype(np.uint8), lesion]
        if number == len(contrasts):
            arrays = [one[:, :, :last_has] for one in arrays]
            arrays[0] = np.zeros_like(arrays[0]) if is_blank else arrays[0]
        if mirrored:
            arrays = [one[::-1] for one in arrays]
            affine[:3, 3] += affine[:3, 0] * (signal.shape[0] - 1)
            affine[:3, 0] *= -1
        arrays = [np.ascontiguousarray(np.transpose(one, turn)) for one in arrays]
        affine[:3, :3] = affine[:3, list(turn)]
        grid = Geometry(arrays[0].shape, affine, frame)
        one = Series(
            f"v1-s{number}",
            "v1",
            f"uid{number}",
            Volume(arrays[0], grid),
            contrast,
            Plane.SAGITTAL,
            "knee",
            Side.RIGHT,
        )
        series.append(one)
        bones = tuple(
            _bone(bone, Volume(arrays[1] == value, grid))
            for value, bone in ((1, FEMUR), (2, TIBIA))
            if (arrays[1] == value).any()
        )
        maps.append(BoneMap(one.id, "v1", grid, bones))
        lesions.append(Volume(arrays[2], grid))
    ill = Lesion(
        "v1-femur-right-1",
        "v1",
        "v1-s1",
        FEMUR,
        lesions[0],
        VolumeEstimate(5000.0, 4000.0, 6000.0),
        (),
        lesions[0].geometry.centre_lps,
        2.0,
        0.1,
    )
    reading = BoneReading("v1", FEMUR, "v1-s1", True, "read", (ill,), is_part)
    return {one.kind: one for one in look_for_signs((reading,), series, maps)}
