"""What a reader has said of what the program found, for objects that must not leave it open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marrowtrail.follow_up.proposals import SIGN_FINDINGS
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import SignKind
from marrowtrail.record.findings import CASE_RECORD, SOFTWARE, Finding, FindingState
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.model import LesionRow, SignRow

PROPOSED = "Proposed by software; not confirmed by a reader."

_OEDEMA = "bme_present"
_IMAGING = "imaging"

_STATES = {
    FindingState.PRESENT: "present",
    FindingState.ABSENT: "absent",
    FindingState.EQUIVOCAL: "equivocal",
    FindingState.NOT_DONE: "not done",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What readers said of one thing, in words; ``state`` where they said it with one voice."""

    words: str
    state: FindingState | None


@dataclass(frozen=True, slots=True)
class Readers:
    """Readers' findings on the images of one visit.

    ``hide_names`` leaves out who they were, and sentences that people wrote, which may name one.
    """

    findings: tuple[Finding, ...]
    hide_names: bool

    @classmethod
    def of(cls, findings: Iterable[Finding], visit: Visit, *, hide_names: bool) -> Readers:
        """Those of a visit, from all findings of a result."""
        imaging = {one.key for one in vocabulary().findings if one.domain == _IMAGING}
        said = (
            one
            for one in findings
            if one.is_confirmed and one.visit == visit.date and one.key in imaging
        )
        return cls(tuple(said), hide_names)

    def on_lesion(self, lesion: LesionRow) -> Said:
        """What a reader said of oedema in that region, or that none did."""
        return self._said(self._about(_OEDEMA, lesion.bone, lesion.side, lesion.region))

    def on_clear_bone(self, bone: str, side: Side) -> Said:
        """What a reader said of oedema anywhere in a bone, or that none did."""
        about = self._about(_OEDEMA, bone, side, None)
        said = self._said(about)
        if said.state is FindingState.PRESENT or any(_is_of_whole_bone(one) for one in about):
            return said
        # A part of a bone that a reader calls clear does not clear the bone.
        return Said(said.words, None)

    def on_sign(self, sign: SignRow) -> Said:
        """What a reader said of a sign anywhere in its bone, or that none did."""
        about = self._about(SIGN_FINDINGS[sign.kind], sign.bone, sign.side, None)
        return self._said(tuple(one for one in about if not _is_of_large_area_alone(one)))

    @property
    def others(self) -> tuple[Finding, ...]:
        """Findings on something else than oedema and the signs looked for."""
        known = {_OEDEMA, *SIGN_FINDINGS.values()}
        return tuple(
            one for one in self.findings if one.key not in known or _is_of_large_area_alone(one)
        )

    def word_of(self, finding: Finding) -> str:
        """Who says what of it."""
        is_open = not self.hide_names or finding.entered_by == SOFTWARE
        sentence = finding.explanation if is_open else ""
        return f"{self._who(finding)}: {_STATES[finding.state]}. {sentence}".strip()

    def _who(self, finding: Finding) -> str:
        if finding.confirmed_by == ACCEPTED_BY_OPTION:
            return "Accepted by option, read by nobody"
        if finding.confirmed_by is not None:
            by = "a reader" if self.hide_names else finding.confirmed_by
            return f"Confirmed by {by}"
        return "Stated in the case record" if finding.entered_by == CASE_RECORD else "By a reader"

    def _said(self, about: Sequence[Finding]) -> Said:
        states = {one.state for one in about}
        words = " ".join(self.word_of(one) for one in about) or PROPOSED
        return Said(words, states.pop() if len(states) == 1 else None)

    def _about(self, key: str, bone: str, side: Side, region: str | None) -> tuple[Finding, ...]:
        """Findings of a site: one that names no region is of the whole bone."""
        return tuple(
            one
            for one in self.findings
            if one.key == key
            and one.site is not None
            and (one.site.bone, one.site.side) == (bone, side)
            and (region is None or one.site.region in (None, region))
        )


def _is_of_whole_bone(finding: Finding) -> bool:
    return finding.site is not None and finding.site.region is None


def _is_of_large_area_alone(finding: Finding) -> bool:
    """It says that no low-signal area is thick or long; a thin or short one may be there still."""
    is_large = finding.key == SIGN_FINDINGS[SignKind.LOW_SIGNAL_AREA]
    return is_large and finding.state is not FindingState.PRESENT
