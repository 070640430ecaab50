"""Dangers that are called whatever the probabilities say."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import RedFlag
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.wording import capital, listed
from marrowtrail.record.findings import FindingState


def red_flags(reading: Reading, knowledge: Knowledge) -> tuple[RedFlag, ...]:
    """One flag for each category that any complete set of present findings calls."""
    present = {f.key for f in reading.states if f.state is FindingState.PRESENT}
    flags = []
    for rule in knowledge.red_flags:
        called = [finding for needed in rule.any_of if present >= set(needed) for finding in needed]
        if called:
            named = listed([knowledge.words(f, present=True) for f in dict.fromkeys(called)])
            flags.append(RedFlag(rule.category, f"{capital(named)}: {rule.explanation}."))
    return tuple(flags)
