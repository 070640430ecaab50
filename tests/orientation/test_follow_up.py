"""One knee scanned in two ways is one knee; the other knee is not, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marrowtrail import pipeline
from marrowtrail.result.model import Result
from tests.orientation import knee
from tests.orientation.design import Combination
from tests.orientation.files import write_scan
from tests.orientation.scan import Scan, scan_of

FINER = 1.6
"""Voxels of 2.2 mm, slices of 3.4 mm: what registration is made for."""

PLACE_MM = 1.5
"""Registration of real visits is good to half a millimetre; these voxels are coarse."""


def scan(how: str, limb: str) -> Scan:
    """A scan from ``position, plane, obliquity, in_plane, acquisition``."""
    position, plane, obliquity, in_plane, acquisition = how.split(" / ")
    order = ("shuffled", "descending", limb, acquisition, "012", "+++")
    return scan_of(Combination(position, plane, obliquity, in_plane, *order), finer=FINER)


def followed(folder: Path, first: Scan, second: Scan, *, called: str | None = None) -> Result:
    """Two visits of three months; ``called`` is the side that the second claims to show."""
    write_scan(first, folder / "one", date="20240105", with_balls=False)
    write_scan(second, folder / "two", date="20240405", with_balls=False, laterality=called)
    return pipeline.run(folder)


@pytest.mark.parametrize(
    ("limb", "first", "second"),
    [
        (
            "right",
            "HFS / sagittal / straight / as planned / 2D thick",
            "FFP / coronal / double / both negated / 3D isotropic",
        ),
        (
            "left",
            "FFS / axial / single / swapped / 2D thick",
            "HFDL / coronal / steep / swapped, rows negated / 2D thick",
        ),
        (
            "right",
            "FFDR / coronal / straight / columns negated / 3D isotropic",
            "HFP / axial / double / swapped, both negated / 2D thick",
        ),
    ],
)
def test_the_same_knee_scanned_otherwise(
    limb: str, first: str, second: str, tmp_path: Path
) -> None:
    one, two = scan(first, limb), scan(second, limb)
    result = followed(tmp_path, one, two)
    by_bone = {found.bone.bone: found for found in result.registrations}
    for oedema in knee.OEDEMAS:
        found = by_bone[oedema.bone]
        assert found.verification.value == "verified", found.reason
        rest = np.array(oedema.centre)
        carried = found.transform.apply(one.lie.to_patient(rest))
        assert np.linalg.norm(carried - two.lie.to_patient(rest)) < PLACE_MM
    places = {lesion.id: (lesion.bone, lesion.region) for lesion in result.document.lesions}
    tracks = result.document.tracks
    assert [track.verified for track in tracks] == [True, True]
    for track, oedema in zip(tracks, knee.OEDEMAS, strict=True):
        assert [places[id_] for id_ in track.lesions] == [(oedema.bone, oedema.region)] * 2
        assert track.side.value == limb
        assert track.change.value == "within_noise"
    assert result.document.shifts == ()


FIRST = "HFS / sagittal / straight / as planned / 2D thick"
SECOND = "FFS / sagittal / single / rows negated / 2D thick"


def test_the_other_knee_is_another_bone(tmp_path: Path) -> None:
    result = followed(tmp_path, scan(FIRST, "right"), scan(SECOND, "left"))
    assert result.registrations == ()
    assert {len(track.lesions) for track in result.document.tracks} == {1}
    assert "no-common-bone" in {one.code for one in result.document.warnings}


def test_the_other_knee_under_the_first_one_s_name_is_not_taken_for_it(tmp_path: Path) -> None:
    other = scan(SECOND, "left")
    result = followed(tmp_path, scan(FIRST, "right"), other, called="right")
    assert result.registrations
    for found in result.registrations:
        assert found.verification.value != "verified", found.bone
    assert {len(track.lesions) for track in result.document.tracks} == {1}
    (warning,) = [one for one in result.document.warnings if one.code == "fibula-medial"]
    assert warning.where.startswith("v2")
