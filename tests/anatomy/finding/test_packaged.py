"""The weights that come with the package: whole, small enough, and the same bytes every time."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from marrowtrail.anatomy.finding import networks
from marrowtrail.anatomy.finding.networks import BoneNetworks, packaged_networks
from marrowtrail.anatomy.finding.verdict import plausible

FOLDER = Path(str(resources.files("marrowtrail.anatomy") / "weights"))
MOST_BYTES = 15_000_000
"""What the package may carry."""

RNG = np.random.default_rng(8)
SERIES = RNG.uniform(-0.5, 0.5, (1, 1, 48, 40, 32)).astype(np.float32)
SLICES = RNG.uniform(-0.5, 0.5, (2, 4, 64, 48)).astype(np.float32)


def both() -> BoneNetworks:
    return networks.load_networks(FOLDER)


def test_every_file_is_the_published_one_and_small_enough() -> None:
    weights = packaged_networks().weights
    files = [FOLDER / weights.coarse.file, FOLDER / weights.fine.file]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert (FOLDER / "card.md").is_file()


def test_every_class_has_a_plausible_range() -> None:
    assert set(packaged_networks().weights.coarse.classes[1:]) == set(plausible().bones)


def test_answers_have_the_layout_that_is_asked_for() -> None:
    known = packaged_networks()
    classes = len(known.weights.coarse.classes)
    assert known.coarse(SERIES).shape == (1, classes, 48, 40, 32)
    assert known.fine(SLICES).shape == (2, 1, 64, 48)
    assert known.fine(SLICES[:1, :, :8, :24]).shape == (1, 1, 8, 24)


def test_the_same_bytes_again() -> None:
    first, second = both(), both()
    assert np.array_equal(first.coarse(SERIES), second.coarse(SERIES))
    assert np.array_equal(first.fine(SLICES), second.fine(SLICES))


def test_threads_change_rounding_and_so_are_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one thread sums are made in another order; two are asked for, whatever the machine has."""
    usual = both()
    assert networks.THREADS == 2
    asked = []
    session = onnxruntime.InferenceSession

    def kept(content: bytes, options: onnxruntime.SessionOptions, **more: object) -> object:
        asked.append(options.intra_op_num_threads)
        return session(content, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", kept)
    monkeypatch.setattr(networks, "THREADS", 1)
    single = both()
    assert asked == [1, 1]
    assert np.allclose(single.coarse(SERIES), usual.coarse(SERIES), rtol=0, atol=1e-3)
    assert np.allclose(single.fine(SLICES), usual.fine(SLICES), rtol=0, atol=1e-3)


def test_slices_of_one_question_do_not_touch_each_other() -> None:
    """So that how slices are batched changes nothing."""
    together = packaged_networks().fine(SLICES)
    alone = np.concatenate([packaged_networks().fine(SLICES[n : n + 1]) for n in range(2)])
    assert alone == pytest.approx(together, abs=1e-4)
