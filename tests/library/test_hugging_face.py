"""Models of Hugging Face, from a server that answers as the site does."""

from __future__ import annotations

from pathlib import Path

import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_PROJECTOR
from corral.errors import RegistryError
from corral.gguf import TensorInfo, write_gguf
from corral.library.access import read_hosts
from corral.settings import RegistrySettings, read_settings
from tests.helpers.fake_registry import FakeRegistry, served
from tests.helpers.gguf_files import LLAMA, TENSORS, build_gguf
from tests.helpers.shelf import Shelf

REPOSITORY = "user/Tiny-GGUF"
NAME = f"hf.co/{REPOSITORY}"


@pytest.fixture
def site():
    # Blobs come from another address, as they do there.
    return FakeRegistry(storage="https://cdn.test")


@pytest.fixture
def shelf(tmp_path, site):
    return Shelf(tmp_path, transport=site.transport)


def gguf(folder: Path, **options: object) -> bytes:
    return build_gguf(folder / "part.gguf", **options).read_bytes()


def shard(folder: Path, index: int, count: int, tensors: tuple[TensorInfo, ...]) -> bytes:
    keys = {"general.architecture": "llama", **(LLAMA if index == 0 else {})}
    keys |= {"split.no": index, "split.count": count, "split.tensors.count": len(TENSORS)}
    with (folder / "shard.gguf").open("wb") as file:
        write_gguf(file, keys, list(tensors), lambda tensor: [bytes(tensor.num_bytes)])
    return (folder / "shard.gguf").read_bytes()


def pull(shelf: Shelf, name: str) -> list[str]:
    records = shelf.records(shelf.library.pull(name))
    return list(dict.fromkeys(record.status for record in records))


def layer(shelf: Shelf, name: str, kind: str) -> str:
    return next(layer.digest for layer in shelf.resolve(name).manifest.layers if layer.media_type == kind)


def test_a_model_of_one_file_keeps_its_digest(shelf, site, tmp_path):
    data = gguf(tmp_path)
    site.files[REPOSITORY] = {"README.md": b"#", "tiny-Q4_K_M.gguf": data, "tiny-F16.gguf": b"other"}
    steps = pull(shelf, NAME)
    assert steps[0] == "pulling manifest"
    assert steps[1:3] == [f"pulling {Digest.of(data).short}", "verifying sha256 digest"]
    assert steps[-2:] == ["writing manifest", "success"]
    assert layer(shelf, NAME, MEDIA_MODEL) == str(Digest.of(data))


def test_shards_become_one_model_and_are_not_kept(shelf, site, tmp_path):
    parts = [shard(tmp_path, 0, 2, TENSORS[:2]), shard(tmp_path, 1, 2, TENSORS[2:])]
    names = ["q/tiny-Q8_0-00001-of-00002.gguf", "q/tiny-Q8_0-00002-of-00002.gguf"]
    site.files[REPOSITORY] = dict(zip(names, parts, strict=True))
    pull(shelf, f"{NAME}:Q8_0")
    shown = shelf.run(shelf.library.show(f"{NAME}:Q8_0", verbose=True))
    assert {tensor.name for tensor in shown.tensors} == {tensor.name for tensor in TENSORS}
    assert [shelf.has_blob(str(Digest.of(part))) for part in parts] == [False, False]


def test_a_model_that_is_current_is_not_brought_again(shelf, site, tmp_path):
    parts = [shard(tmp_path, 0, 2, TENSORS[:2]), shard(tmp_path, 1, 2, TENSORS[2:])]
    names = [f"t-0000{n}-of-00002.gguf" for n in (1, 2)]
    site.files[REPOSITORY] = dict(zip(names, parts, strict=True))
    pull(shelf, NAME)
    site.requests.clear()
    assert pull(shelf, NAME) == ["pulling manifest", "success"]
    assert not any("/resolve/" in path for path in site.seen("GET"))
    (found,) = shelf.run(shelf.library.upkeep.compare())
    assert found.state == "current"
    site.files[REPOSITORY] = {"t-Q4_0.gguf": gguf(tmp_path)}
    (found,) = shelf.run(shelf.library.upkeep.compare())
    assert found.state == "outdated"


