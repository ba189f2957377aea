"""The routes of the OpenAI dialect in words."""

from __future__ import annotations

from typing import Any

from corral.openai.rerank import RerankIn
from corral.openai.responses.shapes import ResponsesIn
from corral.openai.shapes import ChatIn, CompletionIn, EmbeddingsIn
from corral.openai.tuning.operations import TUNING_OPERATIONS
from corral.wire import Operation, sse

_QUESTION = {"role": "user", "content": "What is the capital city of Peru?"}
_TEXT = {"type": "string"}
_RECORDING = {
    "type": "object",
    "properties": {
        "model": _TEXT,
        "file": {"type": "string", "format": "binary"},
        "language": _TEXT,
        "prompt": _TEXT,
        "response_format": {"enum": ["json", "text"]},
    },
}


def _post(path: str, summary: str, body: Any, *required: str, **more: Any) -> Operation:
    return Operation(method="POST", path=path, summary=summary, body=body, required=required, **more)


OPERATIONS = (
    Operation(method="GET", path="/v1/models", summary="The models in the store"),
    Operation(method="GET", path="/v1/models/:model", summary="One model"),
    _post(
        "/v1/chat/completions",
        "Answer a conversation",
        ChatIn,
        "model",
        "messages",
        example={"model": "pocket", "messages": [_QUESTION]},
        stream=sse.CONTENT_TYPE,
    ),
    _post("/v1/completions", "Continue a prompt", CompletionIn, "model", "prompt", stream=sse.CONTENT_TYPE),
    _post("/v1/embeddings", "One vector for each text", EmbeddingsIn, "model", "input"),
    _post("/v1/responses", "Answer an input", ResponsesIn, "model", "input", stream=sse.CONTENT_TYPE),
    Operation(method="GET", path="/v1/responses/:id", summary="A response that was kept"),
    Operation(method="DELETE", path="/v1/responses/:id", summary="Forget a response"),
    _post("/v1/rerank", "Documents by how well they answer", RerankIn, "model", "query", "documents"),
    _post("/v2/rerank", "The same, at Cohere's path", RerankIn, "model", "query", "documents"),
    *TUNING_OPERATIONS,
    _post(
        "/v1/audio/transcriptions",
        "The words of a recording",
        _RECORDING,
        "model",
        "file",
        body_type="multipart/form-data",
    ),
)
