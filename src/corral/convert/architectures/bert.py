"""Encoders: BERT, and Nomic's with rotary positions. They make embeddings and no text."""

from __future__ import annotations

from corral.convert.architectures.base import Architecture, Keys, head_length
from corral.convert.architectures.rope import parameters_of
from corral.convert.config import Config
from corral.errors import Unsupported


def _encoder_keys(config: Config) -> Keys:
    return {
        "block_count": config.count("num_hidden_layers", "n_layer"),
        "context_length": config.whole("max_position_embeddings", "n_positions"),
        "embedding_length": config.count("hidden_size", "n_embd"),
        "feed_forward_length": config.whole("intermediate_size", "n_inner"),
        "attention.head_count": config.count("num_attention_heads", "n_head"),
        "attention.layer_norm_epsilon": config.number("layer_norm_eps", "layer_norm_epsilon"),
        "attention.causal": False,
    }


def _bert_keys(config: Config) -> Keys:
    if config.text("hidden_act") != "gelu" or config.text("position_embedding_type") != "absolute":
        raise Unsupported("the engine has no BERT of another kind than gelu with absolute positions")
    return _encoder_keys(config)


_LAYER = "encoder.layer.*"
_EMBEDDINGS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}

BERT = Architecture(
    name="bert",
    tensors={
        **_EMBEDDINGS,
        "embeddings.position_embeddings": "position_embd",
        f"{_LAYER}.attention.self.query": "blk.*.attn_q",
        f"{_LAYER}.attention.self.key": "blk.*.attn_k",
        f"{_LAYER}.attention.self.value": "blk.*.attn_v",
        f"{_LAYER}.attention.output.dense": "blk.*.attn_output",
        f"{_LAYER}.attention.output.LayerNorm": "blk.*.attn_output_norm",
        f"{_LAYER}.intermediate.dense": "blk.*.ffn_up",
        f"{_LAYER}.output.dense": "blk.*.ffn_down",
        f"{_LAYER}.output.LayerNorm": "blk.*.layer_output_norm",
    },
    keys=_bert_keys,
    defaults={
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
    },
    prefixes=("bert.",),
    # The pooler is for sentence pairs; embeddings are taken before it.
    ignored=("embeddings", "pooler.dense", "cls"),
    is_encoder=True,
)


def _nomic_keys(config: Config) -> Keys:
    if config.text("hidden_act", "activation_function") not in ("silu", "swiglu"):
        raise Unsupported("the engine has no Nomic-BERT of another kind than silu")
    if config.whole("moe_every_n_layers"):
        raise Unsupported('unsupported architecture "NomicBertModel" with experts')
    base = config.number("rotary_emb_base", "rope_theta", default=1000.0)
    return {
        **_encoder_keys(config),
        "rope.freq_base": parameters_of(config).number("rope_theta", default=base),
        "rope.dimension_count": head_length(config),
    }


_BLOCK = "encoder.layers.*"
NOMIC_BERT = Architecture(
    name="nomic-bert",
    tensors={
        **_EMBEDDINGS,
        "emb_ln": "token_embd_norm",
        f"{_BLOCK}.attn.Wqkv": "blk.*.attn_qkv",
        f"{_BLOCK}.attn.out_proj": "blk.*.attn_output",
        f"{_BLOCK}.norm1": "blk.*.attn_output_norm",
        f"{_BLOCK}.mlp.fc11": "blk.*.ffn_up",
        f"{_BLOCK}.mlp.fc12": "blk.*.ffn_gate",
        f"{_BLOCK}.mlp.fc2": "blk.*.ffn_down",
        f"{_BLOCK}.norm2": "blk.*.layer_output_norm",
    },
    keys=_nomic_keys,
    defaults={
        "layer_norm_eps": 1e-12,
        "hidden_act": "silu",
        "max_position_embeddings": 2048,
        "type_vocab_size": 2,
        "moe_every_n_layers": 0,
    },
    prefixes=("bert.", "nomic_bert."),
    ignored=("pooler.dense", "cls"),
    is_encoder=True,
)
