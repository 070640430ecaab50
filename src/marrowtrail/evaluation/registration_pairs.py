"""Registration of real serial pairs, whose true motion nobody knows.

Reads folders with ``before.nii.gz`` and ``after.nii.gz``, two T1 images of one patient. The
middle of the field, without a mask, is registered as one body by the engine that registers
bones. Two figures stand in for an error: how far apart the ways there and back end, and how far
apart two registrations end that saw disjoint halves of the fixed image's voxels, blocks of
12 mm in the manner of a chess board. Both are no larger than the error by necessity: what
misleads both alike is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from marrowtrail.anatomy.bones import Bone, BoneAxes, BoneVerdict
from marrowtrail.errors import InputError
from marrowtrail.follow_up.gauss_newton import Fit, Samples, register_level
from marrowtrail.follow_up.intensity_alignment import Level, align, blurs_mm, levels_of
from marrowtrail.follow_up.surface_alignment import displacement_mm
from marrowtrail.imaging.nifti import read_volume
from marrowtrail.imaging.series import Contrast, Plane, Series, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

FIELD_MM = 60.0
"""Radius of the ball in the middle of the image that is registered: inside it a pelvis moves
nearly as one body, and coils and skin are left out."""

COARSE_MM = (8.0, 4.0)
"""Blur of the levels before those of bones: without masks the first place is sought."""

START_MM = (-20.0, 0.0, 20.0)
"""Starts along each axis, beside the one that lays the middles of the images on each other."""

BLOCK_MM = 12.0
"""Edge of the blocks that are dealt to the two halves: three slices, so that a voxel's blur
reaches few voxels of the other half."""


class SerialPair(BaseModel):
    """One pair. Distances are in mm over the points of the field; ``None`` where none was found.

    ``moved_mm`` is how far the registration moves the field, ``inverse_mm`` how far apart there
    and back end, ``halves_mm`` how far apart the two halves; means and greatest.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    moved_mm: float | None
    correlation: float | None
    inverse_mm: float | None
    halves_mm: float | None
    halves_worst_mm: float | None


class SerialScores(BaseModel):
    """All pairs; the worst of each figure, nothing where a pair could not be registered."""

    model_config = ConfigDict(frozen=True)

    worst_inverse_mm: float | None
    worst_halves_mm: float | None
    pairs: tuple[SerialPair, ...]


def score_pairs(data: Path, say: Callable[[str], None] = lambda _: None) -> SerialScores:
    """Register every pair of a folder.

    Raises
    ------
    InputError
        If it holds no pair.
    """
    folders = sorted(one.parent for one in data.glob("*/before.nii.gz"))
    if not folders:
        raise InputError(
            "Expected folders with before.nii.gz and after.nii.gz; found none.",
            where=data.name,
            remedy="name the folder that holds one folder a patient",
        )
    pairs = []
    for folder in folders:
        say(f"registering {folder.name}")
        before, after = (read_volume(folder / f"{one}.nii.gz") for one in ("before", "after"))
        pairs.append(score_pair(folder.name, before, after))
    return SerialScores(
        worst_inverse_mm=_worst([one.inverse_mm for one in pairs]),
        worst_halves_mm=_worst([one.halves_mm for one in pairs]),
        pairs=tuple(pairs),
    )


def score_pair(name: str, before: Volume, after: Volume) -> SerialPair:
    """Register one image on another, there, back and by halves."""
    blurs = (*COARSE_MM, *blurs_mm(before.geometry, after.geometry))
    first, second = _levels(before, blurs), _levels(after, blurs)
    start = _best_start(first[0], second[0])
    both = None if start is None else align(first[1:], second[1:], start)
    if start is None or both is None:
        return SerialPair(
            name=name,
            moved_mm=None,
            correlation=None,
            inverse_mm=None,
            halves_mm=None,
            halves_worst_mm=None,
        )
    points = first[-1].samples.points_lps
    halves = [_half(first[1:], second[1:], start, number) for number in (0, 1)]
    ends = [one.transform for one in halves if one is not None]
    apart = displacement_mm(ends[0], ends[1], points) if len(ends) == len(halves) else None
    moved = displacement_mm(both.transform, RigidTransform.identity(), points)
    return SerialPair(
        name=name,
        moved_mm=round(float(moved.mean()), 3),
        correlation=round(both.after.correlation, 4),
        inverse_mm=round(both.apart_mm, 4),
        halves_mm=None if apart is None else round(float(apart.mean()), 4),
        halves_worst_mm=None if apart is None else round(float(apart.max()), 4),
    )


