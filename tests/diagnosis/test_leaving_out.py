"""Leaving a paper out by subtraction is the same as never having read it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from marrowtrail.diagnosis.course_schema import Scope
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import probabilities

from .conftest import Edit
from .stories import SEED_FIRST, SEED_THIRD

SCOPES: tuple[Scope, ...] = ("within_joint", "another_joint")


@pytest.mark.parametrize("key", ["pasas2011", "geirsson2008", "pareek2020"])
def test_is_the_same_as_building_from_the_other_papers(key: str, folder: Path) -> None:
    for path in (folder / "cells").glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not re.search(rf"source: {key}[,}}]", line)]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    rebuilt = load_knowledge(folder)
    subtracted = load_knowledge(without=frozenset({key}))
    assert np.array_equal(rebuilt.table.alpha, subtracted.table.alpha)
    assert np.array_equal(rebuilt.table.beta, subtracted.table.beta)
    assert np.array_equal(rebuilt.course.place, subtracted.course.place)
    for scope in SCOPES:
        assert np.array_equal(rebuilt.course.moved[scope], subtracted.course.moved[scope])
    first = probabilities(SEED_FIRST, subtracted)
    assert np.array_equal(probabilities(SEED_FIRST, rebuilt), first)


def test_takes_its_rows_and_no_others(knowledge: Knowledge) -> None:
    left = load_knowledge(without=frozenset({"pasas2011"}))
    assert "pasas2011" in _sources(knowledge)
    assert _sources(knowledge) - _sources(left) == {"pasas2011"}


def test_takes_the_same_study_under_another_key(knowledge: Knowledge) -> None:
    twins = {"kijowski2012", "kijowski142"}
    assert twins & _sources(knowledge)
    for key in sorted(twins):
        assert not twins & _sources(load_knowledge(without=frozenset({key})))


def test_nothing_left_out_changes_nothing(knowledge: Knowledge) -> None:
    same = load_knowledge(without=frozenset({"vandeberg1999"}))
    assert np.array_equal(same.table.alpha, knowledge.table.alpha)


class TestGapsBetweenMoves:
    def test_the_gap_that_a_paper_saw_goes_with_it(
        self, knowledge: Knowledge, folder: Path, edit: Edit
    ) -> None:
        edit("course.yaml", "      - {days: 730, source: rmo64}\n", "")
        rebuilt, left = load_knowledge(folder), load_knowledge(without=frozenset({"rmo64"}))
        assert 730 in knowledge.course.rules.move("another_joint").mean_days
        assert 730 not in left.course.rules.move("another_joint").mean_days
        for scope in SCOPES:
            assert np.array_equal(rebuilt.course.moved[scope], left.course.moved[scope])
        before, after = (probabilities(SEED_THIRD, known) for known in (knowledge, left))
        assert not np.array_equal(before, after)

    def test_where_none_would_be_left_they_stay(self, knowledge: Knowledge) -> None:
        left = load_knowledge(without=frozenset({"shift2008"})).course.rules
        within = knowledge.course.rules.move("within_joint")
        assert left.move("within_joint").mean_days == within.mean_days


def _sources(knowledge: Knowledge) -> set[str]:
    cells = (*knowledge.table.rows.values(), *knowledge.course.rows.values())
    return {row.source for rows in cells for row in rows if row.source}
