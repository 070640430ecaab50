"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.patients import marrowtrail

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_snippet_runs(
    seed_patient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shutil.copytree(seed_patient / "dicom" / "ST01K", tmp_path / "PATIENT")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {})
    assert "medial femoral condyle" in capsys.readouterr().out
    assert (tmp_path / "RESULT" / "report.html").is_file()


def test_every_command_it_names_exists() -> None:
    known = marrowtrail("--help").out
    for name in set(re.findall(r"^marrowtrail ([a-z-]+)", README, re.MULTILINE)):
        assert name in known, name
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"^make ([a-z]+)", README, re.MULTILINE):
        assert f"\n{name}:" in targets, name


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
