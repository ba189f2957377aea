"""Records which types llama.cpp's own quantizer gives to the tensors of some models, as mixes.json.

Needs Python 3.12 and `pip install -e . cyllama==0.7.0` (llama.cpp b11669):

    python -m tests.convert.vectors.record

The file holds, for each model, its description and for each file type the tensor types: by the last part of a
name one type, or one for each block.
"""

from __future__ import annotations

import ctypes
import json
import struct
import tempfile
from pathlib import Path
from typing import Any

from cyllama.llama import llama_cpp

from corral.convert import FILE_TYPES
from corral.gguf import FILE_TYPE_NAMES, read_gguf, write_gguf
from tests.helpers.mixes import Described, header_of, merged

HERE = Path(__file__).parent

ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_output")
DENSE = ("ffn_gate", "ffn_up", "ffn_down")
EXPERTS = ("ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")

MODELS = {
    "llama": Described("llama", 16, ATTENTION + DENSE, heads=8, kv_heads=8),
    "llama-tied-grouped": Described("llama", 16, ATTENTION + DENSE, heads=8, kv_heads=2, tied=True),
    "llama-80-blocks": Described("llama", 80, ATTENTION + DENSE, heads=8, kv_heads=1),
    "mixtral": Described("llama", 16, ATTENTION + EXPERTS, heads=8, kv_heads=2, experts=8),
    "qwen3moe": Described("qwen3moe", 16, ATTENTION + EXPERTS, heads=8, kv_heads=4, experts=4),
    "narrow": Described("qwen2", 8, ATTENTION + DENSE, heads=7, kv_heads=1, width=224),
    "very-narrow": Described("qwen2", 8, ATTENTION + DENSE, heads=6, kv_heads=2, width=80, tied=True),
    "phi3": Described("phi3", 16, ("attn_qkv", "attn_output", "ffn_up", "ffn_down"), heads=8, kv_heads=8),
    "falcon": Described("falcon", 32, ("attn_qkv", "attn_output", "ffn_up", "ffn_down"), heads=8, kv_heads=1),
    "bert": Described("bert", 16, (*ATTENTION, "ffn_up", "ffn_down"), heads=8, kv_heads=8, tied=True),
}

# Bytes from the number of threads to the importance matrix: four numbers, six flags, padding.
_POINTER = 24


def main() -> None:
    recorded = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in MODELS.items():
            source = Path(folder) / f"{name}.gguf"
            write(source, model)
            plain = recorded[name] = record(source, model, importance=False)
            important = record(source, model, importance=True)
            # Only what an importance matrix changes.
            new = {
                kind: types for kind, types in important["types"].items() if types != plain["types"].get(kind)
            }
            recorded[f"{name}-important"] = {**important, "types": new}
    text = json.dumps(recorded, indent=0, separators=(",", ":"))
    (HERE / "mixes.json").write_text(text + "\n", encoding="utf-8")


def record(source: Path, model: Described, *, importance: bool) -> dict[str, Any]:
    types = {kind: quantized(source, kind, model, importance) for kind in FILE_TYPES}
    known = {kind: found for kind, found in types.items() if found}
    return {**model.as_json(), "importance": importance, "types": known}


def write(path: Path, model: Described) -> None:
    header = header_of(model)

    def numbers(tensor):
        count = tensor.num_elements
        yield struct.pack(
            f"<{count}{'f' if tensor.type == 0 else 'e'}", *[(i % 17 - 8) / 8 for i in range(count)]
        )

    with path.open("wb") as file:
        write_gguf(file, header.metadata, header.tensors, numbers, types=header.types, as_given=True)


def quantized(
    source: Path, file_type: str, model: Described, with_importance: bool
) -> dict[str, object] | None:
    """None where llama.cpp refuses to work without an importance matrix, or has no type for such rows."""
    target = source.with_suffix(".out")
    params = llama_cpp.LlamaModelQuantizeParams()
    params.ftype = next(number for number, name in FILE_TYPE_NAMES.items() if name == file_type)
    params.nthread = 1
    kept = give_importance(params, model) if with_importance else None
    try:
        llama_cpp.model_quantize(str(source), str(target), params)
    except RuntimeError:
        return None
    finally:
        del kept
    return merged(read_gguf(target).tensors)


class Entry(ctypes.Structure):
    """llama.cpp's struct llama_model_imatrix_data."""

    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


def give_importance(params: llama_cpp.LlamaModelQuantizeParams, model: Described) -> object:
    """Set the pointer that the package lets nobody set: all columns matter equally. Keep the result."""
    tensors = [tensor for tensor in header_of(model).tensors if tensor.type]
    entries = (Entry * (len(tensors) + 1))()
    alive: list[object] = [entries]
    for entry, tensor in zip(entries, tensors, strict=False):
        size = tensor.num_elements // tensor.shape[1]
        numbers = (ctypes.c_float * size)(*[1.0] * size)
        alive += [numbers, tensor.name.encode()]
        entry.name, entry.data, entry.size = tensor.name.encode(), ctypes.addressof(numbers), size
    place = ctypes.string_at(id(params), 200).index(struct.pack("<ii", params.nthread, params.ftype))
    pointer = id(params) + place + _POINTER
    if ctypes.c_uint64.from_address(pointer).value:
        raise RuntimeError("the parameters of this llama.cpp lie otherwise in memory")
    ctypes.c_uint64.from_address(pointer).value = ctypes.addressof(entries)
    return alive


if __name__ == "__main__":
    main()
