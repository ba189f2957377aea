"""Events as a message, or as the events that lead to one. Source: http-api.md 7.3, 7.4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from corral.anthropic.replies import error_body, json_response, new_id
from corral.core import gojson
from corral.core.events import Done, Event, Rendered, Text, Thinking, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.errors import CorralError
from corral.wire import SEARCH, search_query, sse
from corral.wire.values import arguments_text

Record = dict[str, Any]
_REASONS = {"": "", "stop": "end_turn", "length": "max_tokens"}


class MessageWriter:
    """One message of `model` (the name as sent); `estimate` guesses the tokens of the prompt.

    `searches`: a call of the search on the web is the server's to answer, and it answers that it has none.
    """

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = sse.NO_CACHE

    def __init__(self, model: str, estimate: Callable[[], int], *, searches: bool = False) -> None:
        self._model = model
        self._estimate = estimate
        self._searches = searches
        self._id = new_id("msg_")
        self._started = False
        # The kind of the block that is being written, or none, and its number.
        self._open = ""
        self._index = 0
        self._called = False

    def streams(self, single: Event) -> bool:
        return True

    def whole(self, events: Sequence[Event]) -> Response:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        calls = [call for event in events if isinstance(event, (ToolCalls, Done)) for call in event.calls]
        content: list[Record] = []
        if thinking := "".join(event.text for event in events if isinstance(event, Thinking)):
            content.append({"type": "thinking", "thinking": thinking})
        if text := "".join(event.text for event in events if isinstance(event, Text)):
            content.append({"type": "text", "text": text})
        for call in calls:
            content += self._blocks(call)
        reason = _stop_reason(done, called=any(not self._is_search(call) for call in calls))
        ending = {"stop_reason": reason} if reason else {}
        return json_response(self._head(content) | ending | {"usage": _usage(done.usage)})

    def chunk(self, events: Sequence[Event]) -> bytes:
        return b"".join(self._start(event) + self._events(event) for event in events)

    def broken(self, error: CorralError) -> bytes:
        return _emit(error_body(error))

    def _start(self, first: Event) -> bytes:
        """The opening, with the real count where the first event knows it."""
        if self._started:
            return b""
        self._started = True
        done = first if isinstance(first, Done) and first.usage.prompt_tokens else None
        usage = _usage(done.usage) if done is not None else {"input_tokens": self._estimate()}
        usage["output_tokens"] = 0
        return _emit({"type": "message_start", "message": self._head([]) | {"usage": usage}})

    def _events(self, event: Event) -> bytes:
        match event:
            case Text(text):
                return self._piece("text", "text", text)
            case Thinking(text):
                return self._piece("thinking", "thinking", text)
            case ToolCalls(calls):
                return self._calls(calls)
            case Done():
                return self._calls(event.calls) + self._close() + self._end(event)
            case Rendered():
                return b""

    def _piece(self, kind: str, key: str, text: str) -> bytes:
        if not text:
            return b""
        begin = b""
        if self._open != kind:
            begin = self._close() + self._begin({"type": kind, key: ""})
        return begin + self._delta({"type": f"{kind}_delta", key: text})

    def _calls(self, calls: Sequence[ToolCall]) -> bytes:
        written = b""
        for call in calls:
            use, *results = self._blocks(call)
            self._called = self._called or not results
            written += self._close() + self._begin(use | {"input": {}})
            written += self._delta({"type": "input_json_delta", "partial_json": arguments_text(call)})
            for result in results:
                written += self._close() + self._begin(result)
            written += self._close()
        return written

    def _is_search(self, call: ToolCall) -> bool:
        return self._searches and call.name == SEARCH

    def _blocks(self, call: ToolCall) -> list[Record]:
        """A use of a tool; after one of the search its result, which is always an error."""
        if not self._is_search(call):
            return [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}]
        id = new_id("srvtoolu_")
        use = {"type": "server_tool_use", "id": id, "name": SEARCH, "input": call.arguments}
        code = "unavailable" if search_query(call) else "invalid_request"
        error = {"type": "web_search_tool_result_error", "error_code": code}
        return [use, {"type": "web_search_tool_result", "tool_use_id": id, "content": error}]

    def _begin(self, block: Record) -> bytes:
        self._open = block["type"]
        return _emit({"type": "content_block_start", "index": self._index, "content_block": block})

    def _delta(self, delta: Record) -> bytes:
        return _emit({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        self._index += 1
        return _emit({"type": "content_block_stop", "index": self._index - 1})

    def _end(self, done: Done) -> bytes:
        reason = _stop_reason(done, called=self._called)
        delta = {"stop_reason": reason} if reason else {}
        ending = _emit({"type": "message_delta", "delta": delta, "usage": _usage(done.usage)})
        return ending + _emit({"type": "message_stop"})

    def _head(self, content: list[Record]) -> Record:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
        }


def _emit(data: Record) -> bytes:
    """An event whose name is the type of its data."""
    return sse.event(gojson.encode(data), data["type"])


def _stop_reason(done: Done, *, called: bool) -> str:
    return "tool_use" if called else _REASONS.get(done.reason, "stop_sequence")


def _usage(usage: Usage) -> Record:
    """In this protocol tokens that were read from a cache are no input tokens: clients add the two up."""
    counts = {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
    return counts | ({"cache_read_input_tokens": usage.cached_tokens} if usage.cached_tokens else {})
