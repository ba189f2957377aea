"""Faults on the way: after each nothing whole-looking is wrong, and a second pull finishes."""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Callable

import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_SYSTEM
from corral.errors import CorralError
from tests.helpers.fake_registry import FakeRegistry, served
from tests.helpers.shelf import Shelf

WEIGHTS = random.Random(11).randbytes(1_500_000)
SYSTEM = b"be brief " * 500
CHANCE = random.Random(12)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("corral.registry.partial.MIN_PART", 500_000)
    monkeypatch.setattr("corral.registry.failures._MAX_WAIT_S", 0.001)
    monkeypatch.setattr("corral.registry.client._MANIFEST_PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("corral.registry.lane.STALL_S", 0.3)


def cut_often(registry: FakeRegistry) -> None:
    registry.cuts = [CHANCE.randrange(50_000, 300_000) for _ in range(20)]


def wrong_bytes(registry: FakeRegistry) -> None:
    registry.blobs[str(Digest.of(WEIGHTS))] = WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1])


def wrong_size(registry: FakeRegistry) -> None:
    registry.lie = -7


def too_many_requests(registry: FakeRegistry) -> None:
    registry.statuses = [429] * 40


def out_of_order(registry: FakeRegistry) -> None:
    registry.statuses = [500, 502, 503, 504] * 40


def trickle(registry: FakeRegistry) -> None:
    registry.pause_s = 0.4


def gone(registry: FakeRegistry) -> None:
    del registry.blobs[str(Digest.of(WEIGHTS))]


def repaired(registry: FakeRegistry) -> None:
    """Everything as it should be."""
    registry.cuts, registry.statuses = [], []
    registry.cut_after = registry.lie = 0
    registry.pause_s = 0.0
    registry.blobs[str(Digest.of(WEIGHTS))] = WEIGHTS


FAULTS = [cut_often, wrong_bytes, wrong_size, too_many_requests, out_of_order, trickle, gone]


def check_store(shelf: Shelf) -> None:
    """What has the name of a blob has its bytes, and what is a model has all its blobs."""
    if shelf.store.blobs.directory.is_dir():
        for path in shelf.store.blobs.directory.iterdir():
            if Digest.is_valid(path.name):
                assert Digest.parse(path.name) == Digest.of(path.read_bytes())
    for stored in shelf.store.manifests.list():
        assert all(shelf.has_blob(digest) for digest in stored.manifest.digests)


def attempt(shelf: Shelf, name: str) -> str:
    """The last status of a pull, or its error."""
    try:
        return shelf.records(shelf.library.pull(name, insecure=True))[-1].status
    except CorralError as error:
        return error.message or "no message"


def publish() -> FakeRegistry:
    registry = FakeRegistry()
    registry.add_model("a/b:t", [(MEDIA_MODEL, WEIGHTS), (MEDIA_SYSTEM, SYSTEM)])
    return registry


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_second_pull_finishes(tmp_path, fault: Callable[[FakeRegistry], None]):
    registry, shelf = publish(), Shelf(tmp_path)
    fault(registry)
    with served(registry) as host:
        name = f"{host}/a/b:t"
        first = attempt(shelf, name)
        check_store(shelf)
        assert (first == "success") == (shelf.names == [name])
        repaired(registry)
        assert attempt(shelf, name) == "success"
    check_store(shelf)
    assert shelf.store.blobs.read(Digest.of(WEIGHTS)) == WEIGHTS


@pytest.mark.parametrize("full_at", [0, 1, 600_000, 1_499_999])
def test_a_second_pull_finishes_after_the_disk_was_full(tmp_path, monkeypatch, full_at):
    registry, shelf = publish(), Shelf(tmp_path)

    def write(handle: int, data: memoryview, offset: int) -> int:
        if offset + len(data) > full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data, offset)

    real = os.pwrite
    with served(registry) as host:
        name = f"{host}/a/b:t"
        with monkeypatch.context() as patch:
            patch.setattr("os.pwrite", write)
            assert attempt(shelf, name) == "no space left on device"
        check_store(shelf)
        assert attempt(shelf, name) == "success"
    check_store(shelf)


def test_the_pull_of_a_cancelled_client_goes_on_for_another(tmp_path):
    registry, shelf = publish(), Shelf(tmp_path)
    registry.pause_s = 0.02

    async def both(name: str) -> str:
        first = asyncio.create_task(anext(skip_to_blobs(shelf.library.pull(name, insecure=True))))
        second = asyncio.create_task(collect(shelf.library.pull(name, insecure=True)))
        await first
        first.cancel()
        return await second

    with served(registry) as host:
        assert asyncio.run(both(f"{host}/a/b:t")) == "success"
    check_store(shelf)
    whole = sum(1 for request in registry.requests if "Range" in request.headers)
    assert whole == -(-len(WEIGHTS) // 500_000)


async def skip_to_blobs(records):
    async for record in records:
        if record.completed:
            yield record
            return


async def collect(records):
    return [record.status async for record in records][-1]
