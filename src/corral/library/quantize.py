"""Which quantization a create asks for, and doing it where it is needed. Source: modelfile.md section 7."""

from __future__ import annotations

from corral.convert import FILE_TYPES, quantize
from corral.core import manifest as media
from corral.core.digests import Digest
from corral.errors import CreateError
from corral.gguf import FILE_TYPE_NAMES, GGUF
from corral.library.facts import CreateRequest
from corral.library.making import Making
from corral.library.recipe import Part, Recipe

# What people say for the mix that is meant when nobody says more.
_SHORT = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4": "MXFP4_MOE"}
_UNQUANTIZED = frozenset({"F16", "BF16", "F32"})


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
    wanted = _SHORT.get(text.upper(), text.upper())
    if wanted and wanted not in FILE_TYPES:
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
