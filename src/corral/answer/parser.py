"""What every parser of answers looks like, and what they share."""

from __future__ import annotations

import dataclasses
import secrets
import string
from collections.abc import Iterable, Sequence
from typing import Protocol

from corral.core.events import Done, Event, Rendered, Text, TokenLogprob
from corral.core.messages import ToolCall

Logprobs = Sequence[TokenLogprob]

_CALL_ID_CHARACTERS = string.ascii_lowercase + string.digits


class AnswerParser(Protocol):
    """Reads one answer: `feed` any number of times, then `finish` once; each returns what is now decided.

    A tool call that cannot be decoded is given out as text. `tags` are the marks that it looks for: where the
    model's vocabulary has one of them as a control token, the engine writes it only when it is told to.
    """

    @property
    def tags(self) -> Sequence[str]:
        """The marks, in no order."""

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        """The events that `text` completes; `logprobs` ride along on the first of them, or on a later one."""

    def finish(self) -> list[Event]:
        """The events for what was still held back when the answer ended."""


class PlainParser:
    """Passes text on unchanged."""

    tags: Sequence[str] = ()

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return [Text(text, tuple(logprobs))] if text or logprobs else []

    def finish(self) -> list[Event]:
        return []


class Holder:
    """A parser's text that is held back until more of it is there, however long that takes."""

    _held = ""
    _only_space = False

    def _hold(self, text: str) -> None:
        # Taken out first: a text that nothing else refers to grows in its place, others are copied each time.
        held, self._held = self._held, ""
        held += text
        self._held = held

    def _is_more_space(self, text: str) -> bool:
        """Whether nothing but white space is held, and more of it comes: that decides nothing."""
        self._only_space = text.isspace() and (self._only_space or self._held.isspace())
        return self._only_space


class LogprobCarrier:
    """Log-probabilities whose text is held back go with the next event, in order; none is lost."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending: list[TokenLogprob] = []

    def attach(self, events: list[Event], logprobs: Logprobs = ()) -> list[Event]:
        """`events`, the first of them with all log-probabilities that wait."""
        if logprobs:
            self._pending += logprobs
        if not self._pending or not events:
            return events
        first = events[0]
        if isinstance(first, Done | Rendered):
            return events
        carrying = dataclasses.replace(first, logprobs=tuple(self._pending))
        self._pending = []
        return [carrying, *events[1:]]

    def attach_last(self, events: list[Event]) -> list[Event]:
        """As `attach` at the end of an answer: an empty Text carries what no event can."""
        return self.attach(events or [Text("")]) if self._pending else events


def numbered(calls: Iterable[ToolCall], first: int) -> tuple[ToolCall, ...]:
    """The same calls with `index` counting up from `first`."""
    return tuple(dataclasses.replace(call, index=index) for index, call in enumerate(calls, first))


def new_call_id() -> str:
    """An identifier for a tool call: `call_` and 8 characters. Source: http-api.md 3.2."""
    return "call_" + "".join(secrets.choice(_CALL_ID_CHARACTERS) for _ in range(8))
