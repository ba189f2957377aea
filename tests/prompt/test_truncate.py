import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corral.core.messages import Message
from corral.prompt import IMAGE_TOKENS, fit, render, template_of
from corral.prompt.truncate import candidate
from corral.template import NAMED

NAMES = {"u": "user", "a": "assistant", "s": "system", "t": "tool", "i": "user"}


def conversation(roles):
    """One message a letter; an `i` is a user message with an image."""
    return [
        Message(NAMES[role], str(at), images=(b"x",) if role == "i" else ()) for at, role in enumerate(roles)
    ]


def kept(roles, limit, *, image_tokens=0, native=False, seen=None):
    async def count(messages):
        if seen is not None:
            seen.append(len(messages))
        return len(messages) * 10

    found = asyncio.run(fit(conversation(roles), limit, count, image_tokens=image_tokens, native=native))
    return "".join(roles[int(message.content)] for message in found)


@pytest.mark.parametrize(
    ("roles", "limit", "expected"),
    [
        ("uau", 30, "uau"),
        ("uau", 1, "u"),
        ("suau", 1, "su"),
        ("uasu", 1, "su"),
        ("usau", 30, "sau"),
        ("uat", 10, "t"),
        ("u", 1, "u"),
        ("", 1, ""),
    ],
)
def test_the_oldest_messages_go_but_system_texts_and_the_last_one_stay(roles, limit, expected):
    assert kept(roles, limit) == expected


def test_each_image_of_a_projector_model_costs_its_tokens():
    assert kept("iai", IMAGE_TOKENS + 30, image_tokens=IMAGE_TOKENS) == "ai"
    assert kept("iai", 2 * IMAGE_TOKENS + 30, image_tokens=IMAGE_TOKENS) == "iai"
    assert kept("iai", 30) == "iai"


@pytest.mark.parametrize("length", [2, 3, 7, 40])
@pytest.mark.parametrize("room", [1, 2, 3, 39])
def test_the_result_is_the_first_candidate_that_fits(length, room):
    assert len(kept("u" * length, room * 10)) == min(length, room)


def test_a_conversation_that_fits_is_counted_once():
    seen = []
    kept("ua" * 50, 1000, seen=seen)
    assert seen == [100]


def test_a_long_conversation_is_counted_few_times():
    seen = []
    kept("ua" * 500, 50, seen=seen)
    assert len(seen) < 15


ROLES = st.sampled_from(["user", "assistant", "system", "tool"])
MESSAGES = st.lists(st.builds(lambda role, n: Message(role, "x" * n), ROLES, st.integers(1, 30)), min_size=1)


@settings(max_examples=500)
@given(st.sampled_from(sorted(NAMED)), MESSAGES, st.integers(1, 500))
def test_with_every_named_template_the_longest_end_that_fits_is_found(name, messages, limit):
    template = template_of(NAMED[name].template)

    def size(some):
        return len(render(template, some).text)

    async def count(some):
        return size(some)

    ends = [candidate(messages, first) for first in range(len(messages))]
    expected = next((end for end in ends if size(end) <= limit), ends[-1])
    assert asyncio.run(fit(messages, limit, count)) == expected


def test_an_end_that_the_template_refuses_is_passed_over():
    async def count(messages):
        return None if messages[0].role == "assistant" else len(messages) * 10

    found = asyncio.run(fit(conversation("uauaua"), 50, count))
    assert [message.content for message in found] == ["2", "3", "4", "5"]


def test_of_a_long_chat_only_a_few_prompts_are_rendered_and_counted():
    seen = []
    assert len(kept("s" + "ua" * 50, 400, seen=seen)) == 40
    assert len(seen) <= 8
