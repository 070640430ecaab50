"""Segmentations, reports and the PDF of a result into an archive."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, evt

from marrowtrail.errors import InputError
from marrowtrail.exchange.dicom.files import dicom_files
from marrowtrail.exchange.pacs.connect import Access, connect
from marrowtrail.exchange.pacs.dimse_kinds import FIND
from marrowtrail.exchange.pacs.model import Archive, Instance, State
from marrowtrail.exchange.pacs.patience import Say
from marrowtrail.exchange.pacs.push import Pushed, push
from tests.exchange.made_dicom import PDF, plain
from tests.exchange.pacs.orthanc import LOGIN, Server
from tests.exchange.pacs.people import HASTY, Command
from tests.exchange.pacs.wires import Asked, Reply, cutting, scripted

KINDS = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.104.1",
}
"""Segmentation, Comprehensive 3D SR, Encapsulated PDF."""


@pytest.fixture(scope="session")
def content() -> dict[str, bytes]:
    return dicom_files(plain(), pdf=PDF)


@pytest.fixture
def result(content: dict[str, bytes], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A result with its DICOM objects, other ones in each test."""
    folder = tmp_path / "result"
    (folder / "dicom").mkdir(parents=True)
    document = plain().document.model_copy(update={"figures": ()})
    (folder / "result.json").write_text(document.model_dump_json(by_alias=True))
    for name, one in content.items():
        ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(one))
        own = pydicom.uid.generate_uid(entropy_srcs=[request.node.nodeid, name])
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = own
        ds.save_as(folder / "dicom" / name)
    return folder


def objects(result: Path) -> dict[str, pydicom.Dataset]:
    return {path.name: pydicom.dcmread(path) for path in sorted((result / "dicom").iterdir())}


def sent(archive: Archive, result: Path, say: Say = lambda _: None) -> Pushed:
    try:
        return push(archive, result, patience=HASTY, say=say)
    finally:
        archive.close()


def states(pushed: Pushed) -> list[State]:
    return [one.state for one in pushed.verdicts]


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_segmentations_reports_and_the_pdf(orthanc: Server, result: Path, protocol: str) -> None:
    ours = objects(result)
    assert {one.SOPClassUID for one in ours.values()} == KINDS
    pushed = sent(orthanc.archive(protocol), result)
    assert states(pushed) == [State.ACCEPTED] * len(ours)
    assert [one.name for one in pushed.verdicts] == list(ours)
    back: dict[str, pydicom.Dataset] = {}

    def take(content: bytes) -> None:
        ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        back[str(ds.SOPInstanceUID)] = ds

    wanted = [
        Instance(one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
        for one in ours.values()
    ]
    orthanc.archive("web").fetch(wanted, take)
    assert all(back[str(one.SOPInstanceUID)] == one for one in ours.values())
    assert set(states(sent(orthanc.archive(protocol), result))) == {State.THERE}


def test_the_command_says_what_became_of_each(
    orthanc: Server, result: Path, command: Command
) -> None:
    done = command("push", result, orthanc.web(), env=LOGIN)
    assert (done.code, done.err.count("Cannot")) == (0, 0)
    for name in objects(result):
        assert f"{name}: accepted\n" in done.out
    said = command.json("push", result, orthanc.dicom())
    assert said["is_complete"]
    assert {one["state"] for one in said["objects"]} == {"there already"}


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_a_connection_that_breaks_is_gone_on_with(
    orthanc: Server, result: Path, protocol: str
) -> None:
    count = len(objects(result))
    port = orthanc.web_port if protocol == "web" else orthanc.dicom_port
    with cutting(port) as proxy:
        archive = orthanc.archive(protocol, proxy.port)
        broken = sent(archive, result, lambda line: proxy.cut_soon(300) if "v1-" in line else None)
    assert 0 < states(broken).count(State.UNSENT) < count
    assert not broken.is_complete
    assert broken.stopped is not None
    failure = broken.failure("here").what
    assert f"Of {count} objects, {states(broken).count(State.UNSENT)} are not" in failure
    assert all((one.name in failure) == (one.state is State.UNSENT) for one in broken.verdicts)
    again = sent(orthanc.archive(protocol), result)
    assert again.is_complete
    # What was accepted, and perhaps one of which the answer was lost.
    assert states(again).count(State.THERE) - states(broken).count(State.ACCEPTED) in (0, 1)


class Fussy:
    """A DICOMweb server that has nothing, and says of each object what the test wants."""

    def __init__(self, result: Path, answers: dict[str, Reply | tuple[str, int]]) -> None:
        self.names = {str(one.SOPInstanceUID): name for name, one in objects(result).items()}
        self.answers = answers

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply()
        uid = next(uid for uid in self.names if uid.encode() in asked.body)
        said = self.answers.get(self.names[uid], ("", 0))
        return said if isinstance(said, Reply) else Reply(stored(uid, *said))


def stored(uid: str, kind: str, status: int) -> bytes:
    item = {"00081155": {"vr": "UI", "Value": [uid]}}
    tag = "00081197" if kind == "failed" else "00081196"
    if status:
        item[tag] = {"vr": "US", "Value": [status]}
    sequence = "00081198" if kind == "failed" else "00081199"
    return json.dumps({sequence: {"vr": "SQ", "Value": [item]}}).encode()


def test_what_the_archive_said_of_each(result: Path, command: Command) -> None:
    first, second, third, fourth, *others = objects(result)
    uid = str(objects(result)[fourth].SOPInstanceUID)
    fussy = Fussy(
        result,
        {
            first: ("failed", 0x0122),
            second: ("", 0xB000),
            third: Reply(b"{}"),
            fourth: Reply(stored(uid, "failed", 0xA700), status=409),
        },
    )
    with scripted(fussy) as server:
        done = command("push", result, server.url)
    assert done.code == 1
    assert f"{first}: refused (it does not take objects of this kind (0x0122))" in done.out
    assert f"{second}: accepted with a warning (it changed values in it (0xB000))" in done.out
    assert f"{third}: refused (the server says nothing of this object)" in done.out
    assert f"{fourth}: refused (it is out of room or memory (0xA700))" in done.out
    for name in others:
        assert f"{name}: accepted\n" in done.out
    count = len(objects(result))
    said = " ".join(done.err.split())  # lines break at the width of the terminal
    assert f"Of {count} objects, 3 are not in the archive: {first}, {third}, {fourth}." in said


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"{broken"),
        Reply(b'{"00081199": 5}'),
        Reply(b"<broken", kind="application/dicom+xml"),
        Reply(b"<html>", kind="text/html"),
        Reply(b"", status=202),
    ],
)
def test_an_answer_that_nobody_understands_accepts_nothing(result: Path, reply: Reply) -> None:
    (first, *_) = objects(result)
    with scripted(Fussy(result, {first: reply})) as server:
        pushed = sent(connect(Access(server.url), environment={}), result)
    assert states(pushed)[0] is State.REFUSED
    assert "says nothing of this object" in pushed.verdicts[0].said
    assert set(states(pushed)[1:]) == {State.ACCEPTED}


