"""The source of llama.cpp: a pinned package of the Python package index, which holds all of it."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec

from corral.errors import BuildError, DigestMismatch, RegistryError, StorageError

if TYPE_CHECKING:
    import httpx

DEFAULT_INDEX = "https://pypi.org/simple"
_SIMPLE = "application/vnd.pypi.simple.v1+json"
_PIECE = 1 << 20
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Patch:
    """A text of a file of the source that stands there once, and what is put in its place."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a package, by its SHA-256; `root` is the folder of llama.cpp within it.

    An index can serve another file of the name, but none of this digest.
    """

    package: str
    version: str
    file: str
    sha256: str
    root: str
    patches: tuple[Patch, ...] = ()


PINNED = Source(
    package="llama-cpp-python",
    version="0.3.36",
    file="llama_cpp_python-0.3.36.tar.gz",
    sha256="832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    root="llama_cpp_python-0.3.36/vendor/llama.cpp",
    patches=(
        # Compilers take the layout of the tiles, which only an instruction reads, for unused and leave it
        # out; the first use of a tile then ends the process (SIGILL, on processors with AMX).
        Patch(
            "ggml/src/ggml-cpu/amx/mmq.cpp",
            "    _tile_loadconfig(&tc);",
            '    __asm__ __volatile__("" : : "r"(&tc) : "memory");\n    _tile_loadconfig(&tc);',
        ),
    ),
)


class _File(msgspec.Struct):
    filename: str
    url: str


class _Page(msgspec.Struct):
    files: list[_File]


def download(
    source: Source, index: str, target: Path, *, transport: httpx.BaseTransport | None = None
) -> Iterator[tuple[int, int]]:
    """Fetch the file to `target`, telling bytes done and in total (0: unknown).

    What an earlier attempt left is gone on with. Raises RegistryError, DigestMismatch, StorageError.
    """
    import httpx  # takes longer than all that others want of this room

    if target.exists() and _is_whole(target, source):
        return
    part = target.with_name(target.name + ".part")
    try:
        with httpx.Client(transport=transport, timeout=_TIMEOUT_S, follow_redirects=True) as client:
            url = _find_url(client, source, index)
            yield from _fetch(client, url, part)
    except httpx.HTTPError as error:
        raise RegistryError(f"{source.file} cannot be downloaded: {error}") from error
    check_digest(part, source)
    part.replace(target)


def check_digest(path: Path, source: Source) -> None:
    """Raises DigestMismatch, and removes the file: it can never become right."""
    actual = _digest(path)
    if actual != source.sha256:
        path.unlink()
        raise DigestMismatch(f"sha256:{source.sha256}", f"sha256:{actual}")


def unpack(archive: Path, source: Source, target: Path) -> None:
    """llama.cpp's folder as `target`; a tree that was not finished is never there. Raises StorageError."""
    loose = target.with_name(target.name + ".part")
    shutil.rmtree(loose, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            # Absent from early releases of Python 3.11; the digest already says whose files these are.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(loose, [member for member in tar if member.name.startswith(source.root + "/")])
        for patch in source.patches:
            _apply(patch, loose / source.root / patch.file)
        (loose / source.root).replace(target)
    except OSError as error:
        raise StorageError(f"{archive.name} cannot be unpacked: {error.strerror or error}") from error
    except (tarfile.TarError, EOFError) as error:
        raise BuildError(f"{archive.name} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(loose, ignore_errors=True)


def _apply(patch: Patch, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(patch.before) != 1:
        raise BuildError(f"{patch.file} is not what it was when its patch was written")
    path.write_text(text.replace(patch.before, patch.after), encoding="utf-8")


def _find_url(client: httpx.Client, source: Source, index: str) -> str:
    """Where the index has the file. Source: PEP 691, with the links of PEP 503 for older indexes."""
    page = f"{index.rstrip('/')}/{source.package}/"
    answer = client.get(page, headers={"Accept": f"{_SIMPLE}, text/html;q=0.1"})
    if answer.is_error:
        raise RegistryError(f"{page} answers with status {answer.status_code}")
    for name, link in _links(answer):
        if name == source.file:
            return urljoin(str(answer.url), link)
    raise RegistryError(f"{page} has no {source.file}", hint="name a file of it with --source")


def _links(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    if _SIMPLE in answer.headers.get("content-type", ""):
        try:
            page = msgspec.json.decode(answer.content, type=_Page)
        except msgspec.DecodeError as error:
            raise RegistryError(f"{answer.url} is no page of a package index: {error}") from error
        yield from ((file.filename, file.url) for file in page.files)
        return
    for piece in answer.text.split('href="')[1:]:
        link = piece.partition('"')[0]
        yield link.partition("#")[0].rpartition("/")[2], link


def _fetch(client: httpx.Client, url: str, part: Path) -> Iterator[tuple[int, int]]:
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there: the digest will tell
        if answer.is_error:
            raise RegistryError(f"{url} answers with status {answer.status_code}")
        continues = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        done = done if continues else 0
        total = done + int(answer.headers.get("content-length", 0))
        try:
            with part.open("ab" if continues else "wb") as file:
                for piece in answer.iter_bytes(_PIECE):
                    file.write(piece)
                    done += len(piece)
                    yield done, total
        except OSError as error:
            raise StorageError(f"{part} cannot be written: {error.strerror}") from error


def _is_whole(path: Path, source: Source) -> bool:
    return _digest(path) == source.sha256


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
