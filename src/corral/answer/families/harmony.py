"""Harmony (gpt-oss): an answer is a sequence of messages, each with a channel and perhaps a recipient."""

from __future__ import annotations

import re
from collections.abc import Mapping

from corral.answer.decoding import as_arguments, decode_json
from corral.answer.families.messages import Header, MessageStream
from corral.answer.families.names import safe_names
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.core.messages import ToolCall
from corral.errors import CorralError

_ENDS = ("<|end|>", "<|call|>", "<|return|>")
_HEAD_TAGS = ("<|channel|>", "<|constrain|>")
_CHANNEL = re.compile(r"<\|channel\|>\s*([^\s<]+)")
_RECIPIENT = re.compile(r"(?:^|\s|>)to=([^\s<]+)")


def harmony(setting: Setting) -> AnswerParser:
    names = {safe: name for name, safe in safe_names(tool.name for tool in setting.tools).items()}
    stream = MessageStream(
        _read_header, lambda recipient, body: _decode_call(recipient, body, names), _ENDS, _HEAD_TAGS
    )
    if setting.is_continuation and setting.last_message is not None:
        # The prompt left a message of this kind open.
        if setting.last_message.content:
            stream.open(Header())
        elif setting.last_message.thinking:
            stream.open(Header(thinking=True))
    return stream


def _read_header(text: str) -> Header:
    """`assistant<|channel|>commentary to=functions.get_time <|constrain|>json`, in any order."""
    channel, recipient = _CHANNEL.search(text), _RECIPIENT.search(text)
    name = channel[1] if channel else "final"
    if recipient and name in ("analysis", "commentary"):
        return Header(recipient=recipient[1].removeprefix("functions."))
    return Header(thinking=name == "analysis")


def _decode_call(recipient: str, body: str, names: Mapping[str, str]) -> ToolCall:
    try:
        arguments = as_arguments(decode_json(body) if body.strip() else None)
    except CorralError as error:
        raise CorralError(f"error parsing tool call: raw='{body}', err={error.message}") from error
    return ToolCall(names.get(recipient, recipient), arguments)
