"""One operation on one model name of one registry: requests, tokens, redirects, errors.

Source: registry.md sections 2, 3 and 4.
"""

from __future__ import annotations

import platform
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
import msgspec

import corral
from corral.core.manifest import MEDIA_MANIFEST, Manifest
from corral.core.names import ModelName
from corral.errors import AccessDenied, NotFound, RegistryError
from corral.registry import guard
from corral.registry.auth import Challenge, KeyPair, token_request

# No byte for this long: the connection is given up and tried again.
STALL_S = 30.0
MAX_REDIRECTS = 10
MAX_MANIFEST = 16 * 1024**2
MAX_ERROR_TEXT = 16 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Body = Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that can be sent again: `body` makes a new stream of `length` bytes each time."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    length: int = 0
    follow: bool = True
    # A storage host has its own signed address and must not see our token.
    with_token: bool = True


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class RegistryClient:
    """The registry of `name`. Use as an async context manager; not for two operations at a time.

    `insecure` means plain http for everything. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        name: ModelName,
        *,
        insecure: bool = False,
        key: KeyPair | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self.base = httpx.URL(f"{'http' if insecure else 'https'}://{name.host}")
        self._key = key
        self._token = ""
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(STALL_S, pool=None),
            headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    def url(self, path: str) -> httpx.URL:
        """The address of `path` below the repository of this name."""
        return self.base.join(f"/v2/{self.name.namespace}/{self.name.model}/{path}")

    async def fetch_manifest(self) -> bytes:
        """The manifest's bytes as the registry holds them, since its digest is made of them.

        Raises NotFound (`file does not exist`), AccessDenied or RegistryError.
        """
        url = self.url(f"manifests/{self.name.tag}")
        async with self.send(Request(method="GET", url=url, headers={"Accept": MEDIA_MANIFEST})) as answer:
            return await _read(answer, MAX_MANIFEST)

    async def store_manifest(self, manifest: Manifest) -> None:
        """Publish `manifest` under this name. Raises AccessDenied or RegistryError."""
        data = manifest.encode().rstrip(b"\n")
        request = Request(
            method="PUT",
            url=self.url(f"manifests/{self.name.tag}"),
            headers={"Content-Type": MEDIA_MANIFEST},
            body=lambda: _once(data),
            length=len(data),
        )
        async with self.send(request):
            pass

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator[httpx.Response]:
        """The answer to `request`, after tokens and redirects; its body is still to be read.

        Raises NotFound for 404, AccessDenied when a token did not help, RegistryError (`<code>: <body>`) for
        other refusals and for failures of the network.
        """
        answer = await self._answer(request)
        try:
            await _raise_for_status(answer)
            yield answer
        except httpx.HTTPError as error:
            raise network_error(request, error) from error
        finally:
            await answer.aclose()

    async def _answer(self, request: Request) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._authorized(request)
            if not request.follow or answer.status_code not in _REDIRECTS:
                return answer
            target = answer.url.join(answer.headers.get("Location", ""))
            await answer.aclose()
            guard.check_redirect(request.url, target)
            request = _redirected(request, target)
        raise RegistryError(f"maximum redirects exceeded ({MAX_REDIRECTS}) for directURL")

    async def _authorized(self, request: Request) -> httpx.Response:
        answer = await self._once(request)
        if answer.status_code != 401 or not request.with_token:
            return answer
        challenge = answer.headers.get("WWW-Authenticate", "")
        await answer.aclose()
        await self.renew_token(challenge, request.url)
        answer = await self._once(request)
        if answer.status_code == 401:
            await answer.aclose()
            raise AccessDenied("unauthorized: access denied")
        return answer

    async def _once(self, request: Request) -> httpx.Response:
        headers = dict(request.headers)
        if self._token and request.with_token and guard.origin(request.url) == guard.origin(self.base):
            headers["Authorization"] = f"Bearer {self._token}"
        if request.body is not None or request.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(request.length)
        trace = guard.trace_for(request.url, self.base)
        message = self._http.build_request(
            request.method,
            request.url,
            headers=headers,
            content=request.body() if request.body is not None else None,
            extensions={"trace": trace} if trace else None,
        )
        try:
            return await self._http.send(message, stream=True)
        except httpx.HTTPError as error:
            raise network_error(request, error) from error

    async def renew_token(self, challenge_header: str, asked: httpx.URL) -> None:
        """Get a token for what was refused at `asked`. Raises RegistryError or AccessDenied."""
        challenge = Challenge.parse(challenge_header)
        realm = httpx.URL(challenge.realm)
        if realm.netloc != asked.netloc:
            raise RegistryError(
                f'realm host "{realm.netloc.decode()}" does not match original host "{asked.netloc.decode()}"'
            )
        url, headers = token_request(challenge, self._key)
        request = Request(method="GET", url=httpx.URL(url), headers=headers, follow=False, with_token=False)
        async with self.send(request) as answer:
            data = await _read(answer, MAX_ERROR_TEXT)
        try:
            found = msgspec.json.decode(data, type=_Token)
        except msgspec.MsgspecError as error:
            raise RegistryError(f"the registry's token cannot be read: {error}") from error
        self._token = found.token or found.access_token


def user_agent() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    return f"corral/{corral.__version__} ({machine} {system}) Python/{platform.python_version()}"


def network_error(request: Request, error: httpx.HTTPError) -> RegistryError:
    """What went wrong on the way, with the address, as one line."""
    cause = _refusal(error, request.url) or str(error) or type(error).__name__
    return RegistryError(f'{request.method.capitalize()} "{request.url}": {cause}')


def _refusal(error: httpx.HTTPError, url: httpx.URL) -> str:
    """Why no connection came about, in the system's words: httpx only says that all attempts failed."""
    if not isinstance(error, httpx.ConnectError):
        return ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {url.host}: {str(cause.strerror).lower()}"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
            port = url.port or (443 if url.scheme == "https" else 80)
            return f"dial tcp {url.host}:{port}: connect: {cause.strerror.lower()}"
        cause = cause.__cause__ or cause.__context__
    return ""


def _redirected(request: Request, target: httpx.URL) -> Request:
    return Request(
        method=request.method,
        url=target,
        headers=request.headers,
        body=request.body,
        length=request.length,
        follow=request.follow,
        with_token=request.with_token and target.netloc == request.url.netloc,
    )


async def _raise_for_status(answer: httpx.Response) -> None:
    if answer.status_code == 404:
        raise NotFound("file does not exist")
    if answer.status_code >= 400:
        text = (await _read(answer, MAX_ERROR_TEXT, cut=True)).decode("utf-8", "replace").strip()
        raise RegistryError(f"{answer.status_code}: {text}")


async def _read(answer: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
    """The body, of at most `limit` bytes; a longer one is cut or refused."""
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > limit:
            if cut:
                break
            raise RegistryError(f"the registry's answer is larger than {limit} bytes")
    return bytes(data[:limit])


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
