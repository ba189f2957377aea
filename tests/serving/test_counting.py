import asyncio

import pytest

from corral.serving.counting import TokenCounter


class Tokenizer:
    """Takes each word for a token."""

    def __init__(self):
        self.texts = []

    async def tokenize(self, text):
        self.texts.append(text)
        return list(range(len(text.split())))


def test_the_same_text_is_not_counted_twice():
    async def test():
        client = Tokenizer()
        counter = TokenCounter(client)
        assert [await counter.size("a b c", 0), len(await counter.tokens("a b c"))] == [3, 3]
        assert await counter.tokens("a") == [0]
        assert client.texts == ["a b c", "a"]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("text", "limit", "asked"), [("a b", 100, 0), ("a b " * 30, 100, 1), ("é" * 45, 100, 1)]
)
def test_a_text_with_fewer_bytes_than_the_limit_has_tokens_is_not_counted(text, limit, asked):
    async def test():
        client = Tokenizer()
        assert await TokenCounter(client).size(text, limit) <= limit
        assert len(client.texts) == asked

    asyncio.run(test())
