"""Positions: how config.json describes rotary embeddings, old and new form, and what the engine is told."""

from __future__ import annotations

from math import pi

import numpy as np

from corral.convert.architectures.base import Keys, head_length
from corral.convert.config import Config
from corral.convert.weights import Weight, computed
from corral.errors import Unsupported

_THETA = 10000.0


def rope_keys(config: Config, *, theta: float = _THETA) -> Keys:
    """`rope.*`; `theta` is the class's default base. Raises Unsupported for a scaling the engine lacks."""
    base = parameters_of(config).number("rope_theta", default=config.number("rope_theta", default=theta))
    return {"rope.freq_base": base, "rope.dimension_count": rotated_length(config), **scaling_keys(config)}


def scaling_keys(config: Config) -> Keys:
    scaling = parameters_of(config)
    kind = scaling_type(config)
    if kind in ("default", "llama3", "longrope", "mrope"):
        return {}  # nothing, or factors that stand in a tensor of their own
    if kind == "linear":
        return {"rope.scaling.type": "linear", "rope.scaling.factor": scaling.number("factor")}
    if kind == "yarn":
        return _yarn_keys(config, scaling)
    raise Unsupported(f'unsupported rope scaling type "{kind}"')


def _yarn_keys(config: Config, scaling: Config) -> Keys:
    trained = config.whole("max_position_embeddings")
    keys: Keys = {
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": scaling.number("factor"),
        "rope.scaling.original_context_length": scaling.whole(
            "original_max_position_embeddings", default=trained
        ),
    }
    for ours, theirs in (("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow")):
        if scaling.has(theirs):
            keys[f"rope.scaling.{ours}"] = scaling.number(theirs)
    if scaling.has("attention_factor"):
        keys["rope.scaling.attn_factor"] = scaling.number("attention_factor")
    return keys


def parameters_of(config: Config) -> Config:
    """`rope_parameters`, or `rope_scaling` as it was called before."""
    return config.section("rope_parameters" if config.has("rope_parameters") else "rope_scaling")


def scaling_type(config: Config) -> str:
    kind = parameters_of(config).text("rope_type", "type", default="default")
    return {"su": "longrope"}.get(kind, kind)


def rotated_length(config: Config) -> int:
    """How many numbers of a head are turned."""
    parameters = parameters_of(config)
    share = parameters.number(
        "partial_rotary_factor", default=config.number("partial_rotary_factor", default=1.0)
    )
    return int(head_length(config) * share)


def llama3_factors(config: Config) -> list[Weight]:
    """For the scaling of Llama 3.1: long waves stretched, short ones kept, those between blended."""
    if scaling_type(config) != "llama3":
        return []
    scaling = parameters_of(config)
    factor = scaling.number("factor", default=8.0)
    low, high = (
        scaling.number("low_freq_factor", default=1.0),
        scaling.number("high_freq_factor", default=4.0),
    )
    original = scaling.number("original_max_position_embeddings", default=8192.0)
    base = scaling.number("rope_theta", default=config.number("rope_theta", default=_THETA))
    length = rotated_length(config)
    waves = 2 * pi * base ** (np.arange(0, length, 2, dtype=np.float64) / length)
    smooth = (original / waves - low) / (high - low)
    blended = 1 / ((1 - smooth) / factor + smooth)
    factors = np.where(waves < original / high, 1.0, np.where(waves > original / low, factor, blended))
    return [computed("rope_freqs.weight", factors.astype(np.float32))]
