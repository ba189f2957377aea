"""`GET` and `HEAD` below `/v2/`: the version check, manifests and blobs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response

from corral.core import gojson
from corral.core.digests import Digest
from corral.core.names import DEFAULT_HOST, ModelName
from corral.errors import BlobNotFound, CorralError, InvalidInput, NotFound
from corral.library import SharedBlob, Sharing
from corral.wire import Handler, Streaming, handled, status_of

PATH = "/v2/*path"
_MANIFEST = re.compile(r"([^/]+)/([^/]+)/manifests/([^/]+)")
_BLOB = re.compile(r"([^/]+)/([^/]+)/blobs/([^/]+)")
_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{0,19})")
_PIECE = 4 * 1024**2
_VERSION = {"docker-distribution-api-version": "registry/2.0"}


def routes(sharing: Sharing) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    endpoint = handled(_Shared(sharing).serve, _error)
    return [("GET", PATH, endpoint), ("HEAD", PATH, endpoint)]


class _Shared:
    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    async def serve(self, request: Request) -> Response | Streaming:
        path = request.path_params["path"]
        if not path:
            return Response(b"{}", headers={"content-type": "application/json", **_VERSION})
        if found := _MANIFEST.fullmatch(path):
            return await self._manifest(_name(request, *found.groups()))
        if found := _BLOB.fullmatch(path):
            return await self._blob(request, _name(request, found[1], found[2]), Digest.parse(found[3]))
        raise NotFound("page not found")

    async def _manifest(self, name: ModelName) -> Response:
        stored = await self._sharing.manifest(name)
        headers = {
            "content-type": stored.manifest.media_type,
            "docker-content-digest": f"sha256:{stored.digest}",
            **_VERSION,
        }
        return Response(stored.raw, headers=headers)

    async def _blob(self, request: Request, name: ModelName, digest: Digest) -> Response | Streaming:
        blob = await self._sharing.blob(name, digest)
        start, stop, status = _asked(request, blob)
        headers = {"accept-ranges": "bytes", "docker-content-digest": str(digest), **_VERSION}
        headers["content-length"] = str(stop - start)
        if status == 206:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{blob.size}"
        if request.method == "HEAD":
            return Response(headers={**headers, "content-type": "application/octet-stream"})
        # Opened here: a file that cannot be read is an error answer, not a stream that breaks off.
        file = await asyncio.to_thread(blob.open)
        answer = Streaming(
            _pieces(file, start, stop),
            content_type="application/octet-stream",
            headers=headers,
            on_end=lambda: asyncio.to_thread(file.close),
        )
        answer.status_code = status
        return answer


def _name(request: Request, namespace: str, model: str, tag: str = "latest") -> ModelName:
    """A mirror is told with `?ns=` whose models are asked for. Raises InvalidName."""
    return ModelName(request.query_params.get("ns", DEFAULT_HOST), namespace, model, tag)


def _asked(request: Request, blob: SharedBlob) -> tuple[int, int, int]:
    """First byte, the byte after the last one, and the status. Raises InvalidInput."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None:
        return 0, blob.size, 200
    start, stop = int(found[1]), min(int(found[2] or blob.size) + 1, blob.size)
    if start >= stop:
        raise InvalidInput("the range lies outside the blob")
    return start, stop, 206


async def _pieces(file: BinaryIO, start: int, stop: int) -> AsyncGenerator[bytes, None]:
    await asyncio.to_thread(file.seek, start)
    left = stop - start
    while left and (piece := await asyncio.to_thread(file.read, min(_PIECE, left))):
        yield piece
        left -= len(piece)


def _error(error: CorralError) -> Response:
    """In the words of registries: `{"errors": [{"code": ..., "message": ...}]}`."""
    status = status_of(error)
    code = "BLOB_UNKNOWN" if isinstance(error, BlobNotFound) else "MANIFEST_UNKNOWN"
    body = {"errors": [{"code": code if status == 404 else "UNSUPPORTED", "message": error.message}]}
    headers = {"content-type": "application/json", **_VERSION}
    return Response(gojson.encode(body), status_code=status, headers=headers)
