"""The scene of one exam: a drawn patient's joint, posed, as ill as it is at that visit."""

from __future__ import annotations

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.disease.lesion_shape import cut_box
from marrowtrail.phantom.disease.of_joint import Disease
from marrowtrail.phantom.disease.plan import LesionPlan
from marrowtrail.phantom.drawn_patient import DrawnPatient, lesion_id
from marrowtrail.phantom.painting.scene import Band, Cyst, Oedema, Scene, Sheet


def scene_of(patient: DrawnPatient, visit: int, joint: str, pose: Pose) -> Scene:
    """What lies in front of the scanner when a joint is imaged at a visit (from 1)."""
    parts, course = patient.joints[joint], patient.course
    disease, present = parts.disease, patient.present(visit, joint)
    return Scene(
        disease.limb_at(parts.limb, visit),
        parts.tissue,
        pose,
        oedema=tuple(
            _oedema(disease, visit, plan, size, course.brightness[plan.key][visit - 1])
            for plan, size in present
        ),
        bands=tuple(
            Band(plan.bone, band.level, band.thickness_mm, band.plan.double_line)
            for plan, _ in present
            for band in disease.bands_at(visit, plan.key)
        ),
        sheets=tuple(
            Sheet(
                plan.bone,
                sheet.shape.plan.kind,
                sheet.across,
                sheet.outline,
                sheet.shape.thickness_mm,
            )
            for plan, size in present
            for sheet in disease.sheets_at(visit, plan.key, size)
        ),
        cysts=tuple(
            Cyst(plan.bone, cyst.level)
            for plan, _ in present
            for cyst in disease.cysts_at(visit, plan.key)
        ),
        family=patient.draw.family,
        appearance=parts.appearance,
        effusion=patient.effusion(visit, joint),
    )


def _oedema(
    disease: Disease, visit: int, plan: LesionPlan, size: float, brightness: float
) -> Oedema:
    shape = disease.lesions[plan.key]
    level, grid = disease.spread_level(visit, plan.key, size), shape.bone.surface.geometry
    start, stop = cut_box(level)
    return Oedema(
        lesion_id(visit, plan.key),
        plan.bone,
        Volume(level, grid).crop(start, stop),
        min(1.0, shape.water * brightness),
        shape.edge,
        Volume(shape.strength, grid).crop(start, stop),
    )
