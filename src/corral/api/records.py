"""Events as records of the native API: one JSON object an event. Source: http-api.md 5.2, 5.3, 3.4, 3.6."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from corral.core.events import Done, Event, Rendered, Text, Thinking, TokenLogprob, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.core.units import nanoseconds, utc_now_text
from corral.errors import AnswerBrokenOff
from corral.wire.values import logprob_records

Record = dict[str, Any]


def metrics(usage: Usage) -> Record:
    """Counts and durations in nanoseconds; zeros are left out.

    Those of guesses, and of tokens of the prompt that were not read again, are additions of ours.
    """
    values = {
        "total_duration": nanoseconds(usage.total_s),
        "load_duration": nanoseconds(usage.load_s),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_cached_count": usage.cached_tokens,
        "prompt_eval_duration": nanoseconds(usage.prompt_s),
        "eval_count": usage.completion_tokens,
        "eval_duration": nanoseconds(usage.decode_s),
        "guessed_count": usage.guessed_tokens,
        "guessed_right_count": usage.right_tokens,
    }
    return {name: value for name, value in values.items() if value}


def cut_fields(done: Done) -> Record:
    """What the model did not get to see; nothing where it saw all. An addition of ours to the protocol."""
    if done.cut is None:
        return {}
    dropped = {"truncated_messages": done.cut.num_messages} if done.cut.num_messages else {}
    return dropped | {"prompt_limit": done.cut.limit}


def call_records(calls: Sequence[ToolCall], *, with_ids: bool) -> list[Record]:
    return [
        ({"id": call.id} if with_ids and call.id else {})
        | {"function": {"index": call.index, "name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What one record carries."""

    text: str = ""
    thinking: str = ""
    calls: Sequence[ToolCall] = ()
    logprobs: Sequence[TokenLogprob] = ()
    done: Done | None = None


class Answer(ABC):
    """What the records of one answer have in common; `model` is the name as the client sent it."""

    def __init__(self, model: str) -> None:
        self.model = model

    def stream(self, events: Iterable[Event]) -> list[Record]:
        return [self.record(event) for event in events]

    def whole(self, events: Sequence[Event]) -> Record:
        """All events of an answer as one record; without a Done at the end it is not marked as done.

        Raises AnswerBrokenOff for an answer that does not have the format it was to have.
        """
        done = next((event for event in events if isinstance(event, Done)), None)
        if done is not None and done.broken_off:
            raise AnswerBrokenOff(done.broken_off)
        if len(events) == 1:
            return self.record(events[0])
        parts = _Parts(
            text="".join(event.text for event in events if isinstance(event, Text)),
            thinking="".join(event.text for event in events if isinstance(event, Thinking)),
            calls=[call for event in events for call in _calls(event)],
            logprobs=[entry for event in events for entry in getattr(event, "logprobs", ())],
            done=done,
        )
        return self._record(parts)

    def record(self, event: Event) -> Record:
        match event:
            case Rendered():
                return self.rendered(event)
            case Text(text, logprobs):
                return self._record(_Parts(text=text, logprobs=logprobs))
            case Thinking(text, logprobs):
                return self._record(_Parts(thinking=text, logprobs=logprobs))
            case ToolCalls(calls, logprobs):
                return self._record(_Parts(calls=calls, logprobs=logprobs))
            case Done() if event.broken_off:
                return {"error": event.broken_off}
            case Done():
                return self._record(_Parts(calls=event.calls, done=event))

    @abstractmethod
    def rendered(self, event: Rendered) -> Record:
        """The record that shows a prompt instead of an answer."""

    @abstractmethod
    def _record(self, parts: _Parts) -> Record:
        """The record of these parts of an answer."""


def _calls(event: Event) -> Sequence[ToolCall]:
    return event.calls if isinstance(event, (ToolCalls, Done)) else ()


def _debug(event: Rendered) -> Record:
    info: Record = {"rendered_template": event.prompt}
    return info | ({"image_count": event.num_images} if event.num_images else {})


class GenerateAnswer(Answer):
    """Records of /api/generate."""

    def rendered(self, event: Rendered) -> Record:
        return self._record(_Parts()) | {"_debug_info": _debug(event)}

    def _record(self, parts: _Parts) -> Record:
        done = parts.done
        out: Record = {"model": self.model, "created_at": utc_now_text(), "response": parts.text}
        if parts.thinking:
            out["thinking"] = parts.thinking
        out["done"] = done is not None
        if done is not None:
            if done.reason:
                out["done_reason"] = done.reason
            if done.context is not None:
                out["context"] = done.context
            out |= metrics(done.usage) | cut_fields(done)
        if parts.calls:
            out["tool_calls"] = call_records(parts.calls, with_ids=False)
        if parts.logprobs:
            out["logprobs"] = logprob_records(parts.logprobs)
        return out


class ChatAnswer(Answer):
    """Records of /api/chat."""

    def rendered(self, event: Rendered) -> Record:
        out = self._record(_Parts())
        out["message"]["role"] = ""
        return out | {"_debug_info": _debug(event)}

    def _record(self, parts: _Parts) -> Record:
        done = parts.done
        message: Record = {"role": "assistant", "content": parts.text}
        if parts.thinking:
            message["thinking"] = parts.thinking
        if parts.calls:
            message["tool_calls"] = call_records(parts.calls, with_ids=True)
        out: Record = {"model": self.model, "created_at": utc_now_text(), "message": message}
        out["done"] = done is not None
        if done is not None and done.reason:
            out["done_reason"] = done.reason
        if parts.logprobs:
            out["logprobs"] = logprob_records(parts.logprobs)
        return out | metrics(done.usage) | cut_fields(done) if done is not None else out
