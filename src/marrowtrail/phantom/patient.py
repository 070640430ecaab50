"""Write one synthetic patient: ``dicom/``, ``case.yaml`` and, beside them, ``truth/``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.case_text import case_text
from marrowtrail.phantom.demarcation import DemarcationShape, draw_demarcation
from marrowtrail.phantom.dicom_style import is_fluid_sensitive
from marrowtrail.phantom.dicom_writer import (
    Exam,
    WrittenSeries,
    synthetic_uid,
    write_bone_masks,
    write_series,
)
from marrowtrail.phantom.lesion_shape import LesionShape, draw_lesion, level_volume
from marrowtrail.phantom.limb import Limb, draw_limb
from marrowtrail.phantom.pose import Pose, draw_pose
from marrowtrail.phantom.protocol import Acquisition, plan_exam
from marrowtrail.phantom.scenario import LesionPlan, Scenario, ShiftPlan, load_scenario
from marrowtrail.phantom.soft_tissue import SoftTissue, build_soft_tissue
from marrowtrail.phantom.synthesis import Band, Oedema, Rendered, Scene, render
from marrowtrail.phantom.truth import (
    BoneMotion,
    Edge,
    LabelName,
    LesionTruth,
    PatientTruth,
    RegionShare,
    SeriesTruth,
    ShiftTruth,
    SignTruth,
    VisitTruth,
    write_truth,
)
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

FIRST_DAY = date(2031, 3, 3)
"""Visits of synthetic patients lie in the future, where no real record can be mistaken for
theirs."""

SMALLEST_SIZE = 0.2
"""A lesion drawn smaller than this share of its radius (under 1 % of its volume) is none."""

JOINT_OFFSET = {"knee": 11, "ankle": 23}
"""Keeps the random streams of two joints of one patient apart."""


@dataclass(frozen=True, slots=True, eq=False)
class _Joint:
    """A patient's joint, with every lesion it will ever have."""

    limb: Limb
    tissue: SoftTissue
    lesions: dict[str, LesionShape]
    bands: tuple[DemarcationShape, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Patient:
    """What is drawn once for a patient."""

    scenario: Scenario
    seed: int
    side: Side
    age: int
    dates: tuple[date, ...]
    sizes: dict[str, tuple[float, ...]]
    joints: dict[str, _Joint]

    def lesion_id(self, visit: int, plan: LesionPlan) -> str:
        return f"v{visit}-{plan.key}"

    def present(self, visit: int, joint: str) -> list[tuple[LesionPlan, float]]:
        """Lesions of a joint at a visit (from 1), with their size."""
        return [
            (plan, self.sizes[plan.key][visit - 1])
            for plan in self.scenario.lesions
            if plan.joint == joint and self.sizes[plan.key][visit - 1] > 0
        ]


def write_patient(scenario: str | Scenario, out: Path, *, seed: int) -> PatientTruth:
    """Write a synthetic patient and return what is true of it.

    Parameters
    ----------
    scenario
        Name of a packaged scenario, or a scenario.
    out
        Folder to write into: ``dicom/`` and ``case.yaml`` are all that a reader needs;
        ``truth/`` holds ``truth.json`` and label maps.
    seed
        Draws everything that the scenario leaves open. The same seed gives the same bytes.

    Raises
    ------
    InputError
        If no scenario has that name.
    """
    plan = load_scenario(scenario) if isinstance(scenario, str) else scenario
    patient = _draw_patient(plan, seed)
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 5])
    text = case_text(plan, patient.side, patient.age, patient.dates, rng)
    (out / "case.yaml").write_text(text, encoding="utf-8")
    poses: dict[tuple[int, str], Pose] = {}
    series: list[SeriesTruth] = []
    for number, visit in enumerate(plan.visits, start=1):
        for joint in visit.exams:
            written, pose = _write_exam(patient, number, joint, out)
            series += written
            poses[number, joint] = pose
    truth = _truth(patient, poses, series)
    write_truth(truth, out)
    return truth


def _draw_patient(scenario: Scenario, seed: int) -> _Patient:
    rng = np.random.default_rng([seed, 1])
    side = scenario.sides[int(rng.integers(len(scenario.sides)))]
    age = scenario.age.draw_whole(rng)
    dates, day = [], FIRST_DAY + timedelta(days=int(rng.integers(0, 300)))
    for visit in scenario.visits:
        day += timedelta(days=visit.after_days.draw_whole(rng))
        dates.append(day)
    sizes = {plan.key: tuple(_size(s.draw(rng)) for s in plan.course) for plan in scenario.lesions}
    joints = {
        joint: _draw_joint(scenario, joint, side, seed)
        for joint in dict.fromkeys(j for visit in scenario.visits for j in visit.exams)
    }
    return _Patient(scenario, seed, side, age, tuple(dates), sizes, joints)


