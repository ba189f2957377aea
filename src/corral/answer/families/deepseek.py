"""DeepSeek 3 and Cogito: calls in a block of their own, each between tags with bars that are not ASCII."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from corral.answer.decoding import as_arguments, decode_json
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

log = logging.getLogger("corral.answer")

_CALLS = ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")
_OUTPUTS = ("<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>")
_OUTPUT = ("<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>")
_INNER = ("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>")
_CALL = re.compile(r"<｜tool▁call▁begin｜>(.*?)<｜tool▁sep｜>(.*?)(?:<｜tool▁call▁end｜>|\Z)", re.DOTALL)
_FENCED = re.compile(r"\s*(\S+)\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


def _deepseek_calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    """Of several calls those that can be decoded; an error only where none can."""
    calls, problem = [], CorralError("failed to parse tool call: expected a name and arguments")
    for name, arguments in _CALL.findall(text):
        try:
            calls.append(ToolCall(name.strip(), as_arguments(decode_json(arguments.strip()))))
        except CorralError as error:
            log.warning("skipped a tool call that cannot be decoded: %s", error)
            problem = error
    if not calls:
        raise problem
    return calls


def _cogito_calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    calls = []
    for _kind, body in _CALL.findall(text):
        found = _FENCED.fullmatch(body)
        if not found:
            raise CorralError("failed to parse tool call: expected a name and a block of JSON")
        calls.append(ToolCall(found[1], as_arguments(decode_json(found[2]))))
    return calls


_DEEPSEEK = Layout(
    decode=_deepseek_calls,
    call_open=_CALLS[0],
    call_close=_CALLS[1],
    removed_tags=(*_OUTPUTS, *_OUTPUT),
    inner_tags=_INNER,
)
_COGITO = Layout(
    decode=_cogito_calls,
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
