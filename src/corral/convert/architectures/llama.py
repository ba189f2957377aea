"""Llama, and what is built like it: Mistral and many others. Mixtral is one with experts."""

from __future__ import annotations

from corral.convert.architectures.base import (
    DECODER,
    DECODER_IGNORED,
    Architecture,
    Keys,
    decoder_keys,
    expert_keys,
    head_keys,
    permuted,
)
from corral.convert.architectures.rope import llama3_factors, rope_keys
from corral.convert.config import Config

_MAKERS = {
    "blk.*.attn_q": permuted("num_attention_heads", "n_head"),
    "blk.*.attn_k": permuted("num_key_value_heads", "num_attention_heads", "n_head"),
}


def _keys(config: Config) -> Keys:
    heads = head_keys(config) if config.has("head_dim") else {}
    return decoder_keys(config) | rope_keys(config) | heads | {"vocab_size": config.whole("vocab_size")}


LLAMA = Architecture(
    name="llama",
    tensors=DECODER,
    keys=_keys,
    makers=_MAKERS,
    more=llama3_factors,
    defaults={"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "vocab_size": 32000},
    ignored=DECODER_IGNORED,
)

MISTRAL = Architecture(
    name="llama",
    tensors=DECODER,
    keys=_keys,
    makers=_MAKERS,
    defaults={
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 131072,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
    },
    ignored=DECODER_IGNORED,
)

_EXPERTS = "model.layers.*.block_sparse_moe.experts.*"
MIXTRAL = Architecture(
    name="llama",
    tensors={
        **DECODER,
        "model.layers.*.block_sparse_moe.gate": "blk.*.ffn_gate_inp",
        f"{_EXPERTS}.w1": "blk.*.ffn_gate_exps",
        f"{_EXPERTS}.w2": "blk.*.ffn_down_exps",
        f"{_EXPERTS}.w3": "blk.*.ffn_up_exps",
    },
    keys=lambda config: _keys(config) | expert_keys(config),
    makers=_MAKERS,
    defaults={
        "rms_norm_eps": 1e-5,
        "max_position_embeddings": 131072,
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "vocab_size": 32000,
    },
    ignored=DECODER_IGNORED,
)
