"""Models as far as their mix of types goes: described in a line, built as a header, compared by the block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from corral.gguf import GGUF, TensorInfo, ValueType

F32, F16 = 0, 1
_ROWS = 4


@dataclass(frozen=True, slots=True)
class Described:
    """A model of `blocks` blocks with the matrices `parts` in each, of `width` columns."""

    architecture: str
    blocks: int
    parts: tuple[str, ...]
    heads: int
    kv_heads: int
    experts: int = 0
    width: int = 256
    tied: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Described:
        kept = {name: value for name, value in values.items() if name not in ("types", "importance")}
        return cls(**{**kept, "parts": tuple(values["parts"])})


def header_of(model: Described) -> GGUF:
    """The header of a file with 16-bit matrices of a few rows, and what llama.cpp must know of a model."""
    numbers = {
        "block_count": model.blocks,
        "context_length": 64,
        "embedding_length": model.width,
        "feed_forward_length": model.width,
        "attention.head_count": model.heads,
        "attention.head_count_kv": model.kv_heads,
    }
    if model.experts:
        numbers |= {"expert_count": model.experts, "expert_used_count": 2, "expert_feed_forward_length": 64}
    keys: dict[str, Any] = {f"{model.architecture}.{key}": value for key, value in numbers.items()}
    for norm in ("layer_norm_rms_epsilon", "layer_norm_epsilon"):
        keys[f"{model.architecture}.attention.{norm}"] = 1e-5
    if model.architecture == "bert":
        keys["bert.attention.causal"] = False
    whole = {key: ValueType.UINT32 for key in keys if type(keys[key]) is int}
    named = {"general.architecture": model.architecture, "general.file_type": 1}
    kinds = {**whole, "general.file_type": ValueType.UINT32}
    return GGUF(version=3, metadata={**named, **keys}, types=kinds, tensors=tuple(_tensors(model)))


def _tensors(model: Described) -> Iterable[TensorInfo]:
    ends = ("token_embd",) if model.tied else ("token_embd", "output")
    for end in ends:
        yield TensorInfo(f"{end}.weight", (model.width, _ROWS), F16)
    yield TensorInfo("output_norm.weight", (model.width,), F32)
    for block in range(model.blocks):
        for part in model.parts:
            stack = (model.experts,) if part.endswith("_exps") else ()
            yield TensorInfo(f"blk.{block}.{part}.weight", (model.width, _ROWS, *stack), F16)


def merged(tensors: Iterable[TensorInfo]) -> dict[str, str]:
    """Types by the part of a block: one where all blocks have the same, else one for each block."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for tensor in tensors:
        words = tensor.name.removesuffix(".weight").split(".")
        block = int(words[1]) if words[0] == "blk" else 0
        found[words[-1]][block] = tensor.type_name
    lists = {part: [kinds[block] for block in sorted(kinds)] for part, kinds in found.items()}
    return {
        part: kinds[0] if len(set(kinds)) == 1 else " ".join(kinds) for part, kinds in sorted(lists.items())
    }
