"""Documents ordered by how well they answer a query, with a model that scores pairs of texts."""

from __future__ import annotations

import math

from corral.core.model import Model
from corral.core.requests import Ranked, RerankRequest
from corral.engine import Client
from corral.errors import InvalidInput
from corral.scheduler import Lease

# The engine puts the query, the document and what separates them into one batch.
_SEPARATORS = 4
# A model with a template for this task writes its instructions around the two.
_TEMPLATED = ("qwen3",)
_INSTRUCTIONS = 128
# The score of these networks is a probability already; the others give its logarithm against the rest.
_PROBABILITIES = ("qwen3",)


class RerankRun:
    """One request on its runner."""

    def __init__(self, model: Model, lease: Lease, request: RerankRequest) -> None:
        self._architecture = model.network.architecture
        self._request = request
        self._client: Client = lease.runner.client
        self._limit = min(lease.num_ctx, lease.runner.params.num_batch)

    async def ranked(self) -> tuple[tuple[Ranked, ...], int]:
        """The best documents, best first (equal ones in the order of the request), and the tokens read.

        Raises InvalidInput where a text is too long and may not be cut.
        """
        request = self._request
        room = self._limit - self._overhead() - len(await self._client.tokenize(request.query))
        if room < 1:
            raise InvalidInput("the query length exceeds the context length")
        documents = [await self._fitted(text, room) for text in request.documents]
        scores, num_tokens = await self._client.rerank(request.query, documents)
        found = [Ranked(index, self._share(score)) for index, score in enumerate(scores)]
        found.sort(key=lambda document: -document.score)
        return tuple(found[: request.top_n or None]), num_tokens

    def _overhead(self) -> int:
        return _INSTRUCTIONS if self._architecture.startswith(_TEMPLATED) else _SEPARATORS

    async def _fitted(self, text: str, room: int) -> str:
        tokens = await self._client.tokenize(text)
        most = min(room, self._request.max_document_tokens or room)
        if len(tokens) <= most:
            return text
        if not self._request.truncate:
            raise InvalidInput("the input length exceeds the context length")
        return await self._client.detokenize(tokens[:most])

    def _share(self, score: float) -> float:
        """The score as a number from 0 to 1."""
        if not math.isfinite(score):
            raise InvalidInput("the model gave a score that is no number")
        if self._architecture.startswith(_PROBABILITIES):
            return score
        return 1 / (1 + math.exp(-max(-700.0, min(score, 700.0))))
