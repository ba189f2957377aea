"""A model in the engine, asked directly for what no API tells, such as the probabilities of all tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from corral import engine
from corral.engine import Adapter, LaunchParams

T = TypeVar("T")

_TIMEOUT_S = 60.0


class Answers:
    """Questions to one loaded model."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def tokens(self, text: str) -> list[int]:
        """The tokens of `text` with what begins and ends one."""
        body = {"content": text, "add_special": True, "parse_special": True}
        return list(self._ask("/tokenize", body)["tokens"])

    def log_probabilities(self, prompt: Sequence[int], size: int) -> list[float]:
        """Those of all `size` tokens to come next, by their ids."""
        # A token that ends the text or is half a character would hide the probabilities: another one is
        # forced. They are told as they were before that.
        body = {
            "prompt": list(prompt),
            "n_predict": 1,
            "n_probs": size,
            "temperature": 0,
            "cache_prompt": False,
        }
        answer = self._ask("/completion", {**body, "logit_bias": [[self.tokens("a")[-1], 1000]]})
        entries = answer["completion_probabilities"][0]["top_logprobs"]
        by_id = {entry["id"]: entry["logprob"] for entry in entries}
        return [by_id[index] for index in range(size)]

    def embedding(self, prompt: Sequence[int]) -> list[float]:
        return list(self._ask("/v1/embeddings", {"input": list(prompt)})["data"][0]["embedding"])

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


def with_engine(
    model: Path,
    ask: Callable[[Answers], T],
    *,
    embedding: bool = False,
    num_ctx: int = 256,
    adapter: Path | None = None,
) -> T:
    """What `ask` gets from the model, which computes with 32 bits throughout."""
    params = LaunchParams(
        model=str(model),
        num_ctx=num_ctx,
        kv_cache_type="f32",
        flash_attention=False,
        embedding=embedding,
        adapters=(Adapter(str(adapter)),) if adapter else (),
    )
    return asyncio.run(_with_engine(params, ask))


async def _with_engine(params: LaunchParams, ask: Callable[[Answers], T]) -> T:
    process = await engine.start(params, timeout_s=_TIMEOUT_S)
    try:
        socket = process.address.removeprefix("unix://")
        transport = httpx.HTTPTransport(uds=socket)
        with httpx.Client(transport=transport, base_url="http://engine", timeout=_TIMEOUT_S) as client:
            return await asyncio.to_thread(ask, Answers(client))
    finally:
        await process.kill()
