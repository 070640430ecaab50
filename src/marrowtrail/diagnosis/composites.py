"""Two diseases in one patient, as hypotheses of their own.

A composite takes the evidence of some findings from a second disease and the rest from the first,
whose label it counts for: a transient disease in a patient who has spondyloarthritis explains
HLA-B27 by the one and the wandering oedema by the other. It starts with a share of the first
disease. Findings of one block come from one disease together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marrowtrail.diagnosis.arrays import Floats, Indices
from marrowtrail.diagnosis.course import CoursePart
from marrowtrail.diagnosis.engine import Part
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.schema import Composite

MOST_TURNED = 0.5
"""At most this share of a disease's starting probability is laid to one that turned into it: the
prior of a setting says how common it is from whatever cause."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypotheses:
    """H hypotheses: the D diagnoses alone, then the composites.

    Parameters
    ----------
    prior
        (H,) starting probabilities.
    rows
        (H, G) row of the table that speaks for each group of evidence.
    counts_for
        (H,) diagnosis that a hypothesis counts for.
    composites
        H entries, ``None`` for a diagnosis alone.
    """

    prior: Floats
    rows: Indices
    counts_for: Indices
    composites: tuple[Composite | None, ...]

    def spread(self, likelihoods: Floats) -> Floats:
        """(..., H, G) likelihoods of the hypotheses from those of the diagnoses (..., D, G)."""
        groups = np.arange(self.rows.shape[1])
        chosen: Floats = likelihoods[..., self.rows, groups]
        return chosen

    def fold(self, probabilities: Floats) -> Floats:
        """(..., D) probabilities of the diagnoses, with all that counts for them."""
        belongs = self.counts_for[:, None] == np.arange(int(self.counts_for.max()) + 1)
        folded: Floats = probabilities @ belongs.astype(np.float64)
        return folded

    def likeliest(self, row: int, probabilities: Floats) -> int:
        """The likeliest hypothesis that counts for a diagnosis."""
        mine = np.flatnonzero(self.counts_for == row)
        return int(mine[np.argmax(probabilities[mine])])


def hypotheses(
    starting: Floats, groups: Sequence[Part], knowledge: Knowledge, days_followed: float = 0.0
) -> Hypotheses:
    """The diagnoses with prior (D,), and every composite of a label of its first disease.

    Parameters
    ----------
    days_followed
        From the first oedema to the last look at its course: the longer, the more has turned
        where a disease may turn into another.
    """
    size = len(starting)
    prior = starting.copy()
    added: list[tuple[int, float, Composite]] = []
    for composite in knowledge.composites:
        for lead in composite.leads:
            row = knowledge.diagnoses.index(lead)
            start = _start(composite, row, starting, knowledge, days_followed)
            if start > 0.0:
                added.append((row, start, composite))
                prior[row] -= start
    rows = np.tile(np.arange(size, dtype=np.intp)[:, None], (1, len(groups)))
    extra = [_rows_of(lead, composite, groups, knowledge) for lead, _, composite in added]
    return Hypotheses(
        np.append(prior, [share for _, share, _ in added]),
        np.vstack([rows, *extra]) if extra else rows,
        np.append(np.arange(size), [lead for lead, _, _ in added]).astype(np.intp),
        (*[None] * size, *(composite for _, _, composite in added)),
    )


def _start(
    composite: Composite, lead: int, starting: Floats, knowledge: Knowledge, days_followed: float
) -> float:
    """Starting probability of a composite, taken from the first disease, for which it counts."""
    mine = float(starting[lead])
    if composite.transition is None:
        return (composite.share or 0.0) * mine
    transition = knowledge.course.transition(composite.transition)
    if not transition.enabled:
        return 0.0
    days = days_followed + knowledge.course.days_before(transition.from_)
    turned = transition.share_by(days) * float(
        starting[knowledge.diagnoses.index(transition.from_)]
    )
    return min(turned, MOST_TURNED * mine)


def _rows_of(
    lead: int, composite: Composite, groups: Sequence[Part], knowledge: Knowledge
) -> Indices:
    second = knowledge.diagnoses.index(composite.second)
    theirs = set(composite.findings)
    by_second = [
        composite.course and g.key == "place"
        if isinstance(g, CoursePart)
        else bool(theirs & set(g.findings))
        for g in groups
    ]
    return np.where(by_second, second, lead).astype(np.intp)