def test_a_current_model_that_lost_a_file_is_brought_again(shelf, site, tmp_path):
    data = gguf(tmp_path)
    site.files[REPOSITORY] = {"tiny-Q4_K_M.gguf": data}
    pull(shelf, NAME)
    for digest in shelf.resolve(NAME).manifest.digests:
        shelf.store.blobs.path(Digest.parse(digest)).unlink()
        pull(shelf, NAME)
        assert shelf.has_blob(digest)
    assert shelf.resolve(NAME).network.architecture == "llama"


def test_a_manifest_that_was_damaged_does_not_stand_in_the_way(shelf, site, tmp_path):
    site.files[REPOSITORY] = {"tiny-Q4_K_M.gguf": gguf(tmp_path)}
    pull(shelf, NAME)
    (name,) = shelf.store.manifests.names()
    shelf.store.manifests.path(name).write_bytes(b"{")
    pull(shelf, NAME)
    assert shelf.resolve(NAME).network.architecture == "llama"


def test_the_projector_is_part_of_the_model(shelf, site, tmp_path):
    projector = {"clip.has_vision_encoder": True, "clip.projector_type": "mlp", "general.type": "mmproj"}
    eyes = gguf(tmp_path, architecture="clip", metadata=projector)
    site.files[REPOSITORY] = {"tiny-Q4_K_M.gguf": gguf(tmp_path), "mmproj-F16.gguf": eyes}
    pull(shelf, NAME)
    assert layer(shelf, NAME, MEDIA_PROJECTOR) == str(Digest.of(eyes))
    assert "vision" in shelf.resolve(NAME).capabilities


def test_a_private_repository_opens_with_the_token_which_stays_there(shelf, site, tmp_path):
    data = gguf(tmp_path)
    site.files[REPOSITORY], site.hub_token = {"tiny-Q4_0.gguf": data}, "hf_secret"
    with pytest.raises(RegistryError):
        pull(shelf, NAME)
    opened = Shelf(tmp_path / "opened", transport=site.transport, hf_token="hf_secret")
    pull(opened, NAME)
    assert layer(opened, NAME, MEDIA_MODEL) == str(Digest.of(data))
    stored = [request for request in site.requests if request.url.host == "cdn.test"]
    assert [request.headers.get("Authorization") for request in stored] == [None]


def test_a_large_file_comes_in_parts_from_a_mirror(tmp_path, monkeypatch):
    monkeypatch.setattr("corral.library.pull.SMALL", 100)
    site, data = FakeRegistry(), gguf(tmp_path)
    site.files[REPOSITORY] = {"tiny-Q4_0.gguf": data}
    with served(site) as host:
        shelf = Shelf(tmp_path, registries={"hf.co": RegistrySettings(mirror=f"http://{host}")})
        pull(shelf, NAME)
    assert site.ranges == [f"bytes=0-{len(data) - 1}"]
    assert layer(shelf, NAME, MEDIA_MODEL) == str(Digest.of(data))


def test_the_token_of_the_environment_is_for_the_site_alone(tmp_path):
    env = {"HOME": str(tmp_path), "HF_TOKEN": " hf_secret "}
    hosts = read_hosts(read_settings(env))
    tokens = {
        host: (login.token if (login := hosts.endpoint(host).login) else "")
        for host in ("hf.co", "huggingface.co", "registry.ollama.ai", "cdn.huggingface.co")
    }
    assert tokens == {
        "hf.co": "hf_secret",
        "huggingface.co": "hf_secret",
        "registry.ollama.ai": "",
        "cdn.huggingface.co": "",
    }


@pytest.mark.parametrize(
    ("files", "tag", "message"),
    [
        ({}, "", "pull model manifest: file does not exist"),
        (
            {"m-Q8_0.gguf": b"x"},
            ":Q2_K",
            'pull model manifest: no file of the repository matches "Q2_K"; there are: Q8_0',
        ),
        ({"m.safetensors": b"x"}, "", "pull model manifest: the repository holds no GGUF model"),
    ],
)
def test_what_cannot_be_had_is_said(shelf, site, files, tag, message):
    site.files |= {REPOSITORY: files} if files else {}
    with pytest.raises(RegistryError) as caught:
        pull(shelf, NAME + tag)
    assert caught.value.message == message


def test_a_list_that_names_files_elsewhere_is_refused(shelf, site):
    site.files[REPOSITORY] = {"../../etc/m-Q4_0.gguf": b"x"}
    with pytest.raises(RegistryError):
        pull(shelf, NAME)
    assert shelf.names == []
