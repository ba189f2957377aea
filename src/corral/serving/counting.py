"""How many tokens a text has: the engine is asked, but not twice, and not where it cannot matter."""

from __future__ import annotations

from corral.engine import Client

# A token is at least one byte of text; the engine may add some of its own.
_ADDED = 16


class TokenCounter:
    """For one request: keeps the tokens of the latest text, which is mostly the one that is sent."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._text = ""
        self._tokens: list[int] = []

    async def tokens(self, text: str) -> list[int]:
        """Raises EngineError, RunnerCrashed."""
        if text != self._text:
            self._tokens = await self._client.tokenize(text)
            self._text = text
        return self._tokens

    async def size(self, text: str, limit: int) -> int:
        """The tokens of `text`; where it is so short that it must fit in `limit`, only an upper bound."""
        most = len(text.encode()) + _ADDED
        return most if most <= limit else len(await self.tokens(text))
