"""Signs that are true of a drawn patient, visit by visit."""

from __future__ import annotations

from collections.abc import Iterator

from marrowtrail.phantom.drawn_patient import DrawnJoint, DrawnPatient, lesion_id
from marrowtrail.phantom.truth import SignKind, SignTruth


def signs_of(patient: DrawnPatient) -> list[SignTruth]:
    """Every sign of every visit: those of lesions, then erosions."""
    side = patient.course.side
    return [
        SignTruth(
            kind=kind,
            visit=f"v{visit}",
            lesion=lesion,
            bone=bone,
            side=side,
            length_mm=round(length, 1),
            thickness_mm=round(thickness, 2),
        )
        for visit, plan in enumerate(patient.scenario.visits, start=1)
        for joint in plan.exams
        for kind, lesion, bone, length, thickness in (
            *_in_lesions(patient, visit, joint),
            *_erosions(patient.joints[joint], visit),
        )
    ]


_Sign = tuple[SignKind, str | None, str, float, float]


def _in_lesions(patient: DrawnPatient, visit: int, joint: str) -> Iterator[_Sign]:
    disease = patient.joints[joint].disease
    for plan, size in patient.present(visit, joint):
        name, bone = lesion_id(visit, plan.key), plan.bone
        for band in disease.bands_at(visit, plan.key):
            yield "demarcation", name, bone, band.length_mm, band.thickness_mm
            if band.plan.double_line:
                yield "double_line", name, bone, band.length_mm, band.thickness_mm
        for sheet in disease.sheets_at(visit, plan.key, size):
            shape = sheet.shape
            if sheet.length_mm > 0:
                yield shape.plan.kind, name, bone, sheet.length_mm, shape.thickness_mm
        for cyst in disease.cysts_at(visit, plan.key):
            yield "cyst", name, bone, cyst.diameter_mm, cyst.diameter_mm
        for collapse in disease.collapses:
            if collapse.plan.lesion == plan.key and collapse.depth_mm[visit - 1] > 0:
                depth = collapse.depth_mm[visit - 1]
                yield "collapse", name, bone, collapse.length_mm, depth


def _erosions(joint: DrawnJoint, visit: int) -> Iterator[_Sign]:
    for erosion in joint.disease.erosions:
        if visit in erosion.plan.visits:
            yield "erosion", None, erosion.plan.bone, erosion.diameter_mm, erosion.depth_mm
