"""Which quantization a create asks for, and whether it is needed. Source: modelfile.md section 7."""

from __future__ import annotations

from corral.errors import CreateError, Unsupported

_TARGETS = {name: name for name in ("F32", "F16", "BF16", "Q8_0", "Q4_K_S", "Q4_K_M")} | {"Q4_K": "Q4_K_M"}
_UNQUANTIZED = frozenset({"F16", "BF16", "F32"})


def target_type(text: str) -> str:
    """The file type that `text` asks for, or empty. Raises CreateError for an unknown one."""
    wanted = text.upper()
    if wanted and wanted not in _TARGETS:
        raise CreateError(
            f"unsupported quantization type {wanted} - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0"
        )
    return _TARGETS.get(wanted, "")


def check_quantize(wanted: str, actual: str) -> None:
    """Return when nothing is to be done: none `wanted`, or the weights are of that type already.

    Raises CreateError when the weights are quantized already, and Unsupported when work would be needed.
    """
    if not wanted or wanted == actual:
        return
    if actual not in _UNQUANTIZED:
        raise CreateError("quantization is only supported for F16, BF16 and F32 models")
    raise _cannot_quantize(wanted)


def check_draft_quantize(wanted: str, actual: str) -> None:
    """The same for a draft model, whose source must be unquantized in any case."""
    if not wanted or wanted == actual:
        return
    if actual not in _UNQUANTIZED:
        raise CreateError(f"draft quantization requires an unquantized draft model, got {actual}")
    raise _cannot_quantize(wanted)


def _cannot_quantize(wanted: str) -> Unsupported:
    return Unsupported(
        f"quantizing to {wanted} is not available in this build",
        hint="import a GGUF that is already quantized",
    )