def _size(drawn: float) -> float:
    return drawn if drawn >= SMALLEST_SIZE else 0.0


def _draw_joint(scenario: Scenario, joint: str, side: Side, seed: int) -> _Joint:
    rng = np.random.default_rng([seed, 2, JOINT_OFFSET[joint]])
    limb = draw_limb(joint, side, rng)
    lesions = {
        plan.key: draw_lesion(plan, limb.bone(plan.bone), rng)
        for plan in scenario.lesions
        if plan.joint == joint
    }
    bands = tuple(
        draw_demarcation(plan, lesions[plan.lesion], rng)
        for plan in scenario.demarcations
        if plan.lesion in lesions
    )
    return _Joint(limb, build_soft_tissue(limb), lesions, bands)


def _write_exam(
    patient: _Patient, visit: int, joint: str, out: Path
) -> tuple[list[SeriesTruth], Pose]:
    """All series of one joint at one visit, with masks and label maps."""
    rng = np.random.default_rng([patient.seed, 3, visit, JOINT_OFFSET[joint]])
    imaging = patient.scenario.imaging
    scanner = np.random.default_rng([patient.seed, 4, visit])
    vendor = imaging.vendors[int(scanner.integers(len(imaging.vendors)))]
    field_t = imaging.fields_t[int(scanner.integers(len(imaging.fields_t)))]
    parts = patient.joints[joint]
    pose = draw_pose(parts.limb, imaging, rng)
    scene = _scene(patient, visit, joint, pose)
    exam = _exam(patient, visit, joint, vendor, field_t)
    written = []
    for number, acquisition in enumerate(plan_exam(joint, pose, imaging, field_t, rng), start=1):
        rendered = render(scene, acquisition)
        place = out / "dicom" / f"ST{visit:03d}{joint[0].upper()}"
        series = write_series(rendered.image, acquisition, exam, number, place / f"SE{number:03d}")
        if acquisition.is_localiser:
            continue
        seg = place / f"SE{100 + number:03d}" / "IM0001.dcm"
        write_bone_masks(rendered.bones, series, exam, 100 + number, seg)
        written.append(_series_truth(patient, visit, joint, acquisition, rendered, series, out))
    return written, pose


def _scene(patient: _Patient, visit: int, joint: str, pose: Pose) -> Scene:
    parts = patient.joints[joint]
    oedema, bands = [], []
    for plan, size in patient.present(visit, joint):
        shape = parts.lesions[plan.key]
        for band in parts.bands:
            if band.plan.lesion == plan.key and visit in band.plan.visits:
                bands.append(Band(plan.bone, band.level, band.thickness_mm))
        lesion_id = patient.lesion_id(visit, plan)
        oedema.append(Oedema(lesion_id, plan.bone, level_volume(shape, size), shape.water))
    return Scene(parts.limb, parts.tissue, pose, tuple(oedema), tuple(bands))


def _exam(patient: _Patient, visit: int, joint: str, vendor: str, field_t: float) -> Exam:
    key = (patient.scenario.key, patient.seed, visit)
    hour = 9 + 2 * list(patient.scenario.visits[visit - 1].exams).index(joint)
    day = patient.dates[visit - 1]
    side = patient.side.value
    return Exam(
        patient_name=f"Synthetic^{patient.scenario.key.capitalize()}{patient.seed:04d}",
        patient_id=f"SYN-{patient.scenario.key.upper()}-{patient.seed:04d}",
        sex=patient.scenario.sex,
        age=patient.age + (day - patient.dates[0]).days // 365,
        day=day,
        study_uid=synthetic_uid(*key, "study", joint),
        study_id=f"{visit}{joint[0].upper()}",
        study_description=f"MR {joint} {side}",
        frame_uid=synthetic_uid(*key, "frame", joint),
        joint=joint,
        side=patient.side,
        vendor=vendor,
        field_t=field_t,
        start=datetime.combine(day, time(hour, 5)),
    )


def _series_truth(
    patient: _Patient,
    visit: int,
    joint: str,
    acquisition: Acquisition,
    rendered: Rendered,
    series: WrittenSeries,
    out: Path,
) -> SeriesTruth:
    timing = acquisition.timing
    truth = SeriesTruth(
        series_uid=series.series_uid,
        visit=f"v{visit}",
        joint=joint,
        side=patient.side,
        weighting=timing.weighting.value,
        fat_suppressed=timing.is_fat_suppressed,
    )
    if not is_fluid_sensitive(acquisition):
        return truth
    stem = f"truth/labels/v{visit}-{joint}"
    lesions = np.zeros(rendered.image.data.shape, dtype=np.uint8)
    names = []
    for value, (lesion_id, mask) in enumerate(rendered.lesions.items(), start=1):
        lesions[mask] = value
        names.append(LabelName(value=value, name=lesion_id))
    geometry = rendered.image.geometry
    _write_labels(lesions, geometry, out / f"{stem}-lesions.nii.gz")
    _write_labels(rendered.regions, geometry, out / f"{stem}-regions.nii.gz")
    return truth.model_copy(
        update={
            "lesion_labels": f"{stem}-lesions.nii.gz",
            "lesion_names": tuple(names),
            "region_labels": f"{stem}-regions.nii.gz",
            "region_names": tuple(
                LabelName(value=value, name=name)
                for value, name in enumerate(rendered.region_names, start=1)
            ),
        }
    )


