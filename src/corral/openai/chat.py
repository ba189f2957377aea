"""Events as chat completions: one object, or chunks of a stream. Source: http-api.md 6.2."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core import gojson
from corral.core.events import Done, Event, Rendered, Text, Thinking, TokenLogprob, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.openai.choices import ChoiceWriter, Record
from corral.openai.replies import FINGERPRINT, now, usage_record
from corral.wire import sse
from corral.wire.values import arguments_text, logprob_records


class ChatWriter(ChoiceWriter):
    """One chat completion."""

    _prefix = "chatcmpl-"

    def __init__(self, model: str, *, include_usage: bool = False, num_choices: int = 1) -> None:
        super().__init__(model, include_usage=include_usage, num_choices=num_choices)
        self._created = 0
        self._begun: set[int] = set()
        # Calls are counted over a whole choice, whatever records they come in.
        self._num_calls = [0] * num_choices

    def _choice(self, index: int, events: Sequence[Event]) -> Record:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        is_shown = any(isinstance(event, Rendered) for event in events)
        calls = [call for event in events for call in _calls(event)]
        text = "".join(event.text for event in events if isinstance(event, Text))
        message: Record = {"role": "" if is_shown else "assistant", "content": text}
        thinking = "".join(event.text for event in events if isinstance(event, Thinking))
        if thinking:
            message["reasoning"] = thinking
        if calls:
            message["tool_calls"] = self._call_records(index, calls)
        reason = _reason(done, called=bool(calls)) or None
        choice: Record = {"index": index, "message": message, "finish_reason": reason}
        return choice | _logprobs([entry for event in events for entry in getattr(event, "logprobs", ())])

    def _record(self, choices: Sequence[Record]) -> Record:
        return self._head("chat.completion") | {"choices": list(choices)}

    def _written(self, index: int, event: Event) -> bytes:
        match event:
            case Text(text, logprobs):
                return self._delta(index, {"content": text}, logprobs)
            case Thinking(text, logprobs):
                return self._delta(index, {"content": "", "reasoning": text}, logprobs)
            case ToolCalls(calls, logprobs):
                return self._called(index, calls, logprobs)
            case Done():
                return self._end(index, event)
            case Rendered():
                return b""

    def _end(self, index: int, done: Done) -> bytes:
        last = b""
        if done.calls:
            last = self._called(index, done.calls)
        elif index not in self._begun:
            last = self._delta(index, {"content": ""})
        reason = _reason(done, called=self._num_calls[index] > 0) or "stop"
        return last + self._chunk([{"index": index, "delta": {}, "finish_reason": reason}])

    def _called(self, index: int, calls: Sequence[ToolCall], logprobs: Sequence[TokenLogprob] = ()) -> bytes:
        return self._delta(index, {"content": "", "tool_calls": self._call_records(index, calls)}, logprobs)

    def _delta(self, index: int, delta: Record, logprobs: Sequence[TokenLogprob] = ()) -> bytes:
        if index not in self._begun:
            self._begun.add(index)
            delta = {"role": "assistant"} | delta
        choice = {"index": index, "delta": delta, "finish_reason": None}
        return self._chunk([choice | _logprobs(logprobs)])

    def _usage_chunk(self, usage: Usage) -> bytes:
        return self._chunk([], {"usage": usage_record(usage)})

    def _chunk(self, choices: list[Record], more: Record | None = None) -> bytes:
        record = self._head("chat.completion.chunk") | {"choices": choices} | (more or {})
        return sse.event(gojson.encode(record))

    def _head(self, kind: str) -> Record:
        # All chunks of an answer carry the moment of the first.
        self._created = self._created or now()
        return {
            "id": self.id,
            "object": kind,
            "created": self._created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
        }

    def _call_records(self, index: int, calls: Sequence[ToolCall]) -> list[Record]:
        first = self._num_calls[index]
        self._num_calls[index] += len(calls)
        return [_call_record(call, first + i) for i, call in enumerate(calls)]


def _call_record(call: ToolCall, index: int) -> Record:
    function = {"name": call.name, "arguments": arguments_text(call)}
    return {"id": call.id, "index": index, "type": "function", "function": function}


def _calls(event: Event) -> Sequence[ToolCall]:
    return event.calls if isinstance(event, (ToolCalls, Done)) else ()


def _reason(done: Done, *, called: bool) -> str:
    return "tool_calls" if called and done.reason == "stop" else done.reason


def _logprobs(entries: Sequence[TokenLogprob]) -> Record:
    return {"logprobs": {"content": logprob_records(entries)}} if entries else {}
