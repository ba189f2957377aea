from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import CorruptData, NotFound
from corral.registry import Progress, RegistryClient, download_blob
from tests.helpers.fake_registry import FakeRegistry

NAME = ModelName("registry.test", "a", "b", "t")
DATA = bytes(range(256)) * 40


def download(registry: FakeRegistry, target: Path, digest: str, total: int = len(DATA)) -> Progress:
    progress = Progress(total=total)

    async def run() -> None:
        async with RegistryClient(NAME, transport=registry.transport) as client:
            await download_blob(client, Digest.parse(digest), target, progress)

    asyncio.run(run())
    return progress


def ranges(registry: FakeRegistry) -> list[str | None]:
    return [request.headers.get("Range") for request in registry.requests]


def test_a_blob_arrives_whole(tmp_path):
    registry = FakeRegistry()
    progress = download(registry, tmp_path / "blob", registry.add_blob(DATA))
    assert (tmp_path / "blob").read_bytes() == DATA
    assert progress.completed == len(DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["blob"]


def test_a_broken_stream_goes_on_where_it_stopped(tmp_path):
    registry = FakeRegistry(cut_after=4000)
    download(registry, tmp_path / "blob", registry.add_blob(DATA))
    assert (tmp_path / "blob").read_bytes() == DATA
    assert ranges(registry) == [None, "bytes=4000-", "bytes=8000-"]


def test_what_an_earlier_attempt_left_is_not_fetched_again(tmp_path):
    registry = FakeRegistry()
    (tmp_path / "blob-partial").write_bytes(DATA[:5000])
    download(registry, tmp_path / "blob", registry.add_blob(DATA))
    assert (tmp_path / "blob").read_bytes() == DATA
    assert ranges(registry) == ["bytes=5000-"]


def test_a_registry_without_ranges_works_too(tmp_path):
    registry = FakeRegistry(ignore_range=True)
    (tmp_path / "blob-partial").write_bytes(DATA[:5000])
    progress = download(registry, tmp_path / "blob", registry.add_blob(DATA))
    assert (tmp_path / "blob").read_bytes() == DATA
    assert progress.completed == len(DATA)


def test_parts_of_another_program_are_begun_anew(tmp_path):
    registry = FakeRegistry()
    (tmp_path / "blob-partial").write_bytes(bytes(len(DATA)))
    (tmp_path / "blob-partial-0").write_text('{"N":0,"Offset":0,"Size":10240,"Completed":17}\n')
    download(registry, tmp_path / "blob", registry.add_blob(DATA))
    assert (tmp_path / "blob").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["blob"]


def test_wrong_bytes_are_removed(tmp_path):
    registry = FakeRegistry()
    digest = registry.add_blob(DATA)
    registry.blobs[digest] = bytes(len(DATA))
    with pytest.raises(CorruptData, match=r"^digest mismatch, file must be downloaded again: want sha256:"):
        download(registry, tmp_path / "blob", digest)
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_announced_are_refused(tmp_path):
    registry = FakeRegistry()
    with pytest.raises(CorruptData, match="larger than the 100 bytes"):
        download(registry, tmp_path / "blob", registry.add_blob(DATA), total=100)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_blob_is_not_asked_for_again(tmp_path):
    registry = FakeRegistry()
    with pytest.raises(NotFound):
        download(registry, tmp_path / "blob", str(Digest.of(b"x")))
    assert len(registry.requests) == 1


def test_the_token_stays_with_the_registry(tmp_path):
    registry = FakeRegistry(token="T", storage="storage.test")
    download(registry, tmp_path / "blob", registry.add_blob(DATA))
    there = [request for request in registry.requests if request.url.host == "storage.test"]
    assert (tmp_path / "blob").read_bytes() == DATA
    assert [request.headers.get("Authorization") for request in there] == [None]
