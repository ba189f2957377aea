"""LFM2: calls as a Python list of calls, between tags of its own or bare."""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer.decoding import python_calls
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser, LogprobCarrier, Logprobs, numbered
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.events import Event, Text, ToolCalls
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError


def _calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    return python_calls(text)


_LAYOUT = Layout(decode=_calls, call_open="<|tool_call_start|>", call_close="<|tool_call_end|>")


def instruct(setting: Setting) -> AnswerParser:
    return _with_bare_calls(TaggedParser(_LAYOUT, setting.tools, start=Start.CONTENT), setting)


def thinking(setting: Setting) -> AnswerParser:
    start = Start.LOOKING if setting.thinks else Start.CONTENT
    return _with_bare_calls(TaggedParser(_LAYOUT, setting.tools, start=start), setting)


def _with_bare_calls(inner: AnswerParser, setting: Setting) -> AnswerParser:
    return _BareCalls(inner, [tool.name for tool in setting.tools]) if setting.tools else inner


class _BareCalls:
    """Content that consists of calls to declared tools, without any tags, counts as calls.

    It is held back as long as that is possible, which for other text ends within a few characters.
    """

    def __init__(self, inner: AnswerParser, names: Sequence[str]) -> None:
        self.tags = inner.tags
        self._inner = inner
        self._names = set(names)
        self._openings = [f"{name}(" for name in names]
        self._held = ""
        self._is_open = True  # nothing but a possible call has been written
        self._logprobs = LogprobCarrier()

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return self._pass(self._inner.feed(text, logprobs))

    def finish(self) -> list[Event]:
        events = self._pass(self._inner.finish())
        if self._held:
            events.append(self._last())
        return self._logprobs.attach_last(events)

    def _pass(self, events: list[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            if isinstance(event, Text) and self._is_open:
                self._held += event.text
                released = [] if self._may_be_call() else self._release()
                out += self._logprobs.attach(released, event.logprobs)
            else:
                out += self._release() if isinstance(event, ToolCalls) else []
                out.append(event)
        return out

    def _may_be_call(self) -> bool:
        text = self._held.lstrip().removeprefix("[").lstrip()
        return any(text.startswith(opening) or opening.startswith(text) for opening in self._openings)

    def _release(self) -> list[Event]:
        self._is_open = False
        text, self._held = self._held, ""
        return self._logprobs.attach([Text(text)]) if text else []

    def _last(self) -> Event:
        try:
            calls = python_calls(self._held)
        except CorralError:
            calls = []
        if calls and all(call.name in self._names for call in calls):
            return ToolCalls(numbered(calls, 0))
        return Text(self._held)
