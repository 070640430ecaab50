"""Training one stage: resumable, seeded, logged, bounded in time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from marrowtrail.training.beginning import take_weights
from marrowtrail.training.examples import (
    Batch,
    Batches,
    Collection,
    MakeBatch,
    batches,
    coarse_batch,
    fine_batch,
)
from marrowtrail.training.label_set import CLASSES
from marrowtrail.training.losses import coarse_dice, coarse_loss, fine_dice, fine_loss
from marrowtrail.training.networks import CoarseNetwork, UNet, coarse_network, fine_network


class Stage(StrEnum):
    """Which network."""

    COARSE = "coarse"
    FINE = "fine"


RATE, DECAY = 3e-3, 1e-4
WARM_STEPS = 100
COOL_SHARE = 0.5
"""The rate falls to nothing over this last part of the steps asked for."""

AVERAGE = 0.998
"""Weights are averaged over about this many steps (1 / (1 - it)): what one strange contrast
teaches is forgotten."""

STEEPEST = 5.0
"""Gradients are cut to this norm: a rare image of noise would throw the weights far off."""

BATCH = {Stage.COARSE: 2, Stage.FINE: 8}
"""Few and often: on a CPU a step of one image costs half of one of two."""

SAVE_SECONDS = 120.0
LOG_STEPS = 50


Network = UNet | CoarseNetwork


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train, from which seed, and where.

    ``batch`` is the number of images in a step, :data:`BATCH` where it is ``None``; ``workers``
    processes draw them ahead, none by default. ``exported`` is a network to begin with, which is
    chance where there is none.
    """

    stage: Stage
    steps: int
    minutes: float
    seed: int = 1
    device: str = "cpu"
    batch: int | None = None
    workers: int = 0
    exported: Path | None = None


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
    run = _Run.fresh(plan, checkpoint)
    if checkpoint.is_file():
        run.take_up()
        say(f"{plan.stage}: going on from step {run.step}")
    began = saved = time.monotonic()
    losses: list[float] = []
    scores: list[float] = []
    for batch in run.batches(collection):
        if time.monotonic() - began >= plan.minutes * 60:
            break
        loss, dice = run.take_step(batch)
        losses.append(loss)
        scores.append(dice)
        if run.step % LOG_STEPS == 0:
            minutes = (time.monotonic() - began) / 60
            say(
                f"{plan.stage}: step {run.step}, {minutes:.1f} min, "
                f"loss {fmean(losses):.3f}, Dice {fmean(scores):.3f}"
            )
            losses.clear()
            scores.clear()
        if time.monotonic() - saved > SAVE_SECONDS:
            run.keep()
            saved = time.monotonic()
    run.keep()
    run.averaged.eval()
    return run.averaged


@dataclass(slots=True)
class _Run:
    """The state of a training run."""

    plan: Plan
    job: _Job
    averaged: Network
    optimiser: torch.optim.Optimizer
    checkpoint: Path
    step: int = 0

    @classmethod
    def fresh(cls, plan: Plan, checkpoint: Path) -> _Run:
        """Before the first step."""
        job = _job(plan.stage)
        if plan.exported is not None:
            take_weights(job.network, plan.exported)
        job.network.to(plan.device).train()
        averaged = _job(plan.stage).network.to(plan.device)
        averaged.load_state_dict(job.network.state_dict())
        optimiser = torch.optim.AdamW(job.network.parameters(), lr=RATE, weight_decay=DECAY)
        return cls(plan, job, averaged, optimiser, checkpoint)

    def take_up(self) -> None:
        """Go on where the checkpoint was left."""
        kept = torch.load(self.checkpoint, map_location=self.plan.device, weights_only=True)
        self.job.network.load_state_dict(kept["network"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step = int(kept["step"])

    def keep(self) -> None:
        """Written beside and moved into place: a killed run leaves the old one whole."""
        kept = {
            "network": self.job.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        fresh = self.checkpoint.with_suffix(".part")
        torch.save(kept, fresh)
        fresh.replace(self.checkpoint)

    def batches(self, collection: Collection) -> Iterator[Batch]:
        """The batches of the steps that are left."""
        plan = self.plan
        count = plan.batch or BATCH[plan.stage]
        made = Batches(collection, self.job.batch, count, plan.seed)
        return batches(made, self.step, plan.steps, plan.workers)

    def take_step(self, batch: Batch) -> tuple[float, float]:
        """Learn from one batch; its loss and Dice."""
        plan, network = self.plan, self.job.network
        for group in self.optimiser.param_groups:
            group["lr"] = _rate(self.step, plan.steps)
        image, truth = (part.to(plan.device) for part in batch)
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(plan.device, torch.bfloat16, enabled=_has_half_precision(plan.device)):
            logits = network(image)
        logits = logits.float()
        loss = self.job.loss(logits, truth)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
        self.optimiser.step()
        self.step += 1
        _average(self.averaged, network, min(AVERAGE, 1 - 1 / (1 + self.step)))
        return loss.item(), self.job.dice(logits, truth)


def _has_half_precision(device: str) -> bool:
    """A processor that only imitates bfloat16 takes thirty times as long with it as without."""
    return device != "cpu" or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / WARM_STEPS)
    left = (steps - step) / (COOL_SHARE * steps)
    return RATE * warm * min(1.0, 0.5 - 0.5 * math.cos(math.pi * min(1.0, left)))


@torch.no_grad()
def _average(averaged: Network, network: Network, keep: float) -> None:
    for mean, now in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)
