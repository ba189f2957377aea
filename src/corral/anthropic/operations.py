"""The routes of the Anthropic dialect in words."""

from __future__ import annotations

from corral.anthropic.shapes import MessagesIn
from corral.wire import Operation, sse

_QUESTION = {"role": "user", "content": "What is the capital city of Peru?"}

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/messages",
        summary="Answer a conversation",
        body=MessagesIn,
        required=("model", "max_tokens", "messages"),
        example={"model": "pocket", "max_tokens": 200, "messages": [_QUESTION]},
        stream=sse.CONTENT_TYPE,
    ),
    Operation(
        method="POST",
        path="/v1/messages/count_tokens",
        summary="The tokens of a request, before it is made",
        body=MessagesIn,
        required=("model", "messages"),
    ),
)
