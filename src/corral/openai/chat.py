"""Events as chat completions: one object, or chunks of a stream. Source: http-api.md 6.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.events import Done, Event, Rendered, Text, Thinking, TokenLogprob, ToolCalls
from corral.core.messages import ToolCall
from corral.errors import CorralError
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
from corral.wire.values import arguments_text, logprob_records

Record = dict[str, Any]
DONE = sse.event(b"[DONE]")


class ChatWriter:
    """One chat completion of `model` (the name as sent)."""

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = {}

    def __init__(self, model: str, *, include_usage: bool = False) -> None:
        self._model = model
        self._include_usage = include_usage
        self._id = new_id("chatcmpl-")
        self._created = 0
        self._num_calls = 0

    def streams(self, single: Event) -> bool:
        return not isinstance(single, Rendered)

    def whole(self, events: Sequence[Event]) -> Response:
        return json_response(self._whole(events))

    def _whole(self, events: Sequence[Event]) -> Record:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        shown = next((event for event in events if isinstance(event, Rendered)), None)
        calls = [call for event in events for call in _calls(event)]
        text = "".join(event.text for event in events if isinstance(event, Text))
        message: Record = {"role": "assistant" if shown is None else "", "content": text}
        thinking = "".join(event.text for event in events if isinstance(event, Thinking))
        if thinking:
            message["reasoning"] = thinking
        if calls:
            message["tool_calls"] = self._call_records(calls)
        reason = _reason(done, called=bool(calls)) or None
        choice: Record = {"index": 0, "message": message, "finish_reason": reason}
        choice |= _logprobs([entry for event in events for entry in getattr(event, "logprobs", ())])
        out = self._head("chat.completion") | {"choices": [choice], "usage": usage_record(done.usage)}
        return out | ({"_debug_info": debug_record(shown)} if shown is not None else {})

    def chunk(self, events: Sequence[Event]) -> bytes:
        return b"".join(self._events(event) for event in events)

    def broken(self, error: CorralError) -> bytes:
        return sse.event(gojson.encode(error_body(error)))

    def _events(self, event: Event) -> bytes:
        match event:
            case Text(text, logprobs):
                return self._delta({"content": text}, logprobs)
            case Thinking(text, logprobs):
                return self._delta({"content": "", "reasoning": text}, logprobs)
            case ToolCalls(calls, logprobs):
                return self._delta({"content": "", "tool_calls": self._call_records(calls)}, logprobs)
            case Done():
                return self._end(event)
            case Rendered():
                return b""

    def _end(self, done: Done) -> bytes:
        last = b""
        if done.calls:
            last = self._delta({"content": "", "tool_calls": self._call_records(done.calls)})
        elif not self._created:
            last = self._delta({"content": ""})
        reason = _reason(done, called=self._num_calls > 0) or "stop"
        last += self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
        if self._include_usage:
            last += self._chunk([], {"usage": usage_record(done.usage)})
        return last + DONE

    def _delta(self, delta: Record, logprobs: Sequence[TokenLogprob] = ()) -> bytes:
        if not self._created:
            delta = {"role": "assistant"} | delta
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return self._chunk([choice | _logprobs(logprobs)])

    def _chunk(self, choices: list[Record], more: Record | None = None) -> bytes:
        record = self._head("chat.completion.chunk") | {"choices": choices} | (more or {})
        return sse.event(gojson.encode(record))

    def _head(self, kind: str) -> Record:
        # All chunks of an answer carry the moment of the first.
        self._created = self._created or now()
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "system_fingerprint": FINGERPRINT,
        }

    def _call_records(self, calls: Sequence[ToolCall]) -> list[Record]:
        """Calls are counted over the whole answer, whatever records they came in."""
        records = [_call_record(call, self._num_calls + i) for i, call in enumerate(calls)]
        self._num_calls += len(calls)
        return records


def _call_record(call: ToolCall, index: int) -> Record:
    function = {"name": call.name, "arguments": arguments_text(call)}
    return {"id": call.id, "index": index, "type": "function", "function": function}


def _calls(event: Event) -> Sequence[ToolCall]:
    return event.calls if isinstance(event, (ToolCalls, Done)) else ()


def _reason(done: Done, *, called: bool) -> str:
    return "tool_calls" if called and done.reason == "stop" else done.reason


def _logprobs(entries: Sequence[TokenLogprob]) -> Record:
    return {"logprobs": {"content": logprob_records(entries)}} if entries else {}
