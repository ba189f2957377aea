"""Files to the server as blobs: hashed, then shared or sent where the server does not have them yet."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from corral.cli.client import Client
from corral.cli.connect import is_local
from corral.cli.progress import Display
from corral.core.digests import Digest
from corral.errors import Cancelled, CorralError, StorageError
from corral.modelfile import LocalParts
from corral.store import BlobStore

# Where the server keeps its blobs: told to clients of the same machine that ask for one that is not there.
_FOLDER_HEADER = "corral-blobs"
_OK = 200
_BLOCK = 1 << 20  # bytes that are hashed between two looks at whether to go on


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A file with its digest, and what it looked like before it was read."""

    path: Path
    digest: Digest
    size: int
    changed_ns: int


def uploaded_parts(client: Client, parts: LocalParts, display: Display) -> dict[str, object]:
    """Bring the files of `parts` to the server; the fields of a create request that name them or the base."""
    groups = {"files": parts.files, "adapters": parts.adapters, "draft_files": parts.drafts}
    digests = upload_files(client, [file for group in groups.values() for file in group.values()], display)
    fields: dict[str, object] = {
        field: {name: str(digests[file]) for name, file in group.items()}
        for field, group in groups.items()
        if group
    }
    if parts.base is not None:
        fields["from"] = parts.base
    return fields


def upload_files(client: Client, files: Iterable[Path], display: Display) -> dict[Path, Digest]:
    """Upload every file, a few at a time; the digest of each. Raises CorralError and OSError."""
    wanted = list(dict.fromkeys(files))
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) - 1)) as pool:
        try:
            hashed = dict(zip(wanted, pool.map(lambda path: _hash(path, stop), wanted), strict=True))
            different = {file.digest: file for file in hashed.values()}  # equal files are sent once
            jobs = [pool.submit(_bring, client, file, display, stop) for file in different.values()]
            for job in jobs:
                job.result()
        except BaseException:  # Ctrl-C, or one file failed: the others must not go on for minutes
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {path: file.digest for path, file in hashed.items()}


def _hash(path: Path, stop: threading.Event) -> _Hashed:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        while block := file.read(_BLOCK):
            _check(stop)
            digest.update(block)
    return _Hashed(path, Digest(digest.hexdigest()), found.st_size, found.st_mtime_ns)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled


def _bring(client: Client, file: _Hashed, display: Display, stop: threading.Event) -> None:
    # A whole digest would push the percentage off the edge of most terminals.
    label = f"copying file {str(file.digest)[:19] if display.live else file.digest}"
    spinner = display.spinner(f"{label} 0%", announce=False)
    place = f"/api/blobs/{file.digest}"
    status, headers = client.head(place)
    if status != _OK and not _shared(client, file, unquote(headers.get(_FOLDER_HEADER, ""))):
        with file.path.open("rb") as source:

            def sent(done: int) -> None:
                _check(stop)
                spinner.message = f"{label} {100 * done // max(file.size, 1)}%"

            client.upload(place, source, file.size, sent)
    display.finish(spinner, f"{label} 100%")


def _shared(client: Client, file: _Hashed, folder: str) -> bool:
    """Put the file into the server's own folder, without a second copy where the file system can do that.

    With the rights of whoever runs this command, who can read the file; False where they do not suffice.
    """
    if not folder or not is_local(client.address.host) or not os.access(folder, os.W_OK):
        return False
    try:
        BlobStore(Path(folder)).import_file(file.path, file.digest)
    except StorageError:
        return False
    found = file.path.stat()
    if (found.st_size, found.st_mtime_ns) != (file.size, file.changed_ns):
        with suppress(StorageError):
            BlobStore(Path(folder)).delete(file.digest)
        raise CorralError(f"{file.path} was changed while it was read")
    # A folder of that name may belong to another server than the one that was asked.
    return client.head(f"/api/blobs/{file.digest}")[0] == _OK
