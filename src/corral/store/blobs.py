"""Blobs: files named after the SHA-256 of their bytes. Source: store.md sections 1, 5 and 13."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from corral.core.digests import Digest
from corral.errors import BlobNotFound, CorruptData, DigestMismatch, InvalidInput, StorageError
from corral.store.disk import create_temporary, make_directory, storage_errors, sync_directory

try:
    import fcntl
except ImportError:  # Windows has neither the module nor file clones
    fcntl = None  # type: ignore[assignment]

_FICLONE = 0x40049409  # ioctl of Linux: let one file share the data of another
_PIECE = 1 << 20
_MODE = 0o644


class BlobStore:
    """The folder `blobs/`. Safe to use from several threads and beside other processes.

    Nothing is created before the first write, so a store that can only be read can be read.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, digest: Digest) -> Path:
        """Where the blob lies or would lie: the only place where a digest becomes a path."""
        return self.directory / digest.file_name

    def has(self, digest: Digest) -> bool:
        return os.path.isfile(self.path(digest))  # noqa: PTH113  (pathlib's raises without permission)

    def size(self, digest: Digest) -> int:
        """Bytes on disk. Raises BlobNotFound."""
        return self._stat(digest).st_size

    def sizes(self) -> dict[Digest, int]:
        """Bytes of every blob. Raises StorageError."""
        found = {}
        for path, size in self._files():
            with suppress(InvalidInput):
                found[Digest.parse(path)] = size
        return found

    def unfinished(self) -> int:
        """Bytes of all else that lies here: what transfers have begun. Raises StorageError."""
        return sum(size for name, size in self._files() if not Digest.is_valid(name))

    def digest_of(self, digest: Digest, seen: Callable[[int], bool]) -> Digest:
        """The digest that the bytes of a blob really have. `seen` is told of the bytes as they are read, and
        ends the reading with False; then the digest is that of the beginning. Raises BlobNotFound.
        """
        path, found, block = self.path(digest), hashlib.sha256(), bytearray(_PIECE)
        self._stat(digest)
        with storage_errors("read", path), path.open("rb", buffering=0) as file, memoryview(block) as view:
            while (length := file.readinto(block)) and seen(length):
                found.update(view[:length])
        return Digest(found.hexdigest())

    def read(self, digest: Digest, *, limit: int = 64 << 20) -> bytes:
        """A small blob as a whole. Raises BlobNotFound, or CorruptData above `limit` bytes."""
        size = self._stat(digest).st_size
        if size > limit:
            raise CorruptData(f"blob {digest} has {size} bytes, more than {limit} are not read at once")
        path = self.path(digest)
        with storage_errors("read", path), path.open("rb") as file:
            return file.read(limit)

    def folder(self) -> Path:
        """The folder, which is made when it is not there yet. Raises StorageError."""
        make_directory(self.directory)
        return self.directory

    def open_writer(self) -> BlobWriter:
        """A writer for a blob whose digest is not known yet. Raises StorageError."""
        make_directory(self.directory)
        return BlobWriter(self)

    def add_bytes(self, data: bytes) -> Digest:
        """Store `data`; a blob that is already there only gets a new time stamp."""
        digest = Digest.of(data)
        if self._reuse(digest, len(data)):
            return digest
        with self.open_writer() as writer:
            writer.write(data)
            return writer.commit(digest)

    def import_file(self, source: Path, digest: Digest | None = None) -> Digest:
        """Store the bytes of a file, sharing them with it where the file system can; never rewrites them.

        `digest`, where given, must have been computed from this very file: it is believed. Tried in
        order: clone, hard link, copy. After a hard link the source must not be changed in place.
        Raises StorageError.
        """
        with storage_errors("read", source):
            source = source.resolve(strict=True)
            digest = digest or file_digest(source)
            size = source.stat().st_size
        if self._reuse(digest, size):
            return digest
        make_directory(self.directory)
        if not (self._clone(source, digest) or self._link(source, digest)):
            self._copy(source, digest)
        return digest

    def adopt(self, file: Path, digest: Digest) -> None:
        """Rename a complete, verified file of this file system to its place. Raises StorageError."""
        target = self.path(digest)
        with storage_errors("write", target):
            file.chmod(_MODE)
            file.replace(target)
        sync_directory(self.directory)

    def touch(self, digest: Digest) -> None:
        """Set the time stamp to now, which protects the blob from the next prune. Raises BlobNotFound."""
        path = self.path(digest)
        with storage_errors("touch", path):
            try:
                os.utime(path)
            except FileNotFoundError as error:
                raise BlobNotFound(str(digest)) from error

    def delete(self, digest: Digest) -> bool:
        """Remove a blob; False when it was not there. Raises StorageError."""
        path = self.path(digest)
        with storage_errors("remove", path):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def rename_legacy(self) -> None:
        """Give blobs of very old stores (`sha256:<hex>`) the name that is used now."""
        if not self.directory.is_dir():
            return
        with storage_errors("rename in", self.directory):
            for path in list(self.directory.rglob("sha256:*")):
                with suppress(InvalidInput):
                    path.replace(path.with_name(Digest.parse(path.name).file_name))

    def _stat(self, digest: Digest) -> os.stat_result:
        path = self.path(digest)
        with storage_errors("read", path):
            try:
                return path.stat()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise BlobNotFound(str(digest)) from error

    def _files(self) -> list[tuple[str, int]]:
        """Name and bytes on the disk of every file: of one that has holes, only what is in it."""
        if not self.directory.is_dir():
            return []
        with storage_errors("read", self.directory), os.scandir(self.directory) as entries:
            return [
                (entry.name, _disk_size(entry.stat()))
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            ]

    def _reuse(self, digest: Digest, size: int) -> bool:
        """Whether the blob is there already; if so it gets a new time stamp.

        One of another size was damaged: it will be replaced.
        """
        try:
            if self.size(digest) != size:
                return False
        except BlobNotFound:
            return False
        with suppress(StorageError):  # somebody else's file: good to use, though we cannot touch it
            self.touch(digest)
        return True

    def _clone(self, source: Path, digest: Digest) -> bool:
        if fcntl is None:
            return False
        with self.open_writer() as writer:
            try:
                with source.open("rb") as file:
                    fcntl.ioctl(writer.file, _FICLONE, file.fileno())
            except OSError:  # another file system, or one that cannot clone
                return False
            writer.place(digest)
        return True

    def _link(self, source: Path, digest: Digest) -> bool:
        # Mode and time stamp stay as they are: they are the user's file's as well. A file that others
        # may not read would make a blob that a server of another user cannot.
        target = self.path(digest)
        with suppress(OSError):
            if source.stat().st_mode & 0o444 != 0o444:
                return False
            target.unlink(missing_ok=True)  # only here when it had the wrong size
            target.hardlink_to(source)
            sync_directory(self.directory)
            return True
        return False

    def _copy(self, source: Path, digest: Digest) -> None:
        with self.open_writer() as writer, storage_errors("read", source), source.open("rb") as file:
            while piece := file.read(_PIECE):
                writer.write(piece)
            writer.commit(digest)


