"""Glimmer: messages addressed to the model itself, to the user, or to a tool whose call is an XML element."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from corral.answer.arguments import coerce_all
from corral.answer.families.messages import Header, MessageStream
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser, Logprobs
from corral.core.events import Event, Text, Thinking
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_ENDS = ("<|eom|>", "<|eot|>")
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_INVOKE = re.compile(r'<atem:invoke name="([^"]*)">(.*?)</atem:invoke>', re.DOTALL)
_PARAMETER = re.compile(r'<atem:parameter name="([^"]*)"[^>]*>(.*?)</atem:parameter>', re.DOTALL)


def glimmer(setting: Setting) -> AnswerParser:
    declared = {tool.name for tool in setting.tools}
    stream = MessageStream(
        lambda header: _read_header(header, declared),
        lambda recipient, body: _decode_call(recipient, body, setting.tools),
        _ENDS,
    )
    return stream if setting.thinks else _WithoutThinking(stream)


def _read_header(text: str, declared: Iterable[str]) -> Header:
    found = _RECIPIENT.search(text)
    recipient = found[1] if found else ""
    if recipient in declared:
        return Header(recipient=recipient)
    return Header(thinking=recipient == "self")


def _decode_call(recipient: str, body: str, tools: Sequence[Tool]) -> ToolCall:
    found = _INVOKE.search(body)
    if not found:
        raise CorralError(f"parse Glimmer call to {recipient}: expected an invoke element")
    if found[1] not in {tool.name for tool in tools}:
        raise CorralError(f'undeclared Glimmer function "{found[1]}"')
    return ToolCall(found[1], coerce_all(found[1], dict(_PARAMETER.findall(found[2])), tools))


class _WithoutThinking:
    """Drops the reasoning of an answer; its log-probabilities stay."""

    def __init__(self, inner: AnswerParser) -> None:
        self.tags = inner.tags
        self._inner = inner

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return _drop(self._inner.feed(text, logprobs))

    def finish(self) -> list[Event]:
        return _drop(self._inner.finish())


def _drop(events: list[Event]) -> list[Event]:
    kept = [Text("", event.logprobs) if isinstance(event, Thinking) else event for event in events]
    return [
        event for event in kept if not (isinstance(event, Text) and not event.text and not event.logprobs)
    ]
