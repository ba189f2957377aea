from __future__ import annotations

import os

import pytest

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_MODEL, MEDIA_SYSTEM
from corral.core.requests import ProgressRecord
from corral.errors import ModelNotFound
from corral.library import Damage, ModelUse
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


def publish(registry, shelf, system=b"S", name="a/b:t"):
    weights = build_gguf(shelf.folder / "remote.gguf").read_bytes()
    registry.add_model(name, [(MEDIA_MODEL, weights), (MEDIA_SYSTEM, system)])


def states(shelf, *names):
    return {found.name: found.state for found in shelf.run(shelf.library.upkeep.compare(names))}


def test_a_model_is_compared_with_what_its_registry_has(shelf, registry):
    publish(registry, shelf)
    shelf.records(shelf.library.pull(NAME))
    assert states(shelf) == {NAME: "current"}
    publish(registry, shelf, system=b"new")
    assert states(shelf, NAME) == {NAME: "outdated"}


def test_a_model_that_its_registry_does_not_know_is_local(shelf):
    shelf.make("registry.test/a/mine:t")
    assert states(shelf) == {"registry.test/a/mine:t": "local"}


def test_a_registry_that_cannot_be_asked_is_told(shelf, registry, monkeypatch):
    monkeypatch.setattr("corral.registry.client._MANIFEST_PAUSES_S", ())
    publish(registry, shelf)
    shelf.records(shelf.library.pull(NAME))
    registry.token = "T"
    registry.realm = "https://evil.test/token"
    (found,) = shelf.run(shelf.library.upkeep.compare())
    assert found.state == "unknown"
    assert "does not match original host" in found.problem


def test_a_name_that_is_not_here_cannot_be_compared(shelf):
    with pytest.raises(ModelNotFound):
        states(shelf, "nope")


def test_disk_use_counts_shared_bytes_once(shelf):
    shelf.make("one")
    shelf.create("two", source="one", system="other")
    shelf.store.blobs.add_bytes(b"nobody needs this")
    (shelf.store.blobs.directory / "sha256-0-partial").write_bytes(b"x" * 100)
    one, two = (set(shelf.resolve(name).manifest.digests) for name in ("one", "two"))
    use = shelf.run(shelf.library.upkeep.measure())
    assert set(use.models) == {
        ModelUse("one:latest", bytes_of(shelf, one), bytes_of(shelf, one - two)),
        ModelUse("two:latest", bytes_of(shelf, two), bytes_of(shelf, two - one)),
    }
    assert (use.blobs, use.unused, use.unfinished) == (bytes_of(shelf, one | two) + 17, 17, 100)


def bytes_of(shelf, digests):
    return sum(shelf.store.blobs.size(Digest.parse(text)) for text in digests)


def verify(shelf, **options):
    records = shelf.records(shelf.library.upkeep.verify(**options))
    return [record for record in records if isinstance(record, Damage)], records


def test_files_that_are_as_they_should_be_are_only_hashed(shelf):
    model = shelf.make("one")
    damaged, records = verify(shelf)
    assert damaged == []
    for text in model.manifest.digests:
        size = shelf.store.blobs.size(Digest.parse(text))
        assert ProgressRecord(f"verifying {text[7:19]}", text, size, size) in records


def test_a_changed_and_a_missing_file_are_found(shelf):
    model = shelf.make("one")
    weights, config = model.manifest.layers[0].digest, model.manifest.config.digest
    path = shelf.store.blobs.path(Digest.parse(weights))
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    shelf.store.blobs.delete(Digest.parse(config))
    damaged, _ = verify(shelf)
    wrong = Digest.of(path.read_bytes())
    assert {found.digest: (found.problem, found.models) for found in damaged} == {
        weights: (f"has the digest {wrong}", ("one:latest",)),
        config: ("is missing", ("one:latest",)),
    }


def damage_manifest(shelf, data):
    """Two models, of which `broken` has these bytes for a manifest."""
    shelf.make("whole")
    shelf.create("broken", source="whole")
    (name,) = (name for name in shelf.store.manifests.names() if name.model == "broken")
    shelf.store.manifests.path(name).write_bytes(data)


@pytest.mark.parametrize("data", [b"{", b'{"layers":[{"digest":"sha256:../x","size":1}]}'])
def test_a_manifest_that_cannot_be_read_is_told_and_the_others_are_checked(shelf, data):
    damage_manifest(shelf, data)
    weights = shelf.resolve("whole").manifest.layers[0].digest
    shelf.store.blobs.delete(Digest.parse(weights))
    broken, missing = verify(shelf, repair=True)[0]
    assert (broken.digest, broken.models) == ("", ("broken:latest",))
    assert broken.problem.startswith("the manifest cannot be read: ")
    assert missing == Damage(weights, "is missing", ("whole:latest",))


def test_a_manifest_that_cannot_be_read_does_not_keep_others_from_being_compared(shelf):
    damage_manifest(shelf, b"{")
    found = {one.name: one for one in shelf.run(shelf.library.upkeep.compare())}
    assert {name: one.state for name, one in found.items()} == {
        "broken:latest": "unknown",
        "whole:latest": "local",
    }
    assert found["broken:latest"].problem.startswith("invalid manifest")


def test_a_file_that_cannot_be_read_is_damaged(shelf):
    model = shelf.make("one")
    path = shelf.store.blobs.path(Digest.parse(model.manifest.config.digest))
    path.unlink()
    path.mkdir()
    (found,) = verify(shelf)[0]
    assert found.problem.startswith("cannot be read: ")


def test_repairing_removes_what_a_pull_then_brings_again(shelf, registry):
    publish(registry, shelf)
    shelf.records(shelf.library.pull(NAME))
    digest = Digest.of(b"S")
    shelf.store.blobs.path(digest).write_bytes(b"X")
    assert [found.digest for found in verify(shelf, repair=True)[0]] == [str(digest)]
    assert not shelf.has_blob(str(digest))
    shelf.records(shelf.library.pull(NAME))
    assert verify(shelf)[0] == []


def test_a_pull_brings_again_what_has_another_size(shelf, registry):
    publish(registry, shelf)
    shelf.records(shelf.library.pull(NAME))
    shelf.store.blobs.path(Digest.of(b"S")).write_bytes(b"")
    shelf.records(shelf.library.pull(NAME))
    assert shelf.resolve(NAME).system == "S"


def test_pruning_tells_what_it_freed(shelf):
    digest = shelf.store.blobs.add_bytes(b"nobody needs this")
    os.utime(shelf.store.blobs.path(digest), (0, 0))
    assert shelf.run(shelf.library.upkeep.prune()) == 17
