"""The main job on one screen: from a patient's folder to a result.

    folder ─► study ─► bones ─► readings ─► follow-up ─► findings ─► differential ─► result

Each step is one call into the room that owns it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.anatomy.cautions import anatomy_cautions, require_bones
from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.diagnosis.audit import audit_sheet
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose, known_by
from marrowtrail.diagnosis.weighing import weigh
from marrowtrail.exchange.dicom.files import dicom_files
from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.exchange.dicom.planes import dicom_cautions
from marrowtrail.exchange.fhir import fhir_bundle
from marrowtrail.follow_up.cautions import follow_up_cautions
from marrowtrail.follow_up.compare import follow_up
from marrowtrail.follow_up.proposals import propose_findings
from marrowtrail.imaging.archives import patient_folder
from marrowtrail.imaging.requests import nifti_visits
from marrowtrail.imaging.series import Study
from marrowtrail.imaging.study import read_study
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.lesions.reading import read_visit
from marrowtrail.lesions.signs import look_for_signs
from marrowtrail.record.case import Case
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import case_findings
from marrowtrail.record.finding_entry import CASE_FILE
from marrowtrail.record.findings import Finding
from marrowtrail.record.findings_file import findings_text
from marrowtrail.record.merge import accept_all, merge_findings
from marrowtrail.record.population import population_cautions
from marrowtrail.record.treatments import Given, treatments_given
from marrowtrail.report.figures import draw_figures
from marrowtrail.report.html import render_html
from marrowtrail.report.language import Language
from marrowtrail.report.pdf import render_pdf
from marrowtrail.report.viewer import draw_viewer
from marrowtrail.result.circumstances import describe_patient, input_hash
from marrowtrail.result.document import build_document
from marrowtrail.result.folder import write_result
from marrowtrail.result.identity import identity_of
from marrowtrail.result.inputs import Circumstances, Concluded, Measured
from marrowtrail.result.model import Result
from marrowtrail.result.undated import undated

Progress = Callable[[str], None]

FINDINGS_FILE = "findings.yaml"
DEFAULT_SETTING = "musculoskeletal_mri"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run may be told.

    ``reader_findings`` are those of an earlier run's ``findings.yaml`` that a reader
    confirmed or entered.
    """

    setting: str = DEFAULT_SETTING
    accept_proposed: bool = False
    keep_dates: bool = True
    reader_findings: tuple[Finding, ...] = ()


def run(
    patient: Path | str, settings: Settings | None = None, *, progress: Progress | None = None
) -> Result:
    """Read a patient's folder, measure, follow, reason.

    Parameters
    ----------
    patient
        A folder with DICOM files in any order and depth, and an optional ``case.yaml``; or a
        zip archive of one.
    settings
        See :class:`Settings`.
    progress
        Called with a few words at each step.

    Raises
    ------
    InputError
        If the folder cannot be used; the message says what, where and what to do.
    """
    settings = settings or Settings()
    say = progress or (lambda _: None)
    with patient_folder(Path(patient)) as folder:
        case = read_case(folder / CASE_FILE) if (folder / CASE_FILE).is_file() else Case()
        study = read_study(folder, nifti_visits(case, folder), progress=say)
    case = case.with_header(study.age_years, study.sex)
    measured = measure(study, say)
    say("reasoning")
    concluded = conclude(case, measured, settings)
    say("drawing")
    followed = (measured.bone_maps, measured.readings, measured.followed.registrations)
    figures, pictures = draw_figures(study, *followed)
    viewer, stacks = draw_viewer(study, *followed)
    circumstances = _circumstances(case, measured, settings)
    document = build_document(measured, concluded, circumstances, figures, viewer)
    return Result(
        document,
        concluded.findings,
        study,
        *followed,
        pictures | stacks,
        concluded.audit,
    )


def save(
    result: Result,
    out: Path | str,
    dicom: DicomForm | None = None,
    *,
    identified: bool = False,
    language: Language = Language.ENGLISH,
) -> None:
    """Write the output folder: reports, tables, labels, DICOM, FHIR, findings to confirm.

    ``dicom`` says how its DICOM objects are written; as their source where it is not given.
    ``identified`` puts the patient's name, id and birth date into the PDF and the FHIR bundle.
    The page and the PDF are written in ``language``; all else is for machines, and English.

    Raises
    ------
    InputError
        If ``out`` cannot be written or holds something that is not an earlier result.
    """
    document, figures = result.document, result.figures
    identity = identity_of(result.study) if identified else None
    pdf = render_pdf(document, figures, identity, language)
    pages: dict[str, str | bytes] = {
        "report.html": render_html(document, figures, language),
        "report.pdf": pdf,
        "fhir/bundle.json": fhir_bundle(document, pdf, identity),
        FINDINGS_FILE: findings_text(_dated(result)),
        "audit.csv": result.audit,
    }
    form = dicom or DicomForm()
    if identity is not None and form.pseudonymous:
        # Under a pseudonym the pages must not name the patient either.
        pdf, identity = render_pdf(document, figures, language=language), None
    objects = dicom_files(result, form, pdf=pdf, names_patient=identity is not None)
    pages |= {f"dicom/{name}": content for name, content in objects.items()}
    write_result(result, Path(out), pages)


