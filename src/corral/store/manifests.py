"""Manifests: one small JSON file for each model name. Source: store.md sections 1 to 4, http-api.md 9.3."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corral.core.digests import Digest
from corral.core.manifest import Manifest, decode_manifest
from corral.core.names import ModelName
from corral.errors import CorralError, CorruptData, InvalidInput, ModelNotFound
from corral.store.disk import create_temporary, make_directory, storage_errors, sync_directory

log = logging.getLogger("corral.store")

MAX_MANIFEST = 32 << 20  # bytes; models with one layer for each tensor need a few million
TEMPORARY_PREFIX = ".write-"


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it lies on disk. `digest` is the SHA-256 of the file's bytes in hex, the model's id."""

    name: ModelName
    manifest: Manifest
    digest: str
    modified_at: float  # seconds since 1970
    raw: bytes


Listing = list[StoredManifest]  # by this name, since the method `list` hides the type inside the class


class ManifestStore:
    """The folder `manifests/`, four levels deep: host, namespace, model, tag.

    Files are read anew whenever their time, size or inode has changed, so manifests that other programs
    add are seen. Safe to use from several threads.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._cache: dict[Path, tuple[tuple[int, int, int], StoredManifest]] = {}

    def path(self, name: ModelName) -> Path:
        """The only place where a name becomes a path; a ModelName has passed the grammar, which has no
        part that starts with a dot or holds a slash."""
        return self.directory.joinpath(*name.parts)

    def has(self, name: ModelName) -> bool:
        return os.path.isfile(self.path(name))  # noqa: PTH113  (pathlib's raises without permission)

    def read(self, name: ModelName) -> StoredManifest:
        """The manifest of exactly this spelling. Raises ModelNotFound, CorruptData, StorageError."""
        path = self.path(name)
        with storage_errors("read", path):
            try:
                found = path.stat()
                if stat.S_ISREG(found.st_mode):
                    return self._load(name, path, found)
            except (FileNotFoundError, NotADirectoryError):
                pass
        raise ModelNotFound(name.short)

    def list(self) -> Listing:
        """All readable manifests, the newest first; others are left out with a line in the log."""
        found = []
        for path in self._paths():
            try:
                found.append(self.read(_name_of(path)))
            except ModelNotFound:
                continue  # deleted while we looked
            except InvalidInput:
                log.warning("bad manifest name: path=%s", path)
            except CorralError as error:
                log.warning("bad manifest: path=%s error=%s", path, error)
        return sorted(found, key=lambda one: (-int(one.modified_at), one.name))

    def names(self) -> tuple[ModelName, ...]:
        """All names that have a manifest, whether it can be read or not, in order of name."""
        names = []
        for path in self._paths():
            with suppress(InvalidInput):
                names.append(_name_of(path))
        return tuple(sorted(names))

    def canonical(self, name: ModelName) -> ModelName:
        """`name` in the spelling of the store: names that differ only in case cannot exist side by side.

        A stored name that matches as a whole wins; else each part takes the spelling it has in any.
        """
        if self.has(name):
            return name
        stored = self.names()
        lowered = [part.lower() for part in name.parts]
        for other in stored:
            if [part.lower() for part in other.parts] == lowered:
                return other
        parts = (
            _spelling(part, [other.parts[index] for other in stored]) for index, part in enumerate(name.parts)
        )
        return ModelName(*parts)

    def write(self, name: ModelName, data: bytes) -> StoredManifest:
        """Store the bytes of a manifest, replacing an older one in one step.

        Raises CorruptData when they are no manifest, StorageError.
        """
        decode_manifest(data)
        path = self.path(name)
        make_directory(self.directory)
        with storage_errors("write", path):
            # Beside the hosts, where no listing takes an abandoned file for a manifest.
            handle, temporary = create_temporary(self.directory, TEMPORARY_PREFIX, 0o644)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self._place(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return self.read(name)

    def copy(self, source: ModelName, destination: ModelName) -> None:
        """Give a model a second name; onto itself nothing happens. Raises ModelNotFound, StorageError."""
        found = self.read(source)
        if source != destination:
            self.write(destination, found.raw)

    def delete(self, name: ModelName) -> StoredManifest | None:
        """Remove a manifest and the folders it leaves empty; returns what it was, None if unreadable.

        Raises ModelNotFound, StorageError.
        """
        path = self.path(name)
        found = None
        try:
            found = self.read(name)
        except CorruptData:
            log.warning("deleting a manifest that cannot be read: path=%s", path)
        with storage_errors("remove", path):
            path.unlink(missing_ok=True)
        self._cache.pop(path, None)
        with suppress(OSError):  # the first folder that is not empty
            for folder in list(path.parents)[:3]:
                folder.rmdir()
        return found

    def digests_in_use(self, *, strict: bool = False) -> set[Digest]:
        """The digests that any manifest mentions.

        A manifest that is no manifest mentions nothing, unless `strict`: then it raises. Raises
        StorageError when one cannot be read at all, since then the answer would be too small.
        """
        used: set[Digest] = set()
        for path in self._paths():
            try:
                texts = self.read(_name_of(path)).manifest.digests
            except ModelNotFound:
                continue
            except (InvalidInput, CorruptData):
                if strict:
                    raise
                continue
            for text in texts:
                with suppress(InvalidInput):
                    used.add(Digest.parse(text))
        return used

    def remove_empty_folders(self) -> None:
        """Remove every empty folder, this one included; links are left alone."""
        for folder, _, _ in os.walk(self.directory, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()

    def _paths(self) -> Iterator[Path]:
        """Files exactly four levels deep."""
        level = [self.directory]
        for _ in range(3):
            level = [Path(entry.path) for folder in level for entry in _entries(folder) if entry.is_dir()]
        for folder in level:
            yield from (Path(entry.path) for entry in _entries(folder) if entry.is_file())

    def _load(self, name: ModelName, path: Path, found: os.stat_result) -> StoredManifest:
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        cached = self._cache.get(path)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        if found.st_size > MAX_MANIFEST:
            raise CorruptData(f"manifest {path} has {found.st_size} bytes, at most {MAX_MANIFEST} are read")
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST)
        digest = hashlib.sha256(raw).hexdigest()
        stored = StoredManifest(name, decode_manifest(raw), digest, found.st_mtime, raw)
        self._cache[path] = (stamp, stored)
        return stored

    def _place(self, temporary: Path, path: Path) -> None:
        for attempt in range(3):
            make_directory(path.parent)
            try:
                temporary.replace(path)
                break
            except FileNotFoundError:  # a delete beside us took the folder for empty
                if attempt == 2:
                    raise
        sync_directory(path.parent)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds; nothing when it is not there (any more)."""
    with storage_errors("read", folder):
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except FileNotFoundError:
            return []


def _name_of(path: Path) -> ModelName:
    """Raises InvalidName when the path's last four parts are no name."""
    return ModelName(*path.parts[-4:])


def _spelling(part: str, stored: list[str]) -> str:
    if part in stored:
        return part
    return next((other for other in sorted(stored) if other.lower() == part.lower()), part)
