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

from corral.gguf import GGUF, TENSOR_TYPES, TensorInfo

F32, F16, BF16 = 0, 1, 30
Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K = 6, 7, 8, 12, 13, 14

# File type -> the type that tensors have unless a rule says otherwise.
BASE_TYPES: Mapping[str, int] = {
    "F32": F32,
    "F16": F16,
    "BF16": BF16,
    "Q8_0": Q8_0,
    "Q4_K_S": Q4_K,
    "Q4_K_M": Q4_K,
}

# Rows that are no whole blocks of 256 get the nearest type with blocks of 32.
_NARROW = {Q4_K: Q5_0, Q5_K: Q5_1, Q6_K: Q8_0}

# Architectures with a model of 80 layers in which eight heads share one attn_v: small, so it can be finer.
_SHARED_VALUES = frozenset({"llama", "deci", "qwen2", "qwen2vl", "apertus"})

# Architecture -> tensors that stay finer in a Q4_K mix.
_EXCEPTIONS: Mapping[str, tuple[str, int]] = {
    "qwen35": (r"blk\.\d+\.nextn\.eh_proj\.weight", Q8_0),
    "qwen35moe": (r"blk\.\d+\.nextn\.eh_proj\.weight", Q8_0),
    "gemma3n": (r"per_layer_token_embd\.weight", F16),
    "deepseek2": (r"blk\.\d+\.attn_(k_b|q_a|q_b|v_b|kv_a_mqa)\.weight", Q8_0),
    "glmocr": (r"(token_embd|output)\.weight", F16),
    "glm4": (r"(token_embd|output)\.weight", F16),
}

# Small, or sensitive, or no weights at all: norms, routers, convolutions, positions, codebooks.
_LEFT_ALONE = (
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "time_mix_first.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
)
_LOW_RANK = re.compile(r"time_mix_([wva][012]|g[12]|decay_w[12])\.weight")
_POSITIONS = frozenset({"position_embd.weight", "token_types.weight"})
_EMBEDDINGS = frozenset({"token_embd.weight", "per_layer_token_embd.weight"})
_VALUES = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")
_BLOCK = re.compile(r"blk\.(\d+)\.")


def plan(gguf: GGUF, file_type: str) -> tuple[TensorInfo, ...]:
    """The tensors of `gguf` with the types that they get in a file of `file_type`, a key of BASE_TYPES.

    In llama.cpp's order: what belongs to no block, then block by block, by name. Parts of another model that
    live in the same file (a projector, a draft) come last, unchanged.
    """
    own = sorted((tensor for tensor in gguf.tensors if not tensor.is_extra), key=_order)
    chooser = _Chooser.of(gguf, file_type, own)
    extra = [tensor for tensor in gguf.tensors if tensor.is_extra]
    return (*(replace(tensor, type=chooser.choose(tensor)) for tensor in own), *extra)


def is_converted(tensor: TensorInfo) -> bool:
    """Whether a tensor changes its type at all: matrices do, vectors and the exempt ones do not."""
    name = tensor.name
    is_matrix = any(size > 1 for size in tensor.shape[1:])
    exempt = name in _POSITIONS or _LOW_RANK.search(name) or any(part in name for part in _LEFT_ALONE)
    return is_matrix and name.endswith("weight") and not exempt and tensor.type in _READABLE


# Types that numbers can be made of again: all but whole numbers and doubles.
_READABLE = frozenset(TENSOR_TYPES) - {24, 25, 26, 27, 28}


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
    is_tied: bool
    shares_values: bool
    _values_seen: int = field(default=0)
    _downs_seen: int = field(default=0)

    @classmethod
    def of(cls, gguf: GGUF, file_type: str, tensors: list[TensorInfo]) -> _Chooser:
        heads, shared = gguf.head_count, gguf.head_count_kv
        grouped = gguf.architecture != "llama" or heads != shared
        return cls(
            file_type=file_type,
            architecture=gguf.architecture,
            num_blocks=gguf.block_count,
            num_experts=gguf.uint("expert_count"),
            num_values=sum(_has(tensor.name, *_VALUES) for tensor in tensors),
            is_tied=all(tensor.name != "output.weight" for tensor in tensors),
            shares_values=gguf.architecture in _SHARED_VALUES and gguf.block_count == 80 and grouped,
        )

    def choose(self, tensor: TensorInfo) -> int:
        """The type that `tensor` gets."""
        base = BASE_TYPES[self.file_type]
        if not is_converted(tensor):
            return tensor.type
        if base in (F32, F16, BF16):
            return base
        return _fitting(self._quantized(tensor, base), tensor.shape[0])

    def _quantized(self, tensor: TensorInfo, base: int) -> int:
        name = tensor.name
        pattern, exception = _EXCEPTIONS.get(self.architecture, ("", base))
        if base == Q4_K and pattern and re.fullmatch(pattern, name):
            return exception
        if name == "output.weight" or (self.is_tied and name in _EMBEDDINGS):
            return self._output(tensor, base)
        if name in _EMBEDDINGS:
            return base
        if _has(name, *_VALUES):
            return self._value(base)
        if "attn_k.weight" in name:
            return Q8_0 if self.num_experts == 8 else base
        if "ffn_down" in name:
            return self._down(name, base)
        if "attn_output.weight" in name and base == Q4_K:
            return Q5_K if self.num_experts == 8 and self.architecture != "falcon" else base
        return base

    def _output(self, tensor: TensorInfo, base: int) -> int:
        is_whole = tensor.shape[0] % TENSOR_TYPES[base].block_size == 0
        return Q8_0 if base == Q8_0 or self.architecture == "falcon" or not is_whole else Q6_K

    def _value(self, base: int) -> int:
        index, self._values_seen = self._values_seen, self._values_seen + 1
        chosen = base
        if self.file_type == "Q4_K_M" and _matters(index, self.num_values):
            chosen = Q6_K
        elif self.file_type == "Q4_K_S" and index < 4:
            chosen = Q5_K
        if self.shares_values and chosen == Q4_K:
            chosen = Q5_K
        return Q8_0 if self.num_experts == 8 else chosen

    def _down(self, name: str, base: int) -> int:
        index, self._downs_seen = self._downs_seen, self._downs_seen + 1
        if self.num_experts > 1:  # several such tensors in a block: their count says nothing of the layer
            index = _block(name, index)
        if self.file_type == "Q4_K_S":
            is_early = index < self.num_blocks // 8 and self.architecture != "falcon"
            return Q5_K if is_early else base
        if self.file_type != "Q4_K_M":
            return base
        if self.architecture != "falcon":
            return Q6_K if _matters(index, self.num_blocks) else base
        if index < self.num_blocks // 16:
            return Q6_K
        return Q5_K if _matters(index, self.num_blocks) else base


def _matters(index: int, count: int) -> bool:
    """The first and the last eighth of the layers, and every third between."""
    edge = count // 8
    return index < edge or index >= 7 * count // 8 or (index - edge) % 3 == 2


def _fitting(kind: int, num_columns: int) -> int:
    """`kind`, or one that rows of this length can have."""
    if num_columns % TENSOR_TYPES[kind].block_size == 0:
        return kind
    narrow = _NARROW.get(kind, F16)
    return narrow if num_columns % TENSOR_TYPES[narrow].block_size == 0 else F16


def _has(name: str, *parts: str) -> bool:
    return any(part in name for part in parts)
