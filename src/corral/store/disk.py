"""The few ways in which the store touches the disk, with the system's errors turned into ours."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from corral.errors import StorageError

_HINTS = {
    errno.ENOSPC: "free some space, or move the models with OLLAMA_MODELS",
    errno.EDQUOT: "the disk quota of this user is used up",
    errno.EROFS: "the file system is read-only; point OLLAMA_MODELS elsewhere",
    errno.EACCES: "check who owns the folder, or point OLLAMA_MODELS elsewhere",
    errno.EPERM: "check who owns the folder, or point OLLAMA_MODELS elsewhere",
}


@contextmanager
def storage_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError inside into a StorageError that says what was done to which path."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0)
        raise StorageError(f"{action} {path}: {reason}", hint=hint) from error


def make_directory(path: Path) -> None:
    """Create a directory and its parents. Raises StorageError."""
    try:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"mkdir {path}: {reason}: ensure path elements are traversable") from error


def create_temporary(directory: Path, prefix: str, mode: int) -> tuple[int, Path]:
    """A new empty file `<prefix><digits>`, open for writing. Raises OSError."""
    while True:
        path = directory / f"{prefix}{secrets.randbelow(10**10)}"
        with suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            return os.open(path, flags, mode), path


def sync_directory(path: Path) -> None:
    """Make a rename in `path` survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
