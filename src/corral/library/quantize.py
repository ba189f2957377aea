"""Which quantization a create asks for, and doing it where it is needed. Source: modelfile.md section 7."""

from __future__ import annotations

from corral.convert import FILE_TYPES, UNQUANTIZED, file_type_named, quantize
from corral.core import manifest as media
from corral.core.digests import Digest
from corral.errors import CreateError
from corral.gguf import FILE_TYPE_NAMES, GGUF
from corral.library.facts import CreateRequest
from corral.library.making import Making
from corral.library.recipe import Part, Recipe


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
    if actual not in UNQUANTIZED:
        raise CreateError(refusal)
    return file_type


def target_type(text: str) -> str:
    """The file type that `text` asks for, or empty. Raises CreateError for an unknown one."""
    wanted = file_type_named(text)
    if text and not wanted:
        known = ", ".join(FILE_TYPES)
        raise CreateError(f"unsupported quantization type {text.upper()} - supported types are {known}")
    return wanted


def quantizing(recipe: Recipe, part: Part, file_type: str) -> Making:
    """The work that makes weights of `file_type` of the weights `part`."""
    actual = _type_of(part.header) if part.header else "unknown"
    source = recipe.store.blobs.path(Digest.parse(part.layer.digest))
    return Making(
        step=f"quantizing {actual} model to {file_type}",
        media_type=part.layer.media_type,
        work=lambda target: quantize(source, target, file_type),
    )


def _type_of(header: GGUF) -> str:
    # Unlike in show, F32 counts as what it is: quantizing it does no harm.
    return FILE_TYPE_NAMES.get(-1 if header.file_type is None else header.file_type, "unknown")
