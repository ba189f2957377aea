"""The files of the web UI, as they go out.

Their addresses hold a version, made of all their contents: `/ui/VERSION/app.js`. What a browser has under
such an address it may keep for ever, and the parts of a page always belong together. Without the version
(`/ui/app.js`) the same file is asked for again each time, which costs little: there is an ETag.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED_ALREADY = (".png", ".woff2")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SAFETY = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file and the headers of its answer; `packed` is the same compressed with gzip, None where that
    gains nothing.
    """

    data: bytes
    etag: str
    headers: dict[str, str]
    packed: bytes | None = None


def home_page() -> StaticFile:
    """The page at `/`."""
    return _read("index.html", _ASK_AGAIN)


def static_file(path: str) -> StaticFile | None:
    """The file at `path` below `/ui/`; None where there is none of that name and version.

    Only names that were found in the folder lead to a file.
    """
    versioned = path.startswith(f"{version()}/")
    name = path.partition("/")[2] if versioned else path
    if name not in _names() or name == "index.html":
        return None
    return _read(name, _FOR_EVER if versioned else _ASK_AGAIN)


@cache
def version() -> str:
    """What all files together are called; another one as soon as one of them differs."""
    digest = hashlib.sha256()
    for name in sorted(_names()):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256((STATIC / name).read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def _names() -> frozenset[str]:
    files = (path for path in STATIC.rglob("*") if path.is_file() and path.suffix in _TYPES)
    return frozenset(path.relative_to(STATIC).as_posix() for path in files)


@cache
def _read(name: str, caching: str) -> StaticFile:
    path = STATIC / name
    data = path.read_bytes()
    if name in ("index.html", "sw.js"):
        data = data.replace(b"{version}", version().encode())
    if name == "sw.js":
        data = data.replace(b'"{files}"', _precached())
    headers = {"content-type": _TYPES[path.suffix], "cache-control": caching, **_SAFETY}
    if name == "sw.js":
        # It serves the whole origin, though its own address lies below it.
        headers["service-worker-allowed"] = "/"
    packed = None if path.suffix in _PACKED_ALREADY else gzip.compress(data, mtime=0)
    return StaticFile(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"', headers, packed)


def _precached() -> bytes:
    """What the service worker fetches at once, as a JavaScript list: no fonts, licences or records."""
    names = (
        name
        for name in sorted(_names())
        if not name.endswith((".woff2", ".txt", "vendor.json", "index.html", "sw.js"))
    )
    return ("[" + ",".join(f'"{name}"' for name in names) + "]").encode()
