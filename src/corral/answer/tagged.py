"""A parser for answers that mark reasoning and tool calls with tags; most families are a `Layout` of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from corral.answer.parser import Holder, LogprobCarrier, Logprobs, numbered
from corral.answer.scan import ObjectScanner, first_of, held_back
from corral.core.events import Event, Text, Thinking, ToolCalls
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

log = logging.getLogger("corral.answer")

# The calls in the text between two call tags. Raises CorralError where it cannot be decoded.
Decoder = Callable[[str, Sequence[Tool]], list[ToolCall]]


class Start(Enum):
    """Where an answer begins."""

    CONTENT = auto()
    THINKING = auto()  # the prompt opened the reasoning; one more opening tag is dropped
    LOOKING = auto()  # an opening tag, if any, is the first thing written


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The tags of a family. An empty tag does not occur; all others are distinct.

    `anywhere`: reasoning may open in the middle of content. `call_ends_thinking`: a call tag closes it.
    `split`, where one block holds several calls, cuts it into single ones, which are then decoded one by one.
    `decode_unfinished`, where it is stricter than `decode`, reads a call that the end of the answer cut off.
    `ends_with_object`, for families without a closing call tag: a call ends with its first JSON object.
    `removed_tags` are dropped from content, `removed_blocks` (a pair of tags) with what they enclose.
    """

    decode: Decoder | None = None
    split: Callable[[str], list[str]] = lambda text: [text]
    think_open: str = "<think>"
    think_close: str = "</think>"
    call_open: str = "<tool_call>"
    call_close: str = "</tool_call>"
    anywhere: bool = False
    call_ends_thinking: bool = True
    keep_leading_space: bool = False  # of the reasoning, after its opening tag
    ends_with_object: bool = False
    decode_unfinished: Decoder | None = None
    removed_tags: tuple[str, ...] = ()
    removed_blocks: tuple[tuple[str, str], ...] = ()
    inner_tags: tuple[str, ...] = ()  # within calls

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of the family."""
        calls = (self.call_open, self.call_close, *self.inner_tags) if self.has_calls else ()
        blocks = (tag for block in self.removed_blocks for tag in block)
        return (self.think_open, self.think_close, *calls, *self.removed_tags, *blocks)

    @property
    def has_calls(self) -> bool:
        return self.decode is not None

    @property
    def thinking_ends(self) -> list[str]:
        """The tags that close reasoning."""
        return [self.think_close, *([self.call_open] if self.has_calls and self.call_ends_thinking else [])]

    @property
    def content_tags(self) -> list[str]:
        """The tags that mean something in content."""
        tags = [*self.removed_tags, *(open for open, _ in self.removed_blocks)]
        tags += [self.call_open] if self.has_calls else []
        return tags + ([self.think_open] if self.anywhere else [])


class _State(Enum):
    STARTING = auto()  # before reasoning, perhaps with an opening tag
    THINKING = auto()
    CONTENT = auto()
    CALL = auto()
    REMOVED = auto()  # inside a block that is dropped


class TaggedParser(Holder):
    """Splits an answer by the tags of `layout`. White space around tags is trimmed.

    A call that cannot be decoded, because it is wrong or because the answer ended within it, is given out as
    text with its tags, and the log says why: nothing that the model wrote disappears, and no answer fails for
    it. Source: http-api.md 11.5.
    """

    def __init__(
        self, layout: Layout, tools: Sequence[Tool] = (), *, start: Start, drop_thinking: bool = False
    ) -> None:
        self.tags: Sequence[str] = layout.tags
        self._layout = layout
        self._thinking_ends = layout.thinking_ends
        self._content_tags = layout.content_tags
        self._tools = tools
        self._drop_thinking = drop_thinking
        self._required = start is Start.THINKING
        self._state = _State.CONTENT if start is Start.CONTENT else _State.STARTING
        self._trim = False  # white space that comes next is dropped
        self._removed_close = ""
        self._searched = 0  # of a call's text, how much holds no closing tag
        self._objects = ObjectScanner()  # of a call's text
        self._num_calls = 0
        self._logprobs = LogprobCarrier()
        self._steps = {
            _State.STARTING: self._starting,
            _State.THINKING: self._thinking,
            _State.CONTENT: self._content,
            _State.CALL: self._call,
            _State.REMOVED: self._removed,
        }

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        is_space = self._is_more_space(text)
        self._hold(text)
        events: list[Event] = []
        if is_space and not self._trim:
            return self._logprobs.attach(events, logprobs)
        while self._held and self._ready() and self._steps[self._state](events):
            pass
        return self._logprobs.attach(events, logprobs)

    def finish(self) -> list[Event]:
        held, self._held = self._held, ""
        events: list[Event] = []
        if self._state is _State.CALL:
            self._add_calls(held, held, events, self._layout.decode_unfinished)
        elif self._state is _State.THINKING or (self._state is _State.STARTING and self._required):
            self._add_thinking(held.rstrip(), events)
        elif held and not self._trim and self._state is not _State.REMOVED:
            events.append(Text(held))
        return self._logprobs.attach_last(events)

    def _ready(self) -> bool:
        if self._trim:
            self._held = self._held.lstrip()
            self._trim = not self._held
        return bool(self._held)

    # Each step handles one state and says whether another one can follow.

    def _starting(self, events: list[Event]) -> bool:
        text, tag = self._held.lstrip(), self._layout.think_open
        if not text or (tag != text and tag.startswith(text)):
            return False
        if text.startswith(tag):
            self._enter(_State.THINKING, text[len(tag) :])
            self._trim = not self._layout.keep_leading_space
        elif self._required:
            self._enter(_State.THINKING, text)
        else:
            self._state = _State.CONTENT
        return True

    def _thinking(self, events: list[Event]) -> bool:
        ends = self._thinking_ends
        at, tag = first_of(self._held, ends)
        if at < 0:
            ready = len(self._held) - held_back(self._held, ends, spaces=True)
            self._add_thinking(self._held[:ready], events)
            self._held = self._held[ready:]
            return False
        self._add_thinking(self._held[:at].rstrip(), events)
        is_call = tag != self._layout.think_close
        self._enter(_State.CALL if is_call else _State.CONTENT, self._held[at + len(tag) :])
        return True

    def _content(self, events: list[Event]) -> bool:
        tags = self._content_tags
        at, tag = first_of(self._held, tags)
        if at < 0:
            ready = len(self._held) - held_back(self._held, tags, spaces=bool(tags))
            if ready:
                events.append(Text(self._held[:ready]))
            self._held = self._held[ready:]
            return False
        before = self._held[:at].rstrip()
        if before:
            events.append(Text(before))
        self._enter(self._state_after(tag), self._held[at + len(tag) :])
        return True

    def _state_after(self, tag: str) -> _State:
        if tag == self._layout.call_open and self._layout.has_calls:
            return _State.CALL
        if tag == self._layout.think_open and self._layout.anywhere:
            return _State.THINKING
        self._removed_close = dict(self._layout.removed_blocks).get(tag, "")
        return _State.REMOVED if self._removed_close else _State.CONTENT

    def _call(self, events: list[Event]) -> bool:
        start, end = self._call_end()
        if end < 0:
            return False
        self._add_calls(self._held[:start], self._held[:end], events)
        self._enter(_State.CONTENT, self._held[end:])
        return True

    def _call_end(self) -> tuple[int, int]:
        """Where the text of the call ends, and where its closing tag does; (-1, -1) while it goes on."""
        if self._layout.ends_with_object:
            found = self._objects.feed(self._held)
            end = found[0][1] if found else -1
            return end, end
        close = self._layout.call_close
        at = self._held.find(close, max(0, self._searched - len(close)))
        self._searched = len(self._held)
        return (at, at + len(close)) if at >= 0 else (-1, -1)

    def _removed(self, events: list[Event]) -> bool:
        _, tag, after = self._held.partition(self._removed_close)
        if tag:
            self._enter(_State.CONTENT, after)
        return bool(tag)

    def _enter(self, state: _State, rest: str) -> None:
        self._state = state
        self._held = rest
        self._trim = True
        self._searched = 0
        self._objects = ObjectScanner()

    def _add_thinking(self, text: str, events: list[Event]) -> None:
        if text and not self._drop_thinking:
            events.append(Thinking(text))

    def _add_calls(
        self, text: str, raw: str, events: list[Event], strict_decode: Decoder | None = None
    ) -> None:
        """The calls in `text`, and as text what is none: `raw`, with its closing tag, if nothing is."""
        decode = strict_decode or self._layout.decode
        assert decode is not None, "a layout without calls has no state for them"
        calls: list[ToolCall] = []
        rejected: list[str] = []
        for part in self._layout.split(text):
            try:
                calls += decode(part, self._tools)
            except CorralError as error:
                log.warning("tool call passed on as text: reason=%s", error.message)
                rejected.append(part)
        if rejected:
            events.append(Text("".join(rejected) if calls else self._layout.call_open + raw))
        if calls:
            events.append(ToolCalls(numbered(calls, self._num_calls)))
            self._num_calls += len(calls)
