"""What stands between us and an archive, or in its place: a proxy that cuts, a scripted server."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Cutter:
    """Passes bytes on, and resets the connection once the archive has sent ``after`` of them."""

    target: int
    after: int
    cuts: int
    port: int = 0
    sent: int = 0
    encryption: ssl.SSLContext | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut_soon(self, more: int) -> None:
        """Cut once the archive has sent so many bytes more."""
        self.after = min(self.after, self.sent + more)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            if self.encryption is not None:
                try:
                    caller = self.encryption.wrap_socket(caller, server_side=True)
                except OSError:
                    continue
            archive = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, counts in ((caller, archive, False), (archive, caller, True)):
                threading.Thread(
                    target=self._pump, args=(source, sink, counts), daemon=True
                ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(4096):
                if counts and self._is_over(len(data)):
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            _reset(one)

    def _is_over(self, size: int) -> bool:
        with self._lock:
            self.sent += size
            if self.cuts == 0 or self.sent < self.after:
                return False
            self.cuts -= 1
            return True


def _reset(one: socket.socket) -> None:
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
        one.close()
    except OSError:
        pass


@contextmanager
def cutting(target: int, *, cuts: int = 1 << 30) -> Iterator[Cutter]:
    """A proxy that, once it is told to, cuts so many times, and then at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    cutter = Cutter(target, 1 << 60, cuts, listener.getsockname()[1])
    threading.Thread(target=cutter.serve, args=(listener,), daemon=True).start()
    try:
        yield cutter
    finally:
        listener.close()


@contextmanager
def encrypting(target: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port that is spoken to over TLS, before one that is not (Debian's Orthanc 1.10 ends with
    its first HTTPS connection)."""
    listener = socket.create_server(("127.0.0.1", 0))
    cutter = Cutter(target, after=0, cuts=0, encryption=context)
    threading.Thread(target=cutter.serve, args=(listener,), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@dataclass
class Asked:
    """A request that the scripted server saw."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What it answers; ``is_open_ended`` leaves the length out and closes, as old servers do."""

    body: bytes = b"[]"
    status: int = 200
    kind: str = "application/dicom+json"
    headers: dict[str, str] = field(default_factory=dict)
    is_open_ended: bool = False


@dataclass
class Scripted:
    """An HTTP server that answers as a function says."""

    port: int
    seen: list[Asked]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def scripted(answer: Callable[[Asked], Reply]) -> Iterator[Scripted]:
    seen: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(size))
            seen.append(asked)
            reply = answer(asked)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.is_open_ended:
                self.send_header("Connection", "close")
                self.close_connection = True
            else:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = _any  # noqa: N815 (the library's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Scripted(server.server_port, seen)
    finally:
        server.shutdown()
        server.server_close()
