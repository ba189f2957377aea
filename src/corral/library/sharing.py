"""What another machine may read of the store: manifests, and the blobs that they name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import BlobNotFound, StorageError
from corral.store import Store, StoredManifest


@dataclass(frozen=True, slots=True)
class SharedBlob:
    """A file to send."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        """The file, to be closed by the caller. Raises StorageError."""
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise StorageError(f"cannot read {self.path.name}: {error.strerror or error}") from error


class Sharing:
    """Read-only. Nothing is shared that no manifest of the asked repository mentions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def manifest(self, name: ModelName) -> StoredManifest:
        """Raises ModelNotFound, CorruptData, StorageError."""
        return await asyncio.to_thread(self._manifest, name)

    async def blob(self, name: ModelName, digest: Digest) -> SharedBlob:
        """A blob of any tag of the repository. Raises BlobNotFound, StorageError."""
        return await asyncio.to_thread(self._blob, name, digest)

    def _manifest(self, name: ModelName) -> StoredManifest:
        return self._store.manifests.read(self._store.manifests.canonical(name))

    def _blob(self, name: ModelName, digest: Digest) -> SharedBlob:
        wanted = [part.lower() for part in name.parts[:3]]
        for stored in self._store.manifests.list():
            here = [part.lower() for part in stored.name.parts[:3]]
            if here == wanted and str(digest) in stored.manifest.digests:
                return SharedBlob(self._store.blobs.path(digest), self._store.blobs.size(digest))
        raise BlobNotFound(str(digest))