def _write_labels(labels: NDArray[np.uint8], geometry: Geometry, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(labels, LPS_FROM_RAS @ geometry.affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def _truth(
    patient: _Patient, poses: dict[tuple[int, str], Pose], series: list[SeriesTruth]
) -> PatientTruth:
    scenario = patient.scenario
    lesions = [
        lesion
        for visit, plan in enumerate(scenario.visits, start=1)
        for joint in plan.exams
        for lesion in _lesions(patient, visit, joint)
    ]
    return PatientTruth(
        scenario=scenario.key,
        seed=patient.seed,
        side=patient.side,
        visits=tuple(
            VisitTruth(id=f"v{n}", date=patient.dates[n - 1], joints=plan.exams)
            for n, plan in enumerate(scenario.visits, start=1)
        ),
        lesions=tuple(lesions),
        signs=_signs(patient),
        edges=_edges(lesions),
        shifts=tuple(_shift(patient, shift) for shift in scenario.shifts),
        motions=_motions(patient, poses),
        series=tuple(series),
    )


def _lesions(patient: _Patient, visit: int, joint: str) -> list[LesionTruth]:
    found = []
    for plan, size in patient.present(visit, joint):
        shape = patient.joints[joint].lesions[plan.key]
        found.append(
            LesionTruth(
                id=patient.lesion_id(visit, plan),
                visit=f"v{visit}",
                track=plan.key,
                joint=joint,
                bone=plan.bone,
                side=patient.side,
                region=plan.region,
                region_shares=tuple(
                    RegionShare(region=name, share=round(share, 4))
                    for name, share in shape.region_shares(size)
                ),
                volume_mm3=round(shape.volume_mm3(size), 1),
            )
        )
    return found


def _edges(lesions: list[LesionTruth]) -> tuple[Edge, ...]:
    """Each lesion and the next time its track is seen."""
    last: dict[str, str] = {}
    edges = []
    for lesion in lesions:
        if lesion.track in last:
            edges.append(Edge(earlier=last[lesion.track], later=lesion.id))
        last[lesion.track] = lesion.id
    return tuple(edges)


def _signs(patient: _Patient) -> tuple[SignTruth, ...]:
    signs = []
    for joint in patient.joints.values():
        for band in joint.bands:
            plan = joint.lesions[band.plan.lesion].plan
            for visit in band.plan.visits:
                signs.append(
                    SignTruth(
                        kind="demarcation",
                        visit=f"v{visit}",
                        lesion=patient.lesion_id(visit, plan),
                        bone=plan.bone,
                        side=patient.side,
                        length_mm=round(band.length_mm, 1),
                        thickness_mm=round(band.thickness_mm, 2),
                    )
                )
    return tuple(signs)


def _shift(patient: _Patient, shift: ShiftPlan) -> ShiftTruth:
    plans = {plan.key: plan for plan in patient.scenario.lesions}
    first, second = plans[shift.from_lesion], plans[shift.to_lesion]
    joints = {vocabulary().joint_of(p.bone, p.region) for p in (first, second)}
    if len(joints) > 1:
        kind = "between_joints"
    else:
        kind = "within_bone" if first.bone == second.bone else "within_joint"
    days = (patient.dates[shift.to_visit - 1] - patient.dates[shift.from_visit - 1]).days
    return ShiftTruth.model_validate(
        {
            "from": patient.lesion_id(shift.from_visit, first),
            "to": patient.lesion_id(shift.to_visit, second),
            "kind": kind,
            "days": days,
        }
    )


def _motions(patient: _Patient, poses: dict[tuple[int, str], Pose]) -> tuple[BoneMotion, ...]:
    motions = []
    for (first, joint), before in poses.items():
        for (second, other), after in poses.items():
            if other != joint or second <= first:
                continue
            for bone in patient.joints[joint].limb.bones:
                key = bone.bone_id.bone
                motion = after.bones[key] @ before.bones[key].inverse()
                motions.append(
                    BoneMotion(
                        joint=joint,
                        bone=key,
                        side=patient.side,
                        from_visit=f"v{first}",
                        to_visit=f"v{second}",
                        matrix_lps=tuple(tuple(float(x) for x in row) for row in motion.matrix),
                    )
                )
    return tuple(motions)
