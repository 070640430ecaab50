from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the knowledge that a test may damage."""
    with resources.as_file(resources.files("marrowtrail.diagnosis") / "knowledge") as own:
        return Path(shutil.copytree(own, tmp_path / "knowledge"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replace a text that stands in a file of the copy, once."""

    def replace(name: str, old: str, new: str) -> None:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
