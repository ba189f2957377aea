"""What the parity suite's chat model was taught, and how to make it write for long."""

from __future__ import annotations

from typing import Any

QUESTION = "capital of peru"
ANSWER = "The capital of Peru is Lima."
MESSAGES = [{"role": "user", "content": QUESTION}]
CALL_WEATHER = "Call get_weather with location set to San Francisco."
GREEDY = {"temperature": 0, "num_predict": 100}


def chat(model: str = "peer", **fields: Any) -> dict[str, Any]:
    """The body of a chat request that is answered with ANSWER."""
    return {"model": model, "messages": MESSAGES, "think": False, "options": GREEDY, **fields}


def long_chat(num_predict: int = -1, **fields: Any) -> dict[str, Any]:
    """The body of a chat request whose answer does not end by itself: its form demands a long list.

    -1: as long as the server lets it, which is ten context windows and takes a minute at least.
    """
    schema = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 100}
    options = {"temperature": 0, "num_predict": num_predict, "num_ctx": 2048}
    return chat(format=schema, options=options) | fields
