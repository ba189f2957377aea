"""Files to the server as blobs: hashed, then sent where the server does not have them yet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corral.cli.client import Client
from corral.cli.progress import Display
from corral.core.digests import Digest


def upload_files(client: Client, files: Iterable[Path], display: Display) -> dict[Path, Digest]:
    """Upload every file, a few at a time; the digest of each. Raises CorralError and OSError."""
    wanted = list(dict.fromkeys(files))
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) - 1)) as pool:
        digests = dict(zip(wanted, pool.map(_digest, wanted), strict=True))
        paths = {digest: path for path, digest in digests.items()}  # equal files are sent once
        jobs = [pool.submit(_upload, client, path, digest, display) for digest, path in paths.items()]
        for job in jobs:
            job.result()
    return digests


def _digest(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def _upload(client: Client, path: Path, digest: Digest, display: Display) -> None:
    label = f"copying file {digest}"
    spinner = display.spinner(f"{label} 0%", announce=False)
    if not client.exists(f"/api/blobs/{digest}"):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size

            def sent(done: int) -> None:
                spinner.message = f"{label} {100 * done // max(size, 1)}%"

            client.upload(f"/api/blobs/{digest}", file, size, sent)
    display.finish(spinner, f"{label} 100%")
