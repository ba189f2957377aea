"""Whether the parser that reads the model's answers would read this one as it was meant."""

from __future__ import annotations

from corral.answer import AnswerParser
from corral.core.events import Text, Thinking, ToolCalls
from corral.core.messages import Message
from corral.tune.data.fields import BadRow


def check_read_back(parser: AnswerParser, text: str, meant: Message) -> None:
    """Raises BadRow where thinking or calls would be lost: the model would learn what nobody understands."""
    thinking, calls = "", []
    for event in [*parser.feed(text), *parser.finish()]:
        match event:
            case Thinking(part):
                thinking += part
            case ToolCalls(found):
                calls += [(call.name, dict(call.arguments)) for call in found]
            case Text():
                pass
    if thinking.strip() != meant.thinking.strip():
        raise BadRow("its reasoning would not be read back as it is")
    if calls != [(call.name, dict(call.arguments)) for call in meant.tool_calls]:
        raise BadRow("its tool calls would not be read back as they are")
