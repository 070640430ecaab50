"""What goes wrong on the way: one clear message, whole files only, and how to go on."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pynetdicom import build_context
from pynetdicom.dimse_primitives import C_FIND

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs import dimse_line, shelf
from marrowtrail.exchange.pacs.address import read_address
from marrowtrail.exchange.pacs.connect import Access, connect
from marrowtrail.exchange.pacs.credentials import PASSWORD, TOKEN, USER
from marrowtrail.exchange.pacs.dimse_kinds import FIND
from marrowtrail.exchange.pacs.dimse_line import Caller
from marrowtrail.exchange.pacs.model import Search
from marrowtrail.exchange.pacs.patience import Patience
from marrowtrail.exchange.pacs.tls import Tls
from tests.exchange.pacs.conftest import Encrypted
from tests.exchange.pacs.orthanc import LOGIN, NAME, Server, free_ports
from tests.exchange.pacs.people import (
    HASTY,
    Patient,
    fetch,
    images,
    leftovers,
)
from tests.exchange.pacs.wires import Cutter, Reply, cutting, scripted


def refused(search: Search, out: Path, *access: object, **how: object) -> InputError:
    with pytest.raises(InputError) as caught:
        fetch(connect(*access, **how), search, out)
    assert not out.exists()
    return caught.value


def assert_whole(folder: Path, patient: Patient) -> int:
    """Every file there is one of the patient's, to the last pixel; how many there are."""
    before, after = patient.originals(), images(folder)
    for uid, one in after.items():
        assert np.array_equal(one.pixel_array, before[uid].pixel_array)
    assert not leftovers(folder)
    return len(after)


def cut_in_the_middle(proxy: Cutter, said: list[str], more: int = 2000) -> Callable[[str], None]:
    """Has the connection cut after some of twelve images."""

    def say(line: str) -> None:
        said.append(line)
        if line == "fetching, 3 of 12":
            proxy.cut_soon(more)

    return say


@pytest.mark.parametrize("protocol", ["web", "get"])
def test_a_connection_that_breaks_for_good(
    orthanc: Server, patient: Patient, tmp_path: Path, protocol: str
) -> None:
    port = orthanc.web_port if protocol == "web" else orthanc.dicom_port
    with cutting(port) as proxy:
        archive, say = orthanc.archive(protocol, proxy.port), cut_in_the_middle(proxy, [])
        with pytest.raises(InputError, match=r"of 12 objects are missing, in \d ser") as stopped:
            fetch(archive, patient.search, tmp_path / "p", say=say)
    there = assert_whole(tmp_path / "p", patient)
    assert 3 <= there < 12
    assert f"{12 - there} of 12" in stopped.value.what
    assert "asks only for what is missing" in stopped.value.remedy
    assert "SECRET" not in str(stopped.value)
    gone_on = fetch(orthanc.archive(protocol), patient.search, tmp_path / "p")
    assert gone_on.fetched == 12 - there
    assert assert_whole(tmp_path / "p", patient) == 12


@pytest.mark.parametrize("protocol", ["web", "get", "move"])
def test_a_connection_that_breaks_once(
    orthanc: Server, patient: Patient, tmp_path: Path, protocol: str
) -> None:
    """For C-MOVE it is the line with the answers: the images take another way."""
    port = orthanc.web_port if protocol == "web" else orthanc.dicom_port
    said: list[str] = []
    with cutting(port, cuts=1) as proxy:
        say = cut_in_the_middle(proxy, said, 1 if protocol == "move" else 2000)
        archive = orthanc.archive(protocol, proxy.port)
        pulled = fetch(archive, patient.search, tmp_path / "p", say=say)
        assert proxy.cuts == 0
    assert pulled.fetched == 12
    assert assert_whole(tmp_path / "p", patient) == 12
    assert any("trying again" in line for line in said)


