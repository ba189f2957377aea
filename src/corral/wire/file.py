"""A file of the web UI as a response: compressed where the client can, 304 where it has it already."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral.web import StaticFile


def file_response(request: Request, file: StaticFile) -> Response:
    headers = file.headers | {"etag": file.etag, "vary": "accept-encoding"}
    if file.etag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, headers=headers | {"content-encoding": "gzip"})
    return Response(file.data, headers=headers)


def _tags(header: str) -> list[str]:
    """What a client has; whether it compares weakly does not matter for whole files."""
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]