def test_a_warning_alone_is_exit_code_3(result: Path, command: Command) -> None:
    (first, *_) = objects(result)
    with scripted(Fussy(result, {first: ("", 0xB006)})) as server:
        done = command("push", result, server.url)
    assert done.code == 3
    assert f"{first}: accepted with a warning (it left elements of it out (0xB006))" in done.out


def test_a_wrong_password_halfway(result: Path, command: Command) -> None:
    """As when a token runs out: what was accepted is said all the same."""
    first, second, *others = objects(result)
    with scripted(Fussy(result, {second: Reply(status=401)})) as server:
        done = command("push", result, server.url)
    assert done.code == 1
    assert f"{first}: accepted\n" in done.out
    for name in (second, *others):
        assert f"{name}: not sent\n" in done.out
    assert "asks who we are" in done.err


@pytest.mark.parametrize("can_search", [True, False])
def test_kinds_that_an_archive_does_not_take(result: Path, can_search: bool) -> None:
    """One that only stores, and cannot be asked what it has, is sent everything."""
    (pdf,) = KINDS - {kind for kind in KINDS if ".104." not in kind}
    ae = AE("NARROW")
    for kind in KINDS - {pdf}:
        ae.add_supported_context(kind)
    if can_search:
        ae.add_supported_context(FIND)
    handlers = [
        (evt.EVT_C_STORE, lambda _: 0x0000),
        (evt.EVT_C_FIND, lambda _: iter([(0x0000, None)])),
    ]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        port = server.server_address[1]
        pushed = sent(connect(Access(f"dicom://NARROW@127.0.0.1:{port}")), result)
    finally:
        server.shutdown()
    ours = objects(result)
    for one in pushed.verdicts:
        expected = State.REFUSED if ours[one.name].SOPClassUID == pdf else State.ACCEPTED
        assert one.state is expected
    assert "does not take objects of this kind" in pushed.verdicts[0].said


def test_no_way_to_the_archive(result: Path, orthanc: Server) -> None:
    with pytest.raises(InputError, match="asks who we are"):
        sent(connect(Access(orthanc.web()), environment={}), result)


def test_what_is_no_result(tmp_path: Path, result: Path) -> None:
    archive = connect(Access("https://nowhere.invalid/"), environment={})
    with pytest.raises(InputError, match="there is none"):
        push(archive, tmp_path)
    (result / "dicom" / "v1-report.dcm").write_bytes(b"broken")
    with pytest.raises(InputError, match="cannot be read; nothing was sent"):
        push(archive, result)
    for path in (result / "dicom").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="nothing in dicom/"):
        push(archive, result)
