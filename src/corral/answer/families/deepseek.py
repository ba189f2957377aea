"""DeepSeek 3 and Cogito: calls in a block of their own, each between tags with bars that are not ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corral.answer.decoding import as_arguments, decode_json
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_CALLS = ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")
_OUTPUTS = ("<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>")
_OUTPUT = ("<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>")
_INNER = ("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>")
_CALL = re.compile(r"<｜tool▁call▁begin｜>(.*?)<｜tool▁sep｜>(.*?)(?:<｜tool▁call▁end｜>|\Z)", re.DOTALL)
_FENCED = re.compile(r"\s*(\S+)\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


def _single_calls(text: str) -> list[str]:
    return [found[0] for found in _CALL.finditer(text)] or [text]


def _deepseek_calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    name, arguments = _halves(text)
    return [ToolCall(name.strip(), as_arguments(decode_json(arguments.strip())))]


def _cogito_calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    _kind, body = _halves(text)
    found = _FENCED.fullmatch(body)
    if not found:
        raise CorralError("failed to parse tool call: expected a name and a block of JSON")
    return [ToolCall(found[1], as_arguments(decode_json(found[2])))]


def _halves(text: str) -> tuple[str, str]:
    """What stands before and after the separator of a single call."""
    found = _CALL.search(text)
    if not found:
        raise CorralError("failed to parse tool call: expected a name and arguments")
    return found[1], found[2]


_DEEPSEEK = Layout(
    decode=_deepseek_calls,
    split=_single_calls,
    call_open=_CALLS[0],
    call_close=_CALLS[1],
    removed_tags=(*_OUTPUTS, *_OUTPUT),
    inner_tags=_INNER,
)
_COGITO = Layout(
    decode=_cogito_calls,
    split=_single_calls,
    call_open=_CALLS[0],
    call_close=_CALLS[1],
    removed_blocks=(_OUTPUTS, _OUTPUT),
    inner_tags=_INNER,
)


def deepseek(setting: Setting) -> AnswerParser:
    return TaggedParser(_DEEPSEEK, setting.tools, start=setting.start())


def cogito(setting: Setting) -> AnswerParser:
    """Does not reason when it has tools."""
    start = Start.CONTENT if setting.tools else setting.start()
    return TaggedParser(_COGITO, setting.tools, start=start)
