"""Networks to ONNX files that onnxruntime reads without torch."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from marrowtrail.training.loop import Network, Stage

OPSET = 17


def export_network(network: Network, stage: Stage, path: Path) -> None:
    """Write one network; every size but the channels is left open."""
    if stage is Stage.COARSE:
        example = torch.zeros(1, 1, 32, 40, 48)
        spatial = {2: "x", 3: "y", 4: "z"}
    else:
        example = torch.zeros(2, 4, 64, 48)
        spatial = {2: "row", 3: "column"}
    axes = {0: "n"} | spatial
    with warnings.catch_warnings():
        # The tracing exporter is deprecated; the new one fixes sizes of up-sampled levels.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.cpu().eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": axes, "logits": axes},
        )
