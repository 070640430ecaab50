"""Networks and loop: what needs torch, an extra that the test environment need not have."""

from pathlib import Path

import numpy as np
import pytest

from marrowtrail.errors import InputError
from tests.training.label_sets import ball

torch = pytest.importorskip("torch", reason="torch is not installed (extra: train)")

from marrowtrail.training.examples import (  # noqa: E402
    APART,
    Batches,
    Collection,
    batches,
    coarse_batch,
    fine_batch,
    mirrored,
)
from marrowtrail.training.export import export_network  # noqa: E402
from marrowtrail.training.loop import Plan, Stage, train  # noqa: E402
from marrowtrail.training.losses import coarse_dice, coarse_loss, fine_loss  # noqa: E402
from marrowtrail.training.networks import coarse_network, fine_network  # noqa: E402


@pytest.fixture
def collection() -> Collection:
    return Collection.of([ball()])


def test_networks_keep_the_grid() -> None:
    with torch.no_grad():
        assert coarse_network(12)(torch.zeros(1, 1, 16, 24, 32)).shape == (1, 12, 16, 24, 32)
        assert fine_network()(torch.zeros(3, 4, 24, 40)).shape == (3, 1, 24, 40)


def test_loss_falls_with_a_better_answer(collection: Collection) -> None:
    _, label = coarse_batch(collection, 2, 1, 0)
    right = 8.0 * torch.nn.functional.one_hot(label, 12).movedim(-1, 1).float()
    wrong = right.roll(1, dims=1)
    assert coarse_loss(right, label) < coarse_loss(wrong, label)
    assert coarse_dice(right, label) == 1.0
    assert coarse_dice(wrong, label) == 0.0
    _, share = fine_batch(collection, 3, 1, 0)
    assert fine_loss(16 * (share - 0.5), share) < fine_loss(16 * (0.5 - share), share)


def test_a_run_cut_in_two_goes_on(collection: Collection, tmp_path: Path) -> None:
    said: list[str] = []
    checkpoint = tmp_path / "fine.ckpt"
    train(collection, Plan(Stage.FINE, 2, minutes=5), checkpoint, said.append)
    first = torch.load(checkpoint, weights_only=True)
    network = train(collection, Plan(Stage.FINE, 4, minutes=5), checkpoint, said.append)
    second = torch.load(checkpoint, weights_only=True)
    assert (first["step"], second["step"]) == (2, 4)
    assert any("going on from step 2" in words for words in said)
    assert not torch.equal(first["network"]["last.weight"], second["network"]["last.weight"])
    assert np.isfinite(network(torch.zeros(1, 4, 16, 16)).detach().numpy()).all()


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(ValueError, match="no label sets"):
        Collection.of([])


def test_batches_drawn_ahead_are_those_drawn_here(collection: Collection) -> None:
    made = Batches(collection, fine_batch, 2, 1)
    here = list(batches(made, 3, 5, workers=0))
    ahead = list(batches(made, 3, 5, workers=1))
    assert len(here) == len(ahead) == 2
    for (image, share), (other, its_share) in zip(here, ahead, strict=True):
        assert torch.equal(image, other)
        assert torch.equal(share, its_share)


def test_a_batch_comes_back_mirrored_wherever_a_run_begins(collection: Collection) -> None:
    made = Batches(collection, fine_batch, 1, 1)
    steps = list(batches(made, 0, 2 * APART + 2, workers=0))
    for number in range(APART):
        again, expected = steps[APART + number], mirrored(steps[number])
        assert torch.equal(again[0], expected[0])
        assert not torch.equal(again[0], steps[number][0])
    for first in (3, APART, APART + 2, 2 * APART):
        resumed = list(batches(made, first, 2 * APART + 2, workers=0))
        assert len(resumed) == len(steps) - first
        assert all(torch.equal(a[0], b[0]) for a, b in zip(resumed, steps[first:], strict=True))


def test_a_mirrored_answer_lies_on_its_image() -> None:
    coarse, fine = torch.rand(2, 1, 4, 3, 5), torch.rand(2, 4, 3, 5)
    image, answer = mirrored((coarse, coarse[:, 0]))
    assert torch.equal(image[:, 0], answer)
    assert torch.equal(image, coarse.flip(2)), "left for right: the first of x, y and z"
    image, answer = mirrored((fine, fine[:, :1]))
    assert torch.equal(image[:, :1], answer)
    assert not torch.equal(image, fine)


def test_a_run_begins_with_weights_that_were_exported(
    collection: Collection, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (extra: train)")
    taught = train(collection, Plan(Stage.FINE, 2, minutes=5), tmp_path / "a.ckpt", str)
    file = tmp_path / "fine.onnx"
    export_network(taught, Stage.FINE, file)
    begun = train(
        collection, Plan(Stage.FINE, 0, minutes=5, seed=2, exported=file), tmp_path / "b.ckpt", str
    )
    chance = train(collection, Plan(Stage.FINE, 0, minutes=5, seed=2), tmp_path / "c.ckpt", str)
    for name, value in taught.state_dict().items():
        assert torch.equal(begun.state_dict()[name], value)
    assert not torch.equal(chance.state_dict()["last.weight"], taught.state_dict()["last.weight"])


def test_weights_of_another_network_are_refused(collection: Collection, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (extra: train)")
    file = tmp_path / "fine.onnx"
    export_network(fine_network(), Stage.FINE, file)
    with pytest.raises(InputError, match=r"another shape"):
        train(collection, Plan(Stage.COARSE, 0, 5, exported=file), tmp_path / "a.ckpt", str)


@pytest.mark.parametrize("content", [None, b"no network"])
def test_weights_that_cannot_be_read_are_refused(
    collection: Collection, tmp_path: Path, content: bytes | None
) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (extra: train)")
    file = tmp_path / "fine.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        train(collection, Plan(Stage.FINE, 0, 5, exported=file), tmp_path / "a.ckpt", str)
