import errno
import os
import resource
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from corral.core.digests import Digest
from corral.errors import BlobNotFound, CorruptData, DigestMismatch, InvalidInput, StorageError
from corral.store import BlobStore

DATA = b"some bytes"
DIGEST = Digest.of(DATA)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "models" / "blobs")


def names(blobs: BlobStore) -> list[str]:
    return sorted(path.name for path in blobs.directory.iterdir())


@contextmanager
def file_size_limit(size: int):
    """Have the kernel refuse to let any file grow beyond `size`, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_bytes_are_stored_under_their_digest(blobs: BlobStore):
    assert blobs.add_bytes(DATA) == DIGEST
    assert names(blobs) == [f"sha256-{DIGEST.hex}"]
    assert blobs.has(DIGEST)
    assert (blobs.size(DIGEST), blobs.read(DIGEST)) == (len(DATA), DATA)
    assert blobs.path(DIGEST).stat().st_mode & 0o777 == 0o644


def test_pieces_are_hashed_while_they_are_written(blobs: BlobStore):
    with blobs.open_writer() as writer:
        for byte in DATA:
            writer.write(bytes([byte]))
        assert [name[:7] for name in names(blobs)] == ["sha256-"]
        assert not blobs.has(DIGEST)
        assert (writer.commit(DIGEST), writer.size) == (DIGEST, len(DATA))
    assert names(blobs) == [DIGEST.file_name]


def test_nothing_is_left_of_a_blob_that_is_not_committed(blobs: BlobStore):
    with blobs.open_writer() as writer:
        writer.write(DATA)
    assert names(blobs) == []


def test_a_blob_with_another_digest_is_refused(blobs: BlobStore):
    expected = Digest.of(b"other")
    with blobs.open_writer() as writer:
        writer.write(DATA)
        with pytest.raises(DigestMismatch) as caught:
            writer.commit(expected)
    assert caught.value.message == f'digest mismatch, expected "{expected}", got "{DIGEST}"'
    assert names(blobs) == []


def test_a_full_disk_is_reported_and_leaves_nothing_half_written(blobs: BlobStore):
    with blobs.open_writer() as writer, file_size_limit(4096):
        writer.write(bytes(4000))
        with pytest.raises(StorageError) as caught:
            writer.write(bytes(4000))
    assert caught.value.message.startswith(f"write {blobs.directory}/sha256-")
    assert caught.value.message.endswith(": " + os.strerror(errno.EFBIG).lower())
    assert names(blobs) == []


@pytest.fixture
def refusing(tmp_path: Path) -> BlobStore:
    """A store that cannot be written, not even by root: a file stands where its folder should be."""
    (tmp_path / "models").write_text("a file")
    return BlobStore(tmp_path / "models" / "blobs")


def test_a_store_that_cannot_be_written_can_be_read(refusing: BlobStore):
    assert not refusing.has(DIGEST)
    with pytest.raises(BlobNotFound):
        refusing.read(DIGEST)


def test_a_store_that_cannot_be_written_says_so(refusing: BlobStore):
    with pytest.raises(StorageError) as caught:
        refusing.add_bytes(DATA)
    assert caught.value.message == (
        f"mkdir {refusing.directory}: not a directory: ensure path elements are traversable"
    )


def test_reading_creates_nothing(blobs: BlobStore):
    assert not blobs.has(DIGEST)
    with pytest.raises(BlobNotFound, match=f'blob "{DIGEST}" not found'):
        blobs.size(DIGEST)
    assert not blobs.delete(DIGEST)
    blobs.rename_legacy()
    assert not blobs.directory.exists()


def test_a_blob_that_is_reused_gets_a_new_time_stamp(blobs: BlobStore):
    blobs.add_bytes(DATA)
    os.utime(blobs.path(DIGEST), (0, 0))
    blobs.add_bytes(DATA)
    assert blobs.path(DIGEST).stat().st_mtime > 0
    os.utime(blobs.path(DIGEST), (0, 0))
    blobs.touch(DIGEST)
    assert blobs.path(DIGEST).stat().st_mtime > 0
    with pytest.raises(BlobNotFound):
        blobs.touch(Digest.of(b"absent"))


def test_a_blob_that_was_cut_short_is_replaced(blobs: BlobStore, tmp_path: Path):
    blobs.add_bytes(DATA)
    for restore in (lambda: blobs.add_bytes(DATA), lambda: blobs.import_file(tmp_path / "source")):
        (tmp_path / "source").write_bytes(DATA)
        blobs.path(DIGEST).write_bytes(DATA[:4])
        restore()
        assert blobs.read(DIGEST) == DATA


def test_an_import_keeps_the_source_and_its_bytes(blobs: BlobStore, tmp_path: Path):
    source = tmp_path / "m.gguf"
    source.write_bytes(DATA)
    assert blobs.import_file(source) == DIGEST
    assert blobs.import_file(source, DIGEST) == DIGEST
    assert (source.read_bytes(), blobs.read(DIGEST)) == (DATA, DATA)
    assert names(blobs) == [DIGEST.file_name]


def test_a_private_file_is_copied_so_that_its_blob_can_be_read(blobs: BlobStore, tmp_path: Path):
    source = tmp_path / "m.gguf"
    source.write_bytes(DATA)
    source.chmod(0o600)
    blobs.import_file(source)
    assert blobs.path(DIGEST).stat().st_mode & 0o777 == 0o644
    assert source.stat().st_mode & 0o777 == 0o600


def test_an_import_follows_a_link_to_the_file_itself(blobs: BlobStore, tmp_path: Path):
    (tmp_path / "m.gguf").write_bytes(DATA)
    (tmp_path / "link").symlink_to(tmp_path / "m.gguf")
    blobs.import_file(tmp_path / "link")
    assert not blobs.path(DIGEST).is_symlink()
    assert blobs.read(DIGEST) == DATA


def test_an_import_across_file_systems_copies(blobs: BlobStore, tmp_path: Path):
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    source = shm / f"corral-test-{os.getpid()}"
    source.write_bytes(DATA)
    try:
        assert blobs.import_file(source) == DIGEST
        assert blobs.path(DIGEST).stat().st_nlink == 1
    finally:
        source.unlink()
    assert blobs.read(DIGEST) == DATA


def test_an_import_of_nothing_is_a_storage_error(blobs: BlobStore, tmp_path: Path):
    with pytest.raises(StorageError, match="no such file or directory"):
        blobs.import_file(tmp_path / "absent")


def test_a_finished_download_is_adopted(blobs: BlobStore):
    blobs.directory.mkdir(parents=True)
    partial = blobs.directory / f"{DIGEST.file_name}-partial"
    partial.write_bytes(DATA)
    blobs.adopt(partial, DIGEST)
    assert names(blobs) == [DIGEST.file_name]


def test_a_blob_is_deleted_once(blobs: BlobStore):
    blobs.add_bytes(DATA)
    assert blobs.delete(DIGEST)
    assert not blobs.delete(DIGEST)


def test_a_large_blob_is_not_read_at_once(blobs: BlobStore):
    blobs.add_bytes(DATA)
    with pytest.raises(CorruptData):
        blobs.read(DIGEST, limit=4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "g" * 64,
        "SHA256:" + "a" * 64,
        "sha256_" + "a" * 64,
        "md5:" + "a" * 64,
        "sha256:../../" + "a" * 58,
        "sha256:" + "a" * 63 + "/",
        "sha256:" + "a" * 64 + "\n",
        "/sha256:" + "a" * 64,
        "sha256:" + "\u0661" * 64,
    ],
)
def test_a_hostile_digest_never_becomes_a_path(text: str):
    with pytest.raises(InvalidInput, match="invalid digest format"):
        Digest.parse(text)


@pytest.mark.parametrize("separator", [":", "-"])
def test_both_forms_of_a_digest_mean_the_same_file(blobs: BlobStore, separator: str):
    assert blobs.path(Digest.parse(f"sha256{separator}{DIGEST.hex}")) == blobs.path(DIGEST)


def test_legacy_blobs_are_renamed(blobs: BlobStore):
    blobs.directory.mkdir(parents=True)
    (blobs.directory / str(DIGEST)).write_bytes(DATA)
    (blobs.directory / "sha256:other").write_bytes(b"")
    blobs.rename_legacy()
    assert names(blobs) == [DIGEST.file_name, "sha256:other"]


def test_many_threads_may_store_the_same_bytes(blobs: BlobStore):
    threads = [threading.Thread(target=blobs.add_bytes, args=(DATA,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert names(blobs) == [DIGEST.file_name]
    assert blobs.read(DIGEST) == DATA
