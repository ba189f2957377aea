"""What a GGUF file says about its network, as the values of a configuration class of transformers.

Transformers reads GGUF files itself, but leaves out what it takes for defaults: lengths of heads, bounded
logits, windows, stretched positions. Whatever is wrong here is found before training: see `agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from corral.errors import Unsupported
from corral.gguf import GGUF

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Network:
    """`config` and `model` are names of classes in transformers; `values` what the first is called with."""

    config: str
    model: str
    values: Callable[[GGUF], Values]


def network_of(gguf: GGUF) -> Network:
    """Raises Unsupported, with the names of what can be tuned, for every other architecture."""
    found = NETWORKS.get(gguf.architecture)
    if gguf.architecture == "olmo2" and gguf.has("attention.sliding_window"):
        return _OLMO3  # the engine takes both for one
    if found is None or gguf.uint("expert_count"):
        kind = "mixtures of experts" if found else f"models of the architecture {gguf.architecture}"
        raise Unsupported(f"{kind} cannot be tuned", hint=f"what can: {', '.join(sorted(NETWORKS))}")
    return found


def _decoder(gguf: GGUF) -> Values:
    heads, width = gguf.head_count, gguf.embedding_length
    shapes = {tensor.name: tensor.shape for tensor in gguf.tensors}
    return {
        "vocab_size": shapes["token_embd.weight"][1],
        "hidden_size": width,
        "intermediate_size": gguf.uint("feed_forward_length"),
        "num_hidden_layers": gguf.block_count,
        "num_attention_heads": heads,
        "num_key_value_heads": gguf.uint("attention.head_count_kv", heads),
        "head_dim": gguf.uint("attention.key_length", width // max(heads, 1)),
        "max_position_embeddings": gguf.context_length,
        "rms_norm_eps": _number(gguf, "attention.layer_norm_rms_epsilon", 1e-6),
        "rope_parameters": _rope(gguf),
        "attention_bias": "blk.0.attn_q.bias" in shapes,
        "tie_word_embeddings": "output.weight" not in shapes,
        # The vocabulary may have no such token, which the class would rather be told.
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def _rope(gguf: GGUF) -> Values:
    """How positions turn. Factors of single waves are tensors, and go into the finished network."""
    values: Values = {"rope_theta": _number(gguf, "rope.freq_base", 10_000.0), "rope_type": "default"}
    kind = gguf.get("rope.scaling.type", str, "none")
    if kind in ("linear", "yarn"):
        values |= {"rope_type": kind, "factor": _number(gguf, "rope.scaling.factor", 1.0)}
    if kind == "yarn":
        values["original_max_position_embeddings"] = gguf.uint("rope.scaling.original_context_length")
        for ours, theirs in (("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")):
            if gguf.has(f"rope.scaling.{theirs}"):
                values[ours] = _number(gguf, f"rope.scaling.{theirs}", 0.0)
    return values


def _granite(gguf: GGUF) -> Values:
    return _decoder(gguf) | {
        "attention_multiplier": _number(gguf, "attention.scale", 1.0),
        "embedding_multiplier": _number(gguf, "embedding_scale", 1.0),
        "residual_multiplier": _number(gguf, "residual_scale", 1.0),
        "logits_scaling": _number(gguf, "logit_scale", 1.0),
    }


def _qwen2(gguf: GGUF) -> Values:
    return _decoder(gguf) | {"use_sliding_window": False}


def _gemma(gguf: GGUF) -> Values:
    return _decoder(gguf) | {"hidden_activation": "gelu_pytorch_tanh"}


def _gemma2(gguf: GGUF) -> Values:
    return _gemma(gguf) | {
        "query_pre_attn_scalar": _query_scalar(gguf, largest=46),
        "sliding_window": gguf.uint("attention.sliding_window", 4096),
        "layer_types": _layer_types(gguf, period=2),
        "attn_logit_softcapping": _number(gguf, "attn_logit_softcapping", 50.0),
        "final_logit_softcapping": _number(gguf, "final_logit_softcapping", 30.0),
    }


def _gemma3(gguf: GGUF) -> Values:
    base = _gemma(gguf)
    window = {"rope_type": "default", "rope_theta": _number(gguf, "rope.freq_base_swa", 10_000.0)}
    whole = base["rope_parameters"] | {"rope_theta": _number(gguf, "rope.freq_base", 1e6)}
    return base | {
        "query_pre_attn_scalar": _query_scalar(gguf, largest=62),
        "sliding_window": gguf.uint("attention.sliding_window", 1024),
        "layer_types": _layer_types(gguf, period=6),
        "rope_parameters": {"full_attention": whole, "sliding_attention": window},
        "final_logit_softcapping": _number(gguf, "final_logit_softcapping", 0.0) or None,
    }


def _phi3(gguf: GGUF) -> Values:
    """The factors for long texts are read from their tensors later: see `base`."""
    values = _decoder(gguf)
    values["rope_parameters"]["partial_rotary_factor"] = gguf.uint(
        "rope.dimension_count", values["head_dim"]
    ) / max(values["head_dim"], 1)
    original = gguf.uint("rope.scaling.original_context_length", gguf.context_length)
    return values | {
        "original_max_position_embeddings": original,
        "sliding_window": gguf.uint("attention.sliding_window") or None,
    }


def _olmo3(gguf: GGUF) -> Values:
    return _decoder(gguf) | {
        "sliding_window": gguf.uint("attention.sliding_window"),
        "layer_types": _layer_types(gguf, period=4),
    }


def _command_r(gguf: GGUF) -> Values:
    return _decoder(gguf) | {
        "layer_norm_eps": _number(gguf, "attention.layer_norm_epsilon", 1e-5),
        "logit_scale": _number(gguf, "logit_scale", 1.0),
    }


def _layer_types(gguf: GGUF, *, period: int) -> list[str]:
    """For each block whether it sees the whole text; without a word on it every `period`th one does."""
    pattern = gguf.value("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        windows = [bool(window) for window in pattern]
    else:
        period = pattern if isinstance(pattern, int) and pattern > 0 else period
        windows = [(block + 1) % period != 0 for block in range(gguf.block_count)]
    return ["sliding_attention" if window else "full_attention" for window in windows]


def _query_scalar(gguf: GGUF, *, largest: int) -> int:
    """The engine scales by the length of a head, but with `largest` blocks by its share of the width."""
    share = gguf.embedding_length // max(gguf.head_count, 1)
    return share if gguf.block_count == largest else gguf.uint("attention.key_length", share)


def _number(gguf: GGUF, key: str, default: float) -> float:
    value = gguf.value(key)
    return float(value) if isinstance(value, int | float) else default


NETWORKS: Mapping[str, Network] = {
    "llama": Network("LlamaConfig", "LlamaForCausalLM", _decoder),  # Mistral's files say llama too
    "granite": Network("GraniteConfig", "GraniteForCausalLM", _granite),
    "smollm3": Network("SmolLM3Config", "SmolLM3ForCausalLM", _decoder),
    "qwen2": Network("Qwen2Config", "Qwen2ForCausalLM", _qwen2),
    "qwen3": Network("Qwen3Config", "Qwen3ForCausalLM", _decoder),
    "gemma": Network("GemmaConfig", "GemmaForCausalLM", _gemma),
    "gemma2": Network("Gemma2Config", "Gemma2ForCausalLM", _gemma2),
    "gemma3": Network("Gemma3TextConfig", "Gemma3ForCausalLM", _gemma3),
    "phi3": Network("Phi3Config", "Phi3ForCausalLM", _phi3),
    "olmo2": Network("Olmo2Config", "Olmo2ForCausalLM", _decoder),
    "command-r": Network("CohereConfig", "CohereForCausalLM", _command_r),
}
_OLMO3 = Network("Olmo3Config", "Olmo3ForCausalLM", _olmo3)
