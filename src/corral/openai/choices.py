"""What chat and text completions have in common as answers: one or several choices, their usage, the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.events import Done, Event, Numbered, Rendered, Usage
from corral.errors import CorralError
from corral.openai.replies import error_body, json_response, new_id, usage_record
from corral.wire import sse

Record = dict[str, Any]
DONE = sse.event(b"[DONE]")


class ChoiceWriter(ABC):
    """One completion of `model` (the name as sent) with `num_choices` choices.

    All choices share the identifier of the answer. Its usage counts the prompt once.
    """

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = {}
    _prefix = ""

    def __init__(self, model: str, *, include_usage: bool = False, num_choices: int = 1) -> None:
        self.model = model
        self.include_usage = include_usage
        self.id = new_id(self._prefix)
        self._num_choices = num_choices
        self._usages: list[Usage] = []

    def streams(self, single: Event) -> bool:
        return not isinstance(single, Rendered)

    def whole(self, events: Sequence[Event]) -> Response:
        return self.whole_of([events])

    def whole_of(self, answers: Sequence[Sequence[Event]]) -> Response:
        """The events of each choice as one response."""
        self._usages = [event.usage for events in answers for event in events if isinstance(event, Done)]
        choices = [self._choice(index, events) for index, events in enumerate(answers)]
        record = self._record(choices) | {"usage": usage_record(self._usage())}
        return json_response(record | _debug(answers[0]))

    def chunk(self, events: Sequence[Event]) -> bytes:
        return b"".join(self.event(0, event) for event in events)

    def event(self, index: int, event: Event) -> bytes:
        """The next event of a choice; the last Done of all closes the stream."""
        written = self._written(index, event)
        if not isinstance(event, Done):
            return written
        self._usages.append(event.usage)
        if len(self._usages) < self._num_choices:
            return written
        return written + (self._usage_chunk(self._usage()) if self.include_usage else b"") + DONE

    def broken(self, error: CorralError) -> bytes:
        return sse.event(gojson.encode(error_body(error)))

    def _usage(self) -> Usage:
        prompt = max((usage.prompt_tokens for usage in self._usages), default=0)
        cached = min((usage.cached_tokens for usage in self._usages), default=0)
        return Usage(prompt, cached, sum(usage.completion_tokens for usage in self._usages))

    @abstractmethod
    def _choice(self, index: int, events: Sequence[Event]) -> Record:
        """A whole choice."""

    @abstractmethod
    def _record(self, choices: Sequence[Record]) -> Record:
        """A whole completion, without its usage."""

    @abstractmethod
    def _written(self, index: int, event: Event) -> bytes:
        """The chunks of one event."""

    @abstractmethod
    def _usage_chunk(self, usage: Usage) -> bytes:
        """The chunk without choices that tells what was used."""


class NumberedWriter:
    """Writes the numbered events of several answers, each as a choice of one completion."""

    content_type = sse.CONTENT_TYPE
    headers: Mapping[str, str] = {}

    def __init__(self, writer: ChoiceWriter, num_choices: int) -> None:
        self._writer = writer
        self._num_choices = num_choices

    def streams(self, single: Numbered) -> bool:
        return self._writer.streams(single.event)

    def whole(self, events: Sequence[Numbered]) -> Response:
        answers: list[list[Event]] = [[] for _ in range(self._num_choices)]
        for numbered in events:
            answers[numbered.index].append(numbered.event)
        return self._writer.whole_of(answers)

    def chunk(self, events: Sequence[Numbered]) -> bytes:
        return b"".join(self._writer.event(numbered.index, numbered.event) for numbered in events)

    def broken(self, error: CorralError) -> bytes:
        return self._writer.broken(error)


def _debug(events: Sequence[Event]) -> Record:
    shown = next((event for event in events if isinstance(event, Rendered)), None)
    if shown is None:
        return {}
    info: Record = {"rendered_template": shown.prompt}
    return {"_debug_info": info | ({"image_count": shown.num_images} if shown.num_images else {})}
