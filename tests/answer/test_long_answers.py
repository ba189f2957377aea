"""No parser looks at what it has seen again and again: four times the text takes about four times as long."""

import time

import pytest

from corral.answer import ForcedCallParser, ThinkingParser, ToolCallParser, family_parser
from corral.core.messages import parse_tool

TOOL = parse_tool({"type": "function", "function": {"name": "write", "parameters": {"type": "object"}}})
PARSERS = {
    "tags": lambda: ThinkingParser("<think>", "</think>"),
    "calls": lambda: ToolCallParser("<tool_call>", [TOOL]),
    "forced": ForcedCallParser,
    "qwen3": lambda: family_parser("qwen3", [TOOL], True, None),
    "deepseek3": lambda: family_parser("deepseek3", [TOOL], True, None),
    "harmony": lambda: family_parser("harmony", [TOOL], True, None),
    "gemma4": lambda: family_parser("gemma4", [TOOL], True, None),
}
TEXTS = {
    "words": "word and more <b> of { all ] kinds\n",
    "nothing": " \n",
    "a long call": '<tool_call>\n{"name": "write", "arguments": {"text": "' + "words " * 20,
    "a call of DeepSeek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>write<｜tool▁sep｜>" + "words " * 20,
    "a call of harmony": "<|channel|>commentary to=functions.write <|message|>" + "words " * 20,
    "brackets": "{",
}
PIECES = 4000
# Four for work that grows with the text, sixteen for work that grows with its square.
MOST = 9


def seconds(parser, text, pieces):
    whole = text + text[-120:] * (4 * pieces // len(text[-120:]))
    began = time.process_time()
    for at in range(0, 4 * pieces, 4):
        parser.feed(whole[at : at + 4])
    parser.finish()
    return time.process_time() - began


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", PARSERS)
def test_a_longer_answer_costs_no_more_for_each_piece(name, kind):
    def best(pieces):
        return min(seconds(PARSERS[name](), TEXTS[kind], pieces) for _ in range(2))

    # A short moment is measured badly; what grows with the square is long before it matters.
    assert best(4 * PIECES) < MOST * best(PIECES) + 0.02
