"""Whether the parser that reads the model's answers would read this one as it was meant."""

from __future__ import annotations

from corral.answer import AnswerParser
from corral.core.events import Text, Thinking, ToolCalls
from corral.core.messages import Message


def problem_of(parser: AnswerParser, text: str, meant: Message) -> str:
    """What would be lost: the model would learn what nobody understands. Empty where nothing is."""
    content, thinking, calls = "", "", []
    for event in [*parser.feed(text), *parser.finish()]:
        match event:
            case Text(part):
                content += part
            case Thinking(part):
                thinking += part
            case ToolCalls(found):
                calls += [(call.name, dict(call.arguments)) for call in found]
    if calls != [(call.name, dict(call.arguments)) for call in meant.tool_calls]:
        return "its tool calls would not be read back as they are"
    if thinking.strip() != meant.thinking.strip():
        return "its reasoning would not be read back as it is"
    if content.strip() != meant.content.strip():
        return "the template does not write the answer as it is"
    return ""
