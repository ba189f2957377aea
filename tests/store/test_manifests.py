import hashlib
import logging
import os
import resource
from pathlib import Path

import pytest

from corral.core.digests import Digest
from corral.core.manifest import Layer, Manifest
from corral.core.names import ModelName
from corral.errors import CorruptData, InvalidName, ModelNotFound, StorageError
from corral.store import ManifestStore

NAME = ModelName.parse("llama3.2")


def manifest(text: bytes = b"weights") -> bytes:
    layer = Layer("application/x", str(Digest.of(text)), len(text))
    return Manifest(config=Layer("application/y", str(Digest.of(b"{}")), 2), layers=(layer,)).encode()


@pytest.fixture
def manifests(tmp_path: Path) -> ManifestStore:
    return ManifestStore(tmp_path / "models" / "manifests")


def tree(manifests: ManifestStore) -> list[str]:
    folder = manifests.directory
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_manifest_is_stored_byte_for_byte(manifests: ManifestStore):
    data = manifest()[:-1] + b"  \n"
    stored = manifests.write(NAME, data)
    assert tree(manifests) == ["registry.ollama.ai/library/llama3.2/latest"]
    assert stored == manifests.read(NAME)
    assert (stored.name, stored.raw, stored.digest) == (NAME, data, hashlib.sha256(data).hexdigest())
    assert stored.modified_at == manifests.path(NAME).stat().st_mtime


def test_what_is_no_manifest_is_not_stored(manifests: ManifestStore):
    with pytest.raises(CorruptData):
        manifests.write(NAME, b"[]")
    assert not manifests.directory.exists()


def test_reading_creates_nothing(manifests: ManifestStore):
    with pytest.raises(ModelNotFound, match=r"model 'llama3.2:latest' not found"):
        manifests.read(NAME)
    assert manifests.list() == []
    assert manifests.canonical(NAME) == NAME
    assert not manifests.directory.exists()


def test_a_changed_manifest_is_noticed(manifests: ManifestStore):
    manifests.write(NAME, manifest(b"1"))
    manifests.path(NAME).write_bytes(manifest(b"22"))
    assert manifests.read(NAME).raw == manifest(b"22")
    manifests.write(NAME, manifest(b"3"))
    assert manifests.read(NAME).raw == manifest(b"3")


def test_an_unchanged_manifest_is_read_once(manifests: ManifestStore):
    manifests.write(NAME, manifest())
    assert manifests.read(NAME) is manifests.read(NAME)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"layers": 3}', b"\xff"])
def test_a_corrupt_manifest_is_reported_when_read_and_left_out_of_lists(manifests, caplog, data: bytes):
    manifests.write(NAME, manifest())
    other = ModelName.parse("other")
    manifests.write(other, manifest())
    manifests.path(other).write_bytes(data)
    with pytest.raises(CorruptData):
        manifests.read(other)
    with caplog.at_level(logging.WARNING, logger="corral.store"):
        assert [found.name for found in manifests.list()] == [NAME]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["bad manifest"]


def test_only_files_four_levels_deep_with_valid_names_are_listed(manifests, caplog):
    manifests.write(NAME, manifest())
    for path in ("a", "a.b/c", "h/n/m/.hidden", "h/n/m/t/too-deep", "h/n/-m/tag"):
        file = manifests.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(manifest())
    with caplog.at_level(logging.WARNING, logger="corral.store"):
        assert [found.name for found in manifests.list()] == [NAME]
    assert {record.getMessage().partition(":")[0] for record in caplog.records} == {"bad manifest name"}
    assert len(caplog.records) == 2


def test_lists_are_sorted_by_whole_seconds_newest_first(manifests: ManifestStore):
    times = {"b": 100.9, "a": 100.1, "new": 200.0, "old": 1.0}
    for text, moment in times.items():
        manifests.write(ModelName.parse(text), manifest())
        os.utime(manifests.path(ModelName.parse(text)), (moment, moment))
    assert [found.name.model for found in manifests.list()] == ["new", "a", "b", "old"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("LLAMA3.2", "llama3.2:latest"),
        ("llama3.2:LATEST", "llama3.2:latest"),
        ("me/MODEL:q4", "Me/Model:Q4"),
        ("ME/other", "Me/other:latest"),
        ("model:q8", "Model:q8"),
        ("unknown", "unknown:latest"),
    ],
)
def test_a_name_takes_the_spelling_of_the_store(manifests: ManifestStore, asked: str, expected: str):
    for text in ("llama3.2", "Me/Model:Q4"):
        manifests.write(ModelName.parse(text), manifest())
    assert manifests.canonical(ModelName.parse(asked)) == ModelName.parse(expected)


