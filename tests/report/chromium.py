"""A headless Chromium, spoken to over a pipe: keys, clicks, what it fetched and complained of.

The browser's own protocol over two file descriptors (``--remote-debugging-pipe``): no port, no
further package, and the page runs under its own policy with nothing injected at loading.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE_S = 90
HIGH = 20


def chromium_path() -> str:
    """Where Chromium is; skips where it is missing, but not in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has Chromium (scripts/install_system_parts.sh), but it is missing.")
        pytest.skip("needs Chromium, which is not installed")
    return found


@dataclass
class Tab:
    """One page; ``requests`` are the addresses it fetched, ``complaints`` what its console says."""

    process: subprocess.Popen[bytes]
    writing: int
    reading: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _count: int = 0
    _rest: bytes = b""
    _loaded: bool = False

    def call(self, method: str, **params: object) -> Any:
        """One command and its answer; events on the way are kept."""
        self._count += 1
        message: dict[str, object] = {"id": self._count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        wanted = self._count
        while True:
            answer = self._next()
            if answer.get("id") == wanted:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.reading], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            chunk = os.read(self.reading, 1 << 20)
            assert chunk, "Chromium has gone"
            self._rest += chunk
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith("data:"):
                self.requests.append(url)
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(params["args"]))
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(self, page: Path) -> float:
        """Load a file; seconds until it is loaded."""
        self._loaded = False
        begun = time.monotonic()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self._loaded:
            self._next()
        return time.monotonic() - begun

    def eval(self, expression: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE_S
        while not (value := self.eval(expression)):
            assert time.monotonic() < end, f"never came true: {expression}"
            time.sleep(0.05)
        return value

    def settle(self) -> None:
        """Two frames, so that what was asked for has been drawn."""
        self.eval(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))"
        )

    def press(self, key: str) -> None:
        """A key, down and up, as a keyboard sends it."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Size of the window, and the reader's preference."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.settle()

    def shot(self, path: Path, selector: str) -> None:
        """A picture of one element, however long."""
        box = self.eval(
            f"(() => {{const b = document.querySelector('{selector}').getBoundingClientRect();"
            "return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height}})()"
        )
        answer = self.call(
            "Page.captureScreenshot", captureBeyondViewport=True, clip=box | {"scale": 1}
        )
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, closed at the end."""
    to_browser, to_us = os.pipe(), os.pipe()
    # The protocol is spoken on descriptors 3 and 4 of the browser; a shell puts them there, from
    # high numbers that neither it nor Popen uses.
    theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for fd in (to_browser[0], to_us[1])]
    command = [chromium_path(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "bash", *command],
        pass_fds=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for fd in (*theirs, to_browser[0], to_us[1]):
        os.close(fd)
    tab = Tab(process, to_browser[1], to_us[0])
    try:
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            tab.call(f"{domain}.enable")
        yield tab
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
        os.close(tab.writing)
        os.close(tab.reading)
