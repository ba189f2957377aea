import logging
import os
import time
from pathlib import Path

import pytest

from corral.core.digests import Digest
from corral.core.manifest import Layer, Manifest
from corral.core.names import ModelName
from corral.errors import ModelNotFound
from corral.store import Store

DAY_S = 86400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def add_model(store: Store, text: str, *contents: bytes) -> ModelName:
    name = ModelName.parse(text)
    layers = tuple(Layer("x", str(store.blobs.add_bytes(data)), len(data)) for data in contents)
    config = Layer("y", str(store.blobs.add_bytes(b"{}")), 2)
    store.manifests.write(name, Manifest(config=config, layers=layers).encode())
    return name


def stored(store: Store, *contents: bytes) -> list[bool]:
    return [store.blobs.has(Digest.of(data)) for data in contents]


def test_a_delete_removes_the_blobs_that_no_other_model_uses(store: Store):
    first = add_model(store, "a", b"shared", b"own")
    second = add_model(store, "b", b"shared")
    assert store.delete(first) == [Digest.of(b"own")]
    assert stored(store, b"shared", b"own", b"{}") == [True, False, True]
    assert set(store.delete(second)) == {Digest.of(b"shared"), Digest.of(b"{}")}
    assert stored(store, b"shared", b"{}") == [False, False]
    with pytest.raises(ModelNotFound):
        store.delete(second)


def test_a_delete_ignores_blobs_that_are_missing(store: Store):
    name = add_model(store, "a", b"1", b"2")
    store.blobs.delete(Digest.of(b"1"))
    assert Digest.of(b"1") not in store.delete(name)
    assert not store.manifests.has(name)


def test_a_corrupt_manifest_is_deleted_without_its_blobs(store: Store):
    name = add_model(store, "a", b"1")
    store.manifests.path(name).write_bytes(b"{")
    assert store.delete(name) == []
    assert stored(store, b"1") == [True]


def test_hostile_digests_in_a_manifest_are_not_deleted(store: Store):
    (store.root.parent / "precious").write_text("x")
    layers = (Layer("x", "sha256-../../precious"), Layer("x", "../../precious"))
    name = ModelName.parse("evil")
    store.manifests.write(name, Manifest(layers=layers).encode())
    assert store.delete(name) == []
    assert (store.root.parent / "precious").exists()


def test_old_digests_are_removed_only_when_unused(store: Store):
    add_model(store, "a", b"1")
    store.blobs.add_bytes(b"2")
    texts = [str(Digest.of(data)) for data in (b"1", b"2", b"3")]
    assert store.remove_unused([*texts, *texts, "junk"]) == [Digest.of(b"2")]


def test_a_prune_removes_old_files_that_nobody_uses(store: Store, caplog):
    add_model(store, "a", b"used")
    unused, other = (store.blobs.add_bytes(data) for data in (b"unused", b"unused too"))
    junk = [store.blobs.directory / name for name in ("sha256-123", f"{unused.file_name}-partial-0", "x")]
    for path in junk:
        path.write_text("")
    with caplog.at_level(logging.INFO, logger="corral.store"):
        assert set(store.prune(now=time.time() + DAY_S)) == {unused, other}
    assert [record.getMessage() for record in caplog.records] == [
        "total blobs: 4",
        "total unused blobs removed: 2",
    ]
    assert not any(path.exists() for path in junk)
    assert stored(store, b"used", b"{}") == [True, True]


def test_a_prune_leaves_young_files_links_and_folders(store: Store):
    young = store.blobs.add_bytes(b"young")
    partial = store.blobs.directory / f"{young.file_name}-partial"
    partial.write_text("")
    assert store.prune() == []
    assert partial.exists()
    link, folder = store.blobs.directory / "link", store.blobs.directory / "folder"
    link.symlink_to(store.root)
    folder.mkdir()
    store.prune(now=time.time() + DAY_S)
    assert link.is_symlink()
    assert folder.is_dir()
    assert not store.blobs.has(young)


@pytest.mark.parametrize("path", ["h/n/m/t", "h/n/-bad/t"])
def test_a_prune_does_nothing_while_a_manifest_is_corrupt(store: Store, caplog, path: str):
    store.blobs.add_bytes(b"unused")
    bad = store.manifests.directory / path
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    assert store.prune(now=time.time() + DAY_S) == []
    assert stored(store, b"unused") == [True]
    assert [record.getMessage() for record in caplog.records] == [
        "corrupt manifests detected, skipping prune operation.  Re-pull or delete to clear"
    ]


def test_a_prune_removes_empty_folders_and_abandoned_writes(store: Store):
    folder = store.manifests.directory
    (folder / "h" / "n" / "m").mkdir(parents=True)
    (folder / ".write-1").write_text("half")
    os.utime(folder / ".write-1", (0, 0))
    store.prune()
    assert not folder.exists()
    add_model(store, "a", b"1")  # made anew on demand


def test_a_prune_of_no_store_creates_nothing(store: Store):
    assert store.prune() == []
    assert not store.root.exists()


def test_listing_a_thousand_models_again_is_quick(store: Store):
    data = Manifest(layers=(Layer("x", str(Digest.of(b"1")), 1),)).encode()
    for number in range(1000):
        path = store.manifests.directory / "h" / "n" / f"m{number}" / "t"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    assert len(store.manifests.list()) == 1000
    start = time.process_time()
    assert len(store.manifests.list()) == 1000
    assert time.process_time() - start < 1.0


def test_parts_of_a_download_that_goes_on_are_not_pruned(store):
    folder = store.blobs.directory
    folder.mkdir(parents=True)
    for name in ("sha256-1-partial", "sha256-1-partial-0", "sha256-2-partial", "sha256-2-partial-0"):
        (folder / name).write_text("x")
        if name != "sha256-1-partial":
            os.utime(folder / name, (0, 0))
    store.prune()
    assert sorted(path.name for path in folder.iterdir()) == ["sha256-1-partial", "sha256-1-partial-0"]
