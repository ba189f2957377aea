from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from corral.cache import Child, Seats
from corral.core.events import Done
from corral.core.options import Options
from corral.core.requests import GenerationRequest
from corral.engine import Chunk, Finish, PrefillProgress, TextPiece
from corral.scheduler import Lease
from corral.serving.continuation import Continuation, complete
from corral.serving.counting import TokenCounter
from corral.serving.meter import Meter
from corral.serving.run import Run
from tests.helpers.build_model import build_model
from tests.helpers.virtual_time import run


class Engine:
    """Reads a prompt for two seconds, then writes one piece a second."""

    def __init__(self, *last: list[Chunk]) -> None:
        self._last = last

    async def bos_text(self) -> str:
        return ""

    async def tokenize(self, text: str) -> list[int]:
        return [1]

    async def complete(self, request: object) -> AsyncGenerator[list[Chunk], None]:
        yield [PrefillProgress(9, 4, 9)]
        await asyncio.sleep(2)
        for _ in range(31):
            yield [TextPiece("a", False, ())]
            await asyncio.sleep(1)
        for batch in self._last:
            yield batch


def answered(engine: Engine) -> list[Done]:
    async def whole() -> list[Done]:
        client: Any = engine
        runner = SimpleNamespace(client=client, seats=Seats(client, Child()))
        made = Run(
            model=build_model(),
            options=Options(),
            lease=cast(Lease, SimpleNamespace(runner=runner, num_ctx=2048)),
            request=GenerationRequest(model="a"),
            think=None,
            adapter_scales=(),
            meter=Meter("generate"),
            load_s=0.0,
            counter=TokenCounter(client),
        )
        events = [event async for batch in complete(made, Continuation(prompt="x")) for event in batch]
        return [event for event in events if isinstance(event, Done)]

    return run(whole())


def test_an_answer_that_is_stopped_for_repeating_itself_has_counts_and_durations():
    (done,) = answered(Engine([TextPiece("a", False, ())]))
    usage = done.usage
    assert done.reason == "stop"
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (9, 4, 32)
    assert (usage.prompt_s, usage.decode_s) == (pytest.approx(2.0), pytest.approx(31.0))


def test_an_answer_that_ends_with_its_last_repetition_has_one_end():
    last: list[Chunk] = [TextPiece("a", False, ()), Finish("length", 9, 4, 32, 0.5, 0.25)]
    (done,) = answered(Engine(last))
    assert (done.reason, done.usage.decode_s) == ("length", 0.25)
