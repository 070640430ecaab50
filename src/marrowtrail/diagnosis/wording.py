"""How findings, probabilities and lists are put in words, everywhere the same."""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.record.findings import FindingState

_NAMES = frozenset({"Charcot", "HLA-B27", "RMO"})
"""First words that keep their capital inside a sentence."""


def describe(finding: str, state: FindingState, knowledge: Knowledge) -> str:
    """A finding in its state, as a clinician would say it."""
    if state is FindingState.EQUIVOCAL:
        return f"possible {knowledge.finding_labels[finding]}"
    return knowledge.words(finding, present=state is FindingState.PRESENT)


def percent(probability: float) -> str:
    """A probability as a reader is given it: no digit that the intervals do not bear."""
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"


def span_of(low: float, high: float) -> str:
    """A range of probabilities, in the same words."""
    first, last = percent(low), percent(high)
    return first if first == last else f"{first.removesuffix(' %')} to {last}"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def inside(label: str) -> str:
    """A label inside a sentence."""
    first = label.split(maxsplit=1)[0]
    return label if first in _NAMES else label[:1].lower() + label[1:]
