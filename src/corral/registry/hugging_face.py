"""The files of a repository on Hugging Face, and which of them make the model that a name asks for.

The site answers the registry protocol too, but refuses models in several files there. Its own API lists every
file with its size and, for large ones, its SHA-256: all that a verified download needs.
Source: the Hub's API, `GET /api/models/<user>/<repository>`, and `/resolve/<revision>/<path>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import msgspec

from corral.core import checked_json
from corral.core.digests import Digest
from corral.core.names import DEFAULT_TAG
from corral.errors import CorruptData, InvalidInput, NotFound, RegistryError
from corral.registry.client import RegistryClient, Request

_MAX_LIST = 16 * 1024**2
_SHARD = re.compile(r"(.+)-\d{5}-of-(\d{5})\.gguf", re.IGNORECASE)
# What `latest` means, best first: good answers for their size, then what is closest to it.
_PREFERRED = (
    *("Q4_K_M", "Q4_K_L", "Q4_K_S", "Q4_0", "Q4_1", "MXFP4", "IQ4_XS", "IQ4_NL", "Q5_K_M", "Q5_K_S", "Q5_0"),
    *("Q6_K", "Q3_K_M", "Q3_K_L", "Q8_0", "Q3_K_S", "IQ3_M", "Q2_K", "BF16", "F16", "F32"),
)
_PROJECTOR_TYPES = ("F16", "BF16", "F32", "Q8_0")
_QUANT = re.compile(
    r"(?<![A-Za-z0-9])(?:UD-)?((?:IQ|TQ|Q)\d(?:_[A-Za-z0-9]+)*|MXFP4(?:_MOE)?|BF16|F16|F32|FP16)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


class _Lfs(msgspec.Struct):
    sha256: str = ""
    size: int = 0


class _Sibling(msgspec.Struct):
    rfilename: str = ""
    lfs: _Lfs | None = None


class _Listing(msgspec.Struct):
    sha: str = "main"
    siblings: list[_Sibling] = []


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A large file of a repository."""

    name: str
    digest: Digest
    size: int
    url: httpx.URL

    @property
    def is_shard(self) -> bool:
        """Whether it is a part of a model in several files."""
        return _SHARD.fullmatch(self.name) is not None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model of the repository: one file, or all shards of one."""

    files: tuple[RemoteFile, ...]
    label: str
    """Its quantization as the file name has it, in upper case; empty when it has none."""


async def list_files(client: RegistryClient) -> list[RemoteFile]:
    """The GGUF files of the repository that the client's name means.

    Raises RegistryError, NotFound, AccessDenied.
    """
    base, name = client.endpoint.base, client.name
    repository = f"{name.namespace}/{name.model}"
    url = base.join(f"/api/models/{repository}").copy_merge_params({"blobs": "true"})
    data = await client.read(Request(method="GET", url=url), _MAX_LIST)
    try:
        found = checked_json.decode(data, _Listing, "list")
    except CorruptData as error:
        raise RegistryError(f"the list of files of {repository} cannot be read: {error.message}") from error
    return [
        _remote_file(base, repository, found.sha, sibling.rfilename, sibling.lfs)
        for sibling in found.siblings
        if sibling.lfs is not None and sibling.rfilename.lower().endswith(".gguf")
    ]


def choose_files(files: list[RemoteFile], tag: str) -> list[RemoteFile]:
    """The files of the model that `tag` means, with the projector beside them, if there is one.

    `tag` is a quantization in any case, the name of a file, or `latest`. Raises NotFound with what there is.
    """
    candidates = _candidates([file for file in files if _role(file.name) == "model"])
    if not candidates:
        raise NotFound("the repository holds no GGUF model", hint="look for one with GGUF in its name")
    chosen = _preferred(candidates) if tag == DEFAULT_TAG else _tagged(candidates, tag)
    projectors = _candidates([file for file in files if _role(file.name) == "projector"])
    if not projectors:
        return list(chosen.files)
    labels = [projector.label for projector in projectors]
    best = next((labels.index(label) for label in _PROJECTOR_TYPES if label in labels), 0)
    return [*chosen.files, *projectors[best].files]


def _remote_file(base: httpx.URL, repository: str, revision: str, path: str, lfs: _Lfs) -> RemoteFile:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or lfs.size < 0:
        raise RegistryError(f"the list of files of {repository} names an impossible file: {path[:200]!r}")
    try:
        digest = Digest.parse(f"sha256:{lfs.sha256.removeprefix('sha256:')}")
    except InvalidInput as error:
        raise RegistryError(f"{path}: {error.message}") from error
    url = base.join(f"/{repository}/resolve/{quote(revision, safe='')}/{quote(path)}")
    return RemoteFile(path, digest, lfs.size, url)


def _role(path: str) -> str:
    name = path.lower().rpartition("/")[2]
    if "mmproj" in name:
        return "projector"
    return "other" if any(word in name for word in ("imatrix", "lora", "draft")) else "model"


def _candidates(files: list[RemoteFile]) -> list[_Candidate]:
    """Files by themselves, shards with those of the same model; in order of name."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in sorted(files, key=lambda file: file.name):
        shard = _SHARD.fullmatch(file.name)
        groups.setdefault(shard[1] + shard[2] if shard else file.name, []).append(file)
    return [_Candidate(tuple(group), _label(group[0].name)) for group in groups.values()]


def _label(path: str) -> str:
    found = _QUANT.findall(path.rpartition("/")[2]) or _QUANT.findall(path)
    return found[-1].upper().replace("FP16", "F16") if found else ""


def _preferred(candidates: list[_Candidate]) -> _Candidate:
    labels = [candidate.label for candidate in candidates]
    return candidates[next((labels.index(label) for label in _PREFERRED if label in labels), 0)]


def _tagged(candidates: list[_Candidate], tag: str) -> _Candidate:
    wanted = tag.lower()
    for candidate in candidates:
        name = candidate.files[0].name.lower().rpartition("/")[2]
        if candidate.label.lower() == wanted or wanted in (name, name.removesuffix(".gguf")):
            return candidate
    for candidate in candidates:
        if re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", candidate.files[0].name.lower()):
            return candidate
    there = ", ".join(sorted({candidate.label or candidate.files[0].name for candidate in candidates}))
    raise NotFound(f'no file of the repository matches "{tag}"; there are: {there}')
