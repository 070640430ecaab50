"""The two bone networks that come with the package: loaded, and known by their hashes.

``weights.yaml`` beside the weights says what each network expects and gives; ``card.md`` says
what it was trained on and where it is known to fail. A file that is missing or altered is
refused: bones drawn by an unknown network would look like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from marrowtrail.errors import InputError
from marrowtrail.record.located_yaml import UnreadableYamlError, read_yaml
from marrowtrail.record.vocabulary import vocabulary

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From an input to logits, both in the layout of :class:`Weights`."""

THREADS = 2
"""Fixed, whatever the machine has: the order of sums, and with it the last bits, may depend on
the number of threads."""

CARD = "weights.yaml"
BACKGROUND = "background"

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CoarseWeights(_Entry):
    """The first network: float32 (1, 1, D, H, W) to logits (1, classes, D, H, W).

    The axes D, H and W run to the patient's left, back and head, in steps of ``spacing_mm``.
    """

    file: str
    sha256: _Hash
    spacing_mm: float = Field(gt=0)
    classes: tuple[str, ...]

    @model_validator(mode="after")
    def _classes_are_bones(self) -> CoarseWeights:
        known = {bone.key for bone in vocabulary().bones}
        if self.classes[:1] != (BACKGROUND,):
            raise ValueError(f"the first class must be {BACKGROUND}")
        strange = sorted(set(self.classes[1:]) - known)
        if strange or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must be bones, each once; unknown: {strange}")
        return self


class FineWeights(_Entry):
    """The second network: float32 (N, 4, H, W) to logits (N, 1, H, W), bone or not.

    Channels are the slice below, the slice, the slice above, and the first network's
    probability of any bone, in pixels of ``pixel_mm``. It is asked within ``band_mm`` of the
    first network's surface.
    """

    file: str
    sha256: _Hash
    pixel_mm: float = Field(gt=0)
    band_mm: float = Field(gt=0)


class Weights(_Entry):
    """``weights.yaml``."""

    version: str
    coarse: CoarseWeights
    fine: FineWeights


@dataclass(frozen=True, slots=True, eq=False)
class BoneNetworks:
    """Both networks, ready to be asked, and what is known of them."""

    coarse: Network
    fine: Network
    weights: Weights


@cache
def packaged_networks() -> BoneNetworks:
    """The networks of the package, loaded once.

    Raises
    ------
    InputError
        If a file is missing or is not the one that was published.
    """
    return load_networks(Path(str(resources.files("marrowtrail.anatomy") / "weights")))


def load_networks(folder: Path) -> BoneNetworks:
    """The networks of a folder with ``weights.yaml`` and the files that it names.

    Raises
    ------
    InputError
        If a file is missing, unreadable or not the one of the given hash.
    """
    weights = read_weights(folder)
    coarse, fine = (
        _session(folder, one.file, one.sha256) for one in (weights.coarse, weights.fine)
    )
    return BoneNetworks(coarse, fine, weights)


def read_weights(folder: Path) -> Weights:
    """What ``weights.yaml`` says.

    Raises
    ------
    InputError
        If it is missing, unreadable, or says something that no network here could be.
    """
    located = None
    try:
        located = read_yaml((folder / CARD).read_bytes())
        return Weights.model_validate(located.data)
    except (OSError, UnreadableYamlError, ValidationError) as error:
        raise _unusable(f"{CARD} cannot be used ({type(error).__name__}).", CARD) from error


def _session(folder: Path, file: str, sha256: str) -> Network:
    try:
        content = (folder / file).read_bytes()
    except OSError as error:
        raise _unusable("A file of the bone network is missing.", file) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _unusable("A file of the bone network is not the one that was published.", file)
    return _onnx(content)


def _onnx(content: bytes) -> Network:
    import onnxruntime  # noqa: PLC0415 (a third of a second that inspecting a folder saves)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_cpu_mem_arena = False  # it keeps the largest series' memory for good
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def ask(image: NDArray[np.float32]) -> NDArray[np.float32]:
        (logits,) = session.run(["logits"], {"image": np.ascontiguousarray(image)})
        return np.asarray(logits, dtype=np.float32)

    return ask


def _unusable(what: str, file: str) -> InputError:
    return InputError(
        f"{what} Without it bones cannot be found.",
        where=f"{file} of the installed package",
        remedy="install marrowtrail again, or hand in masks of the bones",
    )
