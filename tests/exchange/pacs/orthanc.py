"""A real Orthanc on loopback ports of its own, started for the tests and ended after them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from marrowtrail.exchange.pacs.connect import Access, connect
from marrowtrail.exchange.pacs.credentials import PASSWORD, USER
from marrowtrail.exchange.pacs.model import Archive

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
NAME, SECRET = "reader", "correct-horse-7"
LOGIN = {USER: NAME, PASSWORD: SECRET}
TITLE, OURS = "ORTHANC", "MARROWTRAIL"
_LONGEST_START_S = 30.0


@dataclass(frozen=True)
class Server:
    """Where the archive listens, and the port that it sends to when it is asked to move."""

    web_port: int
    dicom_port: int
    move_port: int

    def web(self, port: int | None = None) -> str:
        return f"http://localhost:{port or self.web_port}/dicom-web"

    def dicom(self, port: int | None = None, title: str = TITLE) -> str:
        return f"dicom://{title}@localhost:{port or self.dicom_port}"

    def archive(self, protocol: str, port: int | None = None) -> Archive:
        """Over ``web``, ``get`` or ``move``; through another port where a proxy stands there."""
        if protocol == "web":
            return connect(Access(self.web(port)), environment=LOGIN)
        moved = self.move_port if protocol == "move" else None
        return connect(Access(self.dicom(port), move_port=moved))


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start Orthanc with its storage in a folder; skips where it is missing, but not in CI."""
    program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or not PLUGIN.exists():
        if os.environ.get("CI"):
            pytest.fail("CI has Orthanc with DICOMweb, but it is missing.")
        pytest.skip("orthanc and orthanc-dicomweb are not installed")
    web, dicom, moved = free_ports(3)
    server = Server(web, dicom, moved)
    configuration = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": web,
        "DicomPort": dicom,
        "DicomAet": TITLE,
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {NAME: SECRET},
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": False,
        "DicomModalities": {"ours": [OURS, "127.0.0.1", moved]},
        **{f"DicomAlwaysAllow{what}": True for what in ("Store", "Echo", "Find", "Get", "Move")},
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    log = (folder / "orthanc.log").open("wb")
    process = subprocess.Popen([program, str(path)], stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(process, web, folder / "orthanc.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Orthanc did not start:\n{log.read_text()[-2000:]}")
