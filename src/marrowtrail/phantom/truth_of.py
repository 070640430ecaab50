"""Gather what is true of a drawn patient: lesions, signs, edges, shifts, motions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.disease.lesion_shape import region_shares, volume_of
from marrowtrail.phantom.disease.plan import LesionPlan, ShiftPlan
from marrowtrail.phantom.drawn_patient import DrawnPatient, lesion_id
from marrowtrail.phantom.truth import (
    BoneMotion,
    EffusionTruth,
    LesionTruth,
    Matrix,
    PatientTruth,
    RegionShare,
    SeriesTruth,
    ShiftTruth,
    VisitTruth,
    rows_of,
)
from marrowtrail.phantom.truth_changes import changes_of, edges_of
from marrowtrail.phantom.truth_signs import signs_of
from marrowtrail.record.vocabulary import vocabulary

Poses = Mapping[tuple[int, str], Pose]
"""The pose of a limb by visit (counted from 1) and joint."""


def truth_of(patient: DrawnPatient, poses: Poses, series: Sequence[SeriesTruth]) -> PatientTruth:
    """Everything that is true of a patient whose visits were imaged in these poses."""
    visits = list(enumerate(patient.scenario.visits, start=1))
    lesions = [
        lesion
        for number, plan in visits
        for joint in plan.exams
        for lesion in _lesions(patient, number, joint)
    ]
    return PatientTruth(
        scenario=patient.scenario.key,
        seed=patient.seed,
        family=patient.draw.family,
        difficulty=patient.difficulty,
        side=patient.course.side,
        visits=tuple(
            VisitTruth(id=f"v{number}", date=patient.course.dates[number - 1], joints=plan.exams)
            for number, plan in visits
        ),
        lesions=tuple(lesions),
        signs=tuple(signs_of(patient)),
        edges=tuple(edges_of(patient, lesions)),
        shifts=tuple(_shift(patient, plan) for plan in patient.scenario.shifts),
        changes=tuple(changes_of(patient, lesions)),
        effusions=tuple(_effusions(patient)),
        motions=tuple(_motions(patient, poses)),
        series=tuple(series),
    )


def _lesions(patient: DrawnPatient, visit: int, joint: str) -> list[LesionTruth]:
    return [
        _lesion(patient, visit, joint, plan, size) for plan, size in patient.present(visit, joint)
    ]


def _lesion(
    patient: DrawnPatient, visit: int, joint: str, plan: LesionPlan, size: float
) -> LesionTruth:
    parts = patient.joints[joint]
    level, bone = parts.disease.level(visit, plan.key, size), parts.limb.bone(plan.bone)
    return LesionTruth(
        id=lesion_id(visit, plan.key),
        visit=f"v{visit}",
        track=plan.key,
        joint=joint,
        bone=plan.bone,
        side=patient.course.side,
        region=plan.region,
        region_shares=tuple(
            RegionShare(region=name, share=round(share, 4))
            for name, share in region_shares(level, bone)
        ),
        volume_mm3=round(volume_of(level), 1),
        nature=plan.nature,
    )


def _effusions(patient: DrawnPatient) -> list[EffusionTruth]:
    return [
        EffusionTruth(
            visit=f"v{visit}",
            joint=joint,
            side=patient.course.side,
            grade=round(patient.effusion(visit, joint), 3),
        )
        for visit, plan in enumerate(patient.scenario.visits, start=1)
        for joint in plan.exams
    ]


def _shift(patient: DrawnPatient, plan: ShiftPlan) -> ShiftTruth:
    lesions = {lesion.key: lesion for lesion in patient.scenario.lesions}
    days = patient.course.dates[plan.to_visit - 1] - patient.course.dates[plan.from_visit - 1]
    return ShiftTruth(
        from_lesion=lesion_id(plan.from_visit, plan.from_lesion),
        to_lesion=lesion_id(plan.to_visit, plan.to_lesion),
        kind=_shift_kind(lesions[plan.from_lesion], lesions[plan.to_lesion]),
        days=days.days,
    )


def _shift_kind(
    first: LesionPlan, second: LesionPlan
) -> Literal["within_bone", "within_joint", "between_joints"]:
    """By the joints of the two regions first: one tibia has two ends."""
    joints = [vocabulary().joint_of(plan.bone, plan.region) for plan in (first, second)]
    if joints[0] != joints[1]:
        return "between_joints"
    return "within_bone" if first.bone == second.bone else "within_joint"


def _motions(patient: DrawnPatient, poses: Poses) -> list[BoneMotion]:
    """Motions of every bone between all pairs of visits that imaged its joint."""
    return [
        BoneMotion(
            joint=joint,
            bone=bone,
            side=patient.course.side,
            from_visit=f"v{first}",
            to_visit=f"v{second}",
            matrix_lps=_motion(poses[first, joint], poses[second, joint], bone),
        )
        for (first, joint), (second, other) in combinations(poses, 2)
        if joint == other
        for bone in poses[first, joint].bones
    ]


def _motion(before: Pose, after: Pose, bone: str) -> Matrix:
    return rows_of((after.bones[bone] @ before.bones[bone].inverse()).matrix)
