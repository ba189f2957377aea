"""An HTTP server whose answers are written down beforehand, and which remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `body` is the decoded JSON, the bytes where it is none, None where there is none."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: an object is sent as JSON, a list as NDJSON records, bytes as they are.

    A function is called for records, and each is sent when it is there; the connection then closes.
    """

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, list):
            return b"".join(json.dumps(record).encode() + b"\n" for record in self.body)
        return b"" if self.body is None else json.dumps(self.body).encode()


class ScriptedServer:
    """Answers by method and path; the last answer of a route repeats, and unknown routes are 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.headers: list[dict[str, str]] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        self.port = 0
        self.num_deserted = 0  # streams whose client left before their end

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path] = list(replies)

    def reply(self, method: str, path: str) -> Reply:
        replies: Sequence[Reply] = self._replies.get((method, path), [Reply({"error": "no such route"}, 404)])
        return replies[0] if len(replies) == 1 else self._replies[method, path].pop(0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ScriptedServer

    def answer(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.script.asked.append(Asked(self.command, self.path, _decode(data)))
        self.script.headers.append(dict(self.headers))
        reply = self.script.reply(self.command, self.path)
        if callable(reply.body):
            self._stream(reply.body())
            return
        body = b"" if self.command == "HEAD" else reply.encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, records: Iterable[object]) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for record in records:
            try:
                self.wfile.write(json.dumps(record).encode() + b"\n")
            except OSError:  # the client left
                self.script.num_deserted += 1
                return

    do_GET = do_POST = do_HEAD = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at `asked`."""


def _decode(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A running server on a free port of the loopback interface."""
    script = ScriptedServer()
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
