from __future__ import annotations

import asyncio

from bench.transfers import served_model
from corral.core.digests import Digest
from tests.helpers.shelf import Shelf


def test_the_registry_of_the_bench_serves_a_model_that_can_be_pulled(tmp_path):
    shelf = Shelf(tmp_path / "store")
    with served_model(tmp_path, 10_000_000) as source:
        name = source.name("quick")
        asyncio.run(collect(shelf.library.pull(name, insecure=True)))
        digest = Digest.parse(source.digest)
    assert shelf.store.blobs.size(digest) == 10_000_000
    assert shelf.names == [name]


async def collect(records):
    assert [record async for record in records][-1].status == "success"