class BlobWriter:
    """Writes one blob to a temporary file, hashing on the way; `commit` gives it its name.

    Used as a context manager: whatever is not committed is removed.
    """

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        with storage_errors("write", store.directory):
            handle, self._path = create_temporary(store.directory, "sha256-", 0o600)
        self.file: BinaryIO = os.fdopen(handle, "wb", buffering=0)
        self.size = 0
        self._placed = False

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises StorageError, after which nothing is left of the blob."""
        left = memoryview(data)
        self._hash.update(left)
        self.size += len(left)
        try:
            with storage_errors("write", self._path):
                while left:
                    left = left[self.file.write(left) :]
        except BaseException:
            self.abort()
            raise

    def commit(self, expected: Digest | None = None) -> Digest:
        """Flush to disk and rename into place. Raises DigestMismatch (nothing is kept), StorageError."""
        actual = Digest(self._hash.hexdigest())
        if expected is not None and expected != actual:
            self.abort()
            raise DigestMismatch(str(expected), str(actual))
        if self._store._reuse(actual, self.size):
            self.abort()
        else:
            self.place(actual)
        return actual

    def place(self, digest: Digest) -> None:
        """Rename into place under a digest that is known otherwise. Raises StorageError."""
        target = self._store.path(digest)
        try:
            with storage_errors("write", target):
                self._path.chmod(_MODE)
                os.fsync(self.file.fileno())
                self.file.close()
                self._path.replace(target)
                self._placed = True
        except BaseException:
            self.abort()
            raise
        sync_directory(self._store.directory)

    def abort(self) -> None:
        """Remove what was written; harmless after a commit or a second time."""
        if not self.file.closed:
            self.file.close()
        if not self._placed:
            with suppress(OSError):
                self._path.unlink()

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


def _disk_size(status: os.stat_result) -> int:
    return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)


def file_digest(path: Path) -> Digest:
    """The digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())
