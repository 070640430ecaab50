"""Training one stage: resumable, seeded, logged, bounded in time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch
from torch import Tensor

from marrowtrail.training.examples import Collection, MakeBatch, coarse_batch, fine_batch
from marrowtrail.training.label_set import CLASSES
from marrowtrail.training.losses import coarse_dice, coarse_loss, fine_dice, fine_loss
from marrowtrail.training.networks import CoarseNetwork, UNet, coarse_network, fine_network

RATE, DECAY = 2e-3, 1e-4
WARM_STEPS = 100
COOL_SHARE = 0.25
"""The rate falls to nothing over this last part of the steps asked for."""

AVERAGE = 0.998
"""Weights are averaged over about this many steps (1 / (1 - it)): what one strange contrast
teaches is forgotten."""

SAVE_SECONDS = 120.0
LOG_STEPS = 50


Network = UNet | CoarseNetwork


class Stage(StrEnum):
    """Which network."""

    COARSE = "coarse"
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train, and from which seed."""

    stage: Stage
    steps: int
    minutes: float
    seed: int = 1
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class _Job:
    network: Network
    batch: MakeBatch
    loss: Callable[[Tensor, Tensor], Tensor]
    dice: Callable[[Tensor, Tensor], float]


def _job(stage: Stage) -> _Job:
    if stage is Stage.COARSE:
        return _Job(coarse_network(len(CLASSES)), coarse_batch, coarse_loss, coarse_dice)
    return _Job(fine_network(), fine_batch, fine_loss, fine_dice)


def train(
    collection: Collection, plan: Plan, checkpoint: Path, say: Callable[[str], None]
) -> Network:
    """Train until the steps or the minutes are spent; go on from a checkpoint if there is one.

    Every step draws its examples from its own seed, so a run that was cut in two ends where one
    that was not does, up to the order of sums on the device. Returns the averaged network.
    """
    torch.manual_seed(plan.seed)
    job = _job(plan.stage)
    network: Network = job.network.to(plan.device)
    averaged: Network = _job(plan.stage).network.to(plan.device)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    step = 0
    if checkpoint.is_file():
        kept = torch.load(checkpoint, map_location=plan.device, weights_only=True)
        network.load_state_dict(kept["network"])
        averaged.load_state_dict(kept["averaged"])
        optimiser.load_state_dict(kept["optimiser"])
        step = int(kept["step"])
        say(f"{plan.stage}: going on from step {step}")
    began = saved = time.monotonic()
    losses: list[float] = []
    scores: list[float] = []
    network.train()
    while step < plan.steps and time.monotonic() - began < plan.minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, plan.steps)
        image, truth = (part.to(plan.device) for part in job.batch(collection, plan.seed, step))
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(plan.device, torch.bfloat16):
            logits = network(image)
        loss = job.loss(logits.float(), truth)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step += 1
        _average(averaged, network, min(AVERAGE, 1 - 1 / (1 + step)))
        losses.append(loss.item())
        scores.append(job.dice(logits, truth))
        if step % LOG_STEPS == 0:
            last, dice = losses[-LOG_STEPS:], scores[-LOG_STEPS:]
            minutes = (time.monotonic() - began) / 60
            say(
                f"{plan.stage}: step {step}, {minutes:.1f} min, "
                f"loss {sum(last) / len(last):.3f}, Dice {sum(dice) / len(dice):.3f}"
            )
        if time.monotonic() - saved > SAVE_SECONDS:
            _save(checkpoint, network, averaged, optimiser, step)
            saved = time.monotonic()
    _save(checkpoint, network, averaged, optimiser, step)
    averaged.eval()
    return averaged


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / WARM_STEPS)
    left = (steps - step) / (COOL_SHARE * steps)
    return RATE * warm * min(1.0, 0.5 - 0.5 * math.cos(math.pi * min(1.0, left)))


@torch.no_grad()
def _average(averaged: Network, network: Network, keep: float) -> None:
    for mean, now in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


def _save(
    checkpoint: Path,
    network: Network,
    averaged: Network,
    optimiser: torch.optim.Optimizer,
    step: int,
) -> None:
    """Written beside and moved into place: a killed run leaves the old one whole."""
    kept = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
    }
    fresh = checkpoint.with_suffix(".part")
    torch.save(kept, fresh)
    fresh.replace(checkpoint)
