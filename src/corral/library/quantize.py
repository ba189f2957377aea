"""Which quantization a create asks for, and doing it where it is needed. Source: modelfile.md section 7."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from corral.convert import Finished, quantize
from corral.core import manifest as media
from corral.core.digests import Digest
from corral.core.manifest import Layer
from corral.core.requests import ProgressRecord
from corral.errors import CorruptData, CreateError
from corral.gguf import FILE_TYPE_NAMES, GGUF
from corral.library.facts import CreateRequest
from corral.library.network import Headers
from corral.library.recipe import Part, Recipe

_TARGETS = {name: name for name in ("F32", "F16", "BF16", "Q8_0", "Q4_K_S", "Q4_K_M")} | {"Q4_K": "Q4_K_M"}
_UNQUANTIZED = frozenset({"F16", "BF16", "F32"})
# The step has no file of a known digest yet; clients tell their bars apart by this one.
_NO_DIGEST = "0" * 19


def wanted_type(request: CreateRequest, part: Part) -> str:
    """The file type that the weights of `part` are to get; empty when they stay as they are.

    Raises CreateError for an unknown type, and for weights that are quantized already.
    """
    if part.header is None:
        return ""
    actual = _type_of(part.header)
    if part.layer.media_type == media.MEDIA_MODEL:
        wanted, refusal = request.quantize, "quantization is only supported for F16, BF16 and F32 models"
    elif part.layer.media_type == media.MEDIA_DRAFT:
        wanted = request.draft_quantize
        refusal = f"draft quantization requires an unquantized draft model, got {actual}"
    else:
        return ""
    file_type = target_type(wanted)
    if not file_type or file_type == actual:
        return ""
    if actual not in _UNQUANTIZED:
        raise CreateError(refusal)
    return file_type


def target_type(text: str) -> str:
    """The file type that `text` asks for, or empty. Raises CreateError for an unknown one."""
    wanted = text.upper()
    if wanted and wanted not in _TARGETS:
        raise CreateError(
            f"unsupported quantization type {wanted} - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0"
        )
    return _TARGETS.get(wanted, "")


async def quantize_part(
    recipe: Recipe, index: int, file_type: str, headers: Headers
) -> AsyncGenerator[ProgressRecord, None]:
    """Put weights of `file_type` into the place of `recipe.parts[index]`; yields how far it is.

    The new blob appears when it is whole. Raises CreateError when the weights are broken, StorageError.
    """
    part, blobs = recipe.parts[index], recipe.store.blobs
    actual = _type_of(part.header) if part.header else "unknown"
    step = f"quantizing {actual} model to {file_type}"
    with await asyncio.to_thread(blobs.open_writer) as writer:
        source = blobs.path(Digest.parse(part.layer.digest))
        done = None
        async with aclosing(quantize(source, writer.file, file_type)) as progress:
            try:
                async for event in progress:
                    if isinstance(event, Finished):
                        done = event
                    else:
                        yield ProgressRecord(step, _NO_DIGEST, part.layer.size, event.completed)
            except CorruptData as error:
                raise CreateError(error.message) from error
        assert done is not None
        digest = Digest(done.sha256)
        recipe.hold.add([str(digest)])
        status = f"{'using existing' if blobs.has(digest) else 'creating new'} layer {digest}"
        await asyncio.to_thread(writer.place, digest)
    header = await asyncio.to_thread(headers.read, blobs.path(digest))
    recipe.parts[index] = Part(Layer(part.layer.media_type, str(digest), done.size), status, header)
    if part.layer.media_type == media.MEDIA_MODEL:
        recipe.config.pop("file_type", None)  # what the base's config said of the weights it had


def _type_of(header: GGUF) -> str:
    # Unlike in show, F32 counts as what it is: quantizing it does no harm.
    return FILE_TYPE_NAMES.get(-1 if header.file_type is None else header.file_type, "unknown")