def _dated(result: Result) -> tuple[Finding, ...]:
    """Findings as they may be written: without their dates where the document has none."""
    if all(visit.date is not None for visit in result.document.visits):
        return result.findings
    return tuple(
        replace(one, visit=None, explanation=undated(one.explanation)) for one in result.findings
    )


def measure(study: Study, say: Progress) -> Measured:
    """Bones, oedema and signs visit by visit, then what follow-up says."""
    bone_maps: list[BoneMap] = []
    readings: list[BoneReading] = []
    for visit in study.visits:
        say(f"measuring {visit.id}")
        maps = map_visit(visit.series, visit.bones)
        readings.extend(read_visit(visit.id, visit.series, maps))
        bone_maps.extend(maps)
    require_bones(study, bone_maps)
    say("looking for signs")
    series = [one for visit in study.visits for one in visit.series]
    signs = look_for_signs(readings, series, bone_maps)
    followed = follow_up(study.visits, bone_maps, readings, progress=say)
    return Measured(study, tuple(bone_maps), tuple(readings), signs, followed)


def conclude(case: Case, measured: Measured, settings: Settings) -> Concluded:
    """The differential after each visit, and at the end with and without proposed findings."""
    first = measured.study.visits[0].date
    record = case_findings(case, presentation=first)
    known = record.findings
    given = treatments_given(case)
    knowledge = load_knowledge()
    course = []
    for number, visit in enumerate(measured.study.visits, start=1):
        by_then = [one for one in known if one.visit is None or one.visit <= visit.date]
        proposed = _proposed(measured, number, settings)
        findings = (*by_then, *proposed)
        answer = diagnose(
            findings,
            knowledge,
            setting=settings.setting,
            as_of=visit.date,
            given=[one for one in given if one.start is None or one.start <= visit.date],
        )
        course.append((visit.id, answer))
    findings = (*known, *proposed)
    last = measured.study.visits[-1].date
    confirmed = [one for one in findings if one.is_confirmed]
    return Concluded(
        findings,
        diagnose(findings, knowledge, setting=settings.setting, as_of=last, given=given),
        diagnose(confirmed, knowledge, setting=settings.setting, as_of=last, given=given),
        tuple(course),
        tuple(str(one) for one in record.unused),
        _audit(known_by(findings, last), given, knowledge, settings.setting),
    )


def _audit(
    findings: Sequence[Finding], given: Sequence[Given], knowledge: Knowledge, setting: str
) -> str:
    """The numbers behind the ranking from all findings, as a table that re-adds."""
    return audit_sheet(weigh(findings, knowledge, setting, given), knowledge, setting)


def _proposed(measured: Measured, visits: int, settings: Settings) -> tuple[Finding, ...]:
    """What the first ``visits`` visits propose, with the reader's own word on it."""
    shown = measured.study.visits[:visits]
    fresh = propose_findings(shown, measured.readings, measured.signs, measured.followed)
    last = shown[-1].date
    by_then = [one for one in settings.reader_findings if one.visit is None or one.visit <= last]
    merged = merge_findings(fresh, by_then)
    return accept_all(merged) if settings.accept_proposed else merged


def _circumstances(case: Case, measured: Measured, settings: Settings) -> Circumstances:
    study = measured.study
    cautions = (
        *study.cautions,
        *population_cautions(case),
        *anatomy_cautions(study, measured.bone_maps),
        *follow_up_cautions(measured.followed, len(study.visits)),
        *dicom_cautions(study),
    )
    return Circumstances(
        patient=describe_patient(case),
        is_synthetic=study.is_synthetic or case.synthetic,
        keep_dates=settings.keep_dates,
        settings=(
            ("setting", settings.setting),
            ("accept_proposed", str(settings.accept_proposed).lower()),
        ),
        cautions=cautions,
        input_hash=input_hash(case, study),
    )
