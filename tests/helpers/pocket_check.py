"""The packaged model's own check list, asked of a server."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.helpers.server import ServerProcess

_RECIPE = Path(__file__).parents[2] / "recipes" / "pocket"
_SLOTS = 4


def sample(count: int, *, seed: int) -> list[Any]:
    """So many items of the list, drawn from all of it."""
    sys.path.insert(0, str(_RECIPE))
    try:
        from checklist import checklist
    finally:
        sys.path.remove(str(_RECIPE))
    return random.Random(seed).sample(checklist(), count)


def share_right(server: ServerProcess, model: str, items: list[Any]) -> float:
    """From 0 to 1: answers that are exact, thinking and calls among them."""
    with ThreadPoolExecutor(_SLOTS) as pool:
        right = list(pool.map(lambda item: _is_right(server, model, item), items))
    return sum(right) / len(items)


def _is_right(server: ServerProcess, model: str, item: Any) -> bool:
    body = {
        "model": model,
        "messages": [_message(message) for message in item.messages],
        "tools": item.tools,
        "think": item.thinking,
        "stream": False,
        "options": {"temperature": item.heat, "seed": 7, "num_predict": 160},
    }
    message = server.post("/api/chat", body)["message"]
    calls = [
        (call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", ())
    ]
    if bool(message.get("thinking")) != item.thinking:
        return False
    return calls == item.calls if item.calls else not calls and message["content"] == item.content


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """As the native API has it: the arguments of calls as objects."""
    if "tool_calls" not in message:
        return message
    calls = [{"function": _function(call["function"])} for call in message["tool_calls"]]
    return message | {"tool_calls": calls}


def _function(function: dict[str, Any]) -> dict[str, Any]:
    arguments = function["arguments"]
    return function | {"arguments": json.loads(arguments) if isinstance(arguments, str) else arguments}
