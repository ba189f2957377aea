"""The native API: listing, showing, creating, copying, deleting and moving models.

Source: http-api.md 5.6 to 5.14.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from corral import __version__
from corral.api.progress import progress_reply
from corral.api.replies import error_response, json_response
from corral.api.shapes import CopyIn, CreateIn, DeleteIn, ModelfileIn, ShowIn, TransferIn
from corral.cache import SavedStates
from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.core.units import MAX_DURATION_S, local_time_text
from corral.errors import CloudDisabled, CorralError, InvalidInput, StorageError
from corral.library import CreateRequest, Details, Library, Listed, Shown, check_request
from corral.scheduler import LoadedInfo, Scheduler, Waiting
from corral.serving.checks import local_reference
from corral.wire import Streaming, decode_json, is_asked, read_body, watch_disconnect


class ModelRoutes:
    """The endpoints that manage models."""

    def __init__(self, library: Library, scheduler: Scheduler, saved: SavedStates | None = None) -> None:
        self._library = library
        self._scheduler = scheduler
        self._saved = saved

    async def version(self, request: Request) -> Response:
        return json_response({"version": __version__})

    async def status(self, request: Request) -> Response:
        return json_response({"cloud": {"disabled": True, "source": "config"}})

    async def tags(self, request: Request) -> Response:
        return json_response({"models": [_listed(model) for model in await self._library.tags()]})

    async def ps(self, request: Request) -> Response:
        """With `?verbose=1` also what the reference does not tell.

        That is why a model was loaded, its slots and its process, who waits, and the load that runs now.
        """
        verbose = is_asked(request, "verbose")
        out: dict[str, Any] = {
            "models": [_loaded(info, verbose=verbose) for info in self._scheduler.loaded()]
        }
        if verbose:
            out["queue"] = [_queued(waiting) for waiting in self._scheduler.queue()]
        loading = self._scheduler.loading
        if verbose and loading is not None:
            out["loading"] = {
                "name": loading.name,
                "size": loading.plan.need.weights,
                "fraction": round(loading.fraction, 3),
            }
        return json_response(out)

    async def show(self, request: Request) -> Response:
        body = decode_json(await read_body(request), ShowIn)
        name = body.model or body.name
        if not name.strip():
            raise InvalidInput("model is required")
        try:
            reference = local_reference(name)
        except CloudDisabled:
            raise CloudDisabled("remote model details are unavailable") from None
        shown = await self._library.show(
            reference.text, system=body.system, options=body.options, verbose=body.verbose
        )
        if request.headers.get("user-agent", "").startswith("GitHubCopilotChat/"):
            return json_response(_shown(shown, basename=name))
        return json_response(_shown(shown))

    async def copy(self, request: Request) -> Response:
        body = decode_json(await read_body(request), CopyIn)
        await self._library.copy(body.source, body.destination)
        return Response()

    async def delete(self, request: Request) -> Response:
        body = decode_json(await read_body(request), DeleteIn)
        name = body.model or body.name
        if not name.strip():
            raise InvalidInput("model is required")
        await self._library.delete(name)
        if self._saved is not None:  # what it has read goes with it
            await self._saved.prune()
        return Response()

    async def has_blob(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        Digest.parse(digest)
        if await self._library.has_blob(digest):
            return Response()
        missing = error_response(CorralError(f'blob "{digest}" not found'), status=404)
        if _is_from_here(request):
            # A client of this machine may be able to share the file with us instead of sending it.
            with suppress(StorageError):
                missing.headers["corral-blobs"] = quote(str(await self._library.blob_folder()))
        return missing

    async def receive_blob(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        Digest.parse(digest)
        if await self._library.has_blob(digest):
            return Response()
        await self._library.receive_blob(digest, request.stream())
        return Response(status_code=201)

    async def receive_file(self, request: Request) -> Response:
        """For clients that cannot hash a large file quickly, such as a browser."""
        digest, size = await self._library.receive_file(request.stream())
        return json_response({"digest": digest, "size": size}, status=201)

    async def check_modelfile(self, request: Request) -> Response:
        """What a create request of this Modelfile would be, or what is wrong in which line of it."""
        body = decode_json(await read_body(request), ModelfileIn)
        draft = await self._library.check_modelfile(body.modelfile, body.files)
        return json_response(
            {
                "request": draft.request,
                "problems": [{"line": one.line, "message": one.message} for one in draft.problems],
                "notes": list(draft.notes),
                "missing_base": draft.missing_base,
            }
        )

    async def create(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request), CreateIn)
        core = _create_request(body)
        check_request(core)
        records = self._library.create(core)
        return await watch_disconnect(request, progress_reply(records, stream=body.stream))

    async def pull(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request), TransferIn)
        name = _pullable(body.model or body.name)
        records = self._library.pull(name, insecure=body.insecure)
        return await watch_disconnect(request, progress_reply(records, stream=body.stream))

    async def push(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request), TransferIn)
        name = body.model or body.name
        if not name.strip():
            raise InvalidInput("model is required")
        records = self._library.push(name, insecure=body.insecure)
        return await watch_disconnect(request, progress_reply(records, stream=body.stream))


def _is_from_here(request: Request) -> bool:
    host = request.client.host if request.client else ""
    return host == "::1" or host.startswith("127.")


def _pullable(name: str) -> str:
    """The name without its source suffix. Raises InvalidName, CloudDisabled."""
    reference = local_reference(name)
    ModelName.parse(reference.text.partition("://")[2] or reference.text)
    return reference.text


def _create_request(body: CreateIn) -> CreateRequest:
    return CreateRequest(
        model=body.model or body.name,
        source=body.base,
        files=body.files,
        draft_files=body.draft_files,
        adapters=body.adapters,
        template=body.template,
        system=body.system,
        license=body.license,
        parameters=body.parameters,
        messages=tuple(message.to_core() for message in body.messages),
        quantize=body.quantize or body.quantization,
        draft_quantize=body.draft_quantize,
        renderer=body.renderer,
        parser=body.parser,
        requires=body.requires,
        remote_host=body.remote_host,
        info=body.info or None,
    )


def _details(details: Details, *, lengths: bool = False, parent: bool = True) -> dict[str, Any]:
    out: dict[str, Any] = {
        "parent_model": details.parent_model if parent else "",
        "format": details.format,
        "family": details.family,
        "families": details.families,
        "parameter_size": details.parameter_size,
        "quantization_level": details.quantization_level,
    }
    if lengths and details.context_length:
        out["context_length"] = details.context_length
    if lengths and details.embedding_length:
        out["embedding_length"] = details.embedding_length
    return out


def _listed(model: Listed) -> dict[str, Any]:
    out: dict[str, Any] = {"name": model.name, "model": model.name}
    if model.remote_model:
        out["remote_model"] = model.remote_model
    if model.remote_host:
        out["remote_host"] = model.remote_host
    out |= {
        "modified_at": local_time_text(model.modified_at),
        "size": model.size,
        "digest": model.digest,
        "details": _details(model.details, lengths=True),
    }
    if model.capabilities:
        out["capabilities"] = model.capabilities
    return out


def _loaded(info: LoadedInfo, *, verbose: bool) -> dict[str, Any]:
    config = info.model.config
    out: dict[str, Any] = {
        "name": info.name,
        "model": info.name,
        "size": info.size,
        "digest": info.digest,
        "details": {
            "parent_model": "",
            "format": config.model_format,
            "family": config.model_family,
            "families": config.model_families,
            "parameter_size": config.model_type,
            "quantization_level": config.file_type,
        },
        "expires_at": local_time_text(min(info.expires_at, time.time() + MAX_DURATION_S)),
        "size_vram": info.size_vram,
        "context_length": info.num_ctx,
    }
    if verbose:
        out |= {
            "reason": info.reason,
            "slots": info.num_slots,
            "in_flight": info.in_flight,
            "waiting": info.waiting,
            "pid": info.pid,
        }
    return out


def _queued(waiting: Waiting) -> dict[str, Any]:
    return {
        "request_id": waiting.request_id,
        "model": waiting.model,
        "waits_for": waiting.stage,
        "position": waiting.position,
        "waited": round(waiting.waited_s * 1e9),
    }


def _shown(shown: Shown, *, basename: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in ("license", "modelfile", "parameters", "template", "system"):
        if value := getattr(shown, name):
            out[name] = value
    out["details"] = _details(shown.details)
    if shown.messages:
        out["messages"] = [{"role": m.role, "content": m.content} for m in shown.messages]
    if shown.remote_model:
        out["remote_model"] = shown.remote_model
    if shown.remote_host:
        out["remote_host"] = shown.remote_host
    out["model_info"] = {**shown.model_info, "general.basename": basename} if basename else shown.model_info
    if shown.projector_info is not None:
        out["projector_info"] = shown.projector_info
    if shown.tensors:
        out["tensors"] = [{"name": t.name, "type": t.type, "shape": t.shape} for t in shown.tensors]
    if shown.capabilities:
        out["capabilities"] = shown.capabilities
    out["modified_at"] = local_time_text(shown.modified_at)
    if shown.requires:
        out["requires"] = shown.requires
    if shown.tuned:
        out["tuned"] = shown.tuned
    return out
