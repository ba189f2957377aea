"""GLM 4.7, GLM OCR, and the Laguna family: calls as a name and pairs of `<arg_key>` and `<arg_value>`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corral.answer.arguments import coerce_all
from corral.answer.decoding import json_call
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_KEY = re.compile(r"<arg_key>(.*?)</arg_key>", re.DOTALL)
# The closing tag of a value is sometimes left out.
_VALUE = re.compile(r"<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>)|\Z)", re.DOTALL)
_LAGUNA_ALIASES = {"read_file": "read", "write_file": "write", "edit_file": "edit", "web_fetch": "webfetch"}


def _pairs_call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    name = text.partition("<arg_key>")[0].strip()
    if not name:
        raise CorralError("empty function name")
    keys, values = _KEY.findall(text), _VALUE.findall(text)
    if len(keys) != len(values):
        raise CorralError(f"mismatched arg_key and arg_value counts: {len(keys)} keys, {len(values)} values")
    pairs = {key.strip(): value for key, value in zip(keys, values, strict=True)}
    return [ToolCall(name, coerce_all(name, pairs, tools))]


def _unfinished_call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    """A call without its closing tag: taken only where nothing of it can be missing."""
    [call] = _pairs_call(text, tools)
    declared = next((tool for tool in tools if tool.name == call.name), None)
    missing = [key for key in declared.parameters.required if key not in call.arguments] if declared else []
    if declared is None or missing or (call.arguments and not text.rstrip().endswith("</arg_value>")):
        raise CorralError(f"incomplete call of {call.name}")
    return [call]


def _unfinished_laguna_call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    is_json = text.lstrip().startswith("{")
    return _laguna_call(text, tools) if is_json else _unfinished_call(text, tools)


def _laguna_call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    [call] = json_call(text, tools) if text.lstrip().startswith("{") else _pairs_call(text, tools)
    declared = {tool.name for tool in tools}
    alias = _LAGUNA_ALIASES.get(call.name, "")
    if call.name not in declared and alias in declared:
        return [ToolCall(alias, call.arguments)]
    return [call]


_PAIR_TAGS = ("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
_GLM = Layout(decode=_pairs_call, decode_unfinished=_unfinished_call, inner_tags=_PAIR_TAGS)
_LAGUNA = Layout(
    decode=_laguna_call,
    decode_unfinished=_unfinished_laguna_call,
    anywhere=True,
    inner_tags=_PAIR_TAGS,
)


def glm(setting: Setting) -> AnswerParser:
    start = setting.start()
    return TaggedParser(_GLM, setting.tools, start=Start.LOOKING if start is Start.CONTENT else start)


def ocr(setting: Setting) -> AnswerParser:
    return TaggedParser(_GLM, setting.tools, start=Start.LOOKING)


def laguna(setting: Setting) -> AnswerParser:
    begins_inside = setting.thinks and not setting.is_continuation
    return _laguna_parser(setting, begins_inside)


def poolside(setting: Setting) -> AnswerParser:
    return _laguna_parser(setting, setting.thinks)


def _laguna_parser(setting: Setting, begins_inside: bool) -> AnswerParser:
    return TaggedParser(
        _LAGUNA,
        setting.tools,
        start=Start.THINKING if begins_inside else Start.CONTENT,
        drop_thinking=not setting.thinks,
    )
