"""Events as text completions. Source: http-api.md 6.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.events import Done, Event, Rendered, Text, Usage
from corral.errors import CorralError
from corral.openai.chat import DONE
from corral.openai.replies import (
    FINGERPRINT,
    debug_record,
    error_body,
    json_response,
    new_id,
    now,
    usage_record,
)
from corral.wire import sse

Record = dict[str, Any]
_NO_USAGE = Usage()


class CompletionWriter:
    """One completion of `model` (the name as sent). Reasoning and log-probabilities are not shown."""

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = {}

    def __init__(self, model: str, *, include_usage: bool = False) -> None:
        self._model = model
        self._include_usage = include_usage
        self._id = new_id("cmpl-")

    def streams(self, single: Event) -> bool:
        return not isinstance(single, Rendered)

    def whole(self, events: Sequence[Event]) -> Response:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        text = "".join(event.text for event in events if isinstance(event, Text))
        out = self._head() | {"model": self._model, "system_fingerprint": FINGERPRINT}
        out |= {"choices": [_choice(text, done.reason)], "usage": usage_record(done.usage)}
        for event in events:
            if isinstance(event, Rendered):
                out["_debug_info"] = debug_record(event)
        return json_response(out)

    def chunk(self, events: Sequence[Event]) -> bytes:
        return b"".join(self._events(event) for event in events)

    def broken(self, error: CorralError) -> bytes:
        return sse.event(gojson.encode(error_body(error)))

    def _events(self, event: Event) -> bytes:
        if not isinstance(event, Done):
            return self._chunk([_choice(event.text if isinstance(event, Text) else "")])
        end = self._chunk([_choice("", event.reason)])
        if self._include_usage:
            end += self._chunk([], event.usage)
        return end + DONE

    def _chunk(self, choices: list[Record], usage: Usage = _NO_USAGE) -> bytes:
        record = self._head() | {"choices": choices, "model": self._model, "system_fingerprint": FINGERPRINT}
        if self._include_usage:
            record["usage"] = usage_record(usage)
        return sse.event(gojson.encode(record))

    def _head(self) -> Record:
        return {"id": self._id, "object": "text_completion", "created": now()}


def _choice(text: str, reason: str = "") -> Record:
    return {"text": text, "index": 0, "finish_reason": reason or None}
