"""304 ways to scan and store a knee, each from its files to the letters of the report.

``python -m tests.orientation`` runs them all and counts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orientation.checks import disagreements
from tests.orientation.design import LEVELS, ROWS, Combination, battery, missing_pairs


def test_the_design_has_every_pair_of_levels() -> None:
    assert len(set(battery())) == ROWS >= 300
    assert not missing_pairs(battery(), fewest=3)
    for name, levels in LEVELS.items():
        assert {getattr(row, name) for row in battery()} == set(levels)


def test_a_design_that_lacks_a_pair_is_found_out() -> None:
    some = tuple(row for row in battery() if (row.limb, row.position) != ("left", "FFDL"))
    assert missing_pairs(some) == [("position=FFDL", "limb=left")]


@pytest.mark.parametrize("combination", battery(), ids=str)
def test_everything_agrees(combination: Combination, tmp_path: Path) -> None:
    assert [str(one) for one in disagreements(combination, tmp_path)] == []
