"""Pulls that several may watch, that go on alone, and that can be stopped."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from corral.core.requests import ProgressRecord
from corral.errors import NotFound, PullStopped, RegistryError
from corral.library import Pulls

NAME = "a/b:t"
LAYER = ProgressRecord("pulling abc", "sha256:abc", 10, 4)


class Source:
    """Records that come one by one, as `more` is called; `closed` counts the readers that left."""

    def __init__(self):
        self.records = asyncio.Queue()
        self.closed = 0

    async def fetch(self):
        try:
            while (record := await self.records.get()) is not None:
                if isinstance(record, Exception):
                    raise record
                yield record
        finally:
            self.closed += 1


async def until(what):
    """Let other tasks run until `what` holds."""
    for _ in range(1000):
        if what():
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{what} never held")


def state(pulls):
    (pull,) = pulls.list()
    return pull


@pytest.mark.anyio
class TestPulls:
    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"

    async def test_a_watched_pull_is_listed_with_its_layers(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(LAYER)
        async with aclosing(pulls.watched(NAME, source.fetch)) as records:
            assert await anext(records) == LAYER
            pull = state(pulls)
            assert (pull.name, pull.result, pull.status) == (NAME, "", "pulling abc")
            assert [(layer.total, layer.completed) for layer in pull.layers] == [(10, 4)]

    async def test_a_client_that_leaves_ends_its_pull(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(LAYER)
        async with aclosing(pulls.watched(NAME, source.fetch)) as records:
            await anext(records)
        assert (state(pulls).result, source.closed) == ("stopped", 1)

    async def test_a_kept_pull_goes_on_alone_to_its_end(self):
        pulls, source = Pulls(), Source()
        assert pulls.keep(NAME, source.fetch).kept
        source.records.put_nowait(ProgressRecord("success"))
        source.records.put_nowait(None)
        await until(lambda: state(pulls).result)
        assert (state(pulls).result, source.closed) == ("done", 1)

    async def test_to_keep_a_pull_twice_runs_it_once(self):
        pulls, source = Pulls(), Source()
        pulls.keep(NAME, source.fetch)
        pulls.keep(NAME, source.fetch)
        source.records.put_nowait(LAYER)
        await until(lambda: state(pulls).layers)
        await pulls.close()
        assert (state(pulls).result, source.closed) == ("stopped", 1)

    async def test_a_pull_that_is_stopped_before_it_began_is_over_too(self):
        pulls, source = Pulls(), Source()
        pulls.keep(NAME, source.fetch)
        await pulls.close()
        assert state(pulls).result == "stopped"

    async def test_a_kept_pull_outlives_the_client_that_watches_it(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(LAYER)
        async with aclosing(pulls.watched(NAME, source.fetch)) as records:
            await anext(records)
            pulls.keep(NAME, source.fetch)
            await asyncio.sleep(0)
        assert state(pulls).result == ""
        await pulls.close()

    async def test_why_a_kept_pull_failed_can_be_read(self, caplog):
        pulls, source = Pulls(), Source()
        pulls.keep(NAME, source.fetch)
        source.records.put_nowait(RegistryError("no such model", hint="look again"))
        await until(lambda: state(pulls).result)
        pull = state(pulls)
        assert (pull.result, pull.error, pull.hint) == ("failed", "no such model", "look again")
        assert "no such model" in caplog.text

    async def test_a_stopped_pull_ends_for_those_who_watch_it(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(LAYER)
        source.records.put_nowait(LAYER)
        async with aclosing(pulls.watched(NAME, source.fetch)) as records:
            await anext(records)
            pulls.stop(NAME)
            with pytest.raises(PullStopped, match="was stopped"):
                await anext(records)
        assert state(pulls).result == "stopped"

    async def test_a_stopped_pull_in_the_background_ends(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(LAYER)
        pulls.keep(NAME, source.fetch)
        await until(lambda: state(pulls).layers)
        pulls.stop(NAME)
        await until(lambda: state(pulls).result)
        assert (state(pulls).result, source.closed) == ("stopped", 1)

    async def test_one_that_is_over_can_be_forgotten(self):
        pulls, source = Pulls(), Source()
        source.records.put_nowait(None)
        async with aclosing(pulls.watched(NAME, source.fetch)) as records:
            assert [record async for record in records] == []
        pulls.stop(NAME)
        assert pulls.list() == []
        with pytest.raises(NotFound, match=r"^no pull of a/b:t is running$"):
            pulls.stop(NAME)

    async def test_only_the_last_ones_are_remembered(self):
        pulls = Pulls()
        for number in range(30):
            source = Source()
            source.records.put_nowait(None)
            async with aclosing(pulls.watched(f"m{number}", source.fetch)) as records:
                assert [record async for record in records] == []
        assert [pull.name for pull in pulls.list()] == [f"m{number}" for number in range(10, 30)]
