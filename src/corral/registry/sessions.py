"""Uploads that were begun and not finished, on disk, so that a push which was killed goes on."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import httpx

from corral.core.digests import Digest


class Sessions:
    """The address of each unfinished upload, by repository and digest. Losing one costs only time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, repository: httpx.URL, digest: Digest) -> httpx.URL | None:
        """Where the upload of a blob to `repository` went on last."""
        try:
            return httpx.URL(self._path(repository, digest).read_text())
        except (OSError, UnicodeDecodeError, httpx.InvalidURL):
            return None

    def keep(self, repository: httpx.URL, digest: Digest, session: httpx.URL) -> None:
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path(repository, digest).write_text(str(session))

    def forget(self, repository: httpx.URL, digest: Digest) -> None:
        with suppress(OSError):
            self._path(repository, digest).unlink(missing_ok=True)

    def _path(self, repository: httpx.URL, digest: Digest) -> Path:
        return self._folder / hashlib.sha256(f"{repository}\n{digest}".encode()).hexdigest()
