"""The command line's own HTTP calls, on http.client alone: JSON answers, NDJSON streams, uploads.

Errors become ServerError as cli.md section 3 says; a refused connection becomes NoServer, after one attempt
to start the server where the caller has given a way to.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from corral import __version__
from corral.cli.errors import NoServer, NotSignedIn, ServerError
from corral.errors import CorralError
from corral.settings import Address

NDJSON = "application/x-ndjson"
_BLOCK = 1 << 20
_MAX_LINE = 8 << 20  # bytes of one record of a stream
_LOGS_HINT = "something went wrong, please see the {program} server logs for details"


class Client:
    """Calls to one server. Not for use from several threads at a time; each call is a connection."""

    def __init__(
        self,
        address: Address,
        *,
        program: str = "corral",
        api_key: str = "",
        when_refused: Callable[[], bool] | None = None,
    ) -> None:
        self.address = address
        self.program = program
        self.api_key = api_key
        self.when_refused = when_refused

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """One request; returns the decoded JSON of the answer, None when it has no body."""
        with self._send(method, path, _encode(body), "application/json") as response:
            data = response.read()
            if response.status >= 400:
                raise _error(response, data, self.program)
        return json.loads(data) if data else None

    def stream(self, path: str, body: Mapping[str, object]) -> Iterator[dict[str, Any]]:
        """POST, then the records of the answer as they arrive. Closing the iterator ends the request."""
        with self._send("POST", path, _encode(body), NDJSON) as response:
            if response.status >= 400:
                raise _error(response, response.read(), self.program, with_status=True)
            for line in _lines(response):
                yield _record(line, response.status)

    def exists(self, path: str) -> bool:
        """Whether HEAD finds something there."""
        with self._send("HEAD", path, None, "application/json") as response:
            response.read()
            return response.status == 200

    def upload(self, path: str, file: BinaryIO, size: int, progress: Callable[[int], None]) -> None:
        """POST a file of `size` bytes; `progress` is told the bytes sent so far."""
        blocks = _blocks(file, progress)
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        with self._send("POST", path, blocks, "application/json", headers) as response:
            data = response.read()
            if response.status >= 400:
                raise _error(response, data, self.program)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None,
        accept: str,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        try:
            connection = self._connect()
        except ConnectionRefusedError as error:
            if self.when_refused is None or not self.when_refused():
                message = f"could not connect to {self.program} server, run '{self.program} serve' to start it"
                raise NoServer(message) from error
            connection = self._connect()
        connection.request(method, self._target(path), body, self._headers(accept, headers))
        return _Response(connection, connection.getresponse())

    def _headers(self, accept: str, more: Mapping[str, str] | None) -> dict[str, str]:
        agent = f"corral/{__version__} ({platform.machine()} {os.name}) Python/{platform.python_version()}"
        headers = {"Content-Type": "application/json", "Accept": accept, "User-Agent": agent}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers | dict(more or {})
