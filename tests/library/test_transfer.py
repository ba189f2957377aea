from __future__ import annotations

import asyncio

import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_SYSTEM, MEDIA_TENSOR
from corral.core.requests import ProgressRecord
from corral.errors import CorralError, InvalidName, RegistryError, Unsupported
from tests.helpers.fake_registry import FakeRegistry
from tests.helpers.gguf_files import build_gguf
from tests.helpers.shelf import Shelf

NAME = "registry.test/a/b:t"


@pytest.fixture
def registry():
    return FakeRegistry()


@pytest.fixture
def shelf(tmp_path, registry):
    return Shelf(tmp_path, transport=registry.transport)


def publish(registry: FakeRegistry, shelf: Shelf, *, system: bytes = b"S") -> bytes:
    weights = build_gguf(shelf.folder / "remote.gguf").read_bytes()
    return registry.add_model("a/b:t", [(MEDIA_MODEL, weights), (MEDIA_SYSTEM, system)])


def pull(shelf: Shelf, text: str = NAME, **options: bool) -> list[ProgressRecord]:
    return shelf.records(shelf.library.pull(text, **options))


def statuses(records: list[ProgressRecord]) -> list[str]:
    """Each status once, in order."""
    return list(dict.fromkeys(record.status for record in records))


def short(data: bytes) -> str:
    return Digest.of(data).short


def test_a_pull_reports_its_steps_and_brings_the_model(shelf, registry):
    raw = publish(registry, shelf)
    records = pull(shelf)
    weights = build_gguf(shelf.folder / "again.gguf").read_bytes()
    assert statuses(records) == [
        "pulling manifest",
        f"pulling {short(weights)}",
        f"pulling {short(b'S')}",
        f"pulling {short(b'{}')}",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    model = shelf.resolve(NAME)
    assert (model.system, model.digest) == ("S", Digest.of(raw).hex)
    size = len(weights)
    assert ProgressRecord(f"pulling {short(weights)}", str(Digest.of(weights)), size, size) in records


def test_what_is_there_is_not_fetched_again(shelf, registry):
    publish(registry, shelf)
    pull(shelf)
    registry.requests.clear()
    records = pull(shelf)
    assert registry.seen("GET") == ["/v2/a/b/manifests/t"]
    assert all(record.total == record.completed for record in records)


def test_a_newer_version_replaces_what_only_the_old_one_used(shelf, registry):
    publish(registry, shelf)
    pull(shelf)
    publish(registry, shelf, system=b"new")
    assert "removing unused layers" in statuses(pull(shelf))
    assert not shelf.has_blob(str(Digest.of(b"S")))
    assert shelf.resolve(NAME).system == "new"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("a b", InvalidName, "invalid model name"),
        ("", InvalidName, "invalid model name"),
        ("x:local:cloud", InvalidName, "invalid model name"),
        ("registry.test/a/none", RegistryError, "pull model manifest: file does not exist"),
    ],
)
def test_a_pull_that_cannot_be_done_says_why(shelf, text, kind, message):
    with pytest.raises(CorralError) as caught:
        pull(shelf, text)
    assert (type(caught.value), caught.value.message) == (kind, message)


def test_models_of_separate_tensors_are_refused(shelf, registry):
    registry.add_model("a/b:t", [(MEDIA_TENSOR, b"x")])
    with pytest.raises(Unsupported, match="requires MLX support"):
        pull(shelf)


def test_a_layer_without_a_digest_is_refused(shelf, registry):
    registry.manifests["a/b:t"] = b'{"schemaVersion":2,"layers":[{"mediaType":"x","digest":"","size":1}]}'
    with pytest.raises(RegistryError, match=r"^a/b: digest is empty$"):
        pull(shelf)


def test_a_digest_that_leads_elsewhere_is_refused(shelf, registry):
    registry.manifests["a/b:t"] = (
        b'{"schemaVersion":2,"layers":[{"digest":"sha256:../../../etc/x","size":1}]}'
    )
    with pytest.raises(CorralError, match=r"^invalid digest format$"):
        pull(shelf)


def test_names_in_the_cloud_are_names_of_the_registry(shelf, registry):
    publish(registry, shelf)
    registry.manifests = {"library/m:20b-cloud": registry.manifests["a/b:t"]}
    pull(shelf, "registry.test/library/m:20b:cloud")
    assert shelf.names == ["registry.test/library/m:20b-cloud"]


def test_a_base_that_is_missing_is_pulled_first(shelf, registry):
    publish(registry, shelf)
    steps = shelf.create("mine", source=NAME, system="mine")
    assert steps[0] == "pulling manifest"
    assert steps.count("success") == 1
    assert shelf.resolve("mine").manifest.layers[0].origin == NAME


def test_two_pulls_of_one_model_share_a_download(shelf, registry):
    publish(registry, shelf)

    async def one():
        return [record async for record in shelf.library.pull(NAME)]

    async def both():
        return await asyncio.gather(one(), one())

    for records in shelf.run(both()):
        assert records[-1].status == "success"
    blobs = [path for path in registry.seen("GET") if "/blobs/" in path]
    assert len(blobs) == len(set(blobs)) == 3


def push(shelf: Shelf, text: str, **options: bool) -> list[ProgressRecord]:
    return shelf.records(shelf.library.push(text, **options))


def test_a_push_publishes_blobs_and_manifest(shelf, registry):
    model = shelf.make("registry.test/a/b:t")
    records = push(shelf, "registry.test/a/b:t")
    assert statuses(records) == [
        "retrieving manifest",
        *(f"pushing {digest[7:19]}" for digest in model.manifest.digests),
        "pushing manifest",
        "success",
    ]
    assert registry.blobs.keys() == set(model.manifest.digests)
    assert registry.manifests["a/b:t"] == model.manifest.encode().rstrip()


def test_what_was_pushed_can_be_pulled(shelf, registry, tmp_path):
    shelf.make("registry.test/a/b:t")
    push(shelf, "registry.test/a/b:t")
    other = Shelf(tmp_path / "other", transport=registry.transport)
    pull(other)
    assert other.resolve(NAME).network == shelf.resolve(NAME).network


@pytest.mark.parametrize(
    ("text", "steps", "message"),
    [
        ("", [], "model is required"),
        ("me/nope", ["retrieving manifest", "couldn't retrieve manifest"], "model 'me/nope' not found"),
        ("a b", ["retrieving manifest"], "unqualified name: a b"),
    ],
)
def test_a_push_that_cannot_be_done_says_why(shelf, text, steps, message):
    seen = []

    async def run():
        async for record in shelf.library.push(text):
            seen.append(record.status)  # noqa: PERF401 - it is the last one that counts

    with pytest.raises(CorralError) as caught:
        shelf.run(run())
    assert (seen, caught.value.message) == (steps, message)
