"""What a base thinks before given answers: how far it is read, and that it is asked once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from corral.core.events import Text, Thinking
from corral.core.messages import Message
from corral.errors import EngineError
from corral.tune.data import Place, Row
from corral.tune.reasoning import Reasoning

pytestmark = pytest.mark.anyio

MODEL = SimpleNamespace(name=SimpleNamespace(short="pocket"))


def row(question: str) -> Row:
    return Row(Place("a", 1), (Message("user", question), Message("assistant", "a")))


class Base:
    """A service whose answers are these events."""

    def __init__(self, *events, error=None):
        self.events, self.error, self.asked, self.closed = events, error, 0, 0

    async def chat(self, request):
        assert (request.think, len(request.messages)) == (True, 1)
        self.asked += 1
        return self

    async def rest(self):
        for event in self.events:
            yield [event]
        if self.error:
            raise self.error

    async def aclose(self):
        self.closed += 1


@pytest.mark.parametrize(
    ("base", "thoughts"),
    [
        (Base(Thinking("It asks "), Thinking("me.\n"), Text("I"), Text(" am")), "It asks me."),
        (Base(Thinking("It goes on and on")), ""),
        (Base(Text("At once.")), ""),
        (Base(Thinking("Hm"), error=EngineError("no call can be read", status=500)), ""),
    ],
    ids=["ends", "cut off", "none", "unreadable"],
)
async def test_only_reasoning_that_an_answer_follows_counts(tmp_path, base, thoughts):
    assert await Reasoning(base, MODEL, tmp_path / "r.jsonl", 1)(row("Who?")) == thoughts
    assert base.closed == 1


async def test_a_job_that_goes_on_has_the_same_reasoning(tmp_path):
    path, base = tmp_path / "r.jsonl", Base(Thinking("Hm."), Text("a"))
    first = Reasoning(base, MODEL, path, 1)
    assert [await first(row(text)) for text in "abca"] == ["Hm."] * 4
    assert base.asked == 3
    path.write_bytes(path.read_bytes()[:-9])  # killed as it wrote the third
    later = Reasoning(Base(Thinking("Other."), Text("a")), MODEL, path, 1)
    assert [await later(row(text)) for text in "abc"] == ["Hm.", "Hm.", "Other."]
    assert len(path.read_bytes().splitlines()) == 3
