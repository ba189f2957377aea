"""Qwen 2 and 2.5, Qwen 3, and Qwen 3 with experts."""

from __future__ import annotations

from corral.convert.architectures.base import (
    DECODER,
    DECODER_IGNORED,
    Architecture,
    Keys,
    decoder_keys,
    expert_keys,
    head_keys,
)
from corral.convert.architectures.rope import rope_keys
from corral.convert.config import Config
from corral.errors import Unsupported

_DEFAULTS = {"rms_norm_eps": 1e-6, "max_position_embeddings": 32768}

QWEN2 = Architecture(
    name="qwen2",
    tensors=DECODER,
    keys=lambda config: decoder_keys(config) | rope_keys(config),
    defaults={**_DEFAULTS, "num_key_value_heads": 32},
    ignored=DECODER_IGNORED,
)

_NORMED = {
    **DECODER,
    "model.layers.*.self_attn.q_norm": "blk.*.attn_q_norm",
    "model.layers.*.self_attn.k_norm": "blk.*.attn_k_norm",
}


def _keys(config: Config) -> Keys:
    return decoder_keys(config) | rope_keys(config) | head_keys(config)


QWEN3 = Architecture(
    name="qwen3",
    tensors=_NORMED,
    keys=_keys,
    defaults={**_DEFAULTS, "num_key_value_heads": 32, "head_dim": 128},
    ignored=DECODER_IGNORED,
)


def _expert_keys(config: Config) -> Keys:
    if config.items("mlp_only_layers") or config.whole("decoder_sparse_step") != 1:
        raise Unsupported("the engine has no Qwen3-MoE with blocks that have no experts")
    if not config.flag("norm_topk_prob"):
        raise Unsupported("the engine has no Qwen3-MoE whose experts' shares do not add up to 1")
    own = {"expert_feed_forward_length": config.whole("moe_intermediate_size")}
    return _keys(config) | expert_keys(config) | own


_EXPERTS = "model.layers.*.mlp.experts.*"
QWEN3_MOE = Architecture(
    name="qwen3moe",
    tensors={
        **_NORMED,
        "model.layers.*.mlp.gate": "blk.*.ffn_gate_inp",
        f"{_EXPERTS}.gate_proj": "blk.*.ffn_gate_exps",
        f"{_EXPERTS}.up_proj": "blk.*.ffn_up_exps",
        f"{_EXPERTS}.down_proj": "blk.*.ffn_down_exps",
    },
    keys=_expert_keys,
    defaults={
        **_DEFAULTS,
        "num_key_value_heads": 4,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 768,
        "decoder_sparse_step": 1,
        "norm_topk_prob": False,
    },
    ignored=DECODER_IGNORED,
)
