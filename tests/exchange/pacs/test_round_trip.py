"""A patient of three visits into an archive and back, by both protocols."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from marrowtrail.cli.overview import overview
from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.model import Search
from tests.exchange.pacs.orthanc import LOGIN, Server
from tests.exchange.pacs.people import (
    Command,
    Patient,
    admit,
    fetch,
    images,
    leftovers,
    store,
)
from tests.imaging.dicom_factory import Made, write_series


@pytest.mark.parametrize("protocol", ["web", "get", "move"])
def test_pixels_and_headers_come_back(
    orthanc: Server, patient: Patient, tmp_path: Path, protocol: str
) -> None:
    pulled = fetch(orthanc.archive(protocol), patient.search, tmp_path / "p")
    assert (pulled.studies, pulled.series, pulled.instances, pulled.fetched) == (3, 3, 12, 12)
    before, after = patient.originals(), images(tmp_path / "p")
    assert after.keys() == before.keys()
    for uid, one in after.items():
        assert np.array_equal(one.pixel_array, before[uid].pixel_array)
        assert one.file_meta.TransferSyntaxUID == before[uid].file_meta.TransferSyntaxUID
        assert one == before[uid]
    assert not leftovers(tmp_path)
    assert len(overview(tmp_path / "p").visits) == 3


def test_what_c_store_sent_comes_back_over_the_web(orthanc: Server, tmp_path: Path) -> None:
    sent = admit(orthanc.archive("get"), tmp_path, "bravo", visits=1)
    fetch(orthanc.archive("web"), sent.search, tmp_path / "p")
    before, after = sent.originals(), images(tmp_path / "p")
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[u].pixel_array, before[u].pixel_array) for u in before)


@pytest.mark.parametrize("protocol", ["web", "get", "move"])
def test_compressed_images_come_as_they_are_kept(
    orthanc: Server, tmp_path: Path, protocol: str
) -> None:
    made = Made(patient_id=f"SECRET-{protocol}", study=protocol, slices=2)
    files = tuple(write_series(tmp_path / "made", made))
    for path in files:
        ds = pydicom.dcmread(path)
        ds.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        ds.save_as(path)
    store(orthanc.archive("web"), files)
    fetch(orthanc.archive(protocol), Search(patient_id=made.patient_id), tmp_path / "p")
    before = {str(one.SOPInstanceUID): one for one in map(pydicom.dcmread, files)}
    for uid, one in images(tmp_path / "p").items():
        assert one.file_meta.TransferSyntaxUID == pydicom.uid.RLELossless
        assert one.PixelData == before.pop(uid).PixelData
    assert not before


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_by_accession_number_and_by_study(
    orthanc: Server, patient: Patient, tmp_path: Path, protocol: str
) -> None:
    by_number = fetch(
        orthanc.archive(protocol), Search(accession=patient.accession), tmp_path / "a"
    )
    assert by_number.instances == 12
    two = Search(study_uids=patient.studies[:2])
    assert fetch(orthanc.archive(protocol), two, tmp_path / "b").instances == 8
    assert {str(one.StudyInstanceUID) for one in images(tmp_path / "b").values()} == set(
        patient.studies[:2]
    )


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_what_is_no_image_is_left_out_and_said(
    orthanc: Server, tmp_path: Path, protocol: str, command: Command
) -> None:
    sent = admit(orthanc.archive("web"), tmp_path, f"charlie-{protocol}", visits=1)
    series = Made(patient_id=sent.id, study=f"charlie-{protocol}0", slices=1)
    others = [
        (series.but(series="8", tags={"Modality": "SR"}), None),
        (series.but(series="9", tags={"Modality": "SEG"}), None),
        (series.but(series="7"), "1.2.840.10008.5.1.4.1.1.7"),
    ]
    for made, kind in others:
        (path,) = write_series(tmp_path / "others", made)
        if kind:
            ds = pydicom.dcmread(path)
            ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = kind
            ds.save_as(path)
        store(orthanc.archive("web"), (path,))
    address = orthanc.web() if protocol == "web" else orthanc.dicom()
    said = command.json("pull", address, "--patient", sent.id, "--out", tmp_path / "p", env=LOGIN)
    assert said["instances"] == 4
    left = {one["what"]: one["count"] for one in said["left_out"]}
    assert left == {"series SR": 1, "series SEG": 1, "objects in MR series": 1}
    again = command(
        "pull", address, "--patient", sent.id, "--out", tmp_path / "p", "--segmentations", env=LOGIN
    )
    assert again.code == 0
    assert "5 objects" in again.out
    assert "1 fetched, 4 there already" in again.out
    assert "left out: 1 series SR" in again.out
    assert "SEG" not in again.out


def test_what_is_there_is_not_asked_for_again(
    orthanc: Server, patient: Patient, tmp_path: Path
) -> None:
    fetch(orthanc.archive("web"), patient.search, tmp_path / "p")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "p").rglob("*.dcm")}
    assert fetch(orthanc.archive("get"), patient.search, tmp_path / "p").fetched == 0
    altered, gone, *_ = sorted(times)
    content = bytearray(altered.read_bytes())
    content[-1] ^= 1
    altered.write_bytes(bytes(content))
    gone.unlink()
    assert fetch(orthanc.archive("web"), patient.search, tmp_path / "p").fetched == 2
    after = images(tmp_path / "p")
    before = patient.originals()
    assert all(np.array_equal(after[u].pixel_array, before[u].pixel_array) for u in before)
    for path in sorted(times)[2:]:
        assert path.stat().st_mtime_ns == times[path]


@pytest.mark.parametrize("protocol", ["web", "get"])
@pytest.mark.parametrize(
    "search",
    [Search(patient_id="SECRET"), Search(accession="ACC"), Search(study_uids=("1.2.3.4",))],
    ids=["patient", "accession", "study"],
)
def test_no_match(orthanc: Server, patient: Patient, tmp_path: Path, search, protocol) -> None:
    assert patient.id.startswith("SECRET")
    with pytest.raises(InputError, match="No study"):
        fetch(orthanc.archive(protocol), search, tmp_path / "p")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_several_patients_are_never_mixed(orthanc: Server, tmp_path: Path, protocol: str) -> None:
    shared = f"SHARED-{protocol}"
    one, two = (
        admit(orthanc.archive("web"), tmp_path, name + protocol, visits=1, AccessionNumber=shared)
        for name in ("delta", "echo")
    )
    with pytest.raises(InputError, match="several patients") as refused:
        fetch(orthanc.archive(protocol), Search(accession=shared), tmp_path / "p")
    assert not (tmp_path / "p").exists()
    assert one.studies[0] in refused.value.where
    assert two.studies[0] in refused.value.where
    fetch(orthanc.archive(protocol), Search(study_uids=one.studies), tmp_path / "p")
    before = sorted((tmp_path / "p").rglob("*"))
    with pytest.raises(InputError, match="there are two") as refused:
        fetch(orthanc.archive(protocol), Search(study_uids=two.studies), tmp_path / "p")
    assert "SECRET" not in str(refused.value)
    assert sorted((tmp_path / "p").rglob("*")) == before


def test_images_of_another_patient_in_the_folder(
    orthanc: Server, patient: Patient, tmp_path: Path
) -> None:
    """A folder that somebody filled from a disc; one of the same patient is gone on with."""
    write_series(tmp_path / "p" / "disc", Made(patient_id="SECRET-zulu"))
    with pytest.raises(InputError, match="there are two"):
        fetch(orthanc.archive("web"), patient.search, tmp_path / "p")
    assert not (tmp_path / "p" / "dicom").exists()
    write_series(tmp_path / "q" / "disc", Made(patient_id=patient.id, study="disc"))
    assert fetch(orthanc.archive("web"), patient.search, tmp_path / "q").fetched == 12
    assert len(images(tmp_path / "q")) == 17


@pytest.mark.parametrize("text", ["SECRET-*", "SECRET-alph?", "SECRET-alpha\\SECRET-bravo"])
def test_a_search_that_could_match_others(orthanc: Server, tmp_path: Path, text: str) -> None:
    for search in (Search(patient_id=text), Search(accession=text)):
        with pytest.raises(InputError, match="backslash"):
            fetch(orthanc.archive("web"), search, tmp_path / "p")
