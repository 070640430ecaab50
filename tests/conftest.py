"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marrowtrail.phantom import write_patient

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images and label maps; skips where it is missing, but not in CI."""
    folder = SHARED / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI has the shared data, but {folder} is missing.")
        pytest.skip("needs the shared data folder, which is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def seed_patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic seed patient, drawn once; read it, never write to it."""
    folder = tmp_path_factory.mktemp("seed") / "patient"
    write_patient("seed", folder, seed=1)
    return folder
