"""Gemma 4 and FunctionGemma: calls as `call:NAME{key:value}` with quotation marks of their own."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from corral.answer.families.setting import Setting
from corral.answer.loose import decode_loose
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Decoder, Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_CALL = re.compile(r"\s*call:\s*([^{\s]+)\s*(\{.*)", re.DOTALL)


def _call(quote: str, text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    found = _CALL.fullmatch(text)
    if not found:
        raise CorralError("failed to parse tool call: expected call:NAME{...}")
    return [ToolCall(found[1], decode_loose(found[2], quote))]


def _decoder(quote: str) -> Decoder:
    return functools.partial(_call, quote)


_GEMMA4 = Layout(
    decode=_decoder('<|"|>'),
    think_open="<|channel>thought",
    think_close="<channel|>",
    call_open="<|tool_call>",
    call_close="<tool_call|>",
    anywhere=True,
    removed_tags=("<tool_call|>", "<|tool_response>"),
    inner_tags=("<|channel>", '<|"|>'),
)
_FUNCTIONGEMMA = Layout(
    decode=_decoder("<escape>"),
    call_open="<start_function_call>",
    call_close="<end_function_call>",
    inner_tags=("<escape>",),
)


def gemma4(setting: Setting) -> AnswerParser:
    after_tool = setting.last_message is not None and setting.last_message.role == "tool"
    start = Start.THINKING if setting.thinks and after_tool else Start.CONTENT
    return TaggedParser(_GEMMA4, setting.tools, start=start, drop_thinking=not setting.thinks)


def functiongemma(setting: Setting) -> AnswerParser:
    return TaggedParser(_FUNCTIONGEMMA, setting.tools, start=Start.CONTENT)
