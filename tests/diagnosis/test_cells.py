from __future__ import annotations

import numpy as np
import pytest
from scipy.special import beta as beta_function
from scipy.stats import beta as beta_distribution

from marrowtrail.diagnosis.cells import (
    DEFAULT_SHRINKAGE,
    FEWEST_BEHIND_A_RATE,
    FLAT_SHARE,
    ICC,
    Counts,
    background_rate,
    effective_counts,
    pool,
    rate_distribution,
    shrinkage,
)
from marrowtrail.diagnosis.schema import Basis, CellRow, Word


def count(k: float, n: float, source: str = "one") -> CellRow:
    return CellRow(finding="effusion", k=k, n=n, source=source)


def word(ordinal: Word, source: str | None = None) -> CellRow:
    basis = Basis.READ if source else Basis.MEMORY
    return CellRow(finding="effusion", ordinal=ordinal, source=source, basis=basis)


def share(percent: float, low: float | None = None, high: float | None = None) -> CellRow:
    return CellRow(finding="effusion", percent=percent, low=low, high=high, source="one")


class TestEffectiveCounts:
    def test_one_patient_counts_as_one(self) -> None:
        assert effective_counts(count(1, 1)) == (1.0, 1.0)

    def test_no_study_weighs_more_than_one_over_the_correlation(self) -> None:
        present, assessed = effective_counts(count(30_000, 100_000))
        assert assessed < 1 / ICC
        assert present / assessed == pytest.approx(0.3)

    def test_a_larger_study_still_weighs_more(self) -> None:
        assert effective_counts(count(5, 50))[1] > effective_counts(count(1, 10))[1]

    def test_a_narrow_percentage_weighs_more_than_a_wide_one(self) -> None:
        narrow = effective_counts(share(50, 45, 55))[1]
        wide = effective_counts(share(50, 20, 80))[1]
        assert narrow > wide

    def test_a_percentage_keeps_its_rate(self) -> None:
        present, assessed = effective_counts(share(12.5))
        assert present / assessed == pytest.approx(0.125)

    def test_memory_weighs_less_than_a_source(self) -> None:
        read = effective_counts(word(Word.COMMON, "one"))
        memory = effective_counts(word(Word.COMMON))
        assert memory[1] < read[1]
        assert memory[0] / memory[1] == read[0] / read[1] == 0.5


class TestPrecedence:
    def test_counts_before_percentages_before_words_read_before_memory(self) -> None:
        rows = [word(Word.NEVER), word(Word.RARE, "b"), share(50), count(9, 10)]
        for expected in (rows[3], rows[2], rows[1], rows[0]):
            cell = pool(rows, [], {})
            assert cell is not None
            assert cell.rows == (expected,)
            rows.remove(expected)

    def test_own_numbers_before_inherited_ones(self) -> None:
        cell = pool([share(10)], [count(9, 10)], {})
        assert cell is not None
        assert cell.rows[0].percent == 10

    def test_inherited_numbers_before_own_words(self) -> None:
        cell = pool([word(Word.NEVER, "one")], [count(9, 10)], {})
        assert cell is not None
        assert cell.rows[0].k == 9

    def test_several_studies_are_pooled(self) -> None:
        cell = pool([count(2, 10, "a"), count(8, 10, "b")], [], {})
        assert cell is not None
        assert cell.present / cell.assessed == pytest.approx(0.5)
        assert len(cell.rows) == 2

    def test_one_study_under_two_keys_is_counted_once(self) -> None:
        rows = [count(2, 10, "a"), count(8, 20, "b")]
        cell = pool(rows, [], {"a": "b"})
        assert cell is not None
        assert cell.rows == (rows[1],)

    def test_nothing_gives_nothing(self) -> None:
        assert pool([], [], {}) is None


class TestBackground:
    def test_a_signature_is_not_lifted_by_the_one_diagnosis_known_by_it(self) -> None:
        cells = [Counts(9.8, 10, ()), *[Counts(0.1, 10, ())] * 3]
        assert background_rate(cells, 10, signature=True) == pytest.approx(0.02)

    def test_an_ordinary_finding_takes_the_mean_of_the_described(self) -> None:
        cells = [Counts(2, 10, ()), Counts(6, 10, ())]
        assert background_rate(cells, 10, signature=False) == pytest.approx(0.4)

    def test_nothing_known_is_even(self) -> None:
        assert background_rate([], 28, signature=True) == 0.5


class TestShrinkage:
    def test_like_cells_are_drawn_together_more_than_unlike_ones(self) -> None:
        like = [Counts(5 + d, 10, ()) for d in (-1, 0, 1, 0, 0, 1, -1)]
        unlike = [Counts(k, 10, ()) for k in (1, 9, 2, 8, 0.5, 9.5, 5)]
        assert shrinkage(like, 0.5) > shrinkage(unlike, 0.5)

    def test_too_few_cells_take_the_default(self) -> None:
        assert shrinkage([Counts(5, 10, ())] * 4, 0.5) == DEFAULT_SHRINKAGE
        assert shrinkage([Counts(5, 10, ())] * 5, 0.5) != DEFAULT_SHRINKAGE

    def test_the_mean_is_that_of_the_mixture_by_integration(self) -> None:
        cell, background, m = Counts(5.5, 6.0, ()), 0.1, 8.0
        grid = (np.arange(200_000) + 0.5) / 200_000
        informative = beta_distribution.pdf(grid, m * background, m * (1 - background))
        prior = (1 - FLAT_SHARE) * informative + FLAT_SHARE
        weight = prior * grid**cell.present * (1 - grid) ** (cell.assessed - cell.present)
        alpha, beta = rate_distribution(cell, background, m)
        integrated = float(weight @ grid / weight.sum())
        assert alpha / (alpha + beta) == pytest.approx(integrated, rel=1e-3)

    def test_a_rate_far_from_the_background_keeps_its_own(self) -> None:
        alpha, beta = rate_distribution(Counts(5.9, 6.0, ()), 0.05, 10.0)
        assert alpha / (alpha + beta) > 0.75

    def test_a_rate_near_the_background_is_drawn_to_it(self) -> None:
        alpha, beta = rate_distribution(Counts(1.0, 6.0, ()), 0.10, 10.0)
        assert 0.10 < alpha / (alpha + beta) < 0.16

    def test_no_rate_is_vaguer_than_the_vaguest_word(self) -> None:
        alpha, beta = rate_distribution(Counts(0.5, 1.0, ()), 0.5, 1.0)
        assert alpha + beta == pytest.approx(FEWEST_BEHIND_A_RATE)
        interval = beta_distribution.ppf([0.025, 0.975], alpha, beta)
        assert interval == pytest.approx([0.3, 0.7], abs=0.02)
        assert beta_function(alpha, beta) > 0
