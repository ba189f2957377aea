"""Which tensors change their type at all, and which cannot without help."""

from __future__ import annotations

import re

from corral.gguf import TENSOR_TYPES, TensorInfo

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
    "a.rvq.codebook",
    "mm.a.code_embd",
)
_LOW_RANK = re.compile(r"time_mix_([wva][012]|g[12]|decay_w[12])\.weight")
_POSITIONS = frozenset({"position_embd.weight", "token_types.weight"})
EMBEDDINGS = frozenset({"token_embd.weight", "per_layer_token_embd.weight"})

# Types that make nonsense of a matrix unless an importance matrix tells which numbers matter.
_NEED_IMPORTANCE = frozenset({"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS"})

# Types that numbers can be made of again: all but whole numbers and doubles.
_READABLE = frozenset(TENSOR_TYPES) - {24, 25, 26, 27, 28}


def is_converted(tensor: TensorInfo) -> bool:
    """Whether a tensor changes its type at all: matrices do, vectors and the exempt ones do not."""
    name = tensor.name
    is_matrix = any(size > 1 for size in tensor.shape[1:])
    exempt = name in _POSITIONS or _LOW_RANK.search(name) or any(part in name for part in _LEFT_ALONE)
    return is_matrix and name.endswith("weight") and not exempt and tensor.type in _READABLE


def needs_importance(tensor: TensorInfo, file_type: str) -> bool:
    """Whether `tensor`, which has its new type, is worthless without an importance matrix."""
    if not is_converted(tensor) or tensor.name in (*EMBEDDINGS, "output.weight"):
        return False
    return tensor.type_name in _NEED_IMPORTANCE or (file_type == "Q2_K_S" and tensor.type_name == "Q2_K")
