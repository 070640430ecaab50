"""Which cells from memory alone weigh most, by what the knowledge itself holds and by no case.

A cell decides rankings when its rate differs from that of the other causes and when its finding is
one that gets assessed. The first is the mean, over every other diagnosis, of Jeffreys' divergence
of the two rates as they are read: the log likelihood ratio that the finding is expected to give,
both ways. The second is the share of diagnoses of which a source reports the finding. Their product
says where a source read would pay most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.engine import mean_rates
from marrowtrail.diagnosis.evidence import is_evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.schema import Basis


@dataclass(frozen=True, slots=True)
class MemoryCell:
    """A cell that no source stands behind.

    ``separates`` is in nats, ``assessed`` the share of diagnoses of which a source reports the
    finding, ``weight`` their product.
    """

    diagnosis: str
    finding: str
    rate: float
    separates: float
    assessed: float
    weight: float


def memory_cells(knowledge: Knowledge) -> tuple[MemoryCell, ...]:
    """All cells from memory alone that count, the weightiest first."""
    table, rates = knowledge.table, mean_rates(knowledge)
    named = knowledge.diagnoses[:-1]
    sourced = Counter(
        finding
        for (_, finding), rows in table.rows.items()
        if any(row.basis is not Basis.MEMORY for row in rows)
    )
    found = []
    for (diagnosis, finding), rows in table.rows.items():
        from_memory = all(row.basis is Basis.MEMORY for row in rows)
        counts = is_evidence(finding, knowledge)
        if not from_memory or not counts or (diagnosis, finding) in table.definitional:
            continue
        column = table.findings.index(finding)
        read = _as_read(rates[: len(named), column], knowledge.reading_error[finding])
        separates = _separation(read, named.index(diagnosis))
        assessed = sourced[finding] / len(named)
        rate = float(rates[named.index(diagnosis), column])
        found.append(
            MemoryCell(diagnosis, finding, rate, separates, assessed, separates * assessed)
        )
    return tuple(sorted(found, key=lambda cell: (-cell.weight, cell.diagnosis, cell.finding)))


def _as_read(rates: Floats, error: float) -> Floats:
    """Rates at which a finding is read as present."""
    read: Floats = rates * (1.0 - error) + (1.0 - rates) * error
    return read


def _separation(read: Floats, row: int) -> float:
    """Mean Jeffreys divergence of one diagnosis from each other."""
    mine, others = read[row], np.delete(read, row)
    odds = np.log(mine / others) - np.log((1.0 - mine) / (1.0 - others))
    return float(np.mean((mine - others) * odds))
