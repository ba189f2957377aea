from __future__ import annotations

import pytest

from corral.core.events import TokenLogprob
from corral.engine import TextPiece
from corral.serving.embed import _split_edges, _unit
from corral.serving.held import grammar_for
from corral.serving.run import cut_middle, shown_logprobs


@pytest.mark.parametrize(
    ("limit", "keep", "wanted"),
    [
        (10, 2, [0, 1, 96, 97, 98, 99]),
        (10, 0, [95, 96, 97, 98, 99]),
        (10, 50, [0, 1, 2, 3, 4, 5, 98, 99]),
        (4, -1, [98, 99]),
    ],
)
def test_a_long_prompt_keeps_its_beginning_and_its_newest_tokens(limit, keep, wanted):
    assert cut_middle(list(range(100)), limit, keep) == wanted


def test_only_the_alternatives_that_were_asked_for_are_shown():
    entry = TokenLogprob("a", -0.1, (TokenLogprob("a", -0.1), TokenLogprob("b", -2.0)))
    piece = TextPiece("a", False, (entry,))
    assert [len(shown_logprobs(piece, top)[0].top) for top in (0, 1, 2)] == [0, 1, 2]
    assert shown_logprobs(TextPiece("a"), 2) == ()


def test_without_a_format_the_answer_is_free():
    assert grammar_for(None) == ""
    assert grammar_for("json").startswith("root ::= object")
    assert grammar_for({"type": "boolean"}).startswith("root ::= start")


@pytest.mark.parametrize(
    ("tokens", "edges", "wanted"),
    [
        ([2, 7, 8, 3], [2, 3], ([2], [3])),
        ([1, 7, 8], [1], ([1], ())),
        ([7, 8, 9], [9], ((), [9])),
        ([7, 8], [], ((), ())),
    ],
)
def test_the_special_tokens_of_an_input_are_told_from_its_text(tokens, edges, wanted):
    assert _split_edges(tokens, edges) == wanted


def test_a_cut_vector_has_length_one_again():
    assert _unit([3.0, 4.0]) == (0.6, 0.8)
    assert _unit([0.0, 0.0]) == (0.0, 0.0)
