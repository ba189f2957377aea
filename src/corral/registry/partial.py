"""The file that a blob grows in, and the journal beside it that lets another process go on.

The reference's own form, so that a download begun by one program is finished by the other: `<blob>-partial`
has the full size from the start, and each `<blob>-partial-<n>` tells of one part how much of it has arrived.
Of our own is `<blob>-partial.hash`: how much was hashed, and the state of the digest there. The journal never
claims what is not on the disk yet. Source: registry.md section 8.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from corral.core import checked_json
from corral.core.digests import Digest
from corral.errors import CorruptData, StorageError
from corral.registry.client import wrong_digest
from corral.registry.sha256 import STATE_SIZE, Sha256, sha256

try:
    import fcntl
except ImportError:  # Windows: two servers on one store are not kept apart there
    fcntl = None  # type: ignore[assignment]

MIN_PART, MAX_PART = 32_000_000, 256_000_000
_NUM_PARTS = 64
_MAX_PARTS = 4096
_BLOCK = 4 * 1024**2
# A link would let whoever may write here have another file of ours overwritten.
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_sync = getattr(os, "fdatasync", os.fsync)


class _PartRecord(msgspec.Struct, rename="pascal"):
    n: int = 0
    offset: int = 0
    size: int = 0
    completed: int = 0


class _HashRecord(msgspec.Struct):
    inode: int
    hashed: int
    state: str


@dataclass(slots=True, eq=False)
class Part:
    """A range of the blob; `completed` bytes of it, from its start, are in the file."""

    offset: int
    size: int
    completed: int = 0
    is_taken: bool = False
    recorded: int = -1

    @property
    def position(self) -> int:
        return self.offset + self.completed

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def is_complete(self) -> bool:
        return self.completed == self.size


class Partial:
    """A download on disk. Several threads write to it, each in a part of its own; one hashes behind them."""

    def __init__(self, target: Path, size: int, handle: int) -> None:
        self.size = size
        self._target = target
        self._path = partial_path(target)
        self._handle = handle
        self._parts: list[Part] = []
        self._num_complete = 0  # parts before the first that is not
        self._changed = threading.Condition()
        self._hash: Sha256 = _new_hash()
        self._hashed = (0, self._hash.state())
        self._stopped = False

    @classmethod
    def open(cls, target: Path, size: int) -> Partial:
        """Continue what an earlier attempt left, or begin. Raises StorageError."""
        with _storage_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = _open_locked(partial_path(target))
            try:
                partial = cls(target, size, handle)
                partial._resume()
            except BaseException:
                os.close(handle)
                raise
        return partial

    @property
    def completed(self) -> int:
        with self._changed:
            return sum(part.completed for part in self._parts)

    def take(self) -> Part | None:
        """The first part that is not complete and that nobody works on; `release` gives it back."""
        with self._changed:
            for part in self._parts:
                if not part.is_complete and not part.is_taken:
                    part.is_taken = True
                    return part
            return None

    def release(self, part: Part) -> None:
        with self._changed:
            part.is_taken = False

    def write(self, part: Part, data: bytes) -> None:
        """Append to a part. Raises StorageError."""
        view = memoryview(data)
        with _storage_errors():
            while view:
                written = os.pwrite(self._handle, view, part.position)
                view = view[written:]
                with self._changed:
                    part.completed += written
                    if self._hashable():
                        self._changed.notify_all()

    def begin_whole(self) -> None:
        """Begin anew with a single part: the far side cannot send ranges."""
        with self._changed, _storage_errors():
            self._remove_records()
            self._parts, self._num_complete = [Part(0, self.size)], 0
            self._hash = _new_hash()
            self._hashed = (0, self._hash.state())
            self._stopped = False

    def follow(self) -> None:
        """Hash the bytes in order as they arrive, until all are hashed or `stop` is called.

        Raises StorageError.
        """
        block = bytearray(_BLOCK)
        with memoryview(block) as view, _storage_errors():
            while (length := self._wait_for_bytes()) > 0:
                found = os.preadv(self._handle, [view[:length]], self._hashed[0])
                if not found:
                    raise OSError(errno.EIO, f"{self._path.name} is shorter than it was")
                self._hash.update(block, found)
                with self._changed:
                    self._hashed = (self._hashed[0] + found, self._hash.state())

    def stop(self) -> None:
        """Make `follow` return."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def record(self) -> None:
        """Write down how far we are: first the data to the disk, then the journal. Raises StorageError."""
        with self._changed:
            reached = [(n, part, part.completed) for n, part in enumerate(self._parts)]
            hashed, state = self._hashed
        with _storage_errors():
            _sync(self._handle)
            for n, part, completed in reached:
                if part.recorded != completed:
                    entry = _PartRecord(n, part.offset, part.size, completed)
                    _overwrite(self._part_path(n), msgspec.json.encode(entry) + b"\n")
                    part.recorded = completed
            if state is not None:
                note = _HashRecord(os.fstat(self._handle).st_ino, hashed, state.hex())
                _overwrite(self._hash_path, msgspec.json.encode(note) + b"\n")

    def finish(self, digest: Digest) -> None:
        """Give the file its name. Raises CorruptData, and removes all, when it has another digest."""
        actual = Digest(self._hash.hexdigest())
        if actual != digest:
            self.discard()
            raise wrong_digest(digest, actual)
        with _storage_errors():
            os.fsync(self._handle)
            self._path.chmod(0o644)
            self._path.replace(self._target)
            self._remove_records()
            _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove what has arrived: nothing of it can be trusted."""
        with _storage_errors():
            self._path.unlink(missing_ok=True)
            self._remove_records()

    def close(self) -> None:
        os.close(self._handle)

    # What an earlier attempt left

    def _resume(self) -> None:
        self._parts = self._recorded_parts() if os.fstat(self._handle).st_size == self.size else []
        if not self._parts:
            self._remove_records()
            self._parts = list(_plan(self.size))
            os.truncate(self._handle, 0)
            os.truncate(self._handle, self.size)
            self.record()
        elif (state := self._recorded_hash()) is not None:
            found = sha256(state[1])
            if found is not None:
                self._hash, self._hashed = found, state

    def _recorded_parts(self) -> list[Part]:
        """The parts of the journal; none when they do not cover the blob exactly."""
        records = []
        for path in self._part_paths():
            with suppress(OSError, CorruptData):
                line = path.read_bytes().partition(b"\n")[0]
                records.append(checked_json.decode(line, _PartRecord, "record"))
        records.sort(key=lambda record: record.n)
        position = 0
        for n, record in enumerate(records):
            if record.n != n or record.offset != position or not 0 <= record.completed <= record.size:
                return []
            position += record.size
        if position != self.size or len(records) > _MAX_PARTS:
            return []
        return [
            Part(record.offset, record.size, record.completed, recorded=record.completed)
            for record in records
        ]

    def _recorded_hash(self) -> tuple[int, bytes] | None:
        """How much was hashed and the state there; None when it does not fit the parts."""
        try:
            note = checked_json.decode(self._hash_path.read_bytes(), _HashRecord, "record")
            state = bytes.fromhex(note.state)
        except (OSError, ValueError, CorruptData):
            return None
        if note.inode != os.fstat(self._handle).st_ino or len(state) != STATE_SIZE:
            return None
        return (note.hashed, state) if 0 <= note.hashed <= self._contiguous() else None

    # Files

    def _wait_for_bytes(self) -> int:
        """How many bytes the next step of hashing has; 0 when there is none any more."""
        with self._changed:
            while not self._stopped and self._hashed[0] < self.size:
                if found := self._hashable():
                    return found
                self._changed.wait()
            return 0

    def _hashable(self) -> int:
        """Bytes of the next step of hashing: a whole block, or the rest; 0 while they have not arrived."""
        found = self._contiguous() - self._hashed[0]
        is_rest = self._hashed[0] + found == self.size
        return min(found, _BLOCK) if found >= _BLOCK or is_rest else 0

    def _contiguous(self) -> int:
        """Bytes from the start of the blob without a gap."""
        while self._num_complete < len(self._parts) and self._parts[self._num_complete].is_complete:
            self._num_complete += 1
        if self._num_complete == len(self._parts):
            return self.size
        return self._parts[self._num_complete].position

    def _part_path(self, n: int) -> Path:
        return self._path.with_name(f"{self._path.name}-{n}")

    def _part_paths(self) -> list[Path]:
        return [
            path
            for path in self._path.parent.glob(f"{self._path.name}-*")
            if path.name.rpartition("-")[2].isdecimal()
        ]

    @property
    def _hash_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.hash")

    def _remove_records(self) -> None:
        for path in (*self._part_paths(), self._hash_path):
            path.unlink(missing_ok=True)


def partial_path(target: Path) -> Path:
    return target.with_name(f"{target.name}-partial")


def bytes_to_come(target: Path, size: int) -> int:
    """Bytes that a download of `target` will still take from the disk: an unfinished file is partly there."""
    try:
        found = partial_path(target).stat()
    except OSError:
        return size
    return max(size - getattr(found, "st_blocks", 0) * 512, 0)


def _plan(size: int) -> Iterator[Part]:
    """Parts in the order in which they are fetched: many enough that hashing can follow close behind."""
    step = min(max(-(-size // _NUM_PARTS), MIN_PART), MAX_PART)
    return (Part(offset, min(step, size - offset)) for offset in range(0, size, step))


def _new_hash() -> Sha256:
    found = sha256()
    assert found is not None  # only a state can be impossible to continue
    return found


def _overwrite(path: Path, data: bytes) -> None:
    """One write over what is there: a killed process leaves the old line or the new one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(handle, data, 0)
        os.ftruncate(handle, len(data))
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    """Make the new name survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_locked(path: Path) -> int:
    """The file, ours alone. Raises StorageError when another program has it."""
    while True:
        handle = os.open(path, _OPEN, 0o600)
        try:
            _lock(handle, path)
            # Another program may have finished it, and given it its name, between our two steps.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(handle)):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    """Keep other servers on this store away until the file is closed."""
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StorageError(
            f"another program is downloading {path.name}", hint="wait until it is done"
        ) from error


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = (
            "free some space and pull again: what has arrived is kept"
            if error.errno == errno.ENOSPC
            else None
        )
        raise StorageError(f"{error.strerror or error}".lower(), hint=hint) from error
