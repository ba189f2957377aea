"""However the engine cuts a text into pieces, every parser gives the same events."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corral.answer import FAMILIES, PlainParser, ThinkingParser, ToolCallParser, family_parser, generic_parser
from corral.core.events import Text, Thinking, ToolCalls
from corral.core.messages import Tool
from tests.answer.families.answers import JSON, ROWS, TOOLS

TAGS = ("<think>", "</think>")
ANSWER = (
    f" <think>\nwhy </thin\n</think>\n\nso <\u00e9>: <tool_call>\n{JSON}\n</tool_call>\n{JSON} <tool_call>"
)
OTHERS = [
    (PlainParser, ANSWER),
    (partial(ThinkingParser, *TAGS), ANSWER),
    (partial(ThinkingParser, *TAGS, inside=True), ANSWER),
    (partial(ToolCallParser, "<tool_call>", TOOLS), ANSWER),
    (partial(ToolCallParser, "[TOOL_CALLS] [", TOOLS), f"a [TOOL_CALLS] [{JSON}, {JSON}] b"),
    (partial(ToolCallParser, "{", TOOLS), f" {JSON}; {JSON} b"),
    (partial(ToolCallParser, "[", TOOLS), f"[{JSON}, 1] b"),
    (partial(generic_parser, TAGS, False, "<tool_call>", TOOLS), ANSWER),
    (partial(generic_parser, TAGS, True, "{", TOOLS), f"why</think> {JSON}"),
]
CASES = OTHERS + [
    (partial(family_parser, name, TOOLS, think, None), text + tail)
    for name, think, text, *_ in ROWS
    for tail in ("", " <tool_call>[TOOL_CALLS]<|tool_call>x")
]


def read(make, pieces):
    """The events, neighbours of one kind joined."""
    parser = make()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.finish()
    out = []
    for event in events:
        value = event.calls if isinstance(event, ToolCalls) else event.text
        assert value, "an event without content"
        if out and out[-1][0] is type(event):
            value = out.pop()[1] + value
        out.append((type(event), value))
    return out


@pytest.mark.parametrize(("make", "text"), CASES)
def test_a_text_cut_at_any_position_gives_the_same_events(make, text):
    whole = read(make, [text])
    assert all(read(make, [text[:at], text[at:]]) == whole for at in range(1, len(text)))
    assert read(make, text) == whole


@settings(max_examples=300)
@given(case=st.sampled_from(CASES), data=st.data())
def test_a_text_cut_into_any_pieces_gives_the_same_events(case, data):
    make, text = case
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=12)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(make, pieces) == read(make, [text])


def test_the_cases_cover_every_family_and_every_kind_of_event():
    assert {name for name, *_ in ROWS} == set(FAMILIES)
    kinds = {kind for make, text in CASES for kind, _ in read(make, [text])}
    assert kinds == {Text, Thinking, ToolCalls}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parser_names_the_tags_that_the_engine_must_write_out(name):
    written = " ".join(text for family, _, text, *_ in ROWS if family == name)
    tags = family_parser(name, (Tool("ping"),), True, None).tags
    assert any(tag in written for tag in tags) or name == "passthrough"
