"""`marrowtrail train bones`: label sets, both networks, and the files that a package ships."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from marrowtrail.errors import InputError
from marrowtrail.training.coarse_view import COARSE_MM
from marrowtrail.training.fine_view import FINE_MM
from marrowtrail.training.label_set import CLASSES, LabelSet, load_label_set

BAND_MM = 6.0
"""The fine network is asked this far about the coarse one's surface: a little more than two of
its voxels, which it errs by at most on four series in five."""

STEPS = {"coarse": 20_000, "fine": 12_000}


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to train. ``minutes`` bounds each stage; the next run goes on from there.

    ``steps`` of a stage override :data:`STEPS`; ``stage`` trains only one. ``batch`` images make a
    step, drawn ahead by ``workers`` processes. ``begin_with`` is a folder of weights that were
    trained before; a run that goes on from its own checkpoint has no use for it.
    """

    minutes: float = 90.0
    seed: int = 1
    device: str = "cpu"
    stage: str | None = None
    steps: int | None = None
    batch: int | None = None
    workers: int = 0
    begin_with: Path | None = None


def train_bones(labels: Path, out: Path, effort: Effort, say: Callable[[str], None]) -> Path:
    """Train both networks and write ``out/weights``; restartable at any time.

    Parameters
    ----------
    labels
        Label maps as :func:`marrowtrail.training.collect.collect` reads them; or the label sets
        of an earlier run, for a machine that has only torch and scipy.
    out
        Holds label sets, checkpoints, a log and the weights.

    Returns
    -------
    The folder with ``coarse.onnx``, ``fine.onnx`` and ``weights.yaml``.

    Raises
    ------
    InputError
        If torch is not installed, or there is nothing to train on.
    """
    try:
        from marrowtrail.training import export, loop  # noqa: PLC0415 (torch is an extra)
        from marrowtrail.training.examples import Collection  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(
            f"Training needs {error.name}, which is not installed.",
            where="this environment",
            remedy="install the extra: pip install 'marrowtrail[train]'",
        ) from error
    out.mkdir(parents=True, exist_ok=True)
    log = _logged(out / "log.txt", say)
    collection = Collection.of(_label_sets(labels, out / "sets", log))
    weights = out / "weights"
    weights.mkdir(exist_ok=True)
    for stage in loop.Stage:
        if effort.stage not in (None, stage.value):
            continue
        plan = loop.Plan(
            stage,
            effort.steps or STEPS[stage.value],
            effort.minutes,
            effort.seed,
            effort.device,
            effort.batch,
            effort.workers,
            effort.begin_with and effort.begin_with / f"{stage.value}.onnx",
        )
        network = loop.train(collection, plan, out / f"{stage.value}.ckpt", log)
        export.export_network(network, stage, weights / f"{stage.value}.onnx")
    write_weights_file(weights, f"seed {effort.seed}")
    return weights


def _label_sets(labels: Path, kept: Path, say: Callable[[str], None]) -> list[LabelSet]:
    ready = sorted(labels.glob("*.npz"))
    if not ready:
        from marrowtrail.training.collect import collect  # noqa: PLC0415 (reads NIfTI)

        collect(labels, kept, say)
        ready = sorted(kept.glob("*.npz"))
    say(f"{len(ready)} label sets")
    return [load_label_set(path) for path in ready]


def write_weights_file(weights: Path, version: str) -> None:
    """``weights.yaml``: what each network expects and gives, and the hash of its file.

    Nothing is written while one of the networks is missing.
    """
    files = [weights / f"{stage}.onnx" for stage in STEPS]
    if not all(path.is_file() for path in files):
        return
    coarse, fine = (
        {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in files
    )
    card = {
        "version": version,
        "coarse": coarse | {"spacing_mm": COARSE_MM, "classes": list(CLASSES)},
        "fine": fine | {"pixel_mm": FINE_MM, "band_mm": BAND_MM},
    }
    text = yaml.safe_dump(card, sort_keys=False)
    (weights / "weights.yaml").write_text(text, encoding="utf-8")


def _logged(path: Path, say: Callable[[str], None]) -> Callable[[str], None]:
    def both(words: str) -> None:
        say(words)
        with path.open("a", encoding="utf-8") as log:
            log.write(words + "\n")

    return both
