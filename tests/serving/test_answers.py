from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from corral.core.events import Done, Event, Text
from corral.errors import RunnerCrashed
from corral.serving.answers import Answer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def batches(*items: list[Event] | Exception) -> AsyncGenerator[list[Event], None]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


def held(answer: Answer, log: list[str]) -> Answer:
    stack = AsyncExitStack()
    stack.callback(log.append, "lease ended")
    return answer.holding(stack, lambda: log.append("crash"))


async def test_a_collected_answer_is_closed():
    log: list[str] = []
    answer = held(Answer(batches([Text("a")], [], [Text("b"), Done("stop")])), log)
    assert await answer.collect() == [Text("a"), Text("b"), Done("stop")]
    assert log == ["lease ended"]


async def test_the_first_events_are_not_lost_to_the_rest():
    answer = held(Answer(batches([], [Text("a")], [Done("stop")])), [])
    assert await answer.first() == [Text("a")]
    assert [batch async for batch in answer.rest()] == [[Done("stop")]]


async def test_an_answer_that_nobody_read_still_ends_its_lease():
    log: list[str] = []
    await held(Answer(batches([Text("a")])), log).aclose()
    assert log == ["lease ended"]


async def test_the_end_of_a_runner_is_told_before_the_lease_ends():
    log: list[str] = []
    answer = held(Answer(batches([Text("a")], RunnerCrashed("gone"))), log)
    with pytest.raises(RunnerCrashed):
        await answer.collect()
    assert log == ["crash", "lease ended"]
