"""What ``run`` does between reading its options and printing its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.pipeline import FINDINGS_FILE, Settings, run, save
from marrowtrail.record.findings import CASE_RECORD, Finding
from marrowtrail.record.findings_file import read_findings
from marrowtrail.report.language import Language
from marrowtrail.result.folder import check_target
from marrowtrail.result.model import ResultDocument


@dataclass(frozen=True, slots=True)
class Job:
    """One run: from where to where, and how."""

    patient: Path
    out: Path
    setting: str
    accept_proposed: bool
    keep_dates: bool
    dicom: DicomForm
    identified: bool = False
    language: Language = Language.ENGLISH


def run_job(job: Job, say: Callable[[str], None]) -> ResultDocument:
    """Run, and write the folder. A target that may not be replaced is refused at once."""
    check_target(job.out)
    settings = Settings(
        setting=job.setting,
        accept_proposed=job.accept_proposed,
        keep_dates=job.keep_dates,
        reader_findings=_confirmed_earlier(job.out),
    )
    result = run(job.patient, settings, progress=say)
    say("writing")
    save(result, job.out, job.dicom, identified=job.identified, language=job.language)
    return result.document


def _confirmed_earlier(out: Path) -> tuple[Finding, ...]:
    """What a reader confirmed or entered in the findings of an earlier run to the same folder.

    The file also repeats what came from ``case.yaml``; that is read from the case itself.
    """
    path = out / FINDINGS_FILE
    findings = read_findings(path) if path.is_file() else ()
    return tuple(one for one in findings if one.entered_by != CASE_RECORD)
