"""Begin with weights that were exported, not with chance: with more time, or on more label maps."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import nn

from marrowtrail.errors import InputError


def take_weights(network: nn.Module, exported: Path) -> None:
    """Give a network the weights of the file that one like it was exported to.

    Parameters
    ----------
    network
        Of the shape of the one that was exported; changed in place.
    exported
        As :func:`marrowtrail.training.export.export_network` writes it.

    Raises
    ------
    InputError
        If the file is missing, no such file, or of a network of another shape.
    """
    try:
        graph = onnx.load(str(exported)).graph
    except (OSError, DecodeError) as error:
        raise InputError(
            f"The weights to begin with cannot be read ({type(error).__name__}).",
            where=exported.name,
            remedy="give the folder that holds coarse.onnx and fine.onnx",
        ) from error
    kept = {
        one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer
    }
    own = network.state_dict()
    if any(name not in kept or kept[name].shape != value.shape for name, value in own.items()):
        raise InputError(
            "These weights are of a network of another shape than the one that is trained.",
            where=exported.name,
            remedy="begin without them, or with weights of the same version",
        )
    network.load_state_dict({name: kept[name] for name in own})
