"""Reranking in the shape that Jina and Cohere share."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from corral.core.requests import RerankRequest
from corral.errors import InvalidInput
from corral.openai.replies import json_response, new_id
from corral.openai.shapes import ExtrasIn
from corral.serving.service import Service
from corral.wire import decode_json, watch_disconnect


class RerankIn(ExtrasIn, kw_only=True):
    """Documents are texts, or objects with a `text`. `return_documents`: repeat them in the answer."""

    model: str = ""
    query: str = ""
    documents: list[Any] = msgspec.field(default_factory=list)
    top_n: int = 0
    return_documents: bool = False
    max_tokens_per_doc: int = 0

    def texts(self) -> tuple[str, ...]:
        """Raises InvalidInput."""
        return tuple(_text(document, index) for index, document in enumerate(self.documents))

    def to_core(self) -> RerankRequest:
        """Raises InvalidInput."""
        return RerankRequest(
            model=self.model,
            query=self.query,
            documents=self.texts(),
            top_n=self.top_n,
            options=self.extra_options(),
            keep_alive_s=self.keep_alive_s(),
            max_document_tokens=self.max_tokens_per_doc,
        )


def read_rerank(body: bytes) -> tuple[RerankIn, RerankRequest]:
    asked = decode_json(body, RerankIn, empty="EOF")
    return asked, asked.to_core()


class RerankRoutes:
    """The endpoint of reranking."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def rerank(self, request: Request, asked: tuple[RerankIn, RerankRequest]) -> Response:
        body, core = asked
        found = await watch_disconnect(request, self._service.rerank(core))
        results = [
            {"index": ranked.index, "relevance_score": ranked.score}
            | ({"document": {"text": core.documents[ranked.index]}} if body.return_documents else {})
            for ranked in found.documents
        ]
        usage = {"prompt_tokens": found.num_tokens, "total_tokens": found.num_tokens}
        answer = {"id": new_id("rerank-"), "object": "list", "model": body.model, "results": results}
        return json_response(answer | {"usage": usage})


def _text(document: object, index: int) -> str:
    text = document.get("text") if isinstance(document, dict) else document
    if not isinstance(text, str):
        raise InvalidInput(f"documents[{index}] must be a string or an object with a text")
    return text
