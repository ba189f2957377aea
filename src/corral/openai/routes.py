"""The table of the OpenAI dialect. Source: http-api.md sections 2 and 6."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request

from corral.library import Library
from corral.openai.inference import InferenceRoutes
from corral.openai.models import ModelRoutes
from corral.openai.replies import failed, refused
from corral.openai.rerank import RerankRoutes, read_rerank
from corral.openai.responses.archive import Archive
from corral.openai.responses.routes import ResponseRoutes
from corral.openai.responses.shapes import read_responses
from corral.openai.shapes import read_chat, read_completion, read_embeddings
from corral.openai.transcriptions import TranscriptionRoutes
from corral.serving.service import Service
from corral.wire import Handler, RemoteImages, Reply, handled, translated

T = TypeVar("T")


def routes(
    service: Service, library: Library, archive: Archive, images: RemoteImages | None = None
) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    models, inference = ModelRoutes(library), InferenceRoutes(service)
    transcriptions, rerank = TranscriptionRoutes(service), RerankRoutes(service)
    responses = ResponseRoutes(service, archive)
    return [
        ("GET", "/v1/models", handled(models.list, failed)),
        ("GET", "/v1/models/:model", handled(models.retrieve, failed)),
        ("POST", "/v1/chat/completions", _endpoint(read_chat, inference.chat, images)),
        ("POST", "/v1/completions", _endpoint(read_completion, inference.completion)),
        ("POST", "/v1/embeddings", _endpoint(read_embeddings, inference.embeddings)),
        ("POST", "/v1/responses", _endpoint(read_responses, responses.create, images)),
        ("GET", "/v1/responses/:id", handled(responses.find, failed)),
        ("DELETE", "/v1/responses/:id", handled(responses.delete, failed)),
        # The second path is that of Cohere's library.
        ("POST", "/v1/rerank", _endpoint(read_rerank, rerank.rerank)),
        ("POST", "/v2/rerank", _endpoint(read_rerank, rerank.rerank)),
        ("POST", "/v1/audio/transcriptions", handled(transcriptions.transcribe, refused)),
    ]


def _endpoint(
    read: Callable[[bytes], T],
    run: Callable[[Request, T], Awaitable[Reply]],
    images: RemoteImages | None = None,
) -> Handler:
    return translated(read, run, refused=refused, failed=failed, images=images)
