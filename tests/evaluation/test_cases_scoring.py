from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrail.evaluation.cases_scoring import (
    Ranking,
    calibration_slope,
    family_sums,
    log_loss,
    of_families,
    score,
    wilson,
)


def ranking(*shares: float, right: str = "a", name: str = "case") -> Ranking:
    named = tuple(zip("abcde", shares, strict=False))
    return Ranking(name, named, tuple(right), right[0], right[0], "easy", "A")


class TestWilson:
    def test_known_values(self) -> None:
        """Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E."""
        found = wilson(81, 263)
        assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)

    @pytest.mark.parametrize("right", [0, 7])
    def test_none_and_all_stay_within_0_and_1(self, right: int) -> None:
        found = wilson(right, 7)
        assert -1e-12 <= found.low < found.high <= 1 + 1e-12


class TestScore:
    def test_places_and_losses_by_hand(self) -> None:
        first, second = ranking(0.6, 0.3, 0.1), ranking(0.2, 0.5, 0.2, 0.1)
        found = score([first, second])
        assert found is not None
        assert (found.top1, found.top3) == (0.5, 1.0)
        assert found.log_loss == pytest.approx(-(math.log(0.6) + math.log(0.2)) / 2)
        brier = ((0.4**2 + 0.3**2 + 0.1**2) + (0.8**2 + 0.5**2 + 0.2**2 + 0.1**2)) / 2
        assert found.brier == pytest.approx(brier)

    def test_outside_the_first_places(self) -> None:
        found = score([ranking(0.1, 0.2, 0.3, 0.4)])
        assert found is not None
        assert (found.top1, found.top3) == (0.0, 0.0)

    def test_several_right_labels_are_added(self) -> None:
        both = ranking(0.4, 0.4, 0.2, right="ab")
        assert log_loss([both]) == pytest.approx(-math.log(0.8))

    def test_a_common_family_does_not_outweigh_a_rare_one(self) -> None:
        common = [ranking(0.9, 0.1) for _ in range(9)]
        rare = ranking(0.9, 0.1, right="b")
        found = score([*common, rare])
        assert found is not None
        assert found.top1 == 0.9
        assert found.macro_top1 == 0.5

    def test_nothing_to_score(self) -> None:
        assert score([]) is None


FAMILY_OF = {"a": "one", "b": "one", "c": "two", "d": "three"}


class TestFamilies:
    def test_are_sums_of_their_categories(self) -> None:
        shares = ranking(0.3, 0.25, 0.4, 0.05).probabilities
        sums = family_sums(shares, FAMILY_OF)
        assert [name for name, _ in sums] == ["one", "two", "three"]
        assert [share for _, share in sums] == pytest.approx([0.55, 0.4, 0.05])

    def test_a_family_may_lead_whose_categories_do_not(self) -> None:
        wrong_label = ranking(0.3, 0.25, 0.4, 0.05, right="b")
        family = of_families(wrong_label, FAMILY_OF)
        assert not wrong_label.is_within(1)
        assert family.is_within(1)
        assert family.right_probability == pytest.approx(0.55)

    def test_and_another_family_stays_wrong(self) -> None:
        family = of_families(ranking(0.3, 0.25, 0.4, 0.05, right="d"), FAMILY_OF)
        assert not family.is_within(2)
        assert family.is_within(3)


class TestSlope:
    def drawn(self, power: float) -> list[Ranking]:
        """Cases whose true probabilities are those shown, raised to a power."""
        rng = np.random.default_rng(1)
        found = []
        for index in range(1500):
            shown = rng.dirichlet(np.ones(4))
            true = shown**power / (shown**power).sum()
            right = "abcd"[rng.choice(4, p=true)]
            found.append(ranking(*shown, right=right, name=str(index)))
        return found

    @pytest.mark.parametrize("power", [0.6, 1.0, 1.6])
    def test_is_the_power_that_was_drawn(self, power: float) -> None:
        found = calibration_slope(self.drawn(power))
        assert found.low < power < found.high
        assert found.slope == pytest.approx(power, abs=0.15)