def _levels(image: Volume, blurs: tuple[float, ...]) -> tuple[Level, ...]:
    """The ball in the middle as the fixed image, the whole of it as the moving one."""
    ball = levels_of(_series(image), _body(image.with_data(_in_middle(image))), blurs)
    whole = np.ones(image.geometry.shape, dtype=bool)
    field = levels_of(_series(image), _body(image.with_data(whole)), blurs)
    return tuple(
        # Nothing is marrow here, so every point is trusted alike.
        Level(replace(one.samples, trust=np.ones(len(one.samples.values))), other.moving)
        for one, other in zip(ball, field, strict=True)
    )


def _in_middle(image: Volume) -> NDArray[np.bool_]:
    shape = np.asarray(image.geometry.shape)
    steps = [np.arange(n) - (n - 1) / 2 for n in shape]
    away2 = sum(
        (step.reshape([-1 if axis == n else 1 for n in range(3)]) * spacing) ** 2
        for axis, (step, spacing) in enumerate(zip(steps, image.geometry.spacing_mm, strict=True))
    )
    return np.asarray(away2 <= FIELD_MM**2)


def _series(image: Volume) -> Series:
    contrast = Contrast(Weighting.T1, None, "as the layout says")
    return Series("s1", "v1", "", image, contrast, Plane.CORONAL, "unknown", Side.UNKNOWN)


def _body(mask: Volume) -> Bone:
    axes = BoneAxes(np.zeros(3), *np.eye(3))
    name = BoneId("sacroiliac_bones", Side.MIDLINE)
    return Bone(name, mask, mask, (), axes, "field", BoneVerdict.ACCEPTED, "", touches_edge=True)


def _best_start(first: Level, second: Level) -> RigidTransform | None:
    """The coarse registration that agrees best over most of the field, from 27 starts."""
    middles = [one.moving.coefficients.geometry for one in (first, second)]
    across = np.subtract(*(g.to_lps((np.asarray(g.shape) - 1) / 2) for g in reversed(middles)))
    still = np.zeros(3)
    starts = [
        RigidTransform.about(still, still, across + np.asarray(aside))
        for aside in product(START_MM, repeat=3)
    ]
    fits = [register_level(first.samples, second.moving, start) for start in starts]
    found = [one for one in fits if one is not None]
    best = max(found, key=lambda one: one.correlation * one.seen_share, default=None)
    return None if best is None else best.transform


def _half(
    fixed: Sequence[Level], moving: Sequence[Level], start: RigidTransform, number: int
) -> Fit | None:
    fit: Fit | None = None
    for one, other in zip(fixed, moving, strict=True):
        fit = register_level(half_of(one.samples, number), other.moving, start)
        if fit is None:
            return None
        start = fit.transform
    return fit


def half_of(samples: Samples, number: int) -> Samples:
    """The points in every other block; those of halves 0 and 1 are disjoint and are all."""
    blocks = np.floor(samples.points_lps / BLOCK_MM).astype(int).sum(axis=1)
    own = blocks % 2 == number
    return replace(
        samples,
        points_lps=samples.points_lps[own],
        values=samples.values[own],
        slopes=samples.slopes[own],
        edges=samples.edges[own],
        trust=samples.trust[own],
    )


def _worst(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return max(known) if known and len(known) == len(values) else None
