"""Write one synthetic patient: ``dicom/``, ``case.yaml`` and, beside them, ``truth/``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom.body.pose import Pose, draw_pose, draw_restlessness
from marrowtrail.phantom.case_text import case_text
from marrowtrail.phantom.dicom.habits import draw_habits
from marrowtrail.phantom.dicom.masks import write_bone_masks
from marrowtrail.phantom.dicom.style import is_fluid_sensitive, shown_contrast
from marrowtrail.phantom.dicom.writer import Exam, WrittenSeries, synthetic_uid, write_series
from marrowtrail.phantom.drawn_patient import DrawnPatient, draw_patient
from marrowtrail.phantom.family import PLAIN_DRAW, Draw
from marrowtrail.phantom.painting.scene_of import scene_of
from marrowtrail.phantom.painting.synthesis import Rendered, render
from marrowtrail.phantom.random_story import pick_scenario
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.phantom.scenario import Scenario
from marrowtrail.phantom.truth import LabelName, PatientTruth, SeriesTruth, rows_of, write_truth
from marrowtrail.phantom.truth_of import truth_of

STREAM = {
    "case": 2,
    "scanner": 3,
    "knee": 21,
    "ankle": 22,
    "hip": 23,
    "foot": 24,
    "moved": 31,
    "aside": 32,
}
"""Names of random streams, beside those of the patient's drawing."""

MASK_SERIES = 100
"""Masks get the number of the series they were drawn on, plus this."""


def write_patient(
    scenario: str | Scenario,
    out: Path,
    *,
    seed: int,
    draw: Draw = PLAIN_DRAW,
    masks: bool = True,
) -> PatientTruth:
    """Write a synthetic patient and return what is true of it.

    Parameters
    ----------
    scenario
        Name of a packaged scenario, ``random`` or ``serial`` for one that the seed picks, or a
        scenario.
    out
        Folder to write into: ``dicom/`` and ``case.yaml`` are all that a reader needs;
        ``truth/`` holds ``truth.json`` and label maps.
    seed
        Draws everything that the scenario leaves open. The same seed gives the same bytes.
    draw
        Family and difficulty.
    masks
        Whether each series comes with masks of its bones (DICOM SEG), or they are to be found.

    Raises
    ------
    InputError
        If no scenario has that name.
    """
    plan = pick_scenario(scenario, seed) if isinstance(scenario, str) else scenario
    patient = draw_patient(plan, seed, draw)
    out.mkdir(parents=True, exist_ok=True)
    _write_case(patient, out / "case.yaml")
    poses: dict[tuple[int, str], Pose] = {}
    series: list[SeriesTruth] = []
    for visit, visit_plan in enumerate(plan.visits, start=1):
        for joint in visit_plan.exams:
            rng = np.random.default_rng([seed, visit, STREAM[joint]])
            pose = draw_pose(patient.joints[joint].limb, plan.imaging, rng)
            series += _write_exam(patient, visit, joint, pose, out, rng, masks=masks)
            poses[visit, joint] = pose
    truth = truth_of(patient, poses, series)
    write_truth(truth, out)
    return truth


def _write_case(patient: DrawnPatient, path: Path) -> None:
    rng = np.random.default_rng([patient.seed, STREAM["case"]])
    text = case_text(
        patient.scenario, patient.course.side, patient.course.age, patient.course.dates, rng
    )
    path.write_text(text, encoding="utf-8")


def _write_exam(
    patient: DrawnPatient,
    visit: int,
    joint: str,
    pose: Pose,
    out: Path,
    rng: np.random.Generator,
    *,
    masks: bool,
) -> list[SeriesTruth]:
    """All series of one joint at one visit, with label maps, and bone masks if asked for."""
    exam = _exam(patient, visit, joint)
    scene = scene_of(patient, visit, joint, pose)
    conditions = Conditions(
        joint,
        patient.course.side,
        exam.field_t,
        patient.difficulty,
        patient.draw.family,
        _off_centre_mm(patient, visit, joint),
    )
    restless = np.random.default_rng([patient.seed, visit, STREAM[joint], STREAM["moved"]])
    acquisitions = plan_exam(pose, patient.scenario.imaging, conditions, rng)
    study = out / "dicom" / f"ST{visit:02d}{joint[0].upper()}"
    truths: list[SeriesTruth] = []
    number = 1
    for planned in acquisitions:
        motion = draw_restlessness(pose, patient.scenario.imaging, restless) if truths else None
        acquisition = planned if motion is None else planned.with_patient_moved(motion)
        if motion is not None:
            scene = scene_of(patient, visit, joint, pose.moved(motion))
        rendered = render(scene, acquisition)
        written = write_series(rendered.images, acquisition, exam, number, study)
        if not acquisition.is_localiser:
            if masks:
                file = study / f"SE{MASK_SERIES + number:03d}" / "IM0001.dcm"
                write_bone_masks(rendered.bones, written[0], exam, MASK_SERIES + number, file)
            # Images that share a series are found by the UID of the first.
            apart = {one.series_uid: one for one in reversed(written)}
            first, *others = (
                _truth(patient, visit, joint, acquisition, one, motion)
                for one in reversed(apart.values())
            )
            labelled = sum(one.lesion_labels is not None for one in truths)
            truths += [_with_labels(first, acquisition, rendered, out, labelled), *others]
        number += len({one.series_uid for one in written})
    return truths


