"""The generic parser of tool calls, for models whose TEMPLATE shows how a call begins."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum, auto

import msgspec

from corral.answer.parser import LogprobCarrier, Logprobs, numbered
from corral.answer.scan import ObjectScanner, partial_suffix
from corral.core.events import Event, Text, ToolCalls
from corral.core.messages import Tool, ToolCall

log = logging.getLogger("corral.answer")

_BRACKETS = {"{": "}", "[": "]"}


class _State(Enum):
    LOOKING = auto()  # for the tag
    CALLING = auto()  # after the tag: text belongs to calls
    BETWEEN = auto()  # after a balanced region that held calls: another may follow
    CONTENT = auto()  # no more calls this turn


class ToolCallParser:
    """Finds calls of declared tools after `tag`; text before it is content.

    The tags `{` and `[` count only as the first thing of a turn, and their region ends when brackets balance.
    Source: http-api.md section 12, with the improvements of 12.4: content and a call of one piece are both
    given, a partial tag held back at the end is given out, a call object without arguments is a call, and
    what begins like a call and is none is given out as text.
    """

    def __init__(self, tag: str, tools: Sequence[Tool]) -> None:
        self.tags: Sequence[str] = tag.split()
        self._tag = tag
        self._names = [tool.name for tool in tools if tool.name]
        self._state = _State.LOOKING
        self._held = ""
        self._region = _Region(self._names, tag)
        self._num_calls = 0
        self._logprobs = LogprobCarrier()

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return self._logprobs.attach(self._split(text), logprobs)

    def flush(self) -> list[Event]:
        """The end of the turn: what is held back and may not be thrown away."""
        events: list[Event] = []
        if self._state is _State.CALLING:
            self._add_calls(events, self._region.calls(at_end=True))
            self._add_rest(events)
        elif self._state is _State.LOOKING and self._held:
            events.append(Text(self._held))
        self._state = _State.CONTENT
        return self._logprobs.attach_last(events)

    finish = flush

    def _split(self, text: str) -> list[Event]:
        events: list[Event] = []
        if self._state is _State.LOOKING:
            text = self._look(text, events)
        while text and self._state is not _State.CONTENT:
            text = self._call(text, events) if self._state is _State.CALLING else self._between(text)
        if text:
            events.append(Text(text))
        return events

    def _look(self, text: str, events: list[Event]) -> str:
        """Gives the content before the tag; returns what the next state is to read."""
        text, self._held = self._held + text, ""
        before, tag, after = text.partition(self._tag)
        if self._tag in _BRACKETS and before.strip():
            self._state = _State.CONTENT
            return text
        if tag:
            self._state = _State.CALLING
            if before:
                events.append(Text(before))
            return tag + after
        ready = len(text) - partial_suffix(text, self._tag)
        self._held = text[ready:]
        if ready:
            events.append(Text(text[:ready]))
        return ""

    def _call(self, text: str, events: list[Event]) -> str:
        """Reads calls; returns what follows the region, where it ended."""
        rest = self._region.feed(text)
        self._add_calls(events, self._region.calls())
        if rest is None:
            return ""
        if not self._region.num_calls:
            # Balanced and no call in it: the model answers with plain JSON.
            self._state = _State.CONTENT
            return self._region.text + rest
        self._state = _State.BETWEEN
        return rest

    def _between(self, text: str) -> str:
        text = text.lstrip(" \t\r\n,;")
        if text:
            again = text[0] == self._tag
            self._state = _State.CALLING if again else _State.CONTENT
            self._region = _Region(self._names, self._tag)
        return text

    def _add_rest(self, events: list[Event]) -> None:
        """What begins like a call and is none: wrong, of an unknown tool, or cut off. It becomes text."""
        rest = self._region.text[self._region.used :]
        at = rest.find(self._tag)
        if at < 0 or (self._num_calls and self._tag in _BRACKETS):
            return
        if self._tag not in _BRACKETS:
            log.warning("tool call passed on as text: reason=no complete call of a declared tool")
        events.append(Text(rest[at:]))

    def _add_calls(self, events: list[Event], calls: Sequence[ToolCall]) -> None:
        if calls:
            events.append(ToolCalls(numbered(calls, self._num_calls)))
            self._num_calls += len(calls)


class _Region:
    """The text from a tag on. For `{` and `[` it ends where their brackets balance."""

    def __init__(self, names: Sequence[str], tag: str) -> None:
        self._names = names
        self._objects = ObjectScanner()
        self._complete: list[tuple[int, int]] = []  # bounds of objects not yet used
        self.used = 0  # where the last call ended
        self._brackets = _Balance(tag, _BRACKETS[tag]) if tag in _BRACKETS else None
        self.text = ""
        self.num_calls = 0

    def feed(self, text: str) -> str | None:
        """Takes `text`; returns what follows the end of the region, or None while it goes on."""
        end = self._brackets.feed(text) if self._brackets else -1
        self.text += text if end < 0 else text[:end]
        self._complete += self._objects.feed(self.text)
        return None if end < 0 else text[end:]

    def calls(self, *, at_end: bool = False) -> list[ToolCall]:
        """The calls that have become complete."""
        found = []
        while self._complete:
            call = self._next_call(at_end)
            if call is None:
                break
            found.append(call)
        self.num_calls += len(found)
        return found

    def _next_call(self, at_end: bool) -> ToolCall | None:
        name, name_end = self._find_name(at_end)
        if name is None:
            return None
        while self._complete:
            start, end = self._complete.pop(0)
            data = _decode_object(self.text[start:end])
            if data is None:
                continue
            arguments = _find_arguments(data, name)
            self.used = max(end, name_end)
            return ToolCall(name, data if arguments is None else arguments)
        return None

    def _find_name(self, at_end: bool) -> tuple[str | None, int]:
        """The earliest declared name after the last call, the longest at one place, and where it ends."""
        best, at = None, -1
        for name in self._names:
            found = self.text.find(name, self.used)
            if found >= 0 and (best is None or found < at or (found == at and len(name) > len(best))):
                best, at = name, found
        if not at_end and best is not None and self._may_grow(best, at):
            return None, 0
        return best, at + len(best or "")

    def _may_grow(self, name: str, at: int) -> bool:
        # The text ends within a longer name that begins with the one found.
        tail = self.text[at:]
        return any(len(tail) < len(other) and other.startswith(tail) for other in self._names)


class _Balance:
    """Counts one kind of bracket outside of strings."""

    def __init__(self, open: str, close: str) -> None:
        self._steps = {open: 1, close: -1}
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> int:
        """The offset after the bracket that closes the first one, or -1."""
        for offset, character in enumerate(text):
            if self._escaped:
                self._escaped = False
            elif character == "\\" and self._in_string:
                self._escaped = True
            elif character == '"':
                self._in_string = not self._in_string
            elif not self._in_string and character in self._steps:
                self._depth += self._steps[character]
                if self._depth == 0:
                    return offset + 1
        return -1


def _decode_object(text: str) -> dict[str, object] | None:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _find_arguments(data: Mapping[str, object], tool: str) -> Mapping[str, object] | None:
    """The arguments within a call object in any of the usual spellings; None where none of them is used."""
    if "name" in data:
        for key in ("arguments", "parameters"):
            found = _as_object(data.get(key))
            if found is not None:
                return found
        return {} if data["name"] == tool else None
    found = _as_object(data.get(tool))
    if found is not None:
        return found
    for value in data.values():
        for child in value if isinstance(value, list) else [value]:
            nested = _find_arguments(child, tool) if isinstance(child, dict) else None
            if nested is not None:
                return nested
    return None


def _as_object(value: object) -> Mapping[str, object] | None:
    if isinstance(value, str):
        return _decode_object(value)
    return value if isinstance(value, dict) else None