@pytest.mark.parametrize(
    ("protocol", "code"),
    [
        ("web", errno.ENOSPC),
        ("get", errno.ENOSPC),
        ("move", errno.ENOSPC),
        ("web", errno.EACCES),
    ],
)
def test_a_disk_that_fills_up(
    orthanc: Server,
    patient: Patient,
    tmp_path: Path,
    protocol: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = []

    def sync(handle: int) -> None:
        written.append(handle)
        if len(written) > 5:
            raise OSError(code, os.strerror(code))

    with monkeypatch.context() as full:
        full.setattr(shelf.os, "fsync", sync)
        with pytest.raises(InputError, match="whole, and the rest is missing") as stopped:
            fetch(orthanc.archive(protocol), patient.search, tmp_path / "p")
    assert ("disk is full" in stopped.value.what) == (code == errno.ENOSPC)
    assert assert_whole(tmp_path / "p", patient) == 5
    assert len(written) == 6
    assert fetch(orthanc.archive(protocol), patient.search, tmp_path / "p").fetched == 7


def test_a_list_that_was_cut_short_costs_one_file(
    orthanc: Server, patient: Patient, tmp_path: Path
) -> None:
    """As when the program is killed, or the disk fills, while it writes a line."""
    fetch(orthanc.archive("web"), patient.search, tmp_path / "p")
    listed = tmp_path / "p" / shelf.LIST
    listed.write_bytes(listed.read_bytes()[:-40])
    assert fetch(orthanc.archive("web"), patient.search, tmp_path / "p").fetched == 1
    assert fetch(orthanc.archive("web"), patient.search, tmp_path / "p").fetched == 0


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ({USER: NAME, PASSWORD: "wrong-horse-8"}, "does not accept the user"),
        ({TOKEN: "stale-token-9"}, "or the token"),
        ({}, "asks who we are"),
    ],
)
def test_a_wrong_password(
    orthanc: Server, patient: Patient, tmp_path: Path, login: dict[str, str], expected: str
) -> None:
    error = refused(patient.search, tmp_path / "p", Access(orthanc.web()), environment=login)
    assert expected in error.what
    assert "401" in error.what


def test_titles_that_are_refused(orthanc: Server, patient: Patient, tmp_path: Path) -> None:
    error = refused(patient.search, tmp_path / "p", Access(orthanc.dicom(title="OTHER")))
    assert "another title than OTHER" in error.what


def test_a_port_of_ours_that_is_taken(orthanc: Server, patient: Patient, tmp_path: Path) -> None:
    with socket.create_server(("", orthanc.move_port)), pytest.raises(InputError) as refusal:
        fetch(orthanc.archive("move"), patient.search, tmp_path / "p")
    assert f"Port {orthanc.move_port} of this computer" in refusal.value.what


