from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from corral.core.digests import Digest
from corral.database import Database, database_path
from corral.errors import RegistryError
from corral.keys import KeyRing, read_new_key
from corral.registry import Credentials, Login
from corral.server import build
from corral.settings import Address, RegistrySettings, Settings
from tests.helpers.shelf import Shelf

LAB = "127.0.0.1:11434"


@pytest.fixture
def source(tmp_path):
    """The store that is shared."""
    (tmp_path / "source").mkdir()
    return Shelf(tmp_path / "source")


def app(folder: Path, **settings: object):
    values = {"models": folder / "models", "home": folder / "home", "identity": folder / "id", "share": True}
    return build(Settings(**{**values, **settings}))


@asynccontextmanager
async def running(application):
    try:
        yield httpx.ASGITransport(application)
    finally:
        await application._on_shutdown()


def ask(
    source: Shelf,
    path: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **settings: object,
):
    async def run() -> httpx.Response:
        async with (
            running(app(source.folder, **settings)) as transport,
            httpx.AsyncClient(transport=transport, base_url=f"http://{LAB}") as client,
        ):
            return await client.request(method, path, headers=headers)

    return asyncio.run(run())


def pull(source: Shelf, shelf: Shelf, name: str, **settings: object) -> list[str]:
    async def run() -> list[str]:
        async with running(app(source.folder, **settings)) as transport:
            library = Shelf(
                shelf.folder, transport=transport, home=shelf.folder / "home", **REGISTRIES
            ).library
            return [record.status async for record in library.pull(name, insecure=True)]

    return asyncio.run(run())


REGISTRIES = {
    "registries": {
        "registry.ollama.ai": RegistrySettings(mirror=f"http://{LAB}"),
        "hf.co": RegistrySettings(mirror=f"http://{LAB}"),
    }
}


def test_a_model_is_pulled_from_the_server_itself(source, tmp_path):
    model = source.make("tiny")
    there = Shelf(tmp_path / "there")
    assert pull(source, there, f"{LAB}/library/tiny")[-1] == "success"
    assert there.resolve(f"{LAB}/library/tiny").digest == model.digest


@pytest.mark.parametrize("name", ["tiny:latest", "hf.co/user/tiny:Q4_0"])
def test_as_a_mirror_it_stands_in_for_other_hosts(source, tmp_path, name):
    model = source.make(name)
    there = Shelf(tmp_path / "there")
    assert pull(source, there, name)[-1] == "success"
    assert there.resolve(name).digest == model.digest


def test_without_the_setting_there_is_no_registry(source):
    source.make("tiny")
    assert ask(source, "/v2/library/tiny/manifests/latest", share=False).status_code == 404


def test_the_version_check_answers(source):
    answer = ask(source, "/v2/")
    assert (answer.status_code, answer.headers["docker-distribution-api-version"]) == (200, "registry/2.0")


def test_a_manifest_has_its_type_and_digest(source):
    model = source.make("tiny")
    answer = ask(source, "/v2/library/TINY/manifests/latest")
    assert answer.headers["docker-content-digest"] == f"sha256:{model.digest}"
    assert answer.headers["content-type"] == model.manifest.media_type
    assert Digest.of(answer.content).hex == model.digest


def test_ranges_of_a_blob_are_served(source):
    digest = source.make("tiny").manifest.layers[0].digest
    data = source.store.blobs.read(Digest.parse(digest))
    path = f"/v2/library/tiny/blobs/{digest}"
    assert ask(source, path).content == data
    assert ask(source, path, method="HEAD").headers["content-length"] == str(len(data))
    part = ask(source, path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(data)}"
    assert ask(source, path, headers={"Range": "bytes=100-"}).content == data[100:]
    assert ask(source, path, headers={"Range": f"bytes={len(data)}-"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("library/nope/manifests/latest", 404),
        ("library/tiny/manifests/.hidden", 400),
        ("library/tiny/blobs/sha256:" + "0" * 64, 404),
        ("library/tiny/blobs/sha256:xyz", 400),
        ("library/tiny/tags/list", 404),
        ("a", 404),
    ],
)
def test_what_is_not_shared_is_refused(source, path, status):
    source.make("tiny")
    answer = ask(source, f"/v2/{path}")
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


def test_blobs_that_no_manifest_of_the_repository_names_are_not_shared(source):
    source.make("tiny")
    own = source.make("other", seed=1).manifest.layers[0].digest
    loose = source.store.blobs.add_bytes(b"private")
    assert ask(source, f"/v2/library/tiny/blobs/{own}").status_code == 404
    assert ask(source, f"/v2/library/tiny/blobs/{loose}").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_can_be_written(source, method):
    assert ask(source, "/v2/library/tiny/manifests/latest", method=method).status_code == 405


PUBLIC = {"address": Address(host="0.0.0.0")}


def test_other_machines_need_a_key_with_the_scope_read(source, tmp_path):
    source.make("tiny")
    there = Shelf(tmp_path / "there")
    with pytest.raises(RegistryError, match="unauthorized: access denied") as caught:
        pull(source, there, f"{LAB}/library/tiny", **PUBLIC)
    assert caught.value.hint == f"to sign in there: corral login {LAB}"

    async def make(scope: str) -> str:
        database = Database(database_path(source.folder / "home"))
        ring = KeyRing(database)
        new = read_new_key(scope, time.time(), scopes=[scope])
        await ring.create(new)
        await ring.close()
        await database.close()
        return new.secret

    credentials = Credentials(tmp_path / "there" / "home")
    credentials.keep(LAB, Login(token=asyncio.run(make("infer"))))
    with pytest.raises(RegistryError):
        pull(source, there, f"{LAB}/library/tiny", **PUBLIC)
    credentials.keep(LAB, Login(token=asyncio.run(make("read"))))
    assert pull(source, there, f"{LAB}/library/tiny", **PUBLIC)[-1] == "success"
