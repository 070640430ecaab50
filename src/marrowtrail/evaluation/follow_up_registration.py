"""Registrations of bones against the motion that the truth knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from marrowtrail.anatomy.bones import Bone
from marrowtrail.evaluation.cases_scoring import Share, wilson
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom import PatientTruth
from marrowtrail.result.inputs import Measured

WRONG_MM = 1.5
"""A registration that is off by more, in the median over its bone, is wrong."""

EVERY_VOXEL = 37
"""Bone voxels at which registration is scored, evenly taken."""

THIN_MM = 1.5
"""Voxels with no edge longer than this are of a 3-D series."""


class RegistrationCase(BaseModel):
    """One bone of one pair of visits: median error in mm, and what the program says of it."""

    model_config = ConfigDict(frozen=True)

    bone: str
    from_visit: str
    to_visit: str
    error_mm: float
    verification: Verification
    is_3d: bool

    @property
    def is_wrong(self) -> bool:
        """Off by more than :data:`WRONG_MM`."""
        return self.error_mm > WRONG_MM


class RegistrationScores(BaseModel):
    """Over all bones and pairs of visits; empty where there is none.

    ``verified_right`` is the share of all pairs, its interval that of Wilson.
    ``wrong_verified`` is the share of wrong ones among the verified; the same count stands in
    ``verified_wrong``.
    """

    model_config = ConfigDict(frozen=True)

    pairs: int
    median_error_mm: float | None
    p95_error_mm: float | None
    worst_error_mm: float | None
    pairs_3d: int
    median_error_3d_mm: float | None
    median_error_thick_mm: float | None
    verified_right: float | None
    verified_right_share: Share | None
    verified_wrong: int
    wrong_verified: Share | None
    impossible: int


def true_motions(
    truth: PatientTruth,
) -> Mapping[tuple[str, str], Mapping[str, NDArray[np.float64]]]:
    """Matrices of the bones by the UIDs of two series of one joint at two visits, earlier first.

    Where the patient moved between series of a visit, that is in them.
    """
    visits = {one.id: number for number, one in enumerate(truth.visits)}
    motions: dict[tuple[str, str, str], dict[str, NDArray[np.float64]]] = {}
    for one in truth.motions:
        key = (one.from_visit, one.to_visit, one.joint)
        motions.setdefault(key, {})[one.bone] = np.asarray(one.matrix_lps)
    return {
        (first.series_uid, second.series_uid): {
            bone: second.moved_matrix @ matrix @ np.linalg.inv(first.moved_matrix)
            for bone, matrix in motions[first.visit, second.visit, first.joint].items()
        }
        for first in truth.series
        for second in truth.series
        if visits[first.visit] < visits[second.visit]
        and (first.visit, second.visit, first.joint) in motions
        and first.joint == second.joint
    }


def score_registrations(measured: Measured, truth: PatientTruth) -> tuple[RegistrationCase, ...]:
    """Every registration of a patient whose true motion is known."""
    maps = {one.series_id: one for one in measured.bone_maps}
    series = {one.id: one for v in measured.study.visits for one in v.series}
    motions = true_motions(truth)
    cases = []
    for one in measured.followed.registrations:
        first, second = series[one.from_series], series[one.to_series]
        motion = motions.get((first.source_uid, second.source_uid), {}).get(one.bone.bone)
        bone = maps[one.from_series].get(one.bone)
        if motion is not None and bone is not None:
            grids = (first.volume.geometry, second.volume.geometry)
            cases.append(judge(one, bone, RigidTransform(motion), grids))
    return tuple(cases)


def judge(
    one: BoneRegistration, bone: Bone, true: RigidTransform, grids: tuple[Geometry, Geometry]
) -> RegistrationCase:
    """How far off one registration is over the bone's voxels, in the median."""
    points = bone.mask.geometry.to_lps(np.argwhere(bone.mask.data)[::EVERY_VOXEL])
    gap = np.linalg.norm(one.transform.apply(points) - true.apply(points), axis=1)
    return RegistrationCase(
        bone=one.bone.bone,
        from_visit=one.from_visit,
        to_visit=one.to_visit,
        error_mm=round(float(np.median(gap)), 4),
        verification=one.verification,
        is_3d=max(max(grid.spacing_mm) for grid in grids) <= THIN_MM,
    )


def sum_registrations(cases: Sequence[RegistrationCase]) -> RegistrationScores:
    """Figures over all pairs; errors are of all of them, verified or not."""
    verified = [one for one in cases if one.verification is Verification.VERIFIED]
    wrong = sum(one.is_wrong for one in verified)
    right = wilson(len(verified) - wrong, len(cases)) if cases else None
    errors = [one.error_mm for one in cases]
    return RegistrationScores(
        pairs=len(cases),
        median_error_mm=_median(errors),
        p95_error_mm=float(np.percentile(errors, 95)) if errors else None,
        worst_error_mm=max(errors, default=None),
        pairs_3d=sum(one.is_3d for one in cases),
        median_error_3d_mm=_median([one.error_mm for one in cases if one.is_3d]),
        median_error_thick_mm=_median([one.error_mm for one in cases if not one.is_3d]),
        verified_right=None if right is None else right.share,
        verified_right_share=right,
        verified_wrong=wrong,
        wrong_verified=wilson(wrong, len(verified)) if verified else None,
        impossible=sum(one.verification is Verification.IMPOSSIBLE for one in cases),
    )


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
