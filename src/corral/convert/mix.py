"""Which tensor of a model gets which type: the mixes that llama.cpp's quantizer makes.

A 4-bit file is not 4 bits throughout: what hurts most when it is coarse (the output, the values of the
attention, the last step of the feed-forward network, the outermost layers) gets more. The rules are those of
llama.cpp (`src/llama-quant.cpp`), so that a file has the same types whoever made it; the exceptions of some
architectures are listed in modelfile.md section 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from corral.convert.changing import EMBEDDINGS, is_converted
from corral.convert.file_types import (
    ATTENTION_OUTPUT,
    COARSE,
    EARLY_DOWN,
    EARLY_DOWN_BY_IMPORTANCE,
    EMBEDDING,
    EXPERTS_OUTPUT,
    FILE_TYPES,
    FINER_COARSE,
    KEY_OR_QUERY,
    NUMBERS,
    SHARED_VALUE,
    UNQUANTIZED,
    VALUE,
    fitting,
)
from corral.gguf import GGUF, TENSOR_TYPES, TensorInfo

# Architectures with a model of 80 layers in which eight heads share one attn_v: small, so it can be finer.
_SHARED_VALUES = frozenset({"llama", "deci", "qwen2", "qwen2vl", "apertus"})

# Architecture -> tensors that stay finer in a Q4_K mix.
_EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "qwen35": (r"blk\.\d+\.nextn\.eh_proj\.weight", "Q8_0"),
    "qwen35moe": (r"blk\.\d+\.nextn\.eh_proj\.weight", "Q8_0"),
    "gemma3n": (r"per_layer_token_embd\.weight", "F16"),
    "deepseek2": (r"blk\.\d+\.attn_(k_b|q_a|q_b|v_b|kv_a_mqa)\.weight", "Q8_0"),
    "glmocr": (r"(token_embd|output)\.weight", "F16"),
    "glm4": (r"(token_embd|output)\.weight", "F16"),
}

_VALUES = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")
_BLOCK = re.compile(r"blk\.(\d+)\.")


def plan(gguf: GGUF, file_type: str, *, has_importance: bool = False) -> tuple[TensorInfo, ...]:
    """The tensors of `gguf` with the types that they get in a file of `file_type`, a key of FILE_TYPES.

    In llama.cpp's order: what belongs to no block, then block by block, by name. Parts of another model that
    live in the same file (a projector, a draft) come last, unchanged.
    """
    own = sorted((tensor for tensor in gguf.tensors if not tensor.is_extra), key=_order)
    chooser = _Chooser.of(gguf, file_type, own, has_importance)
    extra = [tensor for tensor in gguf.tensors if tensor.is_extra]
    return (*(replace(tensor, type=chooser.choose(tensor)) for tensor in own), *extra)


def _order(tensor: TensorInfo) -> tuple[int, str]:
    return _block(tensor.name, -1), tensor.name


def _block(name: str, default: int) -> int:
    found = _BLOCK.match(name)
    return int(found[1]) if found else default


@dataclass(slots=True)
class _Chooser:
    """Asked for one tensor after the other, in order: some rules count how many came before."""

    file_type: str
    architecture: str
    num_blocks: int
    num_experts: int
    num_values: int
    heads_to_a_value: int
    is_tied: bool
    shares_values: bool
    has_importance: bool
    _values_seen: int = field(default=0)
    _downs_seen: int = field(default=0)
    _gates_seen: int = field(default=0)
    _ups_seen: int = field(default=0)

    @classmethod
    def of(cls, gguf: GGUF, file_type: str, tensors: list[TensorInfo], has_importance: bool) -> _Chooser:
        heads, shared = gguf.head_count, gguf.head_count_kv
        grouped = gguf.architecture != "llama" or heads != shared
        return cls(
            file_type=file_type,
            architecture=gguf.architecture,
            num_blocks=gguf.block_count,
            num_experts=gguf.uint("expert_count"),
            num_values=sum(_has(tensor.name, *_VALUES) for tensor in tensors),
            heads_to_a_value=heads // shared,
            is_tied=all(tensor.name != "output.weight" for tensor in tensors),
            shares_values=gguf.architecture in _SHARED_VALUES and gguf.block_count == 80 and grouped,
            has_importance=has_importance,
        )

    def choose(self, tensor: TensorInfo) -> int:
        """The type that `tensor` gets."""
        base = FILE_TYPES[self.file_type]
        if not is_converted(tensor):
            return tensor.type
        if base in UNQUANTIZED:
            return NUMBERS[base]
        return NUMBERS[fitting(self._quantized(tensor, base), tensor.shape[0])]

    def _quantized(self, tensor: TensorInfo, base: str) -> str:
        name = tensor.name
        pattern, exception = _EXCEPTIONS.get(self.architecture, ("", base))
        if base == "Q4_K" and pattern and re.fullmatch(pattern, name):
            return exception
        if name == "output.weight" or (self.is_tied and name in EMBEDDINGS):
            return self._output(tensor, base)
        if base == "MXFP4":
            return base if tensor.shape[2:] and tensor.shape[2] > 1 else "Q8_0"
        if name in EMBEDDINGS:
            return EMBEDDING.get(self.file_type, base)
        if self.file_type in COARSE:
            return self._coarse(name, base)
        return self._ordinary(name, base)

    def _ordinary(self, name: str, base: str) -> str:
        if _has(name, *_VALUES):
            return self._value(base)
        if "attn_k.weight" in name and self.num_experts == 8:
            return "Q8_0"
        if _has(name, "attn_k.weight", "attn_q.weight"):
            return KEY_OR_QUERY.get(self.file_type, base)
        if "attn_output.weight" in name:
            return self._attention_output(base)
        if "ffn_up" in name:
            self._ups_seen += 1
            return self._middle(name, self._ups_seen - 1, base)
        if "ffn_gate" in name:
            self._gates_seen += 1
            return self._middle(name, self._gates_seen - 1, base)
        return self._down(name, base) if "ffn_down" in name else base

    def _output(self, tensor: TensorInfo, base: str) -> str:
        is_whole = tensor.shape[0] % TENSOR_TYPES[NUMBERS[base]].block_size == 0
        if base in ("Q8_0", "MXFP4") or self.architecture == "falcon" or not is_whole:
            return "Q8_0"
        return "Q5_K" if self.file_type in COARSE | {"IQ3_XXS"} else "Q6_K"

    def _coarse(self, name: str, base: str) -> str:
        """In the files of some two bits and less."""
        finer = "IQ3_S" if self.file_type in FINER_COARSE else "Q2_K"
        if _has(name, *_VALUES):
            return "Q4_K" if self.heads_to_a_value >= 4 or self.num_experts >= 4 else finer
        if "attn_k.weight" in name and self.num_experts == 8:
            return "Q4_K"
        if "attn_output.weight" in name:
            return self._coarse_output(base)
        if "ffn_down" in name:
            self._downs_seen += 1
            return finer if self._downs_seen - 1 < self.num_blocks // 8 else base
        return base

    def _coarse_output(self, base: str) -> str:
        if self.num_experts == 8:
            return "Q5_K"
        if self.file_type in FINER_COARSE:
            return "IQ3_S"
        return "IQ2_XXS" if self.file_type in ("IQ1_S", "IQ1_M") else base

    def _value(self, base: str) -> str:
        index, self._values_seen = self._values_seen, self._values_seen + 1
        if self.num_experts == 8:
            return "Q8_0"
        chosen = self._plain_value(index, base)
        return "Q5_K" if self.shares_values and chosen in ("Q3_K", "Q4_K") else chosen

    def _plain_value(self, index: int, base: str) -> str:
        if self.heads_to_a_value >= 4 and self.file_type in SHARED_VALUE:
            return SHARED_VALUE[self.file_type]
        if self.file_type == "IQ3_XXS":
            return "IQ3_XXS" if self.has_importance else "IQ3_S"
        if self.file_type == "Q3_K_M":
            return "Q5_K" if index < 2 else "Q4_K"
        if self.file_type in ("Q4_K_M", "Q5_K_M"):
            return "Q6_K" if _matters(index, self.num_values) else base
        if self.file_type == "Q4_K_S":
            return "Q5_K" if index < 4 else base
        return VALUE.get(self.file_type, base)

    def _attention_output(self, base: str) -> str:
        if self.architecture == "falcon":
            return "Q4_K" if self.file_type == "Q3_K_L" else base
        if self.num_experts == 8:
            return "Q5_K" if self.file_type in EXPERTS_OUTPUT else base
        return ATTENTION_OUTPUT.get(self.file_type, base)

    def _middle(self, name: str, index: int, base: str) -> str:
        index = self._index(name, index)
        is_inner = self.num_blocks // 8 <= index < 7 * self.num_blocks // 8
        return "IQ3_XXS" if self.file_type == "IQ3_XS" and is_inner else base

    def _down(self, name: str, base: str) -> str:
        seen, self._downs_seen = self._downs_seen, self._downs_seen + 1
        index, count = self._index(name, seen), self.num_blocks
        if self.architecture == "falcon" and self.file_type in ("Q3_K_M", "Q3_K_L", "Q4_K_M", "Q4_K_S"):
            return self._falcon_down(index, base)
        if self.file_type in ("Q4_K_M", "Q5_K_M"):
            return "Q6_K" if _matters(index, count) else base
        if self.file_type == "Q3_K_M":
            return "Q5_K" if index < count // 16 else "Q4_K"
        if self.file_type == "IQ3_XXS" and not self.has_importance:
            return "Q4_K" if index < count // 8 else "Q3_K"
        always = {"Q2_K": "Q3_K", "Q3_K_L": "Q5_K"}
        return always.get(self.file_type) or self._early_down(index, base)

    def _early_down(self, index: int, base: str) -> str:
        """In these files only the first blocks get more."""
        is_early = index < self.num_blocks // 8
        if self.file_type == "IQ3_M" and self.num_experts == 8:
            is_early = is_early or _matters(index, self.num_blocks)
        more = {**EARLY_DOWN, **EARLY_DOWN_BY_IMPORTANCE[self.has_importance]}
        return more.get(self.file_type, base) if is_early else base

    def _falcon_down(self, index: int, base: str) -> str:
        is_first, matters = index < self.num_blocks // 16, _matters(index, self.num_blocks)
        if self.file_type == "Q3_K_M":
            return "Q5_K" if is_first else "Q4_K" if matters else "Q3_K"
        if self.file_type == "Q4_K_M":
            return "Q6_K" if is_first else "Q5_K" if matters else "Q4_K"
        return "Q4_K" if self.file_type == "Q3_K_L" else base

    def _index(self, name: str, index: int) -> int:
        # Several such tensors in a block: their count says nothing of the layer.
        return _block(name, index) if self.num_experts > 1 else index


def _matters(index: int, count: int) -> bool:
    """The first and the last eighth of the layers, and every third between."""
    edge = count // 8
    return index < edge or index >= 7 * count // 8 or (index - edge) % 3 == 2


def _has(name: str, *parts: str) -> bool:
    return any(part in name for part in parts)
