"""The command line's own calls: JSON answers, NDJSON streams, uploads.

Errors become ServerError as cli.md section 3 says; a refused connection becomes NoServer, after one attempt
to start the server where the caller has given a way to.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from corral import __version__
from corral.cli.connect import connect
from corral.cli.errors import NoServer, NotSignedIn, ServerError, SilentServer
from corral.cli.http import Answer, Connection
from corral.errors import CorralError
from corral.settings import Address

_BLOCK = 1 << 20  # bytes of an upload that are sent at a time
_MAX_LINE = 8 << 20  # bytes of one record of a stream
_SURROGATE = re.compile("[\ud800-\udfff]")
# What a server tells from memory and from small files; all else may take as long as it takes.
_LOOKUPS = frozenset({"/api/version", "/api/tags", "/api/ps", "/api/show"})
PATIENCE_S = 30.0
SHORT_PATIENCE_S = 5.0  # of commands that can do without the server


class Client:
    """Calls to one server; each call is a connection of its own, so several threads may share a client."""

    def __init__(
        self,
        address: Address,
        *,
        program: str = "corral",
        api_key: str = "",
        when_refused: Callable[[], bool] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`when_refused` is asked to bring a server up; it returns whether one answers now.

        `patience_s` is how long the server may be silent when it is asked for what it has at hand.
        """
        self.address = address
        self.program = program
        self.api_key = api_key
        self.when_refused = when_refused
        self.patience_s = patience_s

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """One request; returns the decoded object of the answer, an empty one when it has no body."""
        with self._send(method, path, _encode(body)) as response:
            data = self._read(response)
        if response.status >= 400:
            raise _error(response, data)
        try:
            answer = json.loads(data or b"{}")
        except ValueError as error:
            raise ServerError(f"the server's answer is no JSON: {error}", status=response.status) from error
        if not isinstance(answer, dict):
            raise ServerError("the server's answer is no JSON object", status=response.status)
        return answer

    def stream(self, path: str, body: Mapping[str, object]) -> Iterator[dict[str, Any]]:
        """POST, then the records of the answer as they arrive. Closing the iterator ends the request."""
        return self._records("POST", path, _encode(body))

    def follow(self, path: str) -> Iterator[dict[str, Any]]:
        """GET, else as `stream`."""
        return self._records("GET", path)

    def _records(self, method: str, path: str, body: bytes | None = None) -> Iterator[dict[str, Any]]:
        with self._send(method, path, body, accept="application/x-ndjson") as response:
            if response.status >= 400:
                raise _error(response, self._read(response), with_status=True)
            for line in _lines(response):
                yield _record(line, response.status)

    def head(self, path: str) -> tuple[int, Mapping[str, str]]:
        """Status and headers of what is there; names of headers in lower case."""
        with self._send("HEAD", path) as response:
            return response.status, response.headers

    def text(self, path: str) -> str:
        """GET something that is no JSON."""
        with self._send("GET", path) as response:
            data = self._read(response)
        if response.status >= 400:
            raise _error(response, data)
        return data.decode("utf-8", "replace")

    def upload(self, path: str, file: BinaryIO, size: int, progress: Callable[[int], None]) -> None:
        """POST a file of `size` bytes; `progress` is told the bytes sent so far."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self.send(path, blocks(file, progress), headers)

    def send(self, path: str, body: Iterable[bytes], headers: Mapping[str, str]) -> bytes:
        """POST a body in pieces, whose Content-Length is among the headers; the answer's body."""
        with self._send("POST", path, body, headers=headers) as response:
            data = self._read(response)
        if response.status >= 400:
            raise _error(response, data)
        return data

    @contextmanager
    def _send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        *,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """The answer to one request; its connection is closed at the end of the block."""
        connection, target = self._connection(self.address.path + path)
        if path.partition("?")[0] in _LOOKUPS:
            connection.socket.settimeout(self.patience_s)
        try:
            yield self._exchange(connection, method, target, body, self._headers(accept, headers))
        finally:
            connection.close()

    def _exchange(
        self,
        connection: Connection,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            # The server may answer, and close, before it has read a body that it refuses.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, body, headers)
            return connection.answer(method)
        except OSError as error:
            raise self._lost(f"the connection to {self.address.url} broke", error) from error

    def _read(self, response: Answer) -> bytes:
        try:
            return response.body.read()
        except OSError as error:
            raise self._lost("the answer broke off", error) from error

    def _lost(self, what: str, error: OSError) -> CorralError:
        if isinstance(error, TimeoutError):
            text = f"the server at {self.address.url} takes connections but does not answer"
            return SilentServer(
                text, hint="it hangs, or is no server of models: restart it or correct CORRAL_HOST"
            )
        return CorralError(f"{what}: {_reason(error)}")

    def _connection(self, path: str) -> tuple[Connection, str]:
        try:
            return connect(self.address, path)
        except ConnectionRefusedError as error:
            if self.when_refused is None or not self.when_refused():
                text = f"could not connect to {self.program} server, run '{self.program} serve' to start it"
                raise NoServer(text) from error
        except OSError as error:
            raise NoServer(f"could not connect to {self.address.url}: {_reason(error)}") from error
        return connect(self.address, path)

    def _headers(self, accept: str, more: Mapping[str, str] | None) -> dict[str, str]:
        agent = f"corral/{__version__} ({sys.platform})"
        headers = {"Content-Type": "application/json", "Accept": accept, "User-Agent": agent}
        headers["Connection"] = "close"  # each call has a connection of its own
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers | dict(more or {})


def _encode(body: Mapping[str, object] | None) -> bytes | None:
    if body is None:
        return None
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Arguments and keys that are no UTF-8 reach us as lone surrogates, which no server could read.
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def blocks(file: BinaryIO, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The pieces of a file, as they are sent; `progress` is told the bytes so far."""
    sent = 0
    while block := file.read(_BLOCK):
        yield block
        sent += len(block)
        progress(sent)


def _lines(response: Answer) -> Iterator[bytes]:
    while True:
        try:
            line = response.body.readline(_MAX_LINE + 1)
        except OSError as error:
            raise CorralError(f"the answer broke off: {_reason(error)}") from error
        if not line:
            return
        if len(line) > _MAX_LINE:
            raise ServerError("a record of the answer is too long", status=response.status)
        if line.strip():
            yield line


def _record(line: bytes, status: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ServerError(f"a record of the answer is no JSON: {error}", status=status) from error
    if not isinstance(record, dict):
        raise ServerError("a record of the answer is no object", status=status)
    if record.get("error"):
        raise ServerError(str(record["error"]), status=status, hint=str(record.get("hint") or "") or None)
    return record


def _error(response: Answer, data: bytes, *, with_status: bool = False) -> ServerError:
    """The error of an answer of 400 and above; see cli.md section 3 for its text."""
    text, hint, signin_url = _error_text(data)
    line = f"{response.status} {response.reason}".strip()
    if response.status == 401:
        return NotSignedIn(text or line, signin_url=signin_url)
    if not text:
        return ServerError(line, status=response.status)
    shown = f"{line}: {text}" if with_status else text
    return ServerError(shown, status=response.status, detail=text, hint=hint or None)


def _error_text(data: bytes) -> tuple[str, str, str]:
    """What is wrong, what to do about it, and where to sign in."""
    text = data.decode("utf-8", "replace").strip()
    try:
        body = json.loads(text)
    except ValueError:
        return text, "", ""
    if not isinstance(body, dict):
        return text, "", ""
    error = body.get("error", "")
    if isinstance(error, dict):  # the form of the other dialects
        error = error.get("message", "")
    return str(error), str(body.get("hint") or ""), str(body.get("signin_url", ""))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()
