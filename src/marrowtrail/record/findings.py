"""Findings: the only thing that crosses from measuring to reasoning.

A finding is present, absent, equivocal or not done. *Not done* is not *absent*: it says
why nobody knows, and counts for nothing (convention 7 of the design).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from marrowtrail.record.sites import Site

CASE_RECORD = "case.yaml"
"""``entered_by`` of a finding that follows from what the case record says."""

SOFTWARE = "software"
"""``entered_by`` of a finding proposed by the program; a reader's own entry is ``reader``."""


class FindingState(StrEnum):
    """What is known of a finding."""

    PRESENT = "present"
    ABSENT = "absent"
    EQUIVOCAL = "equivocal"
    NOT_DONE = "not_done"


class NotDoneReason(StrEnum):
    """Why a finding is not done."""

    NOT_PERFORMED = "not_performed"
    NOT_ASSESSABLE = "not_assessable"
    NOT_REPORTED = "not_reported"


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about one patient.

    Parameters
    ----------
    key
        A key of the vocabulary of findings.
    state
        Present, absent, equivocal or not done.
    site
        Where; ``None`` for a finding of the whole patient, as HLA-B27.
    visit
        Date of the visit it belongs to; ``None`` when it holds for the whole record.
    reason
        Required for ``not_done``; free otherwise.
    explanation
        One sentence: how it was seen, from which series and rule.
    entered_by
        ``reader``, ``case.yaml`` or ``software``.
    confirmed_by
        Who confirmed a proposed finding; ``None`` while nobody has.

    Raises
    ------
    ValueError
        If a finding that is not done gives no reason, or another one does.
    """

    key: str
    state: FindingState
    site: Site | None = None
    visit: date | None = None
    reason: NotDoneReason | None = None
    explanation: str = ""
    entered_by: str = CASE_RECORD
    confirmed_by: str | None = None

    def __post_init__(self) -> None:
        if (self.state is FindingState.NOT_DONE) != (self.reason is not None):
            raise ValueError(
                f"Finding {self.key!r}: a reason belongs to 'not_done' and to nothing else, "
                f"got state {self.state.value!r} with reason {self.reason!r}."
            )

    @property
    def is_confirmed(self) -> bool:
        """A reader or the case record stands behind it."""
        return self.entered_by != SOFTWARE or self.confirmed_by is not None
