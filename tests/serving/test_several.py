import asyncio
from contextlib import AsyncExitStack

import pytest

from corral.core.events import Done, Numbered, Text
from corral.errors import RunnerCrashed
from corral.serving.answers import Answer
from corral.serving.several import SeveralAnswers

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Slot:
    """One slot for all answers, as a runner with a single one gives it."""

    def __init__(self):
        self._free = asyncio.Lock()
        self.num_closed = 0

    def answer(self, *batches, single=None):
        async def begin():
            await self._free.acquire()
            stack = AsyncExitStack()
            stack.callback(self._end)
            return Answer(None if single else played(batches), single=single).holding(stack, lambda: None)

        return begin

    def _end(self):
        self.num_closed += 1
        self._free.release()


async def played(batches):
    for batch in batches:
        await asyncio.sleep(0)
        if isinstance(batch, Exception):
            raise batch
        yield batch


async def test_answers_that_share_one_slot_all_come_to_their_end():
    slot = Slot()
    batches = [[Text("a")], [Done("stop")]]
    answers = SeveralAnswers([slot.answer(*batches), slot.answer(*batches), slot.answer(single=Done("load"))])
    events = await answers.collect()
    assert {event.index for event in events} == {0, 1, 2}
    assert [event.event for event in events if event.index == 1] == [Text("a"), Done("stop")]
    assert slot.num_closed == 3


async def test_the_first_failure_is_raised_and_closing_frees_the_rest():
    slot = Slot()
    answers = SeveralAnswers([slot.answer([Text("a")], RunnerCrashed("gone")), slot.answer([Text("b")])])
    assert await answers.first() == [Numbered(0, Text("a"))]
    with pytest.raises(RunnerCrashed):
        [batch async for batch in answers.rest()]
    await answers.aclose()
    assert slot.num_closed >= 1


async def test_closing_before_anything_was_read_leaves_nothing_running():
    slot = Slot()
    before = asyncio.all_tasks()
    answers = SeveralAnswers([slot.answer([Text("a")]), slot.answer([Text("b")])])
    await answers.aclose()
    assert asyncio.all_tasks() == before
