import sys
from pathlib import Path

import pytest
import yaml

from marrowtrail.errors import InputError
from marrowtrail.training.collect import HELD_OUT, collect
from marrowtrail.training.run import Effort, train_bones, write_weights_file


def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("marrowtrail.training.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(InputError, match="torch"):
        train_bones(tmp_path, tmp_path / "out", Effort(), lambda _: None)
    assert not (tmp_path / "out").exists()


def test_held_out_subjects_are_nothing_to_train_on(tmp_path: Path) -> None:
    for subject in HELD_OUT:
        (tmp_path / f"{subject}_00m.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match="no label map"):
        collect(tmp_path, tmp_path / "sets", lambda _: None)
    assert not (tmp_path / "sets").exists()


def test_the_weights_file_waits_for_both_networks(tmp_path: Path) -> None:
    (tmp_path / "coarse.onnx").write_bytes(b"one")
    write_weights_file(tmp_path, "seed 1")
    assert not (tmp_path / "weights.yaml").exists()
    (tmp_path / "fine.onnx").write_bytes(b"two")
    write_weights_file(tmp_path, "seed 1")
    card = yaml.safe_load((tmp_path / "weights.yaml").read_text())
    assert card["coarse"]["sha256"] != card["fine"]["sha256"]
    assert card["coarse"]["classes"][0] == "background"
