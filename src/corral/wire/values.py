"""Values that several dialects write or read alike."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from corral.core import gojson
from corral.core.events import TokenLogprob
from corral.core.messages import ToolCall
from corral.errors import InvalidInput, ModelNotFound
from corral.settings import FOREVER, parse_duration


def logprob_records(logprobs: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    """Log-probabilities with their alternatives. Source: http-api.md 3.4."""
    return [_logprob(entry) | _alternatives(entry) for entry in logprobs]


def _logprob(entry: TokenLogprob) -> dict[str, Any]:
    out: dict[str, Any] = {"token": entry.token, "logprob": entry.logprob}
    if entry.data:
        out["bytes"] = list(entry.data)
    return out


def _alternatives(entry: TokenLogprob) -> dict[str, Any]:
    return {"top_logprobs": [_logprob(other) for other in entry.top]} if entry.top else {}


def arguments_text(call: ToolCall) -> str:
    """The arguments of a call as the JSON text that other dialects send."""
    return gojson.encode(call.arguments).decode()


def single_precision(value: float) -> float:
    """A 32-bit number without the digits that only a 64-bit one would have."""
    return float(f"{value:.9g}")


def read_inputs(value: object) -> tuple[str, ...]:
    """The texts to embed; none for an absent or empty input. Raises InvalidInput."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InvalidInput("invalid input type")


def read_keep_alive(value: object) -> float | None:
    """Seconds, infinite for never, None when absent. Raises InvalidInput. Source: http-api.md 8.2."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise InvalidInput("Unsupported type: 'bool'")
    if isinstance(value, (int, float)):
        seconds = float(value) if abs(value) <= sys.float_info.max else FOREVER
    elif isinstance(value, str):
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            raise InvalidInput(str(error)) from None
    else:
        kind = "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
        raise InvalidInput(f"Unsupported type: '{kind}'")
    return FOREVER if seconds < 0 else seconds


def not_pulled(error: ModelNotFound) -> ModelNotFound:
    """The same error in the words of the embedding endpoints; an empty name keeps the usual ones."""
    if not error.name:
        return error
    return ModelNotFound(error.name, f'model "{error.name}" not found, try pulling it first')
