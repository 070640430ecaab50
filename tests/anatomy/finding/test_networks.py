"""Weights of the package: read, checked by hash, refused when missing or altered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from marrowtrail.anatomy.finding import networks
from marrowtrail.anatomy.finding.networks import load_networks, read_weights
from marrowtrail.errors import InputError
from tests.anatomy.finding.made import CLASSES

GOOD = """\
version: "1"
coarse:
  file: coarse.onnx
  sha256: {coarse}
  spacing_mm: 2.4
  classes: [{classes}]
fine:
  file: fine.onnx
  sha256: {fine}
  pixel_mm: 0.6
  band_mm: 6.0
"""


def package(folder: Path, *, text: str = GOOD, classes: str = ", ".join(CLASSES)) -> Path:
    contents = {"coarse": b"first", "fine": b"second"}
    for name, content in contents.items():
        (folder / f"{name}.onnx").write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    (folder / "weights.yaml").write_text(text.format(classes=classes, **hashes))
    return folder


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What reaches onnxruntime, which these files are too short for."""
    seen: list[bytes] = []

    def keep(content: bytes) -> networks.Network:
        seen.append(content)
        return lambda image: image

    monkeypatch.setattr(networks, "_onnx", keep)
    return seen


def test_what_was_published_is_loaded(tmp_path: Path, loaded: list[bytes]) -> None:
    both = load_networks(package(tmp_path))
    assert loaded == [b"first", b"second"]
    assert both.weights.coarse.classes == CLASSES
    assert both.weights.version == "1"


@pytest.mark.parametrize("name", ["coarse.onnx", "fine.onnx"])
class TestRefused:
    def test_an_altered_file(self, tmp_path: Path, name: str) -> None:
        path = package(tmp_path) / name
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(InputError, match="not the one that was published") as error:
            load_networks(tmp_path)
        assert name in error.value.where
        assert "install marrowtrail again" in error.value.remedy
        assert str(tmp_path) not in str(error.value)

    def test_a_missing_file(self, tmp_path: Path, name: str) -> None:
        (package(tmp_path) / name).unlink()
        with pytest.raises(InputError, match="missing") as error:
            load_networks(tmp_path)
        assert name in error.value.where


class TestCard:
    def test_without_it_nothing_is_loaded(self, tmp_path: Path, loaded: list[bytes]) -> None:
        with pytest.raises(InputError, match=r"weights\.yaml"):
            load_networks(tmp_path)
        assert loaded == []

    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("spacing_mm: 2.4", "spacing_mm: 0"),
            ("pixel_mm: 0.6", "pixel_mm: wide"),
            ("{coarse}", "abc"),
            ("band_mm: 6.0", "band_mm: 6.0\n  depth: 3"),
            ("version:", "[version:"),
        ],
    )
    def test_nonsense_is_refused(self, tmp_path: Path, wrong: str, right: str) -> None:
        assert wrong in GOOD
        with pytest.raises(InputError):
            read_weights(package(tmp_path, text=GOOD.replace(wrong, right)))

    @pytest.mark.parametrize(
        "classes", ["femur, tibia", "background, femur, femur", "background, funny_bone"]
    )
    def test_classes_are_bones_each_once_after_the_background(
        self, tmp_path: Path, classes: str
    ) -> None:
        with pytest.raises(InputError):
            read_weights(package(tmp_path, classes=classes))
