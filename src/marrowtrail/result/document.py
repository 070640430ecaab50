"""Build the document from what was measured and concluded."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.result.headline import headline
from marrowtrail.result.inputs import Circumstances, Concluded, Measured
from marrowtrail.result.limits import KNOWN_LIMITS, NOTICE
from marrowtrail.result.model import (
    SCHEMA_VERSION,
    CourseRow,
    ExplanationRow,
    FigureRow,
    Provenance,
    RankingRow,
    ResultDocument,
)
from marrowtrail.result.rows import (
    bone_network_row,
    finding_row,
    lesion_rows,
    match_rows,
    registration_row,
    set_aside_rows,
    shift_rows,
    sign_rows,
    track_rows,
    visit_rows,
    warning_rows,
)
from marrowtrail.result.undated import undated, undated_flags, undated_ledger
from marrowtrail.result.viewer_rows import ViewerPlaceRow
from marrowtrail.version import __version__


def build_document(
    measured: Measured,
    concluded: Concluded,
    circumstances: Circumstances,
    figures: tuple[FigureRow, ...],
    viewer: tuple[ViewerPlaceRow, ...] = (),
) -> ResultDocument:
    """Everything a report shows, in one frozen object."""
    proposed = concluded.proposed
    keep_dates = circumstances.keep_dates
    unused = (*concluded.unused, *proposed.unused)
    days = {visit.id: visit.date for visit in measured.study.visits}
    first = min(days.values())
    return ResultDocument(
        schema_version=SCHEMA_VERSION,
        notice=NOTICE,
        headline=headline(measured, proposed),
        is_synthetic=circumstances.is_synthetic,
        patient=circumstances.patient,
        visits=visit_rows(measured, keep_dates=keep_dates),
        lesions=lesion_rows(measured),
        signs=sign_rows(measured.signs),
        tracks=track_rows(measured.followed),
        shifts=shift_rows(measured.followed),
        registrations=tuple(registration_row(one) for one in measured.followed.registrations),
        matches=match_rows(measured.followed),
        findings=tuple(finding_row(one, keep_dates=keep_dates) for one in concluded.findings),
        differential=proposed.causes,
        rankings=(_ranking("proposed", proposed), _ranking("confirmed", concluded.confirmed)),
        explanation=_explanation(proposed, keep_dates=keep_dates),
        course=tuple(
            CourseRow(visit=visit, day=(days[visit] - first).days, causes=one.causes)
            for visit, one in concluded.course
        ),
        bars=proposed.bars,
        ledger=proposed.ledger if keep_dates else undated_ledger(proposed.ledger),
        next_steps=proposed.next_steps,
        red_flags=proposed.red_flags if keep_dates else undated_flags(proposed.red_flags),
        unused_findings=unused if keep_dates else tuple(undated(one) for one in unused),
        warnings=warning_rows(circumstances.cautions),
        set_aside=set_aside_rows(measured),
        figures=figures,
        viewer=viewer,
        provenance=Provenance(
            program="marrowtrail",
            program_version=__version__,
            knowledge_version=proposed.knowledge_version,
            knowledge_hash=proposed.knowledge_hash,
            input_hash=circumstances.input_hash,
            bone_network=bone_network_row(measured.bone_maps),
            settings=dict(circumstances.settings),
            known_limits=KNOWN_LIMITS,
        ),
    )


def _explanation(differential: Differential, *, keep_dates: bool) -> ExplanationRow:
    notes = differential.notes
    return ExplanationRow(
        standing=differential.standing,
        standing_why=differential.standing_why,
        two_diseases=differential.composites,
        turns=differential.turns,
        under_settings=differential.under_settings,
        odds_to_flip=differential.odds_to_flip,
        outlook=differential.outlook,
        notes=notes if keep_dates else tuple(undated(one) for one in notes),
        withheld=differential.withheld,
    )


def _ranking(basis: str, differential: Differential) -> RankingRow:
    return RankingRow.model_validate(
        {
            "basis": basis,
            "setting": differential.setting,
            "conclusion": differential.conclusion,
            "causes": differential.causes,
        }
    )