def test_a_destination_that_the_archive_does_not_know(
    orthanc: Server, patient: Patient, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    stranger = connect(Access(orthanc.dicom(), title="STRANGER", move_port=port))
    with pytest.raises(InputError, match="12 of 12") as stopped:
        fetch(stranger, patient.search, tmp_path / "p")
    assert "does not know us" in stopped.value.what


@pytest.mark.parametrize(
    "address", ["http://nowhere.invalid/dicom-web", "dicom://A@nowhere.invalid:104"]
)
def test_an_unknown_host(patient: Patient, tmp_path: Path, address: str) -> None:
    error = refused(patient.search, tmp_path / "p", Access(address), environment={})
    assert "No machine of that name" in error.what


@pytest.mark.parametrize("scheme", ["http://localhost:{}/x", "dicom://A@localhost:{}"])
def test_nobody_listens(patient: Patient, tmp_path: Path, scheme: str) -> None:
    (port,) = free_ports(1)
    access = Access(scheme.format(port))
    error = refused(patient.search, tmp_path / "p", access, environment={})
    assert error.what == "nothing listens at that port; given up after 2 tries."


@pytest.mark.parametrize("protocol", ["web", "dicom"])
def test_certificates(
    encrypted: Encrypted, patient: Patient, tmp_path: Path, protocol: str
) -> None:
    address = {
        "web": f"https://localhost:{encrypted.web_port}/dicom-web",
        "dicom": f"dicoms://ORTHANC@localhost:{encrypted.dicom_port}",
    }[protocol]
    own = {"tls_cert": encrypted.certificate, "tls_key": encrypted.key}
    error = refused(patient.search, tmp_path / "p", Access(address, **own), environment=LOGIN)
    assert "certificate is not trusted" in error.what
    known = {"ca_file": encrypted.certificate, **own}
    access = Access(address.replace("localhost", "127.0.0.1"), **known)
    error = refused(patient.search, tmp_path / "p", access, environment=LOGIN)
    assert "certificate is not trusted" in error.what
    archive = connect(Access(address, **known), environment=LOGIN)
    assert fetch(archive, patient.search, tmp_path / "p").fetched == 12
    assert assert_whole(tmp_path / "p", patient) == 12


def test_an_archive_that_asks_for_our_certificate(
    encrypted: Encrypted, patient: Patient, tmp_path: Path
) -> None:
    address = f"dicoms://ORTHANC@localhost:{encrypted.dicom_port}"
    error = refused(patient.search, tmp_path / "p", Access(address, encrypted.certificate))
    assert "--tls-cert" in error.remedy


def test_to_be_called_back_over_tls_takes_a_certificate(encrypted: Encrypted) -> None:
    address = f"dicoms://ORTHANC@localhost:{encrypted.dicom_port}"
    with pytest.raises(InputError, match="certificate of our own"):
        connect(Access(address, encrypted.certificate, move_port=1))


@pytest.mark.parametrize("protocol", ["web", "dicom"])
def test_no_encryption_at_that_port(
    orthanc: Server, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dimse_line, "CONNECT_S", 0.5)
    plain = orthanc.web() if protocol == "web" else orthanc.dicom()
    address = plain.replace("http:", "https:").replace("dicom:", "dicoms:")
    error = refused(Search(patient_id="x"), tmp_path / "p", Access(address), environment=LOGIN)
    assert "No encrypted connection" in error.what


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_certificate_files_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_bytes(content)
    for access in (
        Access("https://localhost/", ca_file=bad),
        Access("https://localhost/", tls_cert=bad),
        Access("dicoms://A@localhost:1", ca_file=tmp_path / "missing.pem"),
    ):
        with pytest.raises(InputError, match="in PEM form"):
            connect(access, environment={})


def test_something_else_answers(tmp_path: Path) -> None:
    for reply in (
        Reply(b"<html>", kind="text/html"),
        Reply(b"no", status=404),
        Reply(b'"text"'),
        Reply(b"[1, null]"),
    ):
        with scripted(lambda _, reply=reply: reply) as server:
            error = refused(
                Search(patient_id="x"), tmp_path / "p", Access(server.url), environment={}
            )
        assert "does not speak DICOMweb" in error.what or "No study" in error.what


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    with scripted(lambda _: Reply(status=503)) as server:
        error = refused(Search(patient_id="x"), tmp_path / "p", Access(server.url), environment={})
        assert "HTTP 503" in error.what
        assert len(server.seen) == HASTY.attempts


def test_waits_double_and_end() -> None:
    waited: list[float] = []
    patience = Patience(attempts=4, first_wait_s=8.0, sleep=waited.append)
    for failures in (1, 2, 3):
        assert not patience.is_over(failures)
        patience.wait(failures, "no answer", lambda _: None)
    assert patience.is_over(4)
    assert waited == [8.0, 16.0, 30.0]


def test_nobody_else_takes_an_answer_from_the_line(orthanc: Server) -> None:
    """The library's own thread looks for messages a thousand times a second."""
    line = Caller(read_address(orthanc.dicom()), "MARROWTRAIL", Tls()).dial([build_context(FIND)])
    try:
        line.dimse.msg_queue.put((1, C_FIND()))
        time.sleep(0.2)
        assert line.dimse.msg_queue.qsize() == 1
        assert isinstance(line.dimse.get_msg(block=True)[1], C_FIND)
    finally:
        line.abort()
