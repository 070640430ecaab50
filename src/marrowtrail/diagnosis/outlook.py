"""What is known of the course of the leading diseases: information, not advice."""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.concluding import Disease
from marrowtrail.diagnosis.course import chance_of_move
from marrowtrail.diagnosis.differential import OutlookLine
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.schema import Migration
from marrowtrail.diagnosis.wording import percent
from marrowtrail.record.findings import FindingState

TOLD_OF = 2
"""Leading diseases whose course is told."""

LEAST_SHARE = 0.1
"""A disease less likely than this is not told of."""

LEAST_LABEL = 0.02
"""A label less likely than this is not told of either."""

YEAR_DAYS = 365.25


def outlook(
    diseases: Sequence[Disease], reading: Reading, closed_form: Floats, knowledge: Knowledge
) -> tuple[OutlookLine, ...]:
    """Lines on the leading diseases, in the order of the diseases and of the knowledge.

    Of the labels of a disease, those that this patient hardly has are left out.
    """
    share = dict(zip(knowledge.diagnoses, closed_form, strict=True))
    lines: list[OutlookLine] = []
    for disease in diseases[:TOLD_OF]:
        if disease.probability < LEAST_SHARE:
            continue
        for entry in knowledge.outlook.entries:
            is_label = entry.diagnosis in knowledge.disease(disease.lead)
            if is_label and share[entry.diagnosis] >= LEAST_LABEL:
                sources = tuple(knowledge.sources[key].citation for key in entry.sources)
                lines.append(
                    OutlookLine(entry.diagnosis, entry.kind, entry.text, sources, entry.width)
                )
        migration = knowledge.outlook.migration
        if knowledge.groups[disease.lead] == migration.family:
            lines += _another_site(disease, reading, migration, knowledge)
    return tuple(line for line in lines if not _is_told_elsewhere(line, lines))


def _is_told_elsewhere(line: OutlookLine, lines: Sequence[OutlookLine]) -> bool:
    """Whether another line of the kind tells of the same sources and of more."""
    return any(
        other.kind == line.kind and line.sources and set(line.sources) < set(other.sources)
        for other in lines
    )


def _another_site(
    disease: Disease, reading: Reading, migration: Migration, knowledge: Knowledge
) -> list[OutlookLine]:
    if reading.state_of("shift_other_joint") is FindingState.PRESENT:
        return []
    row, course = knowledge.diagnoses.index(disease.lead), knowledge.course
    followed = reading.days_followed
    before = course.days_before(disease.lead)
    low, middle, high = chance_of_move(
        "another_joint", reading.course, course, row, before, YEAR_DAYS
    )
    since = f" after {followed / 30.4:.0f} months without one" if followed else ""
    text = f"another joint within a year, if none has shown oedema yet{since}: {percent(middle)}"
    width = f"{percent(low)} to {percent(high)}"
    sources = tuple(knowledge.sources[key].citation for key in migration.sources)
    return [OutlookLine(disease.lead, "another_site", text, sources, width)]
