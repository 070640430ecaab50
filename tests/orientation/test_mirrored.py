"""Pixels that were mirrored or turned without their headers are never passed over in silence."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from marrowtrail import pipeline
from marrowtrail.cli.app import app
from marrowtrail.result.model import Result, WarningRow
from tests.orientation.design import Combination
from tests.orientation.files import write_scan
from tests.orientation.scan import Scan, scan_of
from tests.patients import result_of

AXES = "xyz"
"""Left-right, front-back and up-down of the patient."""

WAYS = ("x", "y", "z", "xy", "xz", "yz", "xyz")


def scan(plane: str, limb: str) -> Scan:
    how = ("HFS", plane, "single", "as planned", "ascending", "ascending")
    return scan_of(Combination(*how, limb, "2D thick", "012", "+++"))


def turned(one: Scan, way: str) -> tuple[int, ...]:
    """The stored axes that run nearest to those of the patient."""
    steps = np.abs(np.stack([one.row, one.column, one.normal]))
    return tuple(int(np.argmax(steps[:, AXES.index(axis)])) for axis in way)


def doubts(result: Result) -> dict[str, WarningRow]:
    return {one.code: one for one in result.document.warnings if one.severity == "unverified"}


def read(folder: Path, one: Scan, way: str = "", *, called: str | None = None) -> Result:
    write_scan(
        one, folder / "in", with_balls=False, pixels_turned=turned(one, way), laterality=called
    )
    return pipeline.run(folder / "in")


@pytest.mark.parametrize("limb", ["left", "right"])
@pytest.mark.parametrize(
    ("plane", "way"), [*product(["sagittal"], WAYS), ("coronal", "x"), ("axial", "y")]
)
def test_a_turned_image_is_doubted(plane: str, way: str, limb: str, tmp_path: Path) -> None:
    found = doubts(read(tmp_path, scan(plane, limb), way))
    is_mirror_image = len(way) % 2 == 1
    assert "fibula-medial" in found or not is_mirror_image
    assert ("bones-out-of-place" in found) == bool({"y", "z"} & set(way))
    if "y" in way:
        assert f"the {limb} patella lies" in found["bones-out-of-place"].what
        assert f"mm behind the {limb} femur" in found["bones-out-of-place"].what
    if "z" in way:
        assert f"mm below the {limb} tibia" in found["bones-out-of-place"].what


@pytest.mark.parametrize("limb", ["left", "right"])
def test_one_under_the_other_side_s_name_is_doubted(limb: str, tmp_path: Path) -> None:
    other = "left" if limb == "right" else "right"
    found = doubts(read(tmp_path, scan("coronal", limb), called=other))
    assert set(found) == {"fibula-medial"}
    assert f"The {other} fibula" in found["fibula-medial"].what


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial"])
def test_one_that_is_as_it_says_is_not(plane: str, tmp_path: Path) -> None:
    assert doubts(read(tmp_path, scan(plane, "left"))) == {}


def test_the_program_says_so_and_exits_with_3(tmp_path: Path) -> None:
    one = scan("sagittal", "right")
    for name, way in (("whole", ""), ("mirrored", "x")):
        folder = tmp_path / name
        write_scan(one, folder / "in", with_balls=False, pixels_turned=turned(one, way))
        asked = ["run", str(folder / "in"), "--out", str(folder / "out"), "--quiet"]
        assert CliRunner().invoke(app, asked).exit_code == (3 if way else 0)
        page = (folder / "out" / "report.html").read_text(encoding="utf-8")
        said = "the image is mirrored, or the side is wrong"
        assert (said in page) == bool(way)
        codes = {row["code"] for row in result_of(folder / "out")["warnings"]}
        assert ("fibula-medial" in codes) == bool(way)
