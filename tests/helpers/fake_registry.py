"""A registry in memory, spoken to through httpx's mock transport: real requests, no network."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from corral.core.digests import Digest
from corral.core.manifest import Layer, Manifest

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/(\d*)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")


@dataclass
class FakeRegistry:
    """Holds manifests by `namespace/model:tag` and blobs by digest; `requests` are those it answered.

    `token` makes it ask for one; `cut_after` breaks each blob off after so many bytes; `ignore_range` always
    sends the whole blob; `storage` is another host that blobs are redirected to;
    `mountable` are digests that another repository has.
    """

    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    token: str = ""
    realm: str = "https://registry.test/token"
    cut_after: int = 0
    ignore_range: bool = False
    storage: str = ""
    mountable: set[str] = field(default_factory=set)
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
        return httpx.MockTransport(self._answer)

    def seen(self, method: str) -> list[str]:
        """The paths that were asked for with `method`."""
        return [request.url.path for request in self.requests if request.method == method]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": self.token})
        if request.url.host == self.storage:
            return self._blob(request, request.url.path.removeprefix("/"))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer realm="{self.realm}",service="test",scope="repository:a/b:pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        return self._resource(request)

    def _resource(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if found := _MANIFEST.fullmatch(path):
            return self._manifest(request, f"{found[1]}:{found[2]}")
        if found := _UPLOAD.fullmatch(path):
            return self._upload(request, found[1], found[2])
        if found := _BLOB.fullmatch(path):
            if self.storage and request.method == "GET":
                return httpx.Response(307, headers={"Location": f"https://{self.storage}/{found[2]}"})
            return self._blob(request, found[2])
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
            return httpx.Response(200, headers={"Content-Length": str(len(data))})
        start = 0
        if not self.ignore_range and (
            asked := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        ):
            start = int(asked[1])
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        return httpx.Response(206 if start else 200, headers=headers, content=self._stream(data[start:]))

    async def _stream(self, data: bytes) -> AsyncIterator[bytes]:
        if self.cut_after and len(data) > self.cut_after:
            yield data[: self.cut_after]
            raise httpx.ReadError("connection reset")
        yield data

    def _upload(self, request: httpx.Request, repository: str, session: str) -> httpx.Response:
        location = {"Location": f"/v2/{repository}/blobs/uploads/1"}
        if request.method == "POST":
            mounted = request.url.params.get("mount", "")
            if mounted in self.mountable:
                return httpx.Response(201)
            self.uploads["1"] = b""
            return httpx.Response(202, headers=location)
        if request.method == "PATCH":
            self.uploads[session] += request.content
            return httpx.Response(202, headers=location)
        data = self.uploads.pop(session)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != request.url.params["digest"]:
            return httpx.Response(400, content=json.dumps({"error": "digest"}))
        self.blobs[digest] = data
        return httpx.Response(201)
