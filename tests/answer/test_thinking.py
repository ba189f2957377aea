import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.answer import ThinkingParser
from corral.core.events import Text, Thinking, TokenLogprob


def split(pieces, *, inside=False):
    parser = ThinkingParser("<think>", "</think>", inside=inside)
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.flush()
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    return thinking, "".join(event.text for event in events if isinstance(event, Text))


def test_a_tag_split_over_two_pieces_is_still_found():
    parser = ThinkingParser("<think>", "</think>")
    assert parser.feed("<thi") == []
    assert parser.feed("nk>why") == [Thinking("why")]


@pytest.mark.parametrize(
    ("pieces", "thinking", "content"),
    [
        (["<think>a</think><think>b</think>c"], "a", "<think>b</think>c"),
        (["<th", "ink>", "x", "</thi", "nk>", " ", "y"], "x", "y"),
        (["<think>a</th", "ing>b</think>c"], "a</thing>b", "c"),
        (["  hello <think>x</think>"], "", "  hello <think>x</think>"),
        (["<think></think>abc"], "", "abc"),
        (["<think>abc"], "abc", ""),
        (["  <think>  a  </think>  b  "], "a  ", "b  "),
        (["<think>\n\n</think>\n\nhi"], "", "hi"),
        (["<think>a</thin"], "a</thin", ""),
        (["<thin"], "", "<thin"),
        (["  "], "", "  "),
        ([], "", ""),
    ],
)
def test_text_is_split_by_the_rules_of_the_generic_splitter(pieces, thinking, content):
    assert split(pieces) == (thinking, content)


def test_a_parser_that_starts_inside_needs_no_opening_tag():
    assert split(["\nwhy", "</think>", "\n\nhi"], inside=True) == ("why", "hi")


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", " ", "a", "\n", "<"]), max_size=8))
def test_how_text_is_cut_changes_nothing(pieces):
    whole = "".join(pieces)
    assert split(list(whole)) == split([whole]) == split(pieces)


def test_logprobs_of_held_text_come_with_the_next_event():
    parser = ThinkingParser("<think>", "</think>")
    first, second = TokenLogprob("<think>", -0.1), TokenLogprob("a", -0.2)
    assert parser.feed("<think>", [first]) == []
    assert parser.feed("a", [second]) == [Thinking("a", (first, second))]


def test_logprobs_without_any_text_are_given_at_the_end():
    parser = ThinkingParser("<think>", "</think>")
    entry = TokenLogprob("<think>", -0.1)
    parser.feed("<think>", [entry])
    assert parser.flush() == [Text("", (entry,))]
