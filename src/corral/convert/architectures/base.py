"""What an architecture says about itself, and what several of them share.

Source: store.md appendix A; the keys are those that llama.cpp's loader reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corral.convert.config import Config
from corral.convert.file_types import F32
from corral.convert.numbers import read_floats
from corral.convert.safetensors import Raw, Tensor
from corral.convert.weights import Weight, as_stored, changed
from corral.errors import Unsupported
from corral.gguf import Value

Keys = dict[str, Value]
# From the name of the new tensor, the stored one and the configuration to the tensor that is written.
Maker = Callable[[str, Tensor, Config], Weight]


def as_it_is(name: str, tensor: Tensor, config: Config) -> Weight:
    return as_stored(name, tensor)


def nothing_more(config: Config) -> list[Weight]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One kind of network.

    `tensors` maps module paths of a checkpoint to those of a GGUF, with `*` for a number: the first is the
    block's, a second one the expert's, and experts are stacked. `makers` says by new path what is not taken
    over as it is, `more` which tensors are added. `keys` gives the metadata, without the architecture's
    prefix. `defaults` holds what config.json may leave out. One of `prefixes` may stand before every path.
    Modules in `ignored` hold no weights of the network; those in `left_out` are parts that the conversion
    does without, and says so.
    """

    name: str
    tensors: Mapping[str, str]
    keys: Callable[[Config], Keys]
    makers: Mapping[str, Maker] = field(default_factory=dict)
    more: Callable[[Config], list[Weight]] = nothing_more
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    is_encoder: bool = False

    def configured(self, config: Config) -> Config:
        """The configuration of the network, which may stand in a section `text_config`, with defaults."""
        inner = config.section("text_config")
        return (inner.over(config.values) if inner.values else config).over(self.defaults)


# Nearly every decoder of the last years has these.
DECODER: Mapping[str, str] = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers.*.input_layernorm": "blk.*.attn_norm",
    "model.layers.*.post_attention_layernorm": "blk.*.ffn_norm",
    "model.layers.*.self_attn.q_proj": "blk.*.attn_q",
    "model.layers.*.self_attn.k_proj": "blk.*.attn_k",
    "model.layers.*.self_attn.v_proj": "blk.*.attn_v",
    "model.layers.*.self_attn.o_proj": "blk.*.attn_output",
    "model.layers.*.mlp.gate_proj": "blk.*.ffn_gate",
    "model.layers.*.mlp.up_proj": "blk.*.ffn_up",
    "model.layers.*.mlp.down_proj": "blk.*.ffn_down",
}
# Computed from the configuration by every implementation.
DECODER_IGNORED = ("model.layers.*.self_attn.rotary_emb", "model.rotary_emb")


def decoder_keys(config: Config) -> Keys:
    """Sizes, heads and rope of a decoder."""
    heads = config.count("num_attention_heads", "n_head")
    return {
        "block_count": config.count("num_hidden_layers", "n_layers", "n_layer"),
        "context_length": config.whole("max_position_embeddings", "n_ctx"),
        "embedding_length": config.count("hidden_size", "n_embd"),
        "feed_forward_length": config.whole("intermediate_size", "n_inner"),
        "attention.head_count": heads,
        "attention.head_count_kv": config.count("num_key_value_heads", default=heads),
        "attention.layer_norm_rms_epsilon": config.number("rms_norm_eps"),
    }


def head_length(config: Config) -> int:
    """Numbers of one head."""
    heads = config.count("num_attention_heads", "n_head")
    return config.whole("head_dim", default=config.count("hidden_size", "n_embd") // heads)


def head_keys(config: Config) -> Keys:
    """For networks whose heads need not share out the width of the network."""
    length = head_length(config)
    return {"attention.key_length": length, "attention.value_length": length}


def expert_keys(config: Config) -> Keys:
    return {
        "expert_count": config.whole("num_local_experts", "num_experts"),
        "expert_used_count": config.whole("num_experts_per_tok"),
    }


def permuted(*heads: str) -> Maker:
    """Rows of each head from the order (2, half) to (half, 2): the engine turns neighbours, others halves.

    `heads` are the names of config.json for the number of heads.
    """

    def make(name: str, tensor: Tensor, config: Config) -> Weight:
        count = config.count(*heads)
        if not tensor.shape or tensor.shape[0] % (2 * count):
            raise Unsupported(f"{tensor.name} cannot be divided into {count} heads")
        return changed(name, tensor, lambda raw: permute(raw, count))

    return make


def permute(rows: Raw, num_heads: int) -> Raw:
    """See `permuted`; `rows` has any number of columns, or none."""
    halves = rows.reshape(num_heads, 2, rows.shape[0] // num_heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def plus_one(name: str, tensor: Tensor, config: Config) -> Weight:
    """A norm whose checkpoint holds the distance from 1."""

    def pieces() -> Iterator[bytes]:
        yield (read_floats(tensor) + 1).tobytes()

    return Weight(name, tuple(reversed(tensor.shape)), F32, pieces)
