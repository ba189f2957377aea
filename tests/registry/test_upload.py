from __future__ import annotations

import asyncio
from pathlib import Path

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.registry import Progress, RegistryClient, upload_blob
from tests.helpers.fake_registry import FakeRegistry

NAME = ModelName("registry.test", "a", "b", "t")
DATA = b"weights" * 1000


def upload(registry: FakeRegistry, folder: Path, **options: str) -> Progress:
    path = folder / "blob"
    path.write_bytes(DATA)
    progress = Progress()

    async def run() -> None:
        async with RegistryClient(NAME, transport=registry.transport) as client:
            await upload_blob(client, Digest.of(DATA), path, progress, **options)

    asyncio.run(run())
    return progress


def test_a_blob_that_is_missing_is_sent(tmp_path):
    registry = FakeRegistry()
    assert upload(registry, tmp_path) == Progress(len(DATA), len(DATA))
    assert registry.blobs == {str(Digest.of(DATA)): DATA}


def test_parts_follow_one_another(tmp_path, monkeypatch):
    monkeypatch.setattr("corral.registry.upload.MIN_PART", 3000)
    registry = FakeRegistry()
    upload(registry, tmp_path)
    parts = [request for request in registry.requests if request.method == "PATCH"]
    assert [request.headers["Content-Range"] for request in parts] == ["0-2999", "3000-5999", "6000-6999"]
    assert registry.requests[-1].url.params["etag"].endswith("-3")
    assert registry.blobs == {str(Digest.of(DATA)): DATA}


def test_a_blob_that_is_there_is_not_sent(tmp_path):
    registry = FakeRegistry()
    registry.add_blob(DATA)
    assert upload(registry, tmp_path).completed == len(DATA)
    assert registry.seen("POST") == []


def test_a_blob_of_another_model_there_is_mounted(tmp_path):
    registry = FakeRegistry(mountable={str(Digest.of(DATA))})
    upload(registry, tmp_path, mount_from="library/base")
    assert registry.requests[-1].url.params["from"] == "library/base"
    assert registry.seen("PATCH") == []


def test_a_token_is_renewed_in_the_middle(tmp_path):
    registry = FakeRegistry(token="T")
    upload(registry, tmp_path)
    assert registry.blobs == {str(Digest.of(DATA)): DATA}
