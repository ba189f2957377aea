"""OLMo 2 and 3: norms behind the layers instead of before them, and over all heads at once."""

from __future__ import annotations

from corral.convert.architectures.base import DECODER, DECODER_IGNORED, Architecture, Keys, decoder_keys
from corral.convert.architectures.rope import rope_keys
from corral.convert.config import Config

_TENSORS = {
    **{module: new for module, new in DECODER.items() if not module.endswith("layernorm")},
    "model.layers.*.post_attention_layernorm": "blk.*.post_attention_norm",
    "model.layers.*.post_feedforward_layernorm": "blk.*.post_ffw_norm",
    "model.layers.*.self_attn.q_norm": "blk.*.attn_q_norm",
    "model.layers.*.self_attn.k_norm": "blk.*.attn_k_norm",
}


def _keys(config: Config) -> Keys:
    keys = decoder_keys(config) | rope_keys(config, theta=5e5)
    if kinds := config.items("layer_types"):
        keys["attention.sliding_window"] = config.whole("sliding_window")
        keys["attention.sliding_window_pattern"] = [kind == "sliding_attention" for kind in kinds]
    return keys


OLMO2 = Architecture(
    name="olmo2",
    tensors=_TENSORS,
    keys=_keys,
    defaults={"rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "sliding_window": 4096},
    ignored=DECODER_IGNORED,
)
