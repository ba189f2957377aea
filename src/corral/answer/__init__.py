"""Pieces of generated text in, events out: where reasoning ends, where a tool call begins, what is text.

In: text as the engine produces it, cut anywhere, with the log-probabilities of its tokens. Out: `core`
events (Text, Thinking, ToolCalls). Pure: no engine, no files, no event loop. The `serving` room picks a
parser for each answer: `family_parser` where the model names a built-in one, `generic_parser` with what its
TEMPLATE reveals, or `PlainParser`. How text is cut into pieces never changes what comes out in sum.
"""

from corral.answer.families import FAMILIES, FamilyInfo, family_parser
from corral.answer.families.names import safe_names
from corral.answer.forced import ForcedCallParser
from corral.answer.generic import generic_parser
from corral.answer.parser import AnswerParser, PlainParser, new_call_id
from corral.answer.thinking import ThinkingParser
from corral.answer.tools import ToolCallParser

__all__ = [
    "FAMILIES",
    "AnswerParser",
    "FamilyInfo",
    "ForcedCallParser",
    "PlainParser",
    "ThinkingParser",
    "ToolCallParser",
    "family_parser",
    "generic_parser",
    "new_call_id",
    "safe_names",
]
