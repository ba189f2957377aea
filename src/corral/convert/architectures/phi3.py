"""Phi 3, 3.5 and 4: fused projections, and two sets of factors for short and long texts."""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from corral.convert.architectures.base import (
    DECODER,
    DECODER_IGNORED,
    Architecture,
    Keys,
    decoder_keys,
)
from corral.convert.architectures.rope import parameters_of, rope_keys, rotated_length, scaling_type
from corral.convert.config import Config
from corral.convert.weights import Weight, computed
from corral.errors import CorruptData

_SPLIT = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")


def _keys(config: Config) -> Keys:
    keys = decoder_keys(config) | rope_keys(config)
    keys["rope.scaling.original_context_length"] = _original(config)
    if config.has("sliding_window"):
        keys["attention.sliding_window"] = config.whole("sliding_window")
    if scaling_type(config) == "longrope":
        keys["rope.scaling.attn_factor"] = _attention_factor(config)
    return keys


def _original(config: Config) -> int:
    trained = config.whole(
        "original_max_position_embeddings", default=config.whole("max_position_embeddings")
    )
    return parameters_of(config).whole("original_max_position_embeddings", default=trained)


def _attention_factor(config: Config) -> float:
    original = _original(config)
    stretch = config.whole("max_position_embeddings") / original
    implied = sqrt(1 + log(stretch) / log(original)) if stretch > 1 else 1.0
    return parameters_of(config).number("attention_factor", default=implied)


def _factors(config: Config) -> list[Weight]:
    if scaling_type(config) != "longrope":
        return []
    wanted = rotated_length(config) // 2
    made = []
    for length in ("long", "short"):
        factors = parameters_of(config).items(f"{length}_factor")
        if len(factors) != wanted or not all(type(factor) in (int, float) for factor in factors):
            raise CorruptData(f'config.json: "{length}_factor" must be a list of {wanted} numbers')
        made.append(computed(f"rope_factors_{length}.weight", np.array(factors, np.float32)))
    return made


PHI3 = Architecture(
    name="phi3",
    tensors={
        **{module: new for module, new in DECODER.items() if not module.endswith(_SPLIT)},
        "model.layers.*.self_attn.qkv_proj": "blk.*.attn_qkv",
        "model.layers.*.mlp.gate_up_proj": "blk.*.ffn_up",
    },
    keys=_keys,
    more=_factors,
    defaults={"rms_norm_eps": 1e-5, "max_position_embeddings": 4096},
    ignored=DECODER_IGNORED,
)
