"""Servers that lie, tell half, or lead astray: nothing of it becomes a file or an address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.connect import Access, connect
from marrowtrail.exchange.pacs.dimse_kinds import FIND, GET
from marrowtrail.exchange.pacs.model import Search
from tests.exchange.pacs.orthanc import free_ports
from tests.exchange.pacs.people import (
    Command,
    fetch,
    images,
)
from tests.exchange.pacs.wires import Asked, Reply, scripted
from tests.imaging.dicom_factory import MR, Made, datasets


class Liar:
    """A DICOMweb server whose answers are made up; ``sent`` is what it sends for a UID."""

    def __init__(self, series: list[str], uids: list[str], sent: dict[str, bytes]) -> None:
        self.series, self.uids, self.sent = series, uids, sent
        self.counted: int | None = None

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path.split("?")[0].removeprefix("/dicom-web/").split("/")
        if "offset" in asked.path:
            return Reply()
        if len(path) in (4, 6):
            return self.images(path[5:] or self.uids)
        series = {"Modality": "MR", "NumberOfSeriesRelatedInstances": self.counted}
        rows = {
            1: [row(StudyInstanceUID="1.2.3", PatientID="x")],
            3: [row(SeriesInstanceUID=uid, **series) for uid in self.series],
            5: [row(SOPInstanceUID=uid) for uid in self.uids],
        }[len(path)]
        return Reply(json.dumps(rows).encode())

    def images(self, uids: list[str]) -> Reply:
        """Of a whole series, or one."""
        part = b"--b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n"
        body = b"".join(part % self.sent[uid] for uid in uids) + b"--b--\r\n"
        return Reply(body, kind='multipart/related; type="application/dicom"; boundary=b')


def row(**values: object) -> dict:
    return json.loads(_dataset(values).to_json())


def _dataset(values: Mapping[str, object]) -> Dataset:
    ds = Dataset()
    with pydicom.config.disable_value_validation():
        for keyword, value in values.items():
            setattr(ds, keyword, value)
    return ds


def slice_of(uid: str, patient: str = "x") -> bytes:
    """An image of study 1.2.3 and series 1.2.3.4."""
    ds = datasets(Made(patient_id=patient, slices=1))[0]
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid
    stream = BytesIO()
    pydicom.dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


PLACES = ["a/b/p/.pulled", "a/b/p/dicom/1.2.3/1.2.3.4/1.2.3.4.5.dcm"]
HOSTILE = ["../../../evil", "/etc/passwd", "1..2", "1.2/3", "..", ".", "", "1.2.3\n4", "1" * 65]


def test_hostile_identifiers_over_the_web(tmp_path: Path, command: Command) -> None:
    liar = Liar(
        ["1.2.3.4", "../../up"], ["1.2.3.4.5", *HOSTILE], {"1.2.3.4.5": slice_of("1.2.3.4.5")}
    )
    with scripted(liar) as server:
        done = command("pull", server.url, "--patient", "x", "--out", tmp_path / "a" / "b" / "p")
    assert done.code == 3, done.err
    assert "left out: 9 objects (their identifier is no UID" in done.out
    assert "evil" not in done.out + done.err
    assert "left out: 1 series (their identifier is no UID" in done.out
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == PLACES
    assert not any("evil" in one.path or "passwd" in one.path for one in server.seen)


def test_hostile_identifiers_over_dimse(tmp_path: Path) -> None:
    """The archive also offers to send an object that nobody asked for."""

    def find(event: evt.Event):
        level = event.identifier.QueryRetrieveLevel
        keyword = {"STUDY": "Study", "SERIES": "Series", "IMAGE": "SOP"}[level]
        good = {"STUDY": "1.2.3", "SERIES": "1.2.3.4", "IMAGE": "1.2.3.4.5"}[level]
        for uid in [good, *HOSTILE]:
            said = {f"{keyword}InstanceUID": uid, "PatientID": "x", "Modality": "MR"}
            yield 0xFF00, _dataset(said)
        yield 0x0000, None

    def get(_: evt.Event):
        sent = [slice_of(uid) for uid in ("1.2.3.4.5", "1.2.3.4.6")]
        yield len(sent)
        for one in sent:
            yield 0xFF00, pydicom.dcmread(BytesIO(one))

    ae = AE("LIAR")
    ae.add_supported_context(FIND)
    ae.add_supported_context(GET)
    ae.add_supported_context(MR, scu_role=True, scp_role=True)
    handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        liar = connect(Access(f"dicom://LIAR@127.0.0.1:{server.server_address[1]}"))
        pulled = fetch(liar, Search(patient_id="x"), tmp_path / "a" / "b" / "p")
    finally:
        server.shutdown()
    assert pulled.is_doubtful
    assert pulled.instances == 1
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == PLACES


@pytest.mark.parametrize(("is_moved", "expected"), [(False, "no C-GET"), (True, "none of what")])
def test_services_that_an_archive_does_not_offer(
    tmp_path: Path, is_moved: bool, expected: str
) -> None:
    def find(event: evt.Event):
        level = event.identifier.QueryRetrieveLevel
        uids = {"STUDY": ("Study", "1.2.3"), "SERIES": ("Series", "1.2.3.4"), "IMAGE": ("SOP", "1")}
        keyword, uid = uids[level]
        said = {f"{keyword}InstanceUID": uid, "PatientID": "x", "Modality": "MR"}
        yield 0xFF00, _dataset(said)
        yield 0x0000, None

    ae = AE("FINDS")
    for kind in (FIND, MR):
        ae.add_supported_context(kind)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    moved = free_ports(1)[0] if is_moved else None
    access = Access(f"dicom://FINDS@127.0.0.1:{server.server_address[1]}", move_port=moved)
    try:
        with pytest.raises(InputError, match=expected):
            fetch(connect(access), Search(patient_id="x"), tmp_path / "p")
    finally:
        server.shutdown()


def test_images_that_are_not_what_was_asked_for(tmp_path: Path) -> None:
    good, uid = slice_of("1.2.3.4.5"), "1.2.3.4.5"
    for sent in (good[:-50], good[:200], b"", slice_of("1.2.3.4.6")):
        with (
            scripted(Liar(["1.2.3.4"], [uid], {uid: sent})) as server,
            pytest.raises(InputError, match="1 of 1 objects are missing"),
        ):
            fetch(
                connect(Access(server.url), environment={}), Search(patient_id="x"), tmp_path / "p"
            )
        assert not images(tmp_path / "p")
    with (
        scripted(Liar(["1.2.3.4"], [uid], {uid: slice_of(uid, "y")})) as server,
        pytest.raises(InputError, match="there are two"),
    ):
        fetch(connect(Access(server.url), environment={}), Search(patient_id="x"), tmp_path / "p")
    assert not images(tmp_path / "p")


def test_one_object_that_the_archive_does_not_give(tmp_path: Path) -> None:
    uids = ["1.2.3.4.5", "1.2.3.4.6"]

    class Miser(Liar):
        def images(self, uids: list[str]) -> Reply:
            return Reply(status=404) if "1.2.3.4.5" in uids else super().images(uids)

    with scripted(Miser(["1.2.3.4"], uids, {uid: slice_of(uid) for uid in uids})) as server:
        archive = connect(Access(server.url), environment={})
        with pytest.raises(InputError, match=r"1 of 2 objects.*HTTP 404"):
            fetch(archive, Search(patient_id="x"), tmp_path / "p")
    assert list(images(tmp_path / "p")) == uids[1:]


@pytest.mark.parametrize(("counted", "unlisted"), [(3, 1), (2, 0), (1, 0), (None, 0)])
def test_an_archive_that_counts_more_than_it_lists(
    tmp_path: Path, counted: int | None, unlisted: int
) -> None:
    uids = ["1.2.3.4.5", "1.2.3.4.6"]
    liar = Liar(["1.2.3.4"], uids, {uid: slice_of(uid) for uid in uids})
    liar.counted = counted
    with scripted(liar) as server:
        archive = connect(Access(server.url), environment={})
        pulled = fetch(archive, Search(patient_id="x"), tmp_path / "p")
        assert [one.path for one in server.seen][-1].endswith("/series/1.2.3.4")
    assert pulled.fetched == 2
    assert pulled.is_doubtful == bool(unlisted)
    assert sum(one.count for one in pulled.left_out) == unlisted


def test_an_answer_whose_end_is_missing(tmp_path: Path) -> None:
    """Without a length, HTTP cannot tell the end from a broken line; the last boundary can."""
    uid = "1.2.3.4.5"

    class Cut(Liar):
        def images(self, uids: list[str]) -> Reply:
            whole = super().images(uids)
            return Reply(whole.body[:-9], kind=whole.kind, is_open_ended=True)

    with (
        scripted(Cut(["1.2.3.4"], [uid], {uid: slice_of(uid)})) as server,
        pytest.raises(InputError, match="broke off"),
    ):
        fetch(connect(Access(server.url), environment={}), Search(patient_id="x"), tmp_path / "p")
    assert not images(tmp_path / "p")


def test_a_server_that_pages_its_answers(tmp_path: Path) -> None:
    uids = [f"1.2.3.4.{number}" for number in range(5, 12)]

    class Pager(Liar):
        def __call__(self, asked: Asked) -> Reply:
            path, _, query = asked.path.partition("?")
            if path.endswith("/instances"):
                offset = int(dict(p.split("=", 1) for p in query.split("&")).get("offset", 0))
                rows = [row(SOPInstanceUID=uid) for uid in self.uids[offset : offset + 3]]
                return Reply(json.dumps(rows).encode())
            return super().__call__(asked)

    with scripted(Pager(["1.2.3.4"], uids, {uid: slice_of(uid) for uid in uids})) as server:
        pulled = fetch(
            connect(Access(server.url), environment={}), Search(patient_id="x"), tmp_path
        )
    assert pulled.fetched == 7