def _off_centre_mm(patient: DrawnPatient, visit: int, joint: str) -> tuple[float, float, float]:
    """How far beside the joint the planes of an exam are centred, in a right limb's frame."""
    aside = patient.scenario.visits[visit - 1].off_centre_mm
    if aside is None:
        return 0.0, 0.0, 0.0
    rng = np.random.default_rng([patient.seed, visit, STREAM[joint], STREAM["aside"]])
    x, y, z = (one.draw(rng) for one in aside)
    return x, y, z


def _truth(
    patient: DrawnPatient,
    visit: int,
    joint: str,
    acquisition: Acquisition,
    series: WrittenSeries,
    motion: RigidTransform | None,
) -> SeriesTruth:
    """What is true of one image of an acquisition, without label maps."""
    weighting, fat_suppressed = shown_contrast(acquisition, series.image)
    return SeriesTruth(
        series_uid=series.series_uid,
        visit=f"v{visit}",
        joint=joint,
        side=patient.course.side,
        weighting=weighting.value,
        fat_suppressed=fat_suppressed,
        moved_lps=None if motion is None else rows_of(motion.matrix),
    )


def _exam(patient: DrawnPatient, visit: int, joint: str) -> Exam:
    """What the headers of one exam share. Two exams of one day use one scanner."""
    key = (patient.scenario.key, patient.seed, visit)
    code = _code(patient)
    imaging = patient.scenario.imaging
    scanner = np.random.default_rng([patient.seed, visit, STREAM["scanner"]])
    day = patient.course.dates[visit - 1]
    joints: tuple[str, ...] = patient.scenario.visits[visit - 1].exams
    return Exam(
        patient_name=f"Synthetic^P{code}",
        patient_id=f"SYN-{code}",
        sex=patient.scenario.sex,
        age=patient.course.age + (day - patient.course.dates[0]).days // 365,
        study_uid=synthetic_uid(*key, "study", joint),
        study_id=f"{visit}{joint[0].upper()}",
        frame_uid=synthetic_uid(*key, "frame", joint),
        joint=joint,
        side=patient.course.side,
        vendor=imaging.vendors[int(scanner.integers(len(imaging.vendors)))],
        field_t=imaging.fields_t[int(scanner.integers(len(imaging.fields_t)))],
        start=datetime.combine(day, time(9 + 2 * joints.index(joint), 5)),
        habits=draw_habits(imaging, scanner),
    )


def _code(patient: DrawnPatient) -> str:
    """Eight characters that name a patient and do not tell the story."""
    name = f"{patient.scenario.key}/{patient.seed}/{patient.draw.family}"
    return hashlib.sha256(name.encode()).hexdigest()[:8].upper()


def _with_labels(
    truth: SeriesTruth, acquisition: Acquisition, rendered: Rendered, out: Path, before: int
) -> SeriesTruth:
    """Write the label maps of a fluid-sensitive series and name them; leave any other as it is.

    ``before`` counts the series of the exam that have label maps already: names must differ.
    """
    if not is_fluid_sensitive(acquisition):
        return truth
    lesions = np.zeros(rendered.regions.shape, dtype=np.uint8)
    for value, mask in enumerate(rendered.lesions.values(), start=1):
        lesions[mask] = value
    paths, apart = {}, f"-{before + 1}" if before else ""
    for kind, labels in (("lesion", lesions), ("region", rendered.regions)):
        name = f"{truth.visit}-{truth.joint}-{kind}s{apart}.nii.gz"
        paths[f"{kind}_labels"] = f"truth/labels/{name}"
        _write_labels(labels, acquisition.geometry, out / paths[f"{kind}_labels"])
    return truth.model_copy(
        update={
            **paths,
            "lesion_names": _named(rendered.lesions),
            "region_names": _named(rendered.region_names),
        }
    )


def _named(names: Iterable[str]) -> tuple[LabelName, ...]:
    return tuple(LabelName(value=value, name=name) for value, name in enumerate(names, start=1))


def _write_labels(labels: NDArray[np.uint8], geometry: Geometry, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(labels, LPS_FROM_RAS @ geometry.affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
