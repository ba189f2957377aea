"""Uploaded files become layers. Source: store.md section 7, http-api.md 5.11.

The bytes of a GGUF are kept as they are, so its digest stays the one it was published with. Shards of one
model are merged into one file, because a model has one weights file.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from corral.convert import convert, convert_adapter
from corral.core import manifest as media
from corral.core.digests import Digest
from corral.core.manifest import Layer
from corral.errors import CreateError, GGUFError, InvalidInput, StorageError
from corral.gguf import GGUF, TensorInfo, is_gguf, read_gguf, tensor_data, write_gguf
from corral.library.making import Making
from corral.library.network import Headers
from corral.library.recipe import Recipe
from corral.store import Store

_KINDS = {
    "model": media.MEDIA_MODEL,
    "adapter": media.MEDIA_ADAPTER,
    "projector": media.MEDIA_PROJECTOR,
}
_CHECKPOINT = ".safetensors"
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


@dataclass(frozen=True, slots=True)
class Source:
    """An uploaded file: the name it had, and its blob."""

    name: str
    digest: Digest
    path: Path


@dataclass(frozen=True, slots=True)
class Imported:
    """A layer made of an uploaded file, the header of its GGUF and the file's name."""

    layer: Layer
    header: GGUF
    name: str


def check_names(files: Mapping[str, str] | None, *, paths: bool = True) -> None:
    """Raises InvalidInput for a name that is no clean relative path, and for an empty digest."""
    for name, digest in (files or {}).items():
        if paths and not _is_clean(name):
            raise InvalidInput("file path must be relative")
        if not digest:
            raise InvalidInput("invalid digest format")


def _is_clean(path: str) -> bool:
    return path == "." or all(element not in ("", ".", "..") for element in path.split("/"))


