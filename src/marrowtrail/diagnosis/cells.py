"""From rows of the literature to a Beta distribution per cell.

1. *Precedence.* A cell uses the best rows it has and no others: its own counts, its own
   percentages, counts and percentages inherited from a population, words read in a source,
   words from memory. Rows of one study are counted once.
2. *Study discount.* Studies differ by more than chance, so n patients of one study weigh
   ``1 / (1 + (n - 1) ICC)`` each: no study weighs more than 1 / ICC patients.
3. *Background.* Mean rate over the diagnoses described. For a signature finding it is the
   median, so that the one diagnosis known by it does not lift the others, and a silent diagnosis
   counts as "rare" in it, since authors do not list what is obviously lacking.
4. *Shrinkage.* Every cell is drawn towards the background by ``m`` pseudo-patients; ``m`` is
   the one that makes the described cells likeliest (empirical Bayes, beta-binomial). The prior
   is robust (Schmidli et al. 2014, doi:10.1111/biom.12242): a share of it is flat, so that a
   cell far from the background, as the nidus in osteoid osteoma, keeps its own rate. A silent
   cell is the background and nothing else: never absence.

In simulation (ICC 0.15) raw counts gave a calibration error of 0.22, discount and empirical
Bayes 0.03; silence read as absence cost half of the correct first ranks. Without the flat part
a finding that one diagnosis alone is known by was drawn down from 0.98 to 0.25.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from marrowtrail.diagnosis.schema import Basis, CellRow, Word

ICC = 0.15
"""Correlation within a study: how much studies of one disease disagree beyond chance."""

WORD_RATE = {
    Word.NEVER: 0.01,
    Word.RARE: 0.05,
    Word.UNCOMMON: 0.20,
    Word.COMMON: 0.50,
    Word.TYPICAL: 0.85,
    Word.DEFINING: 0.98,
}
"""Words as rates: a modelling convention, not literature."""

WORD_PATIENTS = {Basis.READ: 6.0, Basis.SECONDARY: 6.0, Basis.MEMORY: 3.0}
"""Patients that a word counts for: read, a little less than any one study can (1 / ICC = 6.7);
from memory, half of that."""

PERCENT_PATIENTS = 10.0
"""Patients behind a percentage published without number or interval."""

SILENT_RATE = 0.02
"""Rate given to a silent diagnosis when the background of a signature finding is formed."""

SHRINKAGE_GRID = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
"""Candidates for ``m``: above 10 the literature would hardly count, below 1 one word would
settle a case."""

FLAT_SHARE = 0.2
"""Share of the prior that is flat: about one described diagnosis in five is taken to have a
rate of its own."""

FEWEST_FOR_SHRINKAGE = 5
"""Described cells needed to estimate ``m``; below, ``DEFAULT_SHRINKAGE`` holds."""

DEFAULT_SHRINKAGE = 3.0
DEFINITION_PATIENTS = 24.0
"""Patients that a definition counts for: firm, though a reader can still be wrong."""

FEWEST_BEHIND_A_RATE = 24.0
"""Patients by which any rate is at least known when its uncertainty is drawn. The vaguest word,
"common", is meant as 0.3 to 0.7, the 95 % interval that 24 patients leave; less would say that
the literature means less than it says. It changes no mean."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Effective number of patients with the finding, of those assessed, and the rows used."""

    present: float
    assessed: float
    rows: tuple[CellRow, ...]


def pool(
    own: Sequence[CellRow], inherited: Sequence[CellRow], study_of: Mapping[str, str]
) -> Counts | None:
    """Effective counts of one cell from its best rows; ``None`` where nothing speaks."""
    for rows in _by_precedence(own, inherited):
        used = _one_row_per_study(rows, study_of)
        if used:
            pairs = [effective_counts(row) for row in used]
            return Counts(sum(p for p, _ in pairs), sum(n for _, n in pairs), tuple(used))
    return None


def effective_counts(row: CellRow) -> tuple[float, float]:
    """(present, assessed) of one row after the study discount."""
    if row.ordinal is not None:
        patients = WORD_PATIENTS[row.basis]
        return WORD_RATE[row.ordinal] * patients, patients
    if row.percent is not None:
        rate = row.percent / 100.0
        patients = _discounted(_patients_behind(row, rate))
        return rate * patients, patients
    assert row.k is not None  # the model admits nothing else
    assert row.n is not None
    weight = _discounted(row.n) / row.n
    return row.k * weight, row.n * weight


