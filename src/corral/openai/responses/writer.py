"""Events as a response, or as the events that lead to one. Source: http-api.md 6.6.2, 6.6.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.events import Done, Event, Rendered, Text, Thinking, ToolCalls
from corral.core.messages import ToolCall
from corral.errors import CorralError
from corral.openai.replies import json_response, new_id, now
from corral.openai.responses.record import (
    Record,
    call_item,
    message_item,
    reasoning_item,
    response_record,
    text_part,
    with_all_keys,
)
from corral.openai.responses.shapes import ResponsesIn
from corral.wire import SEARCH, search_error, sse
from corral.wire.values import arguments_text


class ResponsesWriter:
    """One response to `body`."""

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = sse.NO_CACHE

    def __init__(self, body: ResponsesIn) -> None:
        self._body = body
        self._id = new_id("resp_")
        self._created_at = now()
        self._num_events = 0
        self._output: list[Record] = []
        # The item that is being written: "reasoning", "message" or none, its id and its text so far.
        self._open = ""
        self._open_id = ""
        self._texts: list[str] = []
        self._num_calls = 0
        # The response, once it is complete.
        self.final: Record | None = None

    def streams(self, single: Event) -> bool:
        return not isinstance(single, Rendered)

    def whole(self, events: Sequence[Event]) -> Response:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        thinking = "".join(event.text for event in events if isinstance(event, Thinking))
        text = "".join(event.text for event in events if isinstance(event, Text))
        calls = [call for event in events if isinstance(event, (ToolCalls, Done)) for call in event.calls]
        self._check(calls)
        if thinking:
            self._output.append(reasoning_item(f"rs_{self._id}", thinking))
        if text.strip() or not calls:
            self._output.append(message_item(new_id("msg_"), text))
        for index, call in enumerate(calls):
            item = call_item(f"fc_{self._id}_{index}", call.id, call.name, arguments_text(call))
            self._output.append(item)
        self.final = self._record("completed", done=done)
        return json_response(self.final)

    def chunk(self, events: Sequence[Event]) -> bytes:
        return self._start() + b"".join(self._events(event) for event in events)

    def broken(self, error: CorralError) -> bytes:
        record = self._record("failed", error={"code": "api_error", "message": error.message})
        return self._emit("response.failed", response=with_all_keys(record))

    def _start(self) -> bytes:
        if self._num_events:
            return b""
        record = with_all_keys(self._record("in_progress"))
        created = self._emit("response.created", response=record)
        return created + self._emit("response.in_progress", response=record)

    def _events(self, event: Event) -> bytes:
        match event:
            case Text(text):
                return self._text(text)
            case Thinking(text):
                return self._thinking(text)
            case ToolCalls(calls):
                return self._calls(calls)
            case Done():
                end = self._calls(event.calls) + self._close()
                self.final = with_all_keys(self._record("completed", done=event))
                return end + self._emit("response.completed", response=self.final)
            case Rendered():
                return b""

    def _text(self, text: str) -> bytes:
        # White space around calls is no message.
        if not text or (self._num_calls and self._open != "message" and not text.strip()):
            return b""
        begin = self._begin("message") if self._open != "message" else b""
        self._texts.append(text)
        return begin + self._emit("response.output_text.delta", **self._place(), delta=text, logprobs=[])

    def _thinking(self, text: str) -> bytes:
        if not text:
            return b""
        begin = self._begin("reasoning") if self._open != "reasoning" else b""
        self._texts.append(text)
        return begin + self._emit("response.reasoning_summary_text.delta", **self._place(), delta=text)

    def _begin(self, kind: str) -> bytes:
        """Close what is open and open an item of `kind`."""
        closed = self._close()
        self._open, self._texts = kind, []
        if kind == "reasoning":
            self._open_id = new_id("rs_")
            item: Record = {"id": self._open_id, "type": kind, "summary": []}
            return closed + self._item("added", item)
        self._open_id = new_id("msg_")
        item = {
            "id": self._open_id,
            "type": kind,
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        added = self._item("added", item)
        return closed + added + self._emit("response.content_part.added", **self._place(), part=text_part(""))

    def _close(self) -> bytes:
        kind, text = self._open, "".join(self._texts)
        if not kind:
            return b""
        if kind == "reasoning":
            item = reasoning_item(self._open_id, text)
            end = self._emit("response.reasoning_summary_text.done", **self._place(), text=text)
        else:
            item = message_item(self._open_id, text)
            end = self._emit("response.output_text.done", **self._place(), text=text, logprobs=[])
            end += self._emit("response.content_part.done", **self._place(), part=text_part(text))
        end += self._item("done", item)
        self._output.append(item)
        self._open = ""
        return end

    def _calls(self, calls: Sequence[ToolCall]) -> bytes:
        self._check(calls)
        return b"".join([self._close(), *(self._call(call) for call in calls)]) if calls else b""

    def _check(self, calls: Sequence[ToolCall]) -> None:
        """Raises SearchUnavailable where the model wants the server to search: that ends the response."""
        for call in calls:
            if self._body.searches and call.name == SEARCH:
                raise search_error(call)

    def _call(self, call: ToolCall) -> bytes:
        id, text = f"{self._id.replace('resp', 'fc')}_{self._num_calls}", arguments_text(call)
        self._num_calls += 1
        place = {"item_id": id, "output_index": len(self._output)}
        item = call_item(id, call.id, call.name, text)
        written = self._item("added", item | {"status": "in_progress", "arguments": ""})
        written += self._emit("response.function_call_arguments.delta", **place, delta=text)
        written += self._emit("response.function_call_arguments.done", **place, arguments=text)
        written += self._item("done", item)
        self._output.append(item)
        return written

    def _place(self) -> Record:
        """Where in the response the open item is."""
        index = {"summary_index": 0} if self._open == "reasoning" else {"content_index": 0}
        return {"item_id": self._open_id, "output_index": len(self._output)} | index

    def _item(self, what: str, item: Record) -> bytes:
        return self._emit(f"response.output_item.{what}", item=item, output_index=len(self._output))

    def _record(self, status: str, *, done: Done | None = None, error: Record | None = None) -> Record:
        return response_record(
            self._body,
            id=self._id,
            created_at=self._created_at,
            status=status,
            output=self._output,
            usage=None if done is None else done.usage,
            completed_at=None if done is None else now(),
            error=error,
        )

    def _emit(self, kind: str, **fields: Any) -> bytes:
        data = {"type": kind, "sequence_number": self._num_events} | fields
        self._num_events += 1
        return sse.event(gojson.encode(data, sort_keys=True), kind)
