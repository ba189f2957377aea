"""One connection that brings ranges of a blob, one after another. Blocking: it lives in a thread.

The standard library's HTTP client, because it hands out what has arrived in pieces of up to a megabyte and
lets other threads run while it waits: a transfer at full speed costs the server's event loop nothing.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

import httpx

from corral.errors import CorruptData, NotFound, RegistryError
from corral.registry.client import STALL_S, Source, user_agent
from corral.registry.failures import Expired, Refused, Stalled, Suspect, plain_text, refusal, retry_after
from corral.registry.guard import MAX_REDIRECTS, REDIRECTS, joined, origin, proxy_of
from corral.registry.hosts import Endpoint

PIECE = 1024**2
CONNECT_S = 10.0
# A connection that brings less than this in STALL_S seconds might as well bring nothing.
_MIN_BYTES = 4096
_MAX_ERROR_TEXT = 512
# What storage hosts answer when a signed address has run out.
_EXPIRED = frozenset({401, 403, 410})
_PLAIN = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


class NoRanges(Exception):
    """The far side sends whole blobs only."""


class Lane:
    """Fetches ranges; `abort` may be called from another thread, everything else from one."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._origin: tuple[str, str] | None = None
        self._socket: socket.socket | None = None
        self._aborted = False

    def fetch(self, source: Source, start: int, stop: int, total: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` of a blob of `total` bytes, as they arrive; perhaps fewer.

        Raises NoRanges when a part was asked for and the whole came, NotFound, CorruptData when the far side
        has a blob of another size; Refused, Expired, Stalled and RegistryError for what befalls a connection.
        """
        url = source.url
        try:
            answer = self._follow(source, {"Range": f"bytes={start}-{stop - 1}"})
            _check(answer, start, stop, total)
            yield from self._pieces(answer, stop - start)
            if answer.length == 0:
                answer.close()  # it has no more, but would wait for somebody to see that
            elif answer.read1(1):
                raise CorruptData("the registry sent more than it announced")
        except TimeoutError as error:
            self.close()
            raise Stalled("no data for too long") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            cause = refusal(error, url) or str(error) or type(error).__name__
            raise RegistryError(f'Get "{url.copy_with(query=None)}": {cause}') from error
        except BaseException:
            # Also when the reader has had enough: what is still under way would be taken for the next answer.
            self.close()
            raise

    def abort(self) -> None:
        """Make a `fetch` that waits in another thread end now."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of a TLS socket, which would pull it away under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._origin = self._socket = None

    def _follow(self, source: Source, headers: dict[str, str]) -> http.client.HTTPResponse:
        url, border = source.url, source.endpoint.border
        for _ in range(MAX_REDIRECTS + 1):
            shown = source.headers if origin(url) == origin(source.url) else {}
            answer = self._get(source, url, {**headers, **shown})
            if answer.status not in REDIRECTS:
                return answer
            self.close()
            target = joined(url, answer.headers.get("Location", ""))
            border.check_redirect(url, target)
            url = target
        raise Suspect(f"maximum redirects exceeded ({MAX_REDIRECTS}) for directURL")

    def _get(self, source: Source, url: httpx.URL, headers: dict[str, str]) -> http.client.HTTPResponse:
        is_new = self._connect(source, url)
        try:
            return self._ask(url, headers)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            if is_new or self._aborted:
                raise
            # The far side closed the connection while it lay idle between two parts.
            self.close()
            self._connect(source, url)
            return self._ask(url, headers)

    def _connect(self, source: Source, url: httpx.URL) -> bool:
        """Have a connection for `url`; whether it is a new one."""
        there = origin(url)
        if self._connection is not None and self._connection.sock is not None and self._origin == there:
            return False
        self.close()
        self._connection = _connect(source.endpoint, url)
        self._socket, self._origin = self._connection.sock, there
        if self._aborted:
            raise ConnectionAbortedError("stopped")
        return True

    def _ask(self, url: httpx.URL, headers: dict[str, str]) -> http.client.HTTPResponse:
        assert self._connection is not None
        target, headers = url.raw_path.decode(), {**_PLAIN, **headers}
        proxy = proxy_of(url)
        if proxy and url.scheme == "http":
            target, headers = str(url), headers | _proxy_headers(httpx.URL(proxy))
        self._connection.request("GET", target, headers=headers)
        return self._connection.getresponse()

    def _pieces(self, answer: http.client.HTTPResponse, length: int) -> Iterator[bytes]:
        since, brought = time.monotonic(), 0
        while length:
            piece = answer.read1(min(PIECE, length))
            if not piece:
                raise RegistryError("unexpected EOF")
            yield piece
            length -= len(piece)
            brought += len(piece)
            if brought >= _MIN_BYTES:
                since, brought = time.monotonic(), 0
            elif time.monotonic() - since > STALL_S:
                raise Stalled(f"{brought} bytes in {STALL_S:.0f} seconds")


def _connect(endpoint: Endpoint, url: httpx.URL) -> http.client.HTTPConnection:
    """An open connection for `url`, checked before anything is sent. Raises OSError, RegistryError."""
    port = url.port or (443 if url.scheme == "https" else 80)
    if proxy := proxy_of(url):
        return _through(httpx.URL(proxy), endpoint, url, port)
    plain = socket.create_connection((url.host, port), CONNECT_S)
    try:
        endpoint.border.check_address(url, plain.getpeername()[0])
        plain.settimeout(STALL_S)
        secure = endpoint.tls.wrap_socket(plain, server_hostname=url.host) if url.scheme == "https" else plain
    except BaseException:
        plain.close()
        raise
    connection = http.client.HTTPConnection(url.host, port, timeout=STALL_S)
    connection.sock = secure
    return connection


def _through(proxy: httpx.URL, endpoint: Endpoint, url: httpx.URL, port: int) -> http.client.HTTPConnection:
    at = (proxy.host, proxy.port or 80)
    if url.scheme == "http":
        connection = http.client.HTTPConnection(*at, timeout=STALL_S)
    else:
        connection = http.client.HTTPSConnection(*at, timeout=STALL_S, context=endpoint.tls)
        connection.set_tunnel(url.host, port, headers=_proxy_headers(proxy))
    connection.connect()
    return connection


def _proxy_headers(proxy: httpx.URL) -> dict[str, str]:
    if not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _check(answer: http.client.HTTPResponse, start: int, stop: int, total: int) -> None:
    """Raises unless the answer is the range that was asked for, of the blob that was announced."""
    if answer.status == 404:
        raise NotFound("file does not exist")
    if answer.status >= 400 or answer.status not in (200, 206):
        body = answer.read(_MAX_ERROR_TEXT)
        if answer.status in _EXPIRED:
            raise Expired(f"{answer.status}: {plain_text(body)}")
        raise Refused(answer.status, body, wait_s=retry_after(answer.headers.get("Retry-After")))
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Suspect("the registry's answer is compressed, which nobody asked for")
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status == 200:
        if (start, stop) != (0, total):
            raise NoRanges("the registry sends whole blobs only")
        size = answer.length
    elif found and (int(found[1]), int(found[2]) + 1) == (start, stop):
        size = None if found[3] == "*" else int(found[3])
    else:
        raise Suspect("the registry sent another range than asked for")
    if size is not None and size != total:
        raise CorruptData(f"the registry's blob has {size} bytes, its manifest says {total}")
