"""The generic splitter of reasoning and answer, for models whose TEMPLATE shows the tags around reasoning."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from corral.answer.parser import Holder, LogprobCarrier, Logprobs
from corral.answer.scan import partial_suffix
from corral.core.events import Event, Text, Thinking


class _State(Enum):
    START = auto()  # nothing but white space and perhaps part of the opening tag
    OPENED = auto()  # after the opening tag, dropping white space
    THINKING = auto()
    CLOSED = auto()  # after the closing tag, dropping white space
    CONTENT = auto()


class ThinkingParser(Holder):
    """Splits text at one pair of tags. `inside`: the prompt already ends with the opening tag.

    Only a tag at the very start opens reasoning. Text still held back at the end is given out by `flush`.
    Source: http-api.md 11.4.
    """

    def __init__(self, open: str, close: str, *, inside: bool = False) -> None:
        self.tags: Sequence[str] = (open, close)
        self._open = open
        self._close = close
        self._state = _State.OPENED if inside else _State.START
        self._logprobs = LogprobCarrier()

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return self._logprobs.attach(self._split(text), logprobs)

    def flush(self) -> list[Event]:
        """The end of the answer."""
        held, self._held = self._held, ""
        return self._logprobs.attach_last(self._rest(held))

    finish = flush

    def _rest(self, held: str) -> list[Event]:
        if not held or self._state in (_State.OPENED, _State.CLOSED):
            return []
        return [Thinking(held)] if self._state is _State.THINKING else [Text(held)]

    def _split(self, text: str) -> list[Event]:
        if self._state is _State.CONTENT:
            return [Text(text)] if text else []
        is_space = self._is_more_space(text)
        self._hold(text)
        events: list[Event] = []
        if is_space and self._state is _State.START:
            return events
        steps = {
            _State.START: self._start,
            _State.OPENED: self._opened,
            _State.THINKING: self._thinking,
            _State.CLOSED: self._closed,
        }
        while (step := steps.get(self._state)) and step(events):
            pass
        return events

    # Each step handles one state and says whether another one can follow.

    def _start(self, events: list[Event]) -> bool:
        text = self._held.lstrip()
        if text.startswith(self._open):
            self._held = text[len(self._open) :]
            self._state = _State.OPENED
            return True
        if not self._open.startswith(text):
            self._emit_content(events, self._held)
        return False

    def _opened(self, events: list[Event]) -> bool:
        self._held = self._held.lstrip()
        if self._held:
            self._state = _State.THINKING
        return bool(self._held)

    def _thinking(self, events: list[Event]) -> bool:
        before, tag, after = self._held.partition(self._close)
        if tag:
            if before:
                events.append(Thinking(before))
            self._held = after
            self._state = _State.CLOSED
            return True
        ready = len(before) - partial_suffix(before, self._close)
        if ready:
            events.append(Thinking(before[:ready]))
        self._held = before[ready:]
        return False

    def _closed(self, events: list[Event]) -> bool:
        text = self._held.lstrip()
        if text:
            self._emit_content(events, text)
        else:
            self._held = ""
        return False

    def _emit_content(self, events: list[Event], text: str) -> None:
        events.append(Text(text))
        self._held = ""
        self._state = _State.CONTENT
