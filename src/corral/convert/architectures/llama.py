"""Llama, and what is built like it: Mistral, Mixtral with experts, Granite with factors, SmolLM 3."""

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
from corral.errors import Unsupported

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


def _granite_keys(config: Config) -> Keys:
    return {
        **_keys(config),
        "attention.scale": config.number("attention_multiplier"),
        "embedding_scale": config.number("embedding_multiplier"),
        "residual_scale": config.number("residual_multiplier"),
        "logit_scale": config.number("logits_scaling"),
    }


GRANITE = Architecture(
    name="granite",
    tensors=DECODER,
    keys=_granite_keys,
    makers=_MAKERS,
    defaults={
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 2048,
        "vocab_size": 32000,
        "attention_multiplier": 1.0,
        "embedding_multiplier": 1.0,
        "residual_multiplier": 1.0,
        "logits_scaling": 1.0,
    },
    ignored=DECODER_IGNORED,
)


def _smollm3_keys(config: Config) -> Keys:
    every = [int((block + 1) % 4 != 0) for block in range(config.count("num_hidden_layers"))]
    if (turned := config.items("no_rope_layers")) and turned != every:
        raise Unsupported("the engine has no SmolLM 3 in which not every fourth block is without positions")
    return _keys(config)


SMOLLM3 = Architecture(
    name="smollm3",
    tensors=DECODER,
    keys=_smollm3_keys,
    makers=_MAKERS,
    defaults={
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 32768,
        "num_key_value_heads": 4,
        "vocab_size": 128256,
        "tie_word_embeddings": True,
    },
    ignored=DECODER_IGNORED,
)
