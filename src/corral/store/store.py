"""The store of models: blobs, the manifests that use them, and what is removed when nobody does.

Source: store.md sections 4 and 5.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from corral.core.digests import Digest
from corral.core.names import ModelName
from corral.errors import CorruptData, InvalidInput, StorageError
from corral.store.blobs import BlobStore
from corral.store.disk import storage_errors
from corral.store.manifests import TEMPORARY_PREFIX, ManifestStore

log = logging.getLogger("corral.store")

# Younger files may belong to a transfer or a create that is still running.
PRUNE_AGE_S = 3600.0


class Store:
    """A store folder, in the format that Ollama reads and writes; made on the first write.

    Sync; methods may be called from several threads. A create that reuses a blob and a delete of the last
    model that used it exclude each other only if the caller sees to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = BlobStore(root / "blobs")
        self.manifests = ManifestStore(root / "manifests")

    def delete(self, name: ModelName) -> list[Digest]:
        """Delete a model and the blobs that no other model uses; returns their digests.

        Raises ModelNotFound, StorageError.
        """
        deleted = self.manifests.delete(name)
        return self.remove_unused(deleted.manifest.digests if deleted else ())

    def remove_unused(self, digests: Iterable[str]) -> list[Digest]:
        """Delete those of `digests` (texts, as in a manifest) that no manifest mentions; returns them."""
        candidates = []
        for text in dict.fromkeys(digests):
            with suppress(InvalidInput):
                candidates.append(Digest.parse(text))
        if not candidates:
            return []
        used = self.manifests.digests_in_use()
        return [digest for digest in candidates if digest not in used and self.blobs.delete(digest)]

    def prune(self, *, now: float | None = None) -> list[Digest]:
        """Remove what transfers and crashes left behind, and blobs that no model uses; returns those.

        Meant for server start. Files younger than an hour stay, and with a manifest that cannot be
        read everything does. `now` is in seconds since 1970. Raises StorageError.
        """
        try:
            used = self.manifests.digests_in_use(strict=True)
        except (InvalidInput, CorruptData, StorageError):
            log.warning("corrupt manifests detected, skipping prune operation.  Re-pull or delete to clear")
            return []
        oldest = (time.time() if now is None else now) - PRUNE_AGE_S
        candidates = self._old_blobs(oldest)
        log.info("total blobs: %d", len(candidates))
        unused = {path: digest for path, digest in candidates.items() if digest not in used}
        for path in unused:
            _remove(path)
        log.info("total unused blobs removed: %d", len(unused))
        self._remove_abandoned_manifests(oldest)
        self.manifests.remove_empty_folders()
        return list(unused.values())

    def _old_blobs(self, oldest: float) -> dict[Path, Digest]:
        """Old blobs by path; old files that are no blobs (partial downloads) are removed."""
        blobs = {}
        others = []
        for path in _old_files(self.blobs.directory, oldest):
            try:
                blobs[path] = Digest.parse(path.name)
            except InvalidInput:
                others.append(path)
        for path in others:
            if not _is_continued(path, oldest):
                _remove(path)
        return blobs

    def _remove_abandoned_manifests(self, oldest: float) -> None:
        for path in _old_files(self.manifests.directory, oldest):
            if path.name.startswith(TEMPORARY_PREFIX):
                _remove(path)


def _old_files(folder: Path, oldest: float) -> list[Path]:
    """Regular files directly in `folder`, last changed before `oldest`; links are left alone."""
    if not folder.is_dir():
        return []
    with storage_errors("read", folder), os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest
        ]


def _is_continued(path: Path, oldest: float) -> bool:
    """Whether a file belongs to a download that goes on: of its parts some have long been complete."""
    found = re.match(r"(.+-partial)([-.].+)?$", path.name)
    if found is None:
        return False
    with suppress(OSError):
        return path.with_name(found[1]).stat().st_mtime >= oldest
    return False


def _remove(path: Path) -> None:
    with storage_errors("remove", path):
        path.unlink(missing_ok=True)
