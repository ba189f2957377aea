from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import RegistryError
from corral.registry import Endpoint, Progress, RegistryClient, Sessions, upload_blob
from tests.helpers.fake_registry import FakeRegistry

NAME = ModelName("registry.test", "a", "b", "t")
DATA = b"weights" * 1000
DIGEST = Digest.of(DATA)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small parts, and no waiting between attempts."""
    monkeypatch.setattr("corral.registry.upload.MIN_PART", 3000)
    monkeypatch.setattr("corral.registry.failures._MAX_WAIT_S", 0.001)


@pytest.fixture
def registry():
    return FakeRegistry()


def upload(registry: FakeRegistry, folder: Path, *mount_from: str) -> Progress:
    path = folder / "blob"
    path.write_bytes(DATA)
    progress = Progress()

    async def run() -> None:
        endpoint = Endpoint(base=httpx.URL("https://registry.test"))
        async with RegistryClient(NAME, endpoint, transport=registry.transport) as client:
            sessions = Sessions(folder / "uploads")
            await upload_blob(client, DIGEST, path, progress, sessions=sessions, mount_from=mount_from)

    asyncio.run(run())
    return progress


def parts(registry: FakeRegistry) -> list[str]:
    return [request.headers["Content-Range"] for request in registry.requests if request.method == "PATCH"]


def test_a_blob_that_is_missing_is_sent_in_parts(tmp_path, registry):
    assert upload(registry, tmp_path) == Progress(len(DATA), len(DATA))
    assert registry.blobs == {str(DIGEST): DATA}
    assert parts(registry) == ["0-2999", "3000-5999", "6000-6999"]
    assert registry.requests[-1].url.params["etag"].endswith("-3")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_blob_that_is_there_is_not_sent(tmp_path, registry):
    registry.add_blob(DATA)
    assert upload(registry, tmp_path).completed == len(DATA)
    assert registry.seen("POST") == []


def test_a_blob_of_another_model_there_is_mounted(tmp_path, registry):
    registry.mountable = {str(DIGEST)}
    upload(registry, tmp_path, "library/base")
    assert registry.requests[-1].url.params["from"] == "library/base"
    assert parts(registry) == []


def test_the_session_of_a_mount_that_failed_takes_the_blob(tmp_path, registry):
    upload(registry, tmp_path, "library/base", "library/other")
    asked = [request.url.params.get("from") for request in registry.requests if request.method == "POST"]
    assert asked == ["library/base", "library/other"]
    assert registry.blobs == {str(DIGEST): DATA}


def test_a_token_is_renewed_in_the_middle(tmp_path, registry):
    registry.token = "T"
    upload(registry, tmp_path)
    assert registry.blobs == {str(DIGEST): DATA}


def test_after_a_broken_part_the_registry_says_where_to_go_on(tmp_path, registry):
    registry.cuts = [1000]
    upload(registry, tmp_path)
    assert registry.blobs == {str(DIGEST): DATA}
    assert parts(registry) == ["0-2999", "1000-3999", "4000-6999"]


def test_a_storm_of_refusals_is_waited_out(tmp_path, registry):
    registry.statuses = [500, 429, 503]
    assert upload(registry, tmp_path).completed == len(DATA)
    assert registry.blobs == {str(DIGEST): DATA}


def test_a_registry_that_always_refuses_is_given_up(tmp_path, registry):
    registry.statuses = [500] * 100
    with pytest.raises(RegistryError, match=r"^max retries exceeded: 500: not now$"):
        upload(registry, tmp_path)


def test_a_push_that_was_killed_goes_on(tmp_path, registry):
    session = "https://registry.test/v2/a/b/blobs/uploads/1"
    registry.uploads["1"] = DATA[:3000]
    Sessions(tmp_path / "uploads").keep(
        httpx.URL("https://registry.test/v2/a/b/"), DIGEST, httpx.URL(session)
    )
    upload(registry, tmp_path)
    assert registry.blobs == {str(DIGEST): DATA}
    assert parts(registry) == ["3000-5999", "6000-6999"]
    assert "etag" not in registry.requests[-1].url.params


def test_an_upload_that_the_registry_has_forgotten_is_begun_anew(tmp_path, registry):
    session = httpx.URL("https://registry.test/v2/a/b/blobs/uploads/7")
    Sessions(tmp_path / "uploads").keep(httpx.URL("https://registry.test/v2/a/b/"), DIGEST, session)
    upload(registry, tmp_path)
    assert registry.blobs == {str(DIGEST): DATA}


def test_parts_for_a_storage_host_go_there_without_the_token(tmp_path, registry):
    registry.direct, registry.token = True, "T"
    assert upload(registry, tmp_path).completed == len(DATA)
    assert registry.blobs == {str(DIGEST): DATA}
    direct = [request for request in registry.requests if request.url.path.startswith("/storage/")]
    assert [request.headers.get("Authorization") for request in direct] == [None] * 3
