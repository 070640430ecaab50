"""What training makes small: cross-entropy and what Dice lacks of 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EMPTY = 1.0
"""Added to both sides of a Dice, in voxels: a class that is absent and not found costs nothing."""


def coarse_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Over classes that are there: half cross-entropy, half Dice."""
    entropy = nn.functional.cross_entropy(logits, label)
    share = torch.softmax(logits, dim=1)
    truth = nn.functional.one_hot(label, logits.shape[1]).movedim(-1, 1).to(share.dtype)
    axes = tuple(range(2, logits.ndim))
    common, total = (share * truth).sum(axes), (share + truth).sum(axes)
    there = truth.sum(axes) > 0
    there[:, 0] = False
    dice = (2 * common + EMPTY) / (total + EMPTY)
    lacking = torch.where(there, 1 - dice, torch.zeros_like(dice)).sum() / there.sum().clamp(min=1)
    return entropy + lacking


def fine_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy against the share of bone, and Dice over the batch."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, share)
    found = torch.sigmoid(logits)
    dice = (2 * (found * share).sum() + EMPTY) / ((found + share).sum() + EMPTY)
    return entropy + (1 - dice)


@torch.no_grad()
def coarse_dice(logits: Tensor, label: Tensor) -> float:
    """Mean Dice of the classes that are there."""
    found = logits.argmax(dim=1)
    scores = []
    for value in label.unique().tolist():
        if value:
            a, b = found == value, label == value
            scores.append(float(2 * (a & b).sum() / (a.sum() + b.sum())))
    return sum(scores) / len(scores) if scores else 1.0


@torch.no_grad()
def fine_dice(logits: Tensor, share: Tensor) -> float:
    """Dice over the batch."""
    a, b = logits > 0, share > 0.5
    return float((2 * (a & b).sum() + EMPTY) / (a.sum() + b.sum() + EMPTY))