def adapter_groups(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The files of each adapter by its name: a GGUF is one, and so is a folder with safetensors.

    The name is that of the file without its suffix, or of the folder; where several would have the same, it
    is the whole path. Adapters keep the order of the request.
    """
    folders = {_folder(name) for name in files if name.endswith(_CHECKPOINT)}
    groups: dict[str, dict[str, str]] = {}
    for name, digest in files.items():
        folder = _folder(name)
        key = folder if folder in folders else name
        groups.setdefault(key, {})[name] = digest
    uses = Counter(_adapter_name(key) for key in groups)
    return {
        key if uses[_adapter_name(key)] > 1 else _adapter_name(key): group for key, group in groups.items()
    }


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _adapter_name(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".gguf") or "adapter"


def sources(store: Store, files: Mapping[str, str]) -> list[Source]:
    """The uploaded files in the order of their names: a checkpoint of safetensors, or GGUF files.

    Raises InvalidInput for kinds of files that nobody can read, CreateError for a digest that is none or not
    uploaded.
    """
    names = sorted(files)
    if any(name.endswith(_CHECKPOINT) for name in names):
        return [_source(store, name, files[name]) for name in names]
    is_named = any(name.endswith(".gguf") for name in names)
    if not is_named and not any(is_gguf(_source(store, name, files[name]).path) for name in names):
        raise InvalidInput("unknown type")
    return [_source(store, name, files[name]) for name in names]


def are_checkpoint(found: Sequence[Source]) -> bool:
    """Whether the files are to be converted."""
    return any(source.name.endswith(_CHECKPOINT) for source in found)


def converting(recipe: Recipe, found: Sequence[Source], media_type: str, file_type: str) -> Making:
    """The work that makes a layer of a checkpoint. Raises CreateError for an adapter without a model."""
    shared = posixpath.commonpath([_folder(source.name) for source in found])
    files = {source.name.removeprefix(shared).lstrip("/"): source.path for source in found}
    if media_type != media.MEDIA_ADAPTER:
        kind = media_type or media.MEDIA_MODEL
        return Making("converting model", kind, lambda out: convert(files, out, file_type), not media_type)
    bases = [part.layer.digest for part in recipe.parts if part.layer.media_type == media.MEDIA_MODEL]
    if not bases:
        raise CreateError("no base model was found")
    base = recipe.store.blobs.path(Digest.parse(bases[0]))
    return Making("converting adapter", media_type, lambda out: convert_adapter(files, base, out))


def _source(store: Store, name: str, digest_text: str) -> Source:
    try:
        digest = Digest.parse(digest_text)
    except InvalidInput as error:
        raise CreateError(error.message) from error
    if not store.blobs.has(digest):
        raise CreateError(f"open {digest.file_name}: no such file or directory")
    return Source(name, digest, store.blobs.path(digest))


def import_gguf(headers: Headers, source: Source, *, media_type: str = "") -> Imported:
    """Read and check one file. `media_type` overrules what the file says of itself.

    Raises InvalidInput when it is no GGUF, CreateError when it is a broken one.
    """
    if not is_gguf(source.path):
        raise InvalidInput("supplied file was not in GGUF format")
    try:
        header = headers.read(source.path)
    except (GGUFError, StorageError) as error:
        raise CreateError(f"failed to validate GGUF {source.name}: {error.message}") from error
    if header.big_endian:
        raise InvalidInput(f"{source.name} is a big-endian GGUF, which is not supported")
    kind = media_type or _KINDS[header.kind]
    # No origin: that is the name of a model, and a name on somebody's disk tells a reader nothing.
    return Imported(Layer(kind, str(source.digest), header.size), header, source.name)


def merge_shards(store: Store, headers: Headers, files: list[Imported]) -> list[Imported]:
    """The files with each group of shards replaced, at the end, by one file that holds all its tensors.

    Raises InvalidInput when a group is not complete. Writes blobs.
    """
    whole = [file for file in files if not file.header.is_split]
    groups: dict[tuple[str, str, int], dict[int, Imported]] = {}
    for file in files:
        if file.header.is_split:
            prefix, index = _shard(file)
            group = groups.setdefault((file.layer.media_type, prefix, file.header.split_count), {})
            if index in group:
                raise InvalidInput(f"split GGUF has duplicate shard index {index}")
            group[index] = file
    return whole + [_merge(store, headers, shards) for shards in groups.values()]


def _shard(file: Imported) -> tuple[str, int]:
    """Prefix and index, from 0, of a shard, as its name and its metadata agree on."""
    count, number = file.header.split_count, file.header.split_no
    found = _SHARD.fullmatch(file.name)
    label = f'split GGUF "{file.name}"'
    if not found:
        raise InvalidInput(f"{label} must use llama.cpp split filename pattern")
    if int(found[3]) != count:
        raise InvalidInput(f"{label} filename count {int(found[3])} does not match metadata count {count}")
    if number is None:
        raise InvalidInput(f"{label} is missing split.no metadata")
    if int(found[2]) - 1 != number:
        raise InvalidInput(
            f"{label} filename index {int(found[2]) - 1} does not match metadata index {number}"
        )
    if number >= count:
        raise InvalidInput(f"{label} has invalid shard index {number}")
    return found[1], number


def _merge(store: Store, headers: Headers, shards: dict[int, Imported]) -> Imported:
    some = next(iter(shards.values()))
    count = some.header.split_count
    if len(shards) != count:
        raise InvalidInput(f'split GGUF "{some.name}" has {len(shards)} shards, expected {count}')
    paths = [store.blobs.path(Digest.parse(shards[index].layer.digest)) for index in range(count)]
    # The first shard has the metadata, now with the arrays that the other steps do without.
    parts = [read_gguf(path) for path in paths]
    owner = {tensor.name: index for index, part in enumerate(parts) for tensor in part.tensors}
    data = [tensor_data(path, part) for path, part in zip(paths, parts, strict=True)]

    def pieces(tensor: TensorInfo) -> Iterator[bytes]:
        yield from data[owner[tensor.name]](tensor)

    first = parts[0]
    kept = {key: value for key, value in first.metadata.items() if not _is_split_key(key)}
    tensors = [tensor for part in parts for tensor in part.tensors]
    with store.blobs.open_writer() as writer:
        write_gguf(cast(BinaryIO, writer), kept, tensors, pieces, types=first.types, as_given=True)
        digest = writer.commit()
    return _rewritten(store, headers, some, digest)


def _is_split_key(key: str) -> bool:
    return key.startswith("split.") or ".split." in key


def with_projector_type(store: Store, headers: Headers, file: Imported) -> Imported:
    """The projector with `clip.projector_type` = `mlp`: older files leave it out, and the engine needs it."""
    path = store.blobs.path(Digest.parse(file.layer.digest))
    full = read_gguf(path)
    metadata = {**full.metadata, "clip.projector_type": "mlp"}
    with store.blobs.open_writer() as writer:
        source = tensor_data(path, full)
        write_gguf(cast(BinaryIO, writer), metadata, full.tensors, source, types=full.types, as_given=True)
        digest = writer.commit()
    return _rewritten(store, headers, file, digest)


def _rewritten(store: Store, headers: Headers, file: Imported, digest: Digest) -> Imported:
    header = headers.read(store.blobs.path(digest))
    return Imported(Layer(file.layer.media_type, str(digest), header.size), header, file.name)


def lacks_projector_type(file: Imported) -> bool:
    header = file.header
    return (
        file.layer.media_type == media.MEDIA_PROJECTOR
        and header.architecture == "clip"
        and header.get("has_vision_encoder", bool, False)
        and not header.has("projector_type")
        and not header.has("vision.projector_type")
    )
