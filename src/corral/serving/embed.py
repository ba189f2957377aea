"""Embeddings: texts cut to what the model reads, then vectors. Source: http-api.md 5.4, 5.5."""

from __future__ import annotations

import math
from collections.abc import Sequence

from corral.core.model import Model
from corral.core.options import Options
from corral.core.requests import EmbedRequest
from corral.engine import Client
from corral.errors import InvalidInput
from corral.scheduler import Lease

_RAW_TOKENIZER = "bert"


class EmbedRun:
    """One embedding request on its runner."""

    def __init__(self, model: Model, options: Options, lease: Lease, request: EmbedRequest) -> None:
        self._model = model
        self._options = options
        self._lease = lease
        self._request = request
        self._client: Client = lease.runner.client

    async def vectors(self) -> tuple[tuple[tuple[float, ...], ...], int]:
        """One vector per input in the order of the inputs, and how many tokens were read in all."""
        edges = await self._client.tokenize("", add_special=True)
        inputs = [await self._tokens(text, edges) for text in self._request.inputs]
        found = await self._client.embed(inputs, normalize=self._normalized())
        vectors = tuple(self._finished(vector) for vector in found)
        return vectors, sum(len(tokens) for tokens in inputs)

    def _normalized(self) -> bool:
        """The legacy route leaves the vectors of encoders as they are, unless their file asks otherwise."""
        network = self._model.network
        if not self._request.legacy:
            return True
        if network.architecture == "bert":
            if network.tokenizer != _RAW_TOKENIZER:
                return False
            return network.normalize_embeddings is not False
        if network.architecture.startswith("nomic-bert"):
            return bool(network.normalize_embeddings)
        return True

    async def _tokens(self, text: str, edges: Sequence[int]) -> list[int]:
        """The input with the model's special tokens, cut where the request allows it. Raises InvalidInput."""
        tokens = await self._client.tokenize(text, add_special=True)
        limit = self._limit()
        room = limit - len(edges)
        if len(tokens) <= limit and room > 0:
            return tokens
        if not self._request.truncate and not self._request.legacy and len(tokens) > limit:
            raise InvalidInput("the input length exceeds the context length")
        if room <= 0:
            raise InvalidInput("input after truncation exceeds maximum context length")
        head, tail = _split_edges(tokens, edges)
        body = tokens[len(head) : len(tokens) - len(tail)]
        return [*head, *body[:room], *tail]

    def _limit(self) -> int:
        """Tokens of one input, special ones included; the engine reads an input in one batch."""
        trained = self._model.network.context_length or self._lease.num_ctx
        asked = self._options.num_ctx
        limit = min(asked, trained) if asked is not None and asked > 0 else trained
        return min(limit, self._lease.runner.params.num_batch)

    def _finished(self, vector: Sequence[float]) -> tuple[float, ...]:
        if not all(map(math.isfinite, vector)):
            raise InvalidInput("embedding contains NaN or Inf values")
        wanted = self._request.dimensions
        if not 0 < wanted < len(vector):
            return tuple(vector)
        return _unit(vector[:wanted])


def _unit(vector: Sequence[float]) -> tuple[float, ...]:
    length = math.hypot(*vector)
    return tuple(value / length for value in vector) if length else tuple(vector)


def _split_edges(tokens: Sequence[int], edges: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """The special tokens at the front and at the end of an input."""
    if len(edges) >= 2:
        return edges[:1], edges[1:]
    if len(edges) == 1:
        return (edges, ()) if tokens[:1] == list(edges) else ((), edges)
    return (), ()
