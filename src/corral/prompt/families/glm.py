"""GLM 4.7 and GLM OCR."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import argument_text, is_prefill, spaced_json

_HEAD = "[gMASK]<sop>"
_INSTRUCTIONS = """<|system|>
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, output the function name and arguments within the following XML format:
<tool_call>{{function-name}}<arg_key>{{arg-key-1}}</arg_key><arg_value>{{arg-value-1}}</arg_value>\
<arg_key>{{arg-key-2}}</arg_key><arg_value>{{arg-value-2}}</arg_value>...</tool_call>"""


def glm_4_7(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    """Everything on one line; the reasoning of the whole history is kept."""
    out = _HEAD + _declare(tools)
    for at, message in enumerate(messages):
        if message.role == "assistant":
            out += f"<|assistant|><think>{message.thinking}</think>{message.content}"
            out += "".join(call_text(call) for call in message.tool_calls)
        elif message.role == "tool":
            begins = at == 0 or messages[at - 1].role != "tool"
            out += "<|observation|>" * begins + f"<tool_response>{message.content}</tool_response>"
        else:
            out += f"<|{message.role}|>{message.content}"
    if messages and is_prefill(messages, len(messages) - 1):
        return out
    return out + "<|assistant|>" + ("</think>" if think is False else "<think>")


def ocr(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    """As GLM 4.7 with line breaks, and a mark in the user's text where reasoning is off."""
    out = _HEAD + _declare(tools)
    mark = "/nothink" if think is False else ""
    for at, message in enumerate(messages):
        if message.role == "user":
            out += f"<|user|>\n{message.content}" + ("" if message.content.endswith("/nothink") else mark)
        elif message.role == "assistant":
            content = message.content.strip()
            out += f"<|assistant|>\n<think>{message.thinking}</think>\n{content}"
            out += "".join("\n" + call_text(call) for call in message.tool_calls)
            out += "" if is_prefill(messages, at) else "\n"
        elif message.role == "tool":
            begins = at == 0 or messages[at - 1].role != "tool"
            out += "<|observation|>\n" * begins + f"<tool_response>\n{message.content}\n</tool_response>\n"
        else:
            out += f"<|{message.role}|>\n{message.content}\n"
    if messages and is_prefill(messages, len(messages) - 1):
        return out
    return out + "<|assistant|>\n" + ("<think></think>\n" if think is False else "")


def call_text(call: ToolCall, line_break: str = "") -> str:
    """A call as a name and pairs of key and value."""
    pairs = "".join(
        f"<arg_key>{key}</arg_key>{line_break}<arg_value>{argument_text(value)}</arg_value>{line_break}"
        for key, value in call.arguments.items()
    )
    return f"<tool_call>{call.name}{line_break}{pairs}</tool_call>"


def _declare(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    return _INSTRUCTIONS.format(tools="\n".join(spaced_json(tool.to_json()) for tool in tools))
