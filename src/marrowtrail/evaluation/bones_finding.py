"""The finder under test, called as a user's run calls it, with its time and memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from marrowtrail.anatomy.bones import BoneVerdict
from marrowtrail.anatomy.finding.networks import BoneNetworks, load_networks, packaged_networks
from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.evaluation.bones_scoring import FoundMask
from marrowtrail.imaging.series import Series
from marrowtrail.record.sites import BoneId

Finder = Callable[[Sequence[Series]], Sequence[Sequence[FoundMask]]]
"""From the series of one exam to the bones of each."""

_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_RESET_PEAK = "5"
"""What Linux takes to forget a process's peak memory (proc(5))."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Bones of each series of an exam; seconds in all, and the process's peak memory in MB."""

    bones: tuple[tuple[FoundMask, ...], ...]
    seconds: float
    peak_mb: float


def find_by_pipeline(
    series: Sequence[Series], networks: BoneNetworks
) -> tuple[tuple[FoundMask, ...], ...]:
    """Bones as ``marrowtrail run`` finds them in an exam without masks."""
    return tuple(
        tuple(
            FoundMask(
                BoneId(bone.id.bone, bone.id.side),
                np.asarray(bone.mask.data, dtype=bool),
                bone.verdict is BoneVerdict.ACCEPTED,
            )
            for bone in bone_map.bones
        )
        for bone_map in map_visit(series, (), networks)
    )


def finder_of(weights: Path | None) -> Finder:
    """The finder with the networks of a folder, or of the package, loaded at once.

    Raises
    ------
    InputError
        If the networks cannot be used.
    """
    networks = packaged_networks() if weights is None else load_networks(weights)
    return partial(find_by_pipeline, networks=networks)


def find(series: Sequence[Series], finder: Finder) -> Found:
    """Run a finder and measure it.

    The peak holds what the process has loaded besides: the images and their truth. Where the
    peak cannot be reset (outside Linux) it is that of the process so far.
    """
    _forget_peak()
    started = time.perf_counter()
    bones = finder(series)
    seconds = time.perf_counter() - started
    return Found(tuple(tuple(one) for one in bones), seconds, _peak_mb())


def _forget_peak() -> None:
    try:
        _CLEAR_PEAK.write_text(_RESET_PEAK)
    except OSError:
        return


def _peak_mb() -> float:
    try:
        lines = _STATUS.read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        unit = 1024.0 if sys.platform != "darwin" else 1024.0**2
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
