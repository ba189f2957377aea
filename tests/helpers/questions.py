"""What the parity suite's chat model was taught, and how to make it write for long."""

from __future__ import annotations

from typing import Any

QUESTION = "capital of peru"
ANSWER = "The capital of Peru is Lima."
MESSAGES = [{"role": "user", "content": QUESTION}]
GREEDY = {"temperature": 0, "num_predict": 100}


def chat(model: str = "peer", **fields: Any) -> dict[str, Any]:
    """The body of a chat request that is answered with ANSWER."""
    return {"model": model, "messages": MESSAGES, "think": False, "options": GREEDY, **fields}


def long_chat(num_items: int = 3000, **fields: Any) -> dict[str, Any]:
    """The body of a chat request whose answer has at least `num_items` tokens: its form demands it."""
    schema = {"type": "array", "items": {"enum": [1, 2]}, "minItems": num_items}
    options = {"temperature": 0, "num_predict": -1, "num_ctx": 2048}
    return chat(format=schema, options=options) | fields
