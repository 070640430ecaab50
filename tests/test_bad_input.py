"""Input that cannot be used: one clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.imaging.dicom_factory import Made, write_series
from tests.patients import Ran, in_this_process, marrowtrail

AFFINE = np.diag([-1.0, -1.0, 3.0, 1.0])


def refused(folder: Path, out: Path) -> Ran:
    done = in_this_process("run", folder, "--out", out)
    assert done.code == 1, (done.out, done.err)
    assert "Traceback" not in done.err
    for word in ("where:", "what to do:"):
        assert word in done.err
    assert not out.exists()
    return done


def nifti_patient(folder: Path, image: np.ndarray, mask: np.ndarray, mask_affine=AFFINE) -> Path:
    folder.mkdir()
    nib.save(nib.Nifti1Image(image.astype(np.float32), AFFINE), folder / "stir.nii.gz")
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), mask_affine), folder / "bone.nii.gz")
    (folder / "labels.json").write_text(json.dumps({"1": {"bone": "femur", "side": "right"}}))
    (folder / "case.yaml").write_text(
        f"schema_version: 1\nvisits:\n  - date: {date(2024, 1, 5)}\n    series:\n"
        "      - {file: stir.nii.gz, body_part: knee, side: right, weighting: stir}\n"
        "    bones: {file: bone.nii.gz, labels: labels.json}\n"
    )
    return folder


def cube() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 40, 20))
    mask[8:32, 8:32, 3:17] = 1
    return rng.normal(100, 5, mask.shape), mask


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no file that could be an image" in " ".join(
        refused(tmp_path / "empty", tmp_path / "out").err.split()
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", tmp_path / "out")


def test_two_patients(tmp_path: Path) -> None:
    write_series(tmp_path / "both", Made())
    write_series(tmp_path / "both", Made(patient_id="P2", series="2"))
    done = refused(tmp_path / "both", tmp_path / "out")
    assert "Expected one patient" in " ".join(done.err.split())
    assert "P2" not in done.err


def test_images_without_a_mask(tmp_path: Path) -> None:
    write_series(tmp_path / "bare", Made())
    assert "mask" in refused(tmp_path / "bare", tmp_path / "out").err


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_volume_that_is_not_finite(tmp_path: Path, value: float) -> None:
    image, mask = cube()
    image[3, 4, 5] = value
    done = refused(nifti_patient(tmp_path / "p", image, mask), tmp_path / "out")
    assert "NaN or infinite" in " ".join(done.err.split())
    assert "stir.nii.gz" in done.err


def test_a_mask_on_another_grid(tmp_path: Path) -> None:
    image, mask = cube()
    moved = AFFINE.copy()
    moved[0, 3] = 7.0
    done = refused(nifti_patient(tmp_path / "p", image, mask, moved), tmp_path / "out")
    assert "another grid" in " ".join(done.err.split())


def test_unknown_words_name_the_line_and_what_is_allowed(tmp_path: Path) -> None:
    image, mask = cube()
    folder = nifti_patient(tmp_path / "p", image, mask)
    case = folder / "case.yaml"
    case.write_text(case.read_text().replace("body_part: knee", "body_part: kneee"))
    text = " ".join(refused(folder, tmp_path / "out").err.split())
    assert "line 5" in text
    assert "sacroiliac" in text


def test_an_output_folder_that_holds_something_else(tmp_path: Path) -> None:
    image, mask = cube()
    folder = nifti_patient(tmp_path / "p", image, mask)
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    done = in_this_process("run", folder, "--out", out)
    assert done.code == 1
    assert (out / "thesis.txt").read_text() == "years of work"


def test_a_run_that_fails_leaves_the_earlier_result(tmp_path: Path) -> None:
    image, mask = cube()
    folder = nifti_patient(tmp_path / "p", image, mask)
    out = tmp_path / "out"
    assert marrowtrail("run", folder, "--out", out, "--quiet").code in (0, 3)
    before = (out / "result.json").read_bytes()
    (folder / "stir.nii.gz").write_bytes(b"broken")
    assert marrowtrail("run", folder, "--out", out).code == 1
    assert (out / "result.json").read_bytes() == before


def test_usage_is_exit_code_2() -> None:
    assert marrowtrail("run").code == 2
    assert marrowtrail("phantom", "x", "--scenario", "nonsense").code == 2


def test_inspect_says_what_stands_in_the_way(tmp_path: Path) -> None:
    write_series(tmp_path / "bare", Made(options=(), description="SAG PD"))
    done = marrowtrail("inspect", tmp_path / "bare", "--json")
    assert done.code == 0
    problems = json.loads(done.out)["problems"]
    assert [one["code"] for one in problems] == [
        "no-bone-mask",
        "no-fluid-sensitive-series",
        "one-visit",
    ]
    assert all(one["what"] and one["where"] and one["remedy"] for one in problems)
