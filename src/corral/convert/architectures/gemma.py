"""Gemma 1, 2, and 3 (text). Their norms are stored as the distance from 1."""

from __future__ import annotations

from typing import Any

from corral.convert.architectures.base import (
    DECODER,
    DECODER_IGNORED,
    Architecture,
    Keys,
    decoder_keys,
    head_keys,
    head_length,
    plus_one,
)
from corral.convert.architectures.rope import parameters_of
from corral.convert.config import Config
from corral.errors import Unsupported

_NORMS = (
    "output_norm",
    "blk.*.attn_norm",
    "blk.*.attn_q_norm",
    "blk.*.attn_k_norm",
    "blk.*.ffn_norm",
    "blk.*.post_attention_norm",
    "blk.*.post_ffw_norm",
)
_MAKERS = dict.fromkeys(_NORMS, plus_one)
_DEFAULTS: dict[str, Any] = {"rms_norm_eps": 1e-6, "head_dim": 256, "max_position_embeddings": 8192}
# The class ties the output to the embeddings; a copy in the file is one.
_IGNORED = (*DECODER_IGNORED, "lm_head")
_TENSORS = {module: new for module, new in DECODER.items() if module != "lm_head"}

GEMMA = Architecture(
    name="gemma",
    tensors=_TENSORS,
    keys=lambda config: decoder_keys(config) | head_keys(config),
    makers=_MAKERS,
    defaults={**_DEFAULTS, "num_key_value_heads": 16},
    ignored=_IGNORED,
)

_FOUR_NORMS = {
    **_TENSORS,
    "model.layers.*.post_attention_layernorm": "blk.*.post_attention_norm",
    "model.layers.*.pre_feedforward_layernorm": "blk.*.ffn_norm",
    "model.layers.*.post_feedforward_layernorm": "blk.*.post_ffw_norm",
}


def _checked_scale(config: Config, largest: int) -> None:
    """The engine scales by the length of a head, or with `largest` blocks by its share of the width."""
    blocks, heads = config.count("num_hidden_layers"), config.count("num_attention_heads")
    engine = config.count("hidden_size") // heads if blocks == largest else head_length(config)
    scale = config.number("query_pre_attn_scalar", default=float(engine))
    if scale != engine:
        raise Unsupported(f"the engine has no attention of this family with a scale of {scale:g}")


def _gemma2_keys(config: Config) -> Keys:
    _checked_scale(config, 46)
    return {
        **decoder_keys(config),
        **head_keys(config),
        "attention.sliding_window": config.whole("sliding_window"),
        "attn_logit_softcapping": config.number("attn_logit_softcapping"),
        "final_logit_softcapping": config.number("final_logit_softcapping"),
    }


GEMMA2 = Architecture(
    name="gemma2",
    tensors=_FOUR_NORMS,
    keys=_gemma2_keys,
    makers=_MAKERS,
    defaults={
        **_DEFAULTS,
        "num_key_value_heads": 4,
        "sliding_window": 4096,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
    },
    ignored=_IGNORED,
)


def _gemma3_keys(config: Config) -> Keys:
    _checked_scale(config, 62)
    if config.has("attn_logit_softcapping"):
        raise Unsupported("the engine has no Gemma 3 with bounded attention")
    keys = {**decoder_keys(config), **head_keys(config), **_gemma3_rope(config)}
    keys["attention.sliding_window"] = config.whole("sliding_window")
    keys["attention.sliding_window_pattern"] = list(_slides(config))
    if config.has("final_logit_softcapping"):
        keys["final_logit_softcapping"] = config.number("final_logit_softcapping")
    return keys


def _slides(config: Config) -> list[bool]:
    """For each block whether it sees a window only."""
    if kinds := config.items("layer_types"):
        return [kind == "sliding_attention" for kind in kinds]
    period = config.whole("sliding_window_pattern", "_sliding_window_pattern", default=6)
    return [(block + 1) % period != 0 for block in range(config.count("num_hidden_layers"))]


def _gemma3_rope(config: Config) -> Keys:
    """Two bases: one for blocks with a window, one for the others, which alone may be scaled."""
    parameters = parameters_of(config)
    whole = parameters.section("full_attention") if parameters.has("full_attention") else parameters
    window = parameters.section("sliding_attention")
    local = config.number("rope_local_base_freq", default=1e4)
    keys: Keys = {
        "rope.freq_base": whole.number("rope_theta", default=config.number("rope_theta", default=1e6)),
        "rope.freq_base_swa": window.number("rope_theta", default=local),
    }
    kind = whole.text("rope_type", "type", default="default")
    if kind == "linear":
        keys |= {"rope.scaling.type": kind, "rope.scaling.factor": whole.number("factor")}
    elif kind != "default":
        raise Unsupported(f'unsupported rope scaling type "{kind}"')
    return keys


GEMMA3 = Architecture(
    name="gemma3",
    tensors={
        **_FOUR_NORMS,
        "model.layers.*.self_attn.q_norm": "blk.*.attn_q_norm",
        "model.layers.*.self_attn.k_norm": "blk.*.attn_k_norm",
    },
    keys=_gemma3_keys,
    makers=_MAKERS,
    defaults={
        **_DEFAULTS,
        "max_position_embeddings": 131072,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "sliding_window": 4096,
    },
    prefixes=("language_model.", "model.language_model."),
    ignored=_IGNORED,
    left_out=("vision_tower", "multi_modal_projector", "model.vision_tower", "model.multi_modal_projector"),
)
