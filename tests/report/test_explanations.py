"""What stands before and behind the ranking on the page."""

from __future__ import annotations

import re

from tests.report.made_result import migrating

from marrowtrail.diagnosis.differential import (
    OutlookLine,
    Shown,
    Standing,
    Turn,
    TwoDiseases,
    UnderSetting,
)
from marrowtrail.record.findings import FindingState
from marrowtrail.report.html import render_html
from marrowtrail.result.model import ExplanationRow, ResultDocument

EXPLANATION = ExplanationRow(
    standing=Standing.PROVISIONAL,
    standing_why="Sarcoidosis must be answered first.",
    two_diseases=(
        TwoDiseases("both", "gout in a patient with scurvy", "rmo", "gout", 0.42),
        TwoDiseases("both", "gout in a patient with scurvy", "toh", "gout", 0.11),
    ),
    turns=(Turn("nidus", FindingState.PRESENT, "a nidus", "osteoid_osteoma", "Nidus", 0.7, 0.03),),
    under_settings=(UnderSetting("ship", "ship's surgeon", "audit", (Shown("x", "scurvy", 0.9),)),),
    odds_to_flip=7.25,
    outlook=(OutlookLine("rmo", "resolution", "it heals", ("A paper",), "4 to 12 months"),),
)


def page(explanation: ExplanationRow) -> str:
    document, figures = migrating()
    changed: ResultDocument = document.model_copy(update={"explanation": explanation})
    return re.sub(r"\s+", " ", render_html(changed, figures))


def test_counter_evidence_and_what_would_turn_it_stand_before_the_ranking() -> None:
    text = page(EXPLANATION)
    differential = text[text.index('id="differential"') :]
    against = differential.index("what speaks against the leading cause")
    assert against < differential.index("A nidus") < differential.index('class="causes"')
    assert "Sarcoidosis must be answered first." in differential
    assert "Provisional" in differential


def test_other_priors_two_diseases_and_the_odds_are_told() -> None:
    text = page(EXPLANATION)
    assert text.count("gout in a patient with scurvy") == 1
    assert "In this, 53 % stands for gout in a patient with scurvy." in text
    assert "Ship&#39;s surgeon" in text
    assert "7.2 times as common" in text or "7.3 times as common" in text
    assert "audit.csv" in text


def test_the_outlook_has_its_sources() -> None:
    text = page(EXPLANATION)
    outlook = text[text.index('id="outlook"') : text.index('id="findings"')]
    assert "It heals" in outlook
    assert "A paper" in outlook
    assert "not advice" in outlook


def test_where_there_is_nothing_behind_it_the_page_says_so() -> None:
    text = page(ExplanationRow())
    assert "No single finding that is still unknown" in text
    assert "No cause is likely enough" in text
    assert "times as common to begin with" not in text
    assert "In this," not in text
