"""Push to and pull from Debian's docker-registry, over real connections."""

from __future__ import annotations

import random

import httpx
import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_SYSTEM, Layer, Manifest
from corral.core.names import ModelName
from corral.errors import AccessDenied, CorralError
from corral.registry import Credentials, Login
from tests.helpers.docker_registry import PASSWORD, USER, docker_registry
from tests.helpers.shelf import Shelf

pytestmark = pytest.mark.slow

WEIGHTS = random.Random(3).randbytes(3_000_000)


@pytest.fixture
def registry(tmp_path):
    with docker_registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def guarded(tmp_path):
    with docker_registry(tmp_path / "registry", with_password=True) as host:
        yield host


class Recording(httpx.AsyncHTTPTransport):
    """The network, remembering what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.method)
        return await super().handle_async_request(request)


def add_model(shelf: Shelf, text: str, system: bytes = b"be brief") -> str:
    """A model whose weights no engine could load: registries do not look inside. Returns its id."""
    blobs = shelf.store.blobs
    layers = tuple(
        Layer(kind, str(blobs.add_bytes(data)), len(data))
        for kind, data in ((MEDIA_MODEL, WEIGHTS), (MEDIA_SYSTEM, system))
    )
    config = Layer("application/vnd.docker.container.image.v1+json", str(blobs.add_bytes(b"{}")), 2)
    manifest = Manifest(config=config, layers=layers).encode().rstrip()
    return shelf.store.manifests.write(ModelName.parse(text), manifest).digest


def push(shelf: Shelf, name: str) -> list[str]:
    records = shelf.records(shelf.library.push(name, insecure=True))
    return list(dict.fromkeys(record.status for record in records))


def pull(shelf: Shelf, name: str) -> None:
    shelf.records(shelf.library.pull(name, insecure=True))


def test_what_was_pushed_comes_back_with_the_same_id(registry, tmp_path):
    here, there = Shelf(tmp_path / "here"), Shelf(tmp_path / "there")
    name = f"{registry}/team/model:v1"
    digest = add_model(here, name)
    assert push(here, name)[-2:] == ["pushing manifest", "success"]
    pull(there, name)
    assert there.store.manifests.read(ModelName.parse(name)).digest == digest
    assert there.store.blobs.read(Digest.of(WEIGHTS)) == WEIGHTS
    (found,) = there.run(there.library.upkeep.compare())
    assert found.state in ("current", "unknown")  # asked without --insecure


def test_a_blob_of_another_repository_there_is_mounted_and_not_sent(registry, tmp_path):
    network = Recording()
    shelf = Shelf(tmp_path / "here", transport=network)
    add_model(shelf, f"{registry}/team/first:v1")
    push(shelf, f"{registry}/team/first:v1")
    assert "PATCH" in network.seen
    network.seen.clear()
    add_model(shelf, f"{registry}/team/second:v1")
    push(shelf, f"{registry}/team/second:v1")
    assert "PATCH" not in network.seen


def test_a_large_blob_is_sent_in_parts(registry, tmp_path, monkeypatch):
    monkeypatch.setattr("corral.registry.upload.MIN_PART", 1_000_000)
    network = Recording()
    shelf = Shelf(tmp_path / "here", transport=network)
    name = f"{registry}/team/model:v1"
    add_model(shelf, name)
    push(shelf, name)
    assert network.seen.count("PATCH") == 3 + 2
    other = Shelf(tmp_path / "there")
    pull(other, name)
    assert other.store.blobs.read(Digest.of(WEIGHTS)) == WEIGHTS


def test_a_push_that_was_left_between_two_parts_goes_on(registry, tmp_path, monkeypatch):
    monkeypatch.setattr("corral.registry.upload.MIN_PART", 1_000_000)
    network = Recording()
    name = f"{registry}/team/model:v1"
    shelf = Shelf(tmp_path / "here", transport=network, home=tmp_path / "home")
    add_model(shelf, name)

    async def leave_after_the_first_part() -> None:
        records = shelf.library.push(name, insecure=True)
        async for _ in records:
            if network.seen.count("PATCH") > 1:
                break
        await records.aclose()

    shelf.run(leave_after_the_first_part())
    network.seen.clear()
    push(shelf, name)
    other = Shelf(tmp_path / "there")
    pull(other, name)
    assert other.store.blobs.read(Digest.of(WEIGHTS)) == WEIGHTS


def test_a_password_opens_the_registry_and_is_needed(guarded, tmp_path):
    name = f"{guarded}/team/model:v1"
    shelf = Shelf(tmp_path / "here", home=tmp_path / "home")
    add_model(shelf, name)
    with pytest.raises(AccessDenied) as caught:
        push(shelf, name)
    assert caught.value.hint == f"to sign in there: corral login {guarded}"
    Credentials(tmp_path / "home").keep(guarded, Login(USER, PASSWORD))
    assert push(shelf, name)[-1] == "success"
    stranger = Shelf(tmp_path / "stranger", home=tmp_path / "nowhere")
    with pytest.raises(CorralError, match="unauthorized: access denied"):
        pull(stranger, name)
    known = Shelf(tmp_path / "known", home=tmp_path / "home")
    pull(known, name)
    assert known.store.blobs.read(Digest.of(WEIGHTS)) == WEIGHTS
