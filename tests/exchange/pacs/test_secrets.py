"""Passwords and patients: what is sent where, and what is never printed or logged."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import DimseAddress, WebAddress, read_address
from marrowtrail.exchange.pacs.connect import Access, connect
from marrowtrail.exchange.pacs.credentials import (
    PASSWORD,
    TOKEN,
    USER,
    Credentials,
    read_credentials,
)
from marrowtrail.exchange.pacs.model import PatientKey, Search
from tests.exchange.pacs.orthanc import LOGIN, SECRET, Server
from tests.exchange.pacs.people import Command, Patient, fetch
from tests.exchange.pacs.wires import Reply, scripted
from tests.imaging.dicom_factory import SECRETS

WRONG = "wrong-horse-8"
SENSITIVE = tuple(word for word in SECRETS if word != "1.2.826")
"""Everything planted in the images but their UIDs: the folder's own paths are made of those."""


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("protocol", ["web", "get", "move"])
def test_nothing_is_said_of_the_patient(
    orthanc: Server,
    patient: Patient,
    tmp_path: Path,
    protocol: str,
    command: Command,
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    address = orthanc.web() if protocol == "web" else orthanc.dicom()
    moved = ("--move-port", orthanc.move_port) if protocol == "move" else ()
    for search in (("--patient", patient.id), ("--patient", "SECRET-nobody")):
        done = command("pull", address, *search, *moved, "--out", tmp_path / "p", env=LOGIN)
        said = done.out + done.err + everything_logged.text
        for word in (patient.id, "SECRET", SECRET, *SENSITIVE):
            assert word not in said, word
    listed = (tmp_path / "p" / ".pulled").read_text()
    assert not any(word in listed for word in (patient.id, *SENSITIVE))


def test_nothing_is_said_of_a_password(
    orthanc: Server,
    tmp_path: Path,
    command: Command,
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    login = {USER: "reader-5", PASSWORD: WRONG}
    done = command("pull", orthanc.web(), "--study", "1.2", "--out", tmp_path / "p", env=login)
    assert done.code == 1
    assert "HTTP 401" in done.err
    said = done.out + done.err + everything_logged.text
    assert WRONG not in said
    assert "reader-5" not in said
    assert not (tmp_path / "p").exists()


def test_a_patient_id_from_standard_input(
    orthanc: Server,
    patient: Patient,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where others may list the programs that run, with their command lines."""
    asked = tmp_path / "asked"
    asked.write_text(f"{patient.id}\n")
    with asked.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        done = command.json(
            "pull", orthanc.web(), "--patient", "-", "--out", tmp_path / "p", env=LOGIN
        )
    assert done["instances"] == 12


@pytest.mark.parametrize(
    ("values", "header"),
    [
        ({USER: "u", PASSWORD: "p\u00e4"}, "Basic dTpww6Q="),
        ({TOKEN: "abc.def"}, "Bearer abc.def"),
        ({}, None),
    ],
)
def test_who_we_are_is_sent_as_given(
    values: dict[str, str],
    header: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(lambda _: Reply()) as server, pytest.raises(InputError, match="No study"):
        fetch(connect(Access(server.url), environment=values), Search("x"), tmp_path / "p")
    assert [one.headers.get("Authorization") for one in server.seen] == [header]


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    with scripted(lambda _: Reply()) as other:
        away = Reply(status=302, headers={"Location": other.url})
        with scripted(lambda _: away) as server:
            archive = connect(Access(server.url), environment={TOKEN: "t"})
            with pytest.raises(InputError, match="another address"):
                fetch(archive, Search(patient_id="x"), tmp_path / "p")
    assert not other.seen


def test_a_password_does_not_go_over_http_unasked() -> None:
    access = Access("http://pacs.hospital.example/dicom-web")
    with pytest.raises(InputError, match="could be read on the way"):
        connect(access, environment=LOGIN)
    connect(access, environment={})
    connect(Access(access.server, allow_unencrypted=True), environment=LOGIN)
    connect(Access("http://127.0.0.1/dicom-web"), environment=LOGIN)
    connect(Access("https://pacs.hospital.example/dicom-web"), environment=LOGIN)


@pytest.mark.parametrize(
    "address",
    [
        "https://reader:hunter2@pacs/dicom-web",
        "https://hunter2@pacs/dicom-web",
        "https://pacs/dicom-web?key=hunter2",
        "https://pacs/dicom-web#hunter2",
        "dicom://A:hunter2@pacs:104",
    ],
)
def test_an_address_with_a_password(address: str, tmp_path: Path, command: Command) -> None:
    done = command("pull", address, "--study", "1.2", "--out", tmp_path / "p")
    assert done.code == 1
    assert "everybody on this computer" in done.err
    assert "hunter2" not in done.out + done.err


def test_addresses() -> None:
    assert read_address("https://pacs/dicom-web/") == WebAddress(
        "https://pacs/dicom-web", is_encrypted=True, is_this_machine=False
    )
    assert read_address("http://[::1]:80/x") == WebAddress(
        "http://[::1]:80/x", is_encrypted=False, is_this_machine=True
    )
    assert read_address("dicom://Main%20PACS@pacs:104") == DimseAddress(
        "Main PACS", "pacs", 104, is_encrypted=False
    )
    assert read_address("dicoms://A@pacs:2762").is_encrypted


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pacs",
        "ftp://pacs",
        "https://",
        "dicom://pacs:104",
        "dicom://A@pacs",
        "dicom://A@pacs:99999",
        "dicom://SEVENTEENLETTERS1@pacs:104",
        "dicom://A%5CB@pacs:104",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError):
        read_address(address)


def private(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "credentials.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_credentials_from_a_file_win_over_the_environment(tmp_path: Path) -> None:
    file = private(tmp_path, 'user: "u"\npassword: "p#1"\n')
    assert read_credentials(file, LOGIN) == Credentials("u", "p#1")
    assert read_credentials(private(tmp_path, "token: t\n"), {}) == Credentials(token="t")
    assert read_credentials(None, LOGIN) == Credentials(LOGIN[USER], LOGIN[PASSWORD])
    assert not read_credentials(None, {})


@pytest.mark.parametrize(
    "text",
    [
        "user: u\npassword: [hunter2\n",
        "hunter2",
        "user: u\nsecret: hunter2\n",
        "user: hunter2\n",
        "password: hunter2\n",
        "token: hunter2\nuser: u\npassword: p\n",
        'token: "hunter2\\nX: y"\n',
        "user: hunter2\npassword: 12345678\n",
        "\x00hunter2",
    ],
)
def test_a_file_that_holds_something_else(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_credentials(private(tmp_path, text), {})
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None or "hunter2" not in str(refused.value.__cause__)


@pytest.mark.skipif(os.name != "posix", reason="asks for the permissions of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_open(tmp_path: Path, mode: int) -> None:
    with pytest.raises(InputError, match="Others on this computer"):
        read_credentials(private(tmp_path, "token: t\n", mode), {})


def test_credentials_where_they_are_of_no_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no password"):
        connect(Access("dicom://A@pacs:104"), credentials=private(tmp_path, "token: t\n"))
    connect(Access("dicom://A@pacs:104"), environment=LOGIN)


def test_nothing_shows_when_it_is_printed() -> None:
    for one in (
        Credentials("user-1", "hunter2", ""),
        Search(patient_id="hunter2", accession="hunter2"),
        PatientKey("hunter2", "hunter2", "hunter2", "F"),
        connect(Access("https://pacs/"), environment={TOKEN: "hunter2"}),
    ):
        assert "hunter2" not in repr(one)
        assert "hunter2" not in str(one)


def test_usage_is_exit_code_2(tmp_path: Path, command: Command) -> None:
    given = ("pull", "https://pacs/dicom-web", "--out", tmp_path / "p")
    assert command(*given).code == 2
    assert command(*given, "--patient", "1", "--study", "1.2").code == 2
    assert command(*given, "--study", "1.2", "--attempts", "0").code == 2
    assert command("push", tmp_path).code == 2
