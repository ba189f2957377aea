"""Answers that are a sequence of messages with headers: `<|start|>HEADER<|message|>BODY<|end|>`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corral.answer.parser import Holder, LogprobCarrier, Logprobs, numbered
from corral.answer.scan import first_of, held_back
from corral.core.events import Event, Text, Thinking, ToolCalls
from corral.core.messages import ToolCall
from corral.errors import CorralError

log = logging.getLogger("corral.answer")

_START = "<|start|>"
_MESSAGE = "<|message|>"


@dataclass(frozen=True, slots=True)
class Header:
    """What a body is: reasoning, a call of the tool `recipient`, or else content."""

    thinking: bool = False
    recipient: str = ""


class MessageStream(Holder):
    """Reads the messages of one answer; the first header's beginning is part of the prompt.

    `ends` are the tags that close a body, `head_tags` those within a header. Calls are given out when the
    answer ends.
    """

    def __init__(
        self,
        read_header: Callable[[str], Header],
        decode_call: Callable[[str, str], ToolCall],
        ends: tuple[str, ...],
        head_tags: tuple[str, ...] = (),
    ) -> None:
        self._read_header = read_header
        self._decode_call = decode_call
        self._body_tags = (*ends, _START)
        self.tags: Sequence[str] = (*self._body_tags, _MESSAGE, *head_tags)
        self._header: Header | None = None
        self._in_header = True
        self._searched = 0  # of a header, how much holds no end of it
        self._calls: list[tuple[str, list[str]]] = []  # recipient and pieces of text
        self._logprobs = LogprobCarrier()

    def open(self, header: Header) -> None:
        """The prompt has begun a message already: what comes first is its body."""
        self._header, self._in_header = header, False
        if header.recipient:
            self._calls.append((header.recipient, []))

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        self._hold(text)
        events: list[Event] = []
        while self._read_head(events) if self._in_header else self._read_body(events):
            pass
        return self._logprobs.attach(events, logprobs)

    def finish(self) -> list[Event]:
        held, self._held = self._held, ""
        events: list[Event] = []
        if not self._in_header:
            self._add(held, events)
        elif held.strip() and "<|" not in held:
            # Text outside of any message: the model left its format.
            events.append(Text(held))
        self._add_calls(events)
        return self._logprobs.attach_last(events)

    def _add_calls(self, events: list[Event]) -> None:
        """All calls as one event; one that cannot be decoded becomes text, and the log says why."""
        calls: list[ToolCall] = []
        for recipient, pieces in self._calls:
            body = "".join(pieces)
            try:
                calls.append(self._decode_call(recipient, body))
            except CorralError as error:
                log.warning("tool call passed on as text: reason=%s", error.message)
                events.append(Text(body))
        if calls:
            events.append(ToolCalls(numbered(calls, 0)))

    def _read_head(self, events: list[Event]) -> bool:
        at = self._held.find(_MESSAGE, max(0, self._searched - len(_MESSAGE)))
        self._searched = len(self._held) if at < 0 else 0
        if at >= 0:
            self.open(self._read_header(self._held[:at].rpartition(_START)[2]))
            self._held = self._held[at + len(_MESSAGE) :]
        return at >= 0

    def _read_body(self, events: list[Event]) -> bool:
        at, tag = first_of(self._held, self._body_tags)
        if at < 0:
            ready = len(self._held) - held_back(self._held, self._body_tags)
            self._add(self._held[:ready], events)
            self._held = self._held[ready:]
            return False
        self._add(self._held[:at], events)
        self._in_header = True
        self._held = self._held[at + len(tag) :]
        return True

    def _add(self, text: str, events: list[Event]) -> None:
        if not text or self._header is None:
            return
        if self._header.recipient:
            self._calls[-1][1].append(text)
        else:
            events.append(Thinking(text) if self._header.thinking else Text(text))
