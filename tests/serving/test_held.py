import pytest

from corral.answer import family_parser, generic_parser
from corral.core.events import Text
from corral.core.messages import Tool
from corral.serving.held import _Watch
from tests.answer.families.answers import ROWS, TOOLS

ANSWERS = [
    (name, think, text, content) for name, think, text, _, content, calls in ROWS if content and not calls
]


def watched(parser, pieces):
    watch = _Watch(parser)
    for piece in pieces:
        watch.feed(piece)
    watch.finish()
    return watch.before


@pytest.mark.parametrize(("name", "think", "text", "content"), ANSWERS)
def test_what_comes_before_the_content_is_known_for_every_family(name, think, text, content):
    tools = () if name == "cogito" else TOOLS
    before = watched(family_parser(name, tools, think, None), text)
    assert text.startswith(before)
    assert text[len(before) :].startswith(content[:1])
    # Only reasoning and tags are in front of it.
    events = [event for piece in [before] for event in family_parser(name, tools, think, None).feed(piece)]
    assert not any(isinstance(event, Text) and event.text.strip() for event in events)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_reasoning_and_its_tags_come_before_the_content(size):
    text = "<think>\nwhy so\n</think>\n\nso"
    parser = generic_parser(("<think>", "</think>"), False, "<tool_call>", (Tool("ping"),))
    before = watched(parser, [text[at : at + size] for at in range(0, len(text), size)])
    assert before.rstrip() == "<think>\nwhy so\n</think>"


def test_an_answer_without_content_is_all_before_it():
    parser = generic_parser(("<think>", "</think>"), False, None, ())
    assert watched(parser, ["<think>", "why"]) == "<think>why"
