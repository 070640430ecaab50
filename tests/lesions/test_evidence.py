"""The score moves as physics says, and what decides is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.lesions.evidence import (
    CERTAIN,
    HOME,
    POSSIBLE,
    USUAL_ECHO_MS,
    WEIGHTS,
    WEIGHTS_T1,
    Evidence,
    Reading,
    doubt,
    home_share,
    read_evidence,
    without_decay,
)
from marrowtrail.lesions.lesion import RegionShare
from marrowtrail.record.vocabulary import vocabulary

OEDEMA = Evidence(4.0, 1.0, 1.1, 0.0, 0.80)
FAINT = Evidence(2.1, 0.55, 1.1, 0.0, 0.93)
RED = Evidence(1.6, 0.4, 1.1, 1.0, 0.91)
GLOW = Evidence(1.6, 0.5, 2.8, 0.0, 1.0)

METAPHYSIS = (RegionShare("distal_metaphysis", 0.9, 0.2), RegionShare("trochlea", 0.1, 0.1))


@pytest.mark.parametrize(
    ("evidence", "reading"),
    [
        (OEDEMA, Reading.OEDEMA),
        (FAINT, Reading.OEDEMA),
        (RED, Reading.RED_MARROW),
        (GLOW, Reading.UNSUPPRESSED),
        (Evidence(1.63, 0.8, 1.2, 0.0, 1.0), Reading.POSSIBLE),
        (Evidence(1.5, 0.3, 1.0, 0.0, 0.5), Reading.FAINT),
        (replace(OEDEMA, t1=None), Reading.OEDEMA),
        (replace(OEDEMA, t1=None, hidden_on_t1=True), Reading.POSSIBLE),
    ],
)
def test_what_an_area_is_read_as(evidence: Evidence, reading: Reading) -> None:
    assert read_evidence(evidence) is reading


@pytest.mark.parametrize(
    ("start", "other"),
    [
        (FAINT, replace(FAINT, contrast=1.5)),
        (FAINT, replace(FAINT, over_muscle=0.3)),
        (FAINT, replace(FAINT, fat_outside=2.0)),
        (FAINT, replace(FAINT, home_share=0.8)),
        (FAINT, replace(FAINT, t1=1.0)),
        (FAINT, replace(FAINT, t1=0.6)),
    ],
)
@pytest.mark.parametrize("has_t1", [True, False])
def test_less_speaks_for_oedema(start: Evidence, other: Evidence, has_t1: bool) -> None:
    if not has_t1:
        start, other = replace(start, t1=None), replace(other, t1=None)
        if start == other:
            pytest.skip("only T1 differs")
    assert other.certainty < start.certainty


def test_bright_oedema_beside_failed_suppression_is_certain_by_its_t1() -> None:
    beside = Evidence(2.5, 0.65, 2.4, 0.0, 0.82)
    assert beside.certainty > CERTAIN
    assert replace(beside, t1=1.0).certainty < CERTAIN


def test_what_is_not_known_is_left_out_or_neutral() -> None:
    assert len(OEDEMA.parts) == len(WEIGHTS_T1)
    assert len(replace(OEDEMA, t1=None).parts) == len(WEIGHTS)
    unknown = replace(OEDEMA, over_muscle=None).certainty
    assert replace(OEDEMA, over_muscle=0.3).certainty < unknown
    assert unknown < replace(OEDEMA, over_muscle=3.0).certainty


def test_the_score_stays_finite_at_its_ends() -> None:
    for evidence in (Evidence(0.5, 0.0, 0.0, 0.0, 3.0), Evidence(1e6, 1e6, 1e6, 1.0, 0.0)):
        assert 0.0 <= evidence.certainty <= 1.0


def test_the_doubt_names_what_speaks_against_it() -> None:
    assert "suppression" in doubt(GLOW)
    assert "red marrow" in doubt(RED)
    assert "T1 shows its fat" in doubt(replace(FAINT, t1=1.0))
    assert "too little" in doubt(replace(FAINT, t1=None, hidden_on_t1=True))
    assert "no T1" in doubt(replace(FAINT, t1=None))
    assert doubt(FAINT) == "it is faint"


def test_muscle_fades_first_so_that_brightness_over_it_counts_less_at_a_long_echo() -> None:
    assert without_decay(4.0, 80.0) < without_decay(4.0, 40.0) < without_decay(4.0, 0.0) == 4.0
    assert without_decay(4.0, None) == without_decay(4.0, USUAL_ECHO_MS)


def test_certain_is_more_than_possible() -> None:
    assert 0.0 < POSSIBLE < CERTAIN < 1.0


def test_red_marrow_is_at_home_in_metaphysis_and_shaft_of_long_bones() -> None:
    assert home_share("femur", METAPHYSIS) == pytest.approx(0.9)
    assert home_share("femur", (RegionShare("medial_condyle", 1.0, 0.2),)) == 0.0
    assert home_share("fibula", ()) == 1.0  # a shaft further than its regions reach
    assert home_share("talus", ()) == 0.0


def test_the_regions_are_words_of_the_vocabulary() -> None:
    known = {region.key for bone in vocabulary().bones for region in bone.regions}
    assert known >= HOME
