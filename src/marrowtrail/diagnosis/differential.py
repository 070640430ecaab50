"""What reasoning answers: ranked causes, the evidence for and against, what is still open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from marrowtrail.record.findings import FindingState


@dataclass(frozen=True, slots=True)
class Cause:
    """A diagnosis with its probability and the range better literature could move it in.

    ``low`` and ``high`` hold four in five of the draws of rates that the literature allows.
    """

    diagnosis: str
    label: str
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a number comes from. ``read`` is false for cells from memory, to be verified."""

    source: str
    text: str
    reference: str
    read: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """What one finding (or block of related findings) says for one diagnosis.

    ``log10_ratio`` compares the diagnosis with the average of the causes outside its disease,
    weighted by their probability without this finding: positive speaks for it.
    It is the ratio of the literature; the ranking raises it to the power of the knowledge.
    ``against_runner_up`` compares with the likeliest of those alone. ``label`` puts the findings
    into words in their states.
    """

    diagnosis: str
    findings: tuple[str, ...]
    label: str
    state: FindingState
    log10_ratio: float
    low: float
    high: float
    against_runner_up: float
    citations: tuple[Citation, ...]
    note: str
    """``definitional`` evidence, silence of the literature, or empty."""
    explained_by: str = ""
    """A second disease of the patient that explains the finding in place of this one."""


@dataclass(frozen=True, slots=True)
class TwoDiseases:
    """A hypothesis of two diseases at once; it counts for ``diagnosis``, the first of them."""

    key: str
    label: str
    diagnosis: str
    second: str
    probability: float


class LedgerStatus(StrEnum):
    """How far an alternative has been answered."""

    EXCLUDED_BY_TEST = "excluded_by_test"
    EXCLUDED_IF_CONFIRMED = "excluded_if_confirmed"
    UNLIKELY = "unlikely"
    OPEN = "open"
    SUPPORTED = "supported"


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One alternative that must be answered before the leading diagnosis is established."""

    diagnosis: str
    label: str
    probability: float
    status: LedgerStatus
    explanation: str
    """Which finding answered it and when, or which test would."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """A test not done yet, with the information that it is expected to bring.

    ``delay``, ``burden`` and ``cost`` (none, low, moderate, high) stand beside it and are never
    folded in.
    """

    key: str
    label: str
    bits: float
    delay: str
    burden: str
    why: str
    cost: str = ""


class Standing(StrEnum):
    """How far the leading diagnosis has been established; it changes no probability."""

    ESTABLISHED = "established"
    PROVISIONAL = "provisional"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Turn:
    """A single finding that would put another disease first.

    ``chance`` is how likely it is to be found so; ``probability`` is what the other disease, under
    all its labels, would then have.
    """

    finding: str
    state: FindingState
    words: str
    diagnosis: str
    label: str
    probability: float
    chance: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A diagnosis with a probability."""

    diagnosis: str
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class UnderSetting:
    """The first causes if the patient came from another clinic; ``basis`` of that prior."""

    setting: str
    label: str
    basis: str
    causes: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class OutlookLine:
    """What studies found of the course or treatment of a leading disease: no advice.

    ``kind`` is ``resolution``, ``collapse``, ``another_site``, ``bone`` or ``treatment``.
    """

    diagnosis: str
    kind: str
    text: str
    sources: tuple[str, ...]
    width: str


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A danger that is called whatever the probabilities say."""

    category: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Differential:
    """The answer for one set of findings.

    Probabilities of ``causes`` sum to 1 (a class for none of these included), largest first.
    ``conclusion`` is one or two plain sentences.
    """

    setting: str
    as_of: date | None
    causes: tuple[Cause, ...]
    bars: tuple[Bar, ...]
    ledger: tuple[LedgerLine, ...]
    next_steps: tuple[NextStep, ...]
    red_flags: tuple[RedFlag, ...]
    conclusion: str
    unused: tuple[str, ...]
    """Findings the knowledge says nothing about, with the reason."""
    knowledge_version: str
    knowledge_hash: str
    composites: tuple[TwoDiseases, ...] = ()
    """Two diseases at once, likeliest first; their probability is part of their diagnosis's."""
    standing: Standing = Standing.UNDECIDED
    standing_why: str = ""
    """What is still missing to the next standing, in one sentence."""
    turns: tuple[Turn, ...] = ()
    under_settings: tuple[UnderSetting, ...] = ()
    odds_to_flip: float | None = None
    """How many times commoner the second cause would have to be to draw level with the first."""
    outlook: tuple[OutlookLine, ...] = ()
    notes: tuple[str, ...] = ()
    """What counts in another way than it was entered, and why."""
    withheld: tuple[str, ...] = ()
    """Diagnoses that cannot be claimed yet: how likely the course is that gives
    them their name, and nobody has seen it (pain that moves is no oedema that does)."""
