"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marrowtrail.phantom import write_patient

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

FIRST = frozenset({"test_main_job.py", "test_readme.py"})
"""Tests of the seed patient go first: a worker of pytest-xdist starts with a run of neighbours and
gives away its last ones, so one of them has all of these and the patient is drawn once. They are
also the slowest, and nothing is left to do beside a slow test that comes last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in FIRST)


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
