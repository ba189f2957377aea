"""One operation on one model name at one address of a registry: requests, tokens, redirects, errors.

Source: registry.md sections 2, 3 and 4.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import httpx
import msgspec

import corral
from corral.core import checked_json
from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MANIFEST, Manifest
from corral.core.names import ModelName
from corral.errors import AccessDenied, CorruptData, NotFound, RegistryError
from corral.registry.auth import Challenge, signed, token_address
from corral.registry.failures import Refused, Suspect, refusal, retry_after
from corral.registry.guard import MAX_REDIRECTS, REDIRECTS, joined, origin
from corral.registry.hosts import Endpoint

# No byte for this long: the connection is given up and tried again.
STALL_S = 30.0
# A user waits for the manifest: a registry that is busy is asked again, but not for long.
_MANIFEST_PAUSES_S = (0.5, 2.0)
MAX_MANIFEST = 16 * 1024**2
MAX_ERROR_TEXT = 16 * 1024
# Registries refuse models that are newer than the program; they know versions of the reference alone.
_REFERENCE = "ollama/0.33.0"

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


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a blob can be read in ranges, and the headers to show there."""

    url: httpx.URL
    headers: Mapping[str, str]
    endpoint: Endpoint


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class RegistryClient:
    """The models of `name` at `endpoint`. An async context manager; not for two operations at a time.

    `transport` replaces the network in tests.
    """

    def __init__(
        self, name: ModelName, endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self._border = endpoint.border
        self._authorization = ""
        try:
            self._http = httpx.AsyncClient(
                transport=transport,
                verify=endpoint.tls,
                timeout=httpx.Timeout(STALL_S, pool=None),
                headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError) as error:  # of kinds that need other packages, or that are none
            raise RegistryError("the proxy of the environment cannot be used: it must be http") from error

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    def url(self, path: str) -> httpx.URL:
        """The address of `path` below the repository of this name."""
        base = self.endpoint.base
        url = base.copy_with(
            raw_path=f"{base.path.rstrip('/')}/v2/{self.name.namespace}/{self.name.model}/{path}".encode()
        )
        return url.copy_merge_params({"ns": self.endpoint.of_host}) if self.endpoint.of_host else url

    async def fetch_manifest(self) -> bytes:
        """The manifest's bytes as the registry holds them, since its digest is made of them.

        Raises NotFound (`file does not exist`), AccessDenied or RegistryError.
        """
        url = self.url(f"manifests/{self.name.tag}")
        request = Request(method="GET", url=url, headers={"Accept": MEDIA_MANIFEST})
        for pause_s in _MANIFEST_PAUSES_S:
            try:
                return await self.read(request, MAX_MANIFEST)
            except Refused as error:
                if error.is_final:
                    raise
                await asyncio.sleep(min(error.wait_s or pause_s, STALL_S))
        return await self.read(request, MAX_MANIFEST)

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

    async def check_access(self) -> None:
        """Raises AccessDenied, with what is known of us, when the registry does not let us in."""
        url = self.endpoint.base.copy_with(raw_path=f"{self.endpoint.base.path.rstrip('/')}/v2/".encode())
        async with self.send(Request(method="GET", url=url)):
            pass

    async def read_blob(self, url: httpx.URL, digest: Digest, size: int) -> bytes:
        """What lies at `url`, of `size` bytes, as a whole. Raises CorruptData when it has other bytes."""
        data = await self.read(Request(method="GET", url=url), size)
        if len(data) < size:
            raise RegistryError("unexpected EOF")
        if Digest.of(data) != digest:
            raise wrong_digest(digest, Digest.of(data))
        return data

    async def locate(self, url: httpx.URL) -> Source:
        """Where to read what lies at `url`: the address itself, or the first redirect to another host.

        Raises NotFound, AccessDenied or RegistryError.
        """
        request = Request(method="GET", url=url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self.send(replace(request, follow=False)) as answer:
                if answer.status_code == 200:
                    return Source(request.url, self._headers(request), self.endpoint)
                if answer.status_code not in REDIRECTS:
                    raise RegistryError(f"unexpected status code {answer.status_code}")
                target = self._target(request, answer)
            if target.netloc != request.url.netloc:
                return Source(target, {}, self.endpoint)
            request = _redirected(request, target)
        raise Suspect(f"maximum redirects exceeded ({MAX_REDIRECTS}) for directURL")

    async def read(self, request: Request, limit: int) -> bytes:
        """The whole body of an answer. Raises like `send`, and RegistryError above `limit` bytes."""
        async with self.send(request) as answer:
            return await _read(answer, limit)

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
            if not request.follow or answer.status_code not in REDIRECTS:
                return answer
            await answer.aclose()
            request = _redirected(request, self._target(request, answer))
        raise Suspect(f"maximum redirects exceeded ({MAX_REDIRECTS}) for directURL")

    def _target(self, request: Request, answer: httpx.Response) -> httpx.URL:
        target = joined(request.url, answer.headers.get("Location", ""))
        self._border.check_redirect(request.url, target)
        return target

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
            raise self._denied()
        return answer

    async def _once(self, request: Request) -> httpx.Response:
        headers = dict(request.headers) | self._headers(request)
        if request.body is not None or request.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(request.length)
        trace = self._border.trace(request.url)
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

    def _headers(self, request: Request) -> dict[str, str]:
        """What we are known by, for requests to the registry itself."""
        if self._authorization and request.with_token and origin(request.url) == origin(self.endpoint.base):
            return {"Authorization": self._authorization}
        return {}

    async def renew_token(self, challenge_header: str, asked: httpx.URL) -> None:
        """Get access to what was refused at `asked`. Raises RegistryError or AccessDenied."""
        login = self.endpoint.login
        if login and login.token:
            self._authorization = f"Bearer {login.token}"
            return
        challenge = Challenge.parse(challenge_header)
        if challenge is None:
            raise self._denied()
        if challenge.realm:
            self._authorization = f"Bearer {await self._fetch_token(challenge, asked)}"
        elif login:
            self._authorization = login.basic
        else:
            raise self._denied()

    async def _fetch_token(self, challenge: Challenge, asked: httpx.URL) -> str:
        login = self.endpoint.login
        try:
            realm, address = httpx.URL(challenge.realm), token_address(challenge)
        except (httpx.InvalidURL, ValueError) as error:
            raise Suspect(f"the registry sent us to no address: {challenge.realm[:200]!r}") from error
        self._check_realm(realm, asked)
        headers = {}
        if login:
            headers["Authorization"] = login.basic
        elif self.endpoint.key:
            headers["Authorization"] = signed(address, self.endpoint.key)
        request = Request(
            method="GET", url=httpx.URL(address), headers=headers, follow=False, with_token=False
        )
        try:
            found = checked_json.decode(await self.read(request, MAX_ERROR_TEXT), _Token, "JSON")
        except CorruptData as error:
            raise RegistryError(f"the registry's token cannot be read: {error.message}") from error
        return found.token or found.access_token

    def _check_realm(self, realm: httpx.URL, asked: httpx.URL) -> None:
        """Only the registry, and whom the user trusts in its place, may see a signature or a password."""
        if realm.netloc != asked.netloc and not self._border.trusts(realm):
            there, here = realm.netloc.decode(), asked.netloc.decode()
            raise Suspect(
                f'realm host "{there}" does not match original host "{here}"',
                hint="if that host gives the tokens of this registry: " + self._border.how_to_trust(realm),
            )
        if realm.scheme != "https" and realm.scheme != asked.scheme:
            raise Suspect(f"refused to ask {realm.scheme}://{realm.host} for a token: it is not https")

    def _denied(self) -> AccessDenied:
        host = self.endpoint.base.netloc.decode()
        hint = None if self.endpoint.login else f"to sign in there: corral login {host}"
        return AccessDenied("unauthorized: access denied", hint=hint)


def user_agent() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    python = platform.python_version()
    return f"{_REFERENCE} ({machine} {system}) corral/{corral.__version__} Python/{python}"


def wrong_digest(wanted: Digest, found: Digest) -> CorruptData:
    return CorruptData(f"digest mismatch, file must be downloaded again: want {wanted}, got {found}")


def network_error(request: Request, error: httpx.HTTPError) -> RegistryError:
    """What went wrong on the way, with the address, as one line."""
    # httpx only says that all attempts to connect failed.
    cause = refusal(error, request.url) if isinstance(error, httpx.ConnectError) else ""
    cause = cause or str(error) or type(error).__name__
    return RegistryError(f'{request.method.capitalize()} "{request.url}": {cause}')


def _redirected(request: Request, target: httpx.URL) -> Request:
    with_token = request.with_token and target.netloc == request.url.netloc
    return replace(request, url=target, with_token=with_token)


async def _raise_for_status(answer: httpx.Response) -> None:
    if answer.status_code == 404:
        raise NotFound("file does not exist")
    if answer.status_code >= 400:
        text = await _read(answer, MAX_ERROR_TEXT, cut=True)
        wait_s = retry_after(answer.headers.get("Retry-After"))
        raise Refused(answer.status_code, text, wait_s=wait_s)


async def _read(answer: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
    """The body, of at most `limit` bytes; a longer one is cut or refused.

    It is never unpacked: we ask for plain bytes, and a small packed answer could fill the memory.
    """
    if not cut and answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Suspect("the registry's answer is compressed, which nobody asked for")
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > limit:
            if cut:
                break
            raise Suspect(f"the registry's answer is larger than {limit} bytes")
    return bytes(data[:limit])


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
