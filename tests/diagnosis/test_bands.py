from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.diagnosis.bands import Bands, draw_bands
from marrowtrail.diagnosis.composites import hypotheses
from marrowtrail.diagnosis.engine import (
    Floats,
    group_evidence,
    group_likelihoods,
    mean_rates,
    posterior,
)
from marrowtrail.diagnosis.evidence import read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.starting import prior
from marrowtrail.record.findings import Finding

from .stories import NECROSIS, SEED_FIRST, SEED_THIRD, told

DRAWS = 5_000


def draws_of(findings: list[Finding], knowledge: Knowledge) -> tuple[Bands, Floats]:
    groups = group_evidence(read_findings(findings, knowledge).evidence, knowledge)
    starting = prior(knowledge, "musculoskeletal_mri", ("knee",))
    known = hypotheses(starting, groups, knowledge)
    likelihoods = known.spread(group_likelihoods(groups, mean_rates(knowledge)))
    closed_form = posterior(known.prior, likelihoods)
    bands = draw_bands(groups, known, closed_form, knowledge, draws=DRAWS)
    return bands, known.fold(closed_form)


@pytest.mark.parametrize(
    "story",
    [told("nidus hla_b27"), told("resolves_by_6m", "resolves_by_3m"), SEED_FIRST, NECROSIS],
    ids=range(4),
)
def test_the_mean_of_the_draws_is_the_closed_form(
    knowledge: Knowledge, story: list[Finding]
) -> None:
    bands, closed_form = draws_of(story, knowledge)
    error = bands.posteriors.std(axis=0) / np.sqrt(DRAWS)
    assert np.all(np.abs(bands.posteriors.mean(axis=0) - closed_form) < 4.5 * error + 1e-6)


def test_every_draw_sums_to_1(knowledge: Knowledge) -> None:
    bands, _ = draws_of(SEED_THIRD, knowledge)
    assert bands.posteriors.sum(axis=1) == pytest.approx(1.0)


def test_the_same_case_gives_the_same_draws(knowledge: Knowledge) -> None:
    first, _ = draws_of(SEED_FIRST, knowledge)
    second, _ = draws_of(SEED_FIRST, knowledge)
    assert np.array_equal(first.posteriors, second.posteriors)


def test_an_interval_holds_four_draws_in_five(knowledge: Knowledge) -> None:
    bands, _ = draws_of(SEED_THIRD, knowledge)
    row = knowledge.diagnoses.index("rmo")
    low, high = bands.interval([row])
    inside = np.mean((bands.posteriors[:, row] >= low) & (bands.posteriors[:, row] <= high))
    assert inside == pytest.approx(0.8, abs=0.002)


def test_all_diagnoses_together_have_no_interval(knowledge: Knowledge) -> None:
    bands, _ = draws_of(SEED_FIRST, knowledge)
    assert bands.interval(range(len(knowledge.diagnoses))) == pytest.approx((1.0, 1.0))


def test_without_findings_nothing_varies(knowledge: Knowledge) -> None:
    bands, closed_form = draws_of([], knowledge)
    assert bands.posteriors == pytest.approx(np.tile(bands.posteriors[0], (DRAWS, 1)), abs=1e-15)
    assert bands.posteriors[0] == pytest.approx(closed_form)
