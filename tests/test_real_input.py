"""The same command on real images: sacroiliac oedema, and a knee without fat suppression."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.patients import add_bone_masks, marrowtrail, result_of


def test_real_sacroiliac_oedema(shared_data: Path, tmp_path: Path) -> None:
    patient = tmp_path / "patient"
    patient.mkdir()
    for name in ("stir", "t1", "bone"):
        shutil.copy(shared_data / "sacroiliac" / "3002" / f"{name}.nii.gz", patient)
    labels = {"1": {"bone": "sacroiliac_bones", "side": "midline"}}
    (patient / "labels.json").write_text(json.dumps(labels))
    (patient / "case.yaml").write_text(
        "schema_version: 1\nvisits:\n  - date: 2020-01-05\n    series:\n"
        "      - {file: stir.nii.gz, body_part: sacroiliac, side: midline, weighting: stir}\n"
        "      - {file: t1.nii.gz, body_part: sacroiliac, side: midline, weighting: t1,"
        " fat_suppressed: false}\n"
        "    bones: {file: bone.nii.gz, labels: labels.json}\n"
    )
    done = marrowtrail("run", patient, "--out", tmp_path / "out", "--quiet")
    assert done.code == 0, done.err
    result = result_of(tmp_path / "out")
    assert sum(one["volume_mm3"] for one in result["lesions"]) > 10_000
    assert any(one["code"] == "outside-lower-limb" for one in result["warnings"])
    assert "outside the lower limb" in (tmp_path / "out" / "report.html").read_text()


def test_real_knee_without_fat_suppression(shared_data: Path, tmp_path: Path) -> None:
    patient = tmp_path / "patient"
    shutil.copytree(shared_data / "knee-multi-echo-dicom", patient)
    patient.chmod(0o755)
    add_bone_masks(patient)
    done = marrowtrail("run", patient, "--out", tmp_path / "out", "--quiet")
    assert done.code in (0, 3), done.err
    result = result_of(tmp_path / "out")
    assert result["lesions"] == []
    bones = result["visits"][0]["bones"]
    assert {one["bone"] for one in bones} == {"femur", "tibia"}
    for one in bones:
        assert not one["is_read"]
        assert "STIR" in one["reason"]
    states = {one["state"] for one in result["findings"] if one["finding"] == "bme_present"}
    assert states == {"not_done"}
    assert "STIR" in (tmp_path / "out" / "report.html").read_text()
