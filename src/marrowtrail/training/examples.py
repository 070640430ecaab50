"""Batches without end: every example is drawn anew, from its own seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from marrowtrail.training.coarse_view import draw_coarse
from marrowtrail.training.fine_view import draw_fine
from marrowtrail.training.label_set import LabelSet

JOINT_SHARES = {"knee": 0.55, "ankle": 0.23, "foot": 0.06, "hip": 0.16}
"""How often each joint is drawn: knees are imaged most and asked for most."""

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Label sets by joint."""

    by_joint: dict[str, tuple[LabelSet, ...]]

    @classmethod
    def of(cls, sets: list[LabelSet]) -> Collection:
        """Group label sets.

        Raises
        ------
        ValueError
            If there are none.
        """
        if not sets:
            raise ValueError("There are no label sets to train on.")
        joints = sorted({one.joint for one in sets})
        return cls({joint: tuple(one for one in sets if one.joint == joint) for joint in joints})

    def draw(self, rng: np.random.Generator) -> LabelSet:
        """One of them, the joints in the shares of :data:`JOINT_SHARES`."""
        joints = list(self.by_joint)
        shares = np.array([JOINT_SHARES.get(joint, 0.1) for joint in joints])
        joint = joints[int(rng.choice(len(joints), p=shares / shares.sum()))]
        return self.by_joint[joint][int(rng.integers(len(self.by_joint[joint])))]


def coarse_batch(collection: Collection, count: int, seed: int, step: int) -> Batch:
    """(n, 1, x, y, z) images and (n, x, y, z) classes of one step, all of one plane."""
    across = int(np.random.default_rng([seed, step, 3]).integers(3))
    images, labels = [], []
    for number in range(count):
        rng = np.random.default_rng([seed, step, number, 1])
        example = draw_coarse(collection.draw(rng), across, rng)
        images.append(example.image[None])
        labels.append(example.label.astype(np.int64))
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels))


def fine_batch(collection: Collection, count: int, seed: int, step: int) -> Batch:
    """(n, 4, h, w) images and (n, 1, h, w) share of bone of one step."""
    images, shares = [], []
    for number in range(count):
        rng = np.random.default_rng([seed, step, number, 2])
        example = draw_fine(collection.draw(rng), rng)
        images.append(example.image)
        shares.append(example.share[None])
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(shares))


MakeBatch = Callable[[Collection, int, int, int], Batch]


@dataclass(frozen=True, slots=True, eq=False)
class Batches(Dataset[Batch]):
    """The batch of every step, for a loader that draws ahead on other cores."""

    collection: Collection
    make: MakeBatch
    count: int
    seed: int

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step."""
        return self.make(self.collection, self.count, self.seed, step)


APART = 8
"""A batch is learned from twice, so many steps apart, the second time mirrored (a leg of the other
side): drawing one costs most of what learning from it does."""


def batches(one: Batches, first: int, stop: int, workers: int) -> Iterator[Batch]:
    """Batches of steps ``first`` to ``stop``, in order, drawn by ``workers`` processes or here."""
    rounds = range(first // (2 * APART), -(-stop // (2 * APART)))
    numbers = range(rounds.start * APART, rounds.stop * APART)
    drawn = iter(DataLoader(one, batch_size=None, sampler=numbers, num_workers=workers))
    for number in rounds:
        fresh: list[Batch] = []
        for step in range(number * 2 * APART, min(stop, (number + 1) * 2 * APART)):
            if len(fresh) < APART:
                fresh.append(next(drawn))
                batch = fresh[-1]
            else:
                batch = mirrored(fresh[step % APART])
            if step >= first:
                yield batch


def mirrored(batch: Batch) -> Batch:
    """The same images and answers, their first axis run the other way: left for right in 3-D."""
    image, answer = batch
    return image.flip(2), answer.flip(answer.ndim - image.ndim + 2)