def background_rate(cells: Iterable[Counts], silent: int, *, signature: bool) -> float:
    """Rate that stands in where the literature is silent; 0.5 where it is silent throughout."""
    rates = [cell.present / cell.assessed for cell in cells]
    if not rates:
        return 0.5
    centre = np.median([*rates, *[SILENT_RATE] * silent]) if signature else np.mean(rates)
    return float(np.clip(centre, 0.01, 0.99))


def shrinkage(cells: Sequence[Counts], background: float) -> float:
    """Pseudo-patients ``m`` by which cells are drawn to the background."""
    if len(cells) < FEWEST_FOR_SHRINKAGE:
        return DEFAULT_SHRINKAGE
    present = np.array([cell.present for cell in cells])
    absent = np.array([cell.assessed for cell in cells]) - present
    fits = [_log_evidence(present, absent, background, m) for m in SHRINKAGE_GRID]
    return SHRINKAGE_GRID[int(np.argmax(fits))]


def rate_distribution(cell: Counts, background: float, m: float) -> tuple[float, float]:
    """(alpha, beta) of a cell's rate: the mixture's mean and variance as one Beta."""
    present, absent = cell.present, cell.assessed - cell.present
    log_weights, means, variances = [], [], []
    for share, a, b in (
        (1.0 - FLAT_SHARE, m * background, m * (1.0 - background)),
        (FLAT_SHARE, 1.0, 1.0),
    ):
        log_weights.append(np.log(share) + betaln(present + a, absent + b) - betaln(a, b))
        total = present + absent + a + b
        mean = (present + a) / total
        means.append(mean)
        variances.append(mean * (1.0 - mean) / (total + 1.0))
    weights = np.exp(np.array(log_weights) - max(log_weights))
    weights /= weights.sum()
    mean = float(weights @ np.array(means))
    variance = float(weights @ (np.array(variances) + (np.array(means) - mean) ** 2))
    return with_mean(mean, mean * (1.0 - mean) / variance - 1.0)


def with_mean(mean: float, patients: float) -> tuple[float, float]:
    """(alpha, beta) of a rate with that mean, known by so many patients or the fewest."""
    patients = max(patients, FEWEST_BEHIND_A_RATE)
    return mean * patients, (1.0 - mean) * patients


def _by_precedence(own: Sequence[CellRow], inherited: Sequence[CellRow]) -> list[list[CellRow]]:
    tiers: list[list[CellRow]] = []
    for rows in (own, inherited):
        tiers.append([r for r in rows if r.k is not None])
        tiers.append([r for r in rows if r.percent is not None])
    for bases in ((Basis.READ, Basis.SECONDARY), (Basis.MEMORY,)):
        for rows in (own, inherited):
            tiers.append([r for r in rows if r.ordinal is not None and r.basis in bases])
    return tiers


def _one_row_per_study(rows: Iterable[CellRow], study_of: Mapping[str, str]) -> list[CellRow]:
    """The row with most patients of each study, in the order of the file."""
    best: dict[object, CellRow] = {}
    for index, row in enumerate(rows):
        study: object = index if row.source is None else study_of.get(row.source, row.source)
        if study not in best or (row.n or 0) > (best[study].n or 0):
            best[study] = row
    return list(best.values())


def _patients_behind(row: CellRow, rate: float) -> float:
    """Patients that would give the published 95 % interval of a percentage."""
    if row.low is None or row.high is None or row.high <= row.low:
        return PERCENT_PATIENTS
    standard_error = (row.high - row.low) / 100.0 / (2 * 1.96)
    return max(1.0, min(rate, 1 - rate) * max(rate, 1 - rate) / standard_error**2)


def _discounted(patients: float) -> float:
    return patients / (1.0 + (max(patients, 1.0) - 1.0) * ICC)


def _log_evidence(
    present: NDArray[np.float64], absent: NDArray[np.float64], background: float, m: float
) -> float:
    a, b = m * background, m * (1.0 - background)
    near = betaln(present + a, absent + b) - betaln(a, b)
    far = betaln(present + 1.0, absent + 1.0)
    return float(np.sum(np.logaddexp(np.log(1.0 - FLAT_SHARE) + near, np.log(FLAT_SHARE) + far)))
