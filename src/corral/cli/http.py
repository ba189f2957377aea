"""HTTP/1.1 as far as the command line needs it: one request on a connection, its answer read as it arrives.

`http.client` would do; but it brings the parser of e-mails and TLS, which take longer to import than all the
rest of `corral list`. Source: RFC 9112. What breaks raises OSError.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import ssl

_MAX_LINE = 1 << 16  # bytes of a line of the head
_MAX_HEADERS = 256
_WITHOUT_BODY = (204, 304)


class BadAnswer(ConnectionError):
    """What answers does not speak HTTP, or stopped in the middle."""


class Answer:
    """Status, headers (names in lower case) and body of an answer."""

    def __init__(self, file: BinaryIO, method: str) -> None:
        self.status, self.reason = _read_status(file)
        while 100 <= self.status < 200:  # a word in between
            _read_headers(file)
            self.status, self.reason = _read_status(file)
        self.headers = _read_headers(file)
        empty = method == "HEAD" or self.status in _WITHOUT_BODY
        self.body = io.BufferedReader(_Body(file, {"content-length": "0"} if empty else self.headers))


class Connection:
    """A connection to `host`; `tls` None speaks in the clear."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None, timeout_s: float) -> None:
        self._host = f"{f'[{host}]' if ':' in host else host}:{port}"
        # As bytes: a text would be looked up with the rules for names in other scripts, a large table.
        name = host.encode() if host.isascii() else host
        self.socket = socket.create_connection((name, port), timeout=timeout_s)  # type: ignore[arg-type]
        self._file: BinaryIO | None = None
        if tls is not None:
            self.start_tls(tls, host)

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def request(
        self, method: str, target: str, body: bytes | Iterable[bytes] | None, headers: Mapping[str, str]
    ) -> None:
        """Send a request; a body in pieces needs its Content-Length among the headers."""
        fields = {"Host": self._host, **headers}
        if isinstance(body, bytes):
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if any("\r" in line or "\n" in line for line in lines):
            raise BadAnswer("a header must not hold line breaks")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.socket.sendall(head + body if isinstance(body, bytes) else head)
        for piece in () if body is None or isinstance(body, bytes) else body:
            self.socket.sendall(piece)

    def answer(self, method: str) -> Answer:
        """The answer to the request that was sent, its body still to be read."""
        self._file = self.socket.makefile("rb")
        return Answer(self._file, method)

    def close(self) -> None:
        if self._file is not None:  # else the socket stays open for it
            self._file.close()
        self.socket.close()


class _Body(io.RawIOBase):
    """The bytes of a body: so many, in chunks, or until the connection closes."""

    def __init__(self, file: BinaryIO, headers: Mapping[str, str]) -> None:
        self._file = file
        self._chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        length = headers.get("content-length", "")
        self._open = not self._chunked and not length
        self._left = 0 if self._chunked or not length else _number(length, 10)
        self._first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the buffer that io gives
        if self._chunked and not self._left:
            self._begin_chunk()
        if not self._open and not self._left:
            return 0
        wanted = memoryview(buffer)[: None if self._open else self._left]
        count: int = self._file.readinto1(wanted)  # type: ignore[attr-defined]  # of io.BufferedReader
        if not self._open:
            if not count:
                raise BadAnswer("the connection was closed before the end")
            self._left -= count
        return count

    def _begin_chunk(self) -> None:
        if not self._first:
            _read_line(self._file)  # the end of the chunk before
        self._first = False
        self._left = _number(_read_line(self._file).partition(";")[0], 16)
        if not self._left:
            _read_headers(self._file)
            self._chunked = False


def _read_status(file: BinaryIO) -> tuple[int, str]:
    line = _read_line(file)
    version, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not (code.isdecimal() and len(code) == 3):
        raise BadAnswer("what answers there does not speak HTTP" if line else "no answer")
    return int(code), reason.strip()


def _read_headers(file: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = _read_line(file)
        if not line:
            return headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    raise BadAnswer("too many headers")


def _read_line(file: BinaryIO) -> str:
    line = file.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise BadAnswer("a line of the head is too long" if len(line) == _MAX_LINE else "connection closed")
    return line.decode("latin-1").rstrip("\r\n")


def _number(text: str, base: int) -> int:
    try:
        number = int(text.strip(), base)
    except ValueError:
        number = -1
    if number < 0:
        raise BadAnswer(f"a length is no number: {text.strip()[:40]!r}")
    return number