def test_a_copy_has_the_same_bytes_and_leaves_the_source(manifests: ManifestStore):
    target = ModelName.parse("me/copy:1")
    manifests.write(NAME, manifest())
    manifests.write(target, manifest(b"before"))
    manifests.copy(NAME, target)
    assert manifests.read(target).raw == manifests.read(NAME).raw
    manifests.copy(NAME, NAME)
    assert tree(manifests) == ["registry.ollama.ai/library/llama3.2/latest", "registry.ollama.ai/me/copy/1"]
    with pytest.raises(ModelNotFound):
        manifests.copy(ModelName.parse("absent"), target)


def test_a_delete_takes_empty_folders_along(manifests: ManifestStore):
    other = ModelName.parse("me/other")
    manifests.write(NAME, manifest())
    manifests.write(other, manifest())
    assert manifests.delete(NAME).raw == manifest()
    assert [path.name for path in (manifests.directory / "registry.ollama.ai").iterdir()] == ["me"]
    with pytest.raises(ModelNotFound):
        manifests.delete(NAME)


def test_a_corrupt_manifest_can_be_deleted(manifests: ManifestStore):
    manifests.write(NAME, manifest())
    manifests.path(NAME).write_bytes(b"{")
    assert manifests.delete(NAME) is None
    assert tree(manifests) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../x",
        "../../x",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "h/n/m/t/x",
        "m:",
        "m:../t",
        "m:a/b",
        ".hidden",
        "m:.t",
        "a\\b",
        "a\0b",
        "a\nb",
        "é",
        "x" * 81,
        "..:latest",
        "../n/m",
    ],
)
def test_a_hostile_name_never_becomes_a_path(text: str):
    with pytest.raises(InvalidName):
        ModelName.parse(text)


def test_the_longest_names_stay_inside_the_store(manifests: ManifestStore):
    name = ModelName("h" * 200, "n" * 80, "m" * 80, "t" * 80)
    manifests.write(name, manifest())
    assert manifests.path(name).is_relative_to(manifests.directory)
    assert manifests.names() == (name,)


def test_a_name_longer_than_the_file_system_allows_is_a_storage_error(manifests: ManifestStore):
    with pytest.raises(StorageError, match="file name too long"):
        manifests.write(ModelName("h" * 350, "n", "m", "t"), manifest())
    assert tree(manifests) == []


def test_a_full_disk_leaves_the_old_manifest(manifests: ManifestStore):
    manifests.write(NAME, manifest(b"old"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(StorageError):
            manifests.write(NAME, manifest(b"new"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert manifests.read(NAME).raw == manifest(b"old")
    assert tree(manifests) == ["registry.ollama.ai/library/llama3.2/latest"]


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path):
    (tmp_path / "models").write_text("a file")
    manifests = ManifestStore(tmp_path / "models" / "manifests")
    with pytest.raises(StorageError, match="ensure path elements are traversable"):
        manifests.write(NAME, manifest())
    with pytest.raises(ModelNotFound):
        manifests.read(NAME)


def test_the_digests_in_use_are_those_of_all_manifests(manifests: ManifestStore):
    manifests.write(NAME, manifest(b"1"))
    manifests.write(ModelName.parse("two"), manifest(b"2"))
    odd = Manifest(config=Layer("x", "not a digest"), layers=(Layer("x", str(Digest.of(b"3"))),))
    manifests.write(ModelName.parse("three"), odd.encode())
    expected = {Digest.of(data) for data in (b"1", b"2", b"3", b"{}")}
    assert manifests.digests_in_use() == expected
    manifests.path(NAME).write_bytes(b"{")
    assert manifests.digests_in_use() == expected - {Digest.of(b"1")}
    with pytest.raises(CorruptData):
        manifests.digests_in_use(strict=True)
