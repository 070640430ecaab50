"""The engine against an exact Bayesian network of another hand, on random models."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from marrowtrail.diagnosis.engine import (
    NODES,
    Group,
    group_likelihoods,
    posterior,
    rates_at_severity,
    severity_weights,
)
from marrowtrail.diagnosis.evidence import Evidence
from marrowtrail.record.findings import FindingState

gum = pytest.importorskip("pyagrum", reason="pyAgrum, an oracle for tests only, is not installed")

DIAGNOSES, FINDINGS = 9, 14


def drawn_groups(rng: np.random.Generator) -> list[Group]:
    """Findings alone and in blocks, in all states; some with the waiting of a censored finding."""
    columns = [int(c) for c in rng.permutation(FINDINGS)]
    groups = []
    while columns:
        size = min(int(rng.integers(1, 5)), len(columns))
        mine, columns = columns[:size], columns[size:]
        pieces = []
        for column in mine:
            state = FindingState(rng.choice(["present", "absent", "equivocal"]))
            u, v = rng.uniform(0.01, 1.0, size=2)
            pieces.append(Evidence(f"f{column}", column, state, float(u), float(v)))
        signs = tuple(int(s) for s in rng.choice([-1, 1], size=size)) if size > 1 else (1,)
        rho = float(rng.uniform(0.1, 0.7)) if size > 1 else 0.0
        groups.append(Group(tuple(pieces), signs, rho, "block"))
    return groups


def network_posterior(
    groups: list[Group], prior: NDArray[np.float64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    net = gum.BayesNet()
    cause = net.add(gum.LabelizedVariable("cause", "", len(prior)))
    net.cpt(cause).fillWith([float(p) for p in prior])
    soft = {}
    for index, group in enumerate(groups):
        severity = None
        if len(group.evidence) > 1:
            severity = net.add(gum.LabelizedVariable(f"z{index}", "", NODES))
            net.cpt(severity).fillWith([float(w) for w in severity_weights()])
        for piece, sign in zip(group.evidence, group.signs, strict=True):
            node = net.add(gum.LabelizedVariable(piece.finding, "", 2))
            net.addArc(cause, node)
            if severity is None:
                for d, rate in enumerate(rates[:, piece.column]):
                    net.cpt(node)[{"cause": d}] = [1.0 - float(rate), float(rate)]
            else:
                net.addArc(severity, node)
                at = rates_at_severity(rates[:, piece.column], sign, group.rho)
                for d in range(len(prior)):
                    for z in range(NODES):
                        p = float(at[d, z])
                        net.cpt(node)[{"cause": d, f"z{index}": z}] = [1.0 - p, p]
            soft[piece.finding] = [piece.absent_weight, piece.present_weight]
    inference = gum.LazyPropagation(net)
    inference.setEvidence(soft)
    inference.makeInference()
    return np.array(inference.posterior("cause").tolist())


@pytest.mark.parametrize("seed", range(25))
def test_the_posterior_is_that_of_an_exact_network(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = drawn_groups(rng)
    prior = rng.dirichlet(np.ones(DIAGNOSES))
    rates = rng.uniform(0.01, 0.99, size=(DIAGNOSES, FINDINGS))
    found = posterior(prior, group_likelihoods(groups, rates))
    assert found == pytest.approx(network_posterior(groups, prior, rates), abs=1e-12)


def test_it_tells_a_wrong_engine() -> None:
    rng = np.random.default_rng(99)
    groups = drawn_groups(rng)
    prior = rng.dirichlet(np.ones(DIAGNOSES))
    rates = rng.uniform(0.01, 0.99, size=(DIAGNOSES, FINDINGS))
    without_blocks = [Group((p,), (1,), 0.0, "") for g in groups for p in g.evidence]
    wrong = posterior(prior, group_likelihoods(without_blocks, rates))
    assert np.abs(wrong - network_posterior(groups, prior, rates)).max() > 1e-6
