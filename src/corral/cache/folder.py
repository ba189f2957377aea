"""The files of saved states: written under a name that nobody reads, checked, renamed, removed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Collection
from pathlib import Path

import psutil

_SUFFIX, _PARTIAL = ".state", ".part"
_CHUNK = 1 << 20
# Another server that shares the folder may have renamed a file that has no row yet.
_YOUNG_S = 60.0


class StateFolder:
    """A folder that only its owner may read. Methods block: they belong in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def partial_name(self) -> str:
        """A new name for a file that is being written; it tells whose it is."""
        return f"{os.getpid()}-{secrets.token_hex(8)}{_PARTIAL}"

    def file(self, id_: str) -> Path:
        return self.path / f"{id_}{_SUFFIX}"

    def publish(self, partial: str, stop: threading.Event) -> tuple[str, int, str]:
        """Give a written file its name for good; its id, size and digest. Raises OSError.

        Nothing is flushed: a file that a power cut took parts of does not have its digest.
        """
        path = self.path / partial
        path.chmod(0o600)
        size, digest = _measure(path, stop)
        id_ = secrets.token_hex(16)
        path.rename(self.file(id_))
        return id_, size, digest

    def problem(self, id_: str, size: int, digest: str) -> str:
        """What is wrong with a file; empty where it is as it was written."""
        try:
            found = _measure(self.file(id_), threading.Event())
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read: {(error.strerror or str(error)).lower()}"
        if found[0] != size:
            return f"has {found[0]} bytes instead of {size}"
        return "" if found[1] == digest else "has other content than was written"

    def remove(self, id_: str) -> None:
        _unlink(self.file(id_))

    def discard(self, partial: str) -> None:
        _unlink(self.path / partial)

    def free_bytes(self) -> int:
        """Of the disk that the folder is on, or will be; 0 where that cannot be told."""
        place = self.path
        while not place.exists():
            place = place.parent
        try:
            return shutil.disk_usage(place).free
        except OSError:
            return 0

    def sweep_own(self) -> None:
        """Remove the unfinished files of this process."""
        for path in self.path.glob(f"{os.getpid()}-*{_PARTIAL}"):
            _unlink(path)

    def sweep(self, known: Collection[str]) -> None:
        """Remove what killed servers left: unfinished files, and finished ones that no row knows.

        Before this process has begun any: in a container a server often has the process id of the one before.
        """
        for path in self.path.glob(f"*{_PARTIAL}"):
            owner = path.name.partition("-")[0]
            if owner.isdecimal() and (int(owner) == os.getpid() or not psutil.pid_exists(int(owner))):
                _unlink(path)
        for path in self.path.glob(f"*{_SUFFIX}"):
            if path.stem not in known and time.time() - _changed_at(path) > _YOUNG_S:
                _unlink(path)


def _unlink(path: Path) -> None:
    """What cannot be removed, as on a disk that is read-only, stays: no request waits for it."""
    with contextlib.suppress(OSError):
        path.unlink()


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another server was quicker
        return time.time()


def _measure(path: Path, stop: threading.Event) -> tuple[int, str]:
    """Size and SHA-256. Raises OSError, also when it is told to `stop`."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            if stop.is_set():
                raise InterruptedError("stopped")
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()
