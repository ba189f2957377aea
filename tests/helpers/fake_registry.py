"""A registry in memory, with faults to order: behind httpx's mock transport, or served on a loopback port."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from corral.core.digests import Digest
from corral.core.manifest import Layer, Manifest

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/(\d*)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_LIST = re.compile(r"/api/models/([^/]+/[^/]+)")
_PIECE = 64 * 1024


class Broken(Exception):
    """The connection breaks here."""


@dataclass
class FakeRegistry:
    """Holds manifests by `namespace/model:tag` and blobs by digest; `requests` are those it answered.

    What is wrong with it: `token` makes it ask for one, at `realm`, and `basic` for a name and a password;
    `cut_after` breaks each blob off after so many bytes, `cuts` the next blobs after these; `statuses` are
    what the next blobs are answered with, the first `num_expired` ranges with 403; `ignore_range` always
    sends the whole blob; `pause_s` is waited before each piece; `storage` is another address that blobs are
    redirected to; `lie` is added to every size it tells.
    `mountable` are digests that another repository has; `direct` sends parts of uploads to the storage.
    `files` are repositories of Hugging Face: path to content, by `user/name`; `hub_token` makes them private.
    """

    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    token: str = ""
    realm: str = "https://registry.test/token"
    basic: str = ""
    cut_after: int = 0
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    num_expired: int = 0
    ignore_range: bool = False
    pause_s: float = 0.0
    storage: str = ""
    lie: int = 0
    mountable: set[str] = field(default_factory=set)
    direct: bool = False
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    hub_token: str = ""
    requests: list[httpx.Request] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)

    def add_blob(self, data: bytes) -> str:
        digest = str(Digest.of(data))
        self.blobs[digest] = data
        return digest

    def add_model(self, name: str, layers: list[tuple[str, bytes]], config: bytes = b"{}") -> bytes:
        """Publish a model of these (media type, bytes); returns its manifest's bytes."""
        manifest = Manifest(
            config=Layer(
                "application/vnd.docker.container.image.v1+json", self.add_blob(config), len(config)
            ),
            layers=tuple(Layer(kind, self.add_blob(data), len(data)) for kind, data in layers),
        )
        self.manifests[name] = manifest.encode()
        return self.manifests[name]

    @property
    def transport(self) -> httpx.MockTransport:
        return mock_transport(self.answer)

    def seen(self, method: str) -> list[str]:
        """The paths that were asked for with `method`."""
        return [request.url.path for request in self.requests if request.method == method]

    @property
    def ranges(self) -> list[str]:
        """The ranges that were asked for, in order."""
        return [request.headers["Range"] for request in self.requests if "Range" in request.headers]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/token":
            return self._token(request)
        if request.url.path.startswith("/storage/"):
            return self._stored(request, request.url.path.removeprefix("/storage/"))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer realm="{self.realm}",service="test",scope="repository:a/b:pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        if self.basic and request.headers.get("Authorization") != self.basic:
            return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="test"'})
        return self._resource(request)

    def _token(self, request: httpx.Request) -> httpx.Response:
        if self.basic and request.headers.get("Authorization") != self.basic:
            return httpx.Response(401)
        return httpx.Response(200, json={"token": self.token})

    def _resource(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v2/":
            return httpx.Response(200)
        if found := _MANIFEST.fullmatch(path):
            return self._manifest(request, f"{found[1]}:{found[2]}")
        if found := _UPLOAD.fullmatch(path):
            return self._upload(request, found[1], found[2])
        if found := _BLOB.fullmatch(path):
            return self._blob(request, found[2])
        return self._hub(request, path)

    def _hub(self, request: httpx.Request, path: str) -> httpx.Response:
        if self.hub_token and request.headers.get("Authorization") != f"Bearer {self.hub_token}":
            return httpx.Response(401, json={"error": "Invalid username or password."})
        if (found := _LIST.fullmatch(path)) and found[1] in self.files:
            siblings = [_sibling(name, data) for name, data in self.files[found[1]].items()]
            return httpx.Response(200, json={"id": found[1], "sha": "0f1e2d", "siblings": siblings})
        if (found := _FILE.fullmatch(path)) and found[2] == "0f1e2d":
            data = self.files[found[1]][found[3]]
            return self._blob(request, self.add_blob(data))
        return httpx.Response(404)

    def _manifest(self, request: httpx.Request, name: str) -> httpx.Response:
        if request.method == "PUT":
            self.manifests[name] = request.content
            return httpx.Response(201)
        data = self.manifests.get(name)
        return httpx.Response(404, json={}) if data is None else httpx.Response(200, content=data)

    def _blob(self, request: httpx.Request, digest: str) -> httpx.Response:
        data = self.blobs.get(digest)
        if data is None:
            return httpx.Response(404)
        if request.method == "HEAD":
            return httpx.Response(200, headers={"Content-Length": str(len(data) + self.lie)})
        if self.storage:
            return httpx.Response(307, headers={"Location": f"{self.storage}/storage/{digest}"})
        return self._stored(request, digest)

    def _stored(self, request: httpx.Request, digest: str) -> httpx.Response:
        if request.method == "PUT":
            self.uploads[digest] = request.content
            return httpx.Response(200)
        if self.num_expired and "Range" in request.headers:
            self.num_expired -= 1
            return httpx.Response(403, text="expired")
        if self.statuses:
            return httpx.Response(self.statuses.pop(0), text="not now")
        data = self.blobs[digest]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if asked is None or self.ignore_range:
            headers = {"Content-Length": str(len(data) + self.lie)}
            return httpx.Response(200, headers=headers, stream=self._stream(data))
        start, stop = int(asked[1]), int(asked[2] or len(data) - 1) + 1
        headers = {
            "Content-Range": f"bytes {start}-{stop - 1}/{len(data) + self.lie}",
            "Content-Length": str(stop - start),
        }
        return httpx.Response(206, headers=headers, stream=self._stream(data[start:stop]))

    def _stream(self, data: bytes) -> _Stream:
        cut = self.cuts.pop(0) if self.cuts else self.cut_after
        return _Stream(data, cut, self.pause_s)

    def _upload(self, request: httpx.Request, repository: str, session: str) -> httpx.Response:
        location = {"Location": f"/v2/{repository}/blobs/uploads/1"}
        if request.method == "POST":
            mounted = request.url.params.get("mount", "")
            if mounted in self.mountable:
                return httpx.Response(201)
            self.uploads["1"] = b""
            return httpx.Response(202, headers=location)
        if request.method == "GET":
            if session not in self.uploads:
                return httpx.Response(404)
            end = max(len(self.uploads[session]) - 1, 0)
            return httpx.Response(204, headers={**location, "Range": f"0-{end}"})
        if request.method == "PATCH":
            return self._patch(request, session, location)
        data = self.uploads.pop(session) + b"".join(self.uploads.pop(key) for key in sorted(self.uploads))
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != request.url.params["digest"]:
            return httpx.Response(400, content=json.dumps({"error": "digest"}))
        self.blobs[digest] = data
        return httpx.Response(201)

    def _patch(self, request: httpx.Request, session: str, location: dict[str, str]) -> httpx.Response:
        if self.statuses:
            return httpx.Response(self.statuses.pop(0), text="not now")
        start = int(request.headers["Content-Range"].partition("-")[0])
        if self.direct:
            target = f"{request.url.scheme}://{request.url.netloc.decode()}/storage/{start:012}"
            headers = {"Docker-Upload-Location": location["Location"], "Location": target}
            return httpx.Response(307, headers=headers)
        if start != len(self.uploads[session]):
            return httpx.Response(416)
        cut = self.cuts.pop(0) if self.cuts else 0
        self.uploads[session] += request.content[: cut or None]
        return httpx.Response(500, text="lost") if cut else httpx.Response(202, headers=location)


def mock_transport(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    """`answer` in the place of the network; bodies arrive as streams, as they do from there."""

    async def handle(request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = answer(request)
        if isinstance(response.stream, _Stream):
            return response
        body = _Stream(response.content)
        return httpx.Response(response.status_code, headers=response.headers, stream=body)

    return httpx.MockTransport(handle)


class _Stream(httpx.AsyncByteStream, httpx.SyncByteStream):
    def __init__(self, data: bytes, cut_after: int = 0, pause_s: float = 0.0) -> None:
        self._data = data[:cut_after] if cut_after else data
        self._breaks = bool(cut_after) and cut_after < len(data)
        self._pause_s = pause_s

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), _PIECE):
            time.sleep(self._pause_s)
            yield self._data[start : start + _PIECE]
        if self._breaks:
            raise Broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for piece in self:
                yield piece
        except Broken:
            raise httpx.ReadError("connection reset") from None


def _sibling(name: str, data: bytes) -> dict[str, object]:
    lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    is_large = name.endswith((".gguf", ".safetensors"))
    return {"rfilename": name, "size": len(data), "blobId": "0" * 40, **({"lfs": lfs} if is_large else {})}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with five places, connections made at the same time wait for seconds


@contextlib.contextmanager
def served(registry: FakeRegistry, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The registry on a loopback port; yields `host:port`. A broken stream is a reset connection."""
    server = _Server(("127.0.0.1", 0), _handler(registry))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                length = int(self.headers.get("Content-Length") or 0)
                is_whole = "://" in self.path  # as proxies are asked
                url = self.path if is_whole else f"http://{self.headers['Host']}{self.path}"
                body = self.rfile.read(length)
                request = httpx.Request(self.command, url, headers=dict(self.headers), content=body)
                self._send(registry.answer(request))
                return
            self.close_connection = True

        def _send(self, response: httpx.Response) -> None:
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in response.headers:
                self.send_header("Content-Length", "0")
            self.end_headers()
            if self.command == "HEAD":
                return
            try:
                for piece in response.stream if isinstance(response.stream, _Stream) else [response.content]:
                    self.wfile.write(piece)
            except Broken:
                # A reset instead of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _handle

        def log_message(self, *_: object) -> None:
            pass

    return Handler
