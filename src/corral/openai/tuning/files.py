"""The endpoints of files. Only those to be trained on are taken."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import Response

from corral.errors import InvalidInput
from corral.openai.replies import json_response
from corral.openai.tuning.form import FileForm
from corral.openai.tuning.lists import page
from corral.tune.files import MAX_FILE, Files, StoredFile
from corral.wire import Streaming, body_pieces

PURPOSE = "fine-tune"
_FORM_ROOM = 1 << 20  # bytes of a form beside its file
_BLOCK = 1 << 18


class FileRoutes:
    def __init__(self, files: Files) -> None:
        self._files = files

    async def create(self, request: Request) -> Response:
        form = FileForm(request.headers.get("content-type", ""))
        pieces = form.pieces(body_pieces(request, MAX_FILE + _FORM_ROOM))

        def described() -> tuple[str, str]:
            purpose = form.texts.get("purpose", "")
            if purpose != PURPOSE:
                raise InvalidInput(f'purpose must be "{PURPOSE}": files are kept for fine-tuning alone')
            return form.file_name, purpose

        return json_response(file_record(await self._files.receive(pieces, described)))

    async def list(self, request: Request) -> Response:
        purpose = request.query_params.get("purpose", "")
        files = [file for file in await self._files.all() if purpose in ("", file.purpose)]
        if request.query_params.get("order") == "asc":
            files.reverse()
        return json_response(page([file_record(file) for file in files], request, default=10_000))

    async def retrieve(self, request: Request) -> Response:
        return json_response(file_record(await self._files.find(request.path_params["id"])))

    async def content(self, request: Request) -> Streaming:
        file = await self._files.find(request.path_params["id"])
        headers = {
            "content-length": str(file.size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        }
        return Streaming(_blocks(file.path), content_type="application/octet-stream", headers=headers)

    async def delete(self, request: Request) -> Response:
        id = request.path_params["id"]
        await self._files.delete(id)
        return json_response({"id": id, "object": "file", "deleted": True})


def file_record(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": None,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


async def _blocks(path: Path) -> AsyncGenerator[bytes, None]:
    async with await anyio.open_file(path, "rb") as file:
        while block := await file.read(_BLOCK):
            yield block
