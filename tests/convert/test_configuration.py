"""What config.json says, in its older and newer forms, as keys of a GGUF file."""

from __future__ import annotations

import pytest

from corral.convert.architectures import CLASSES, architecture_of
from corral.convert.config import Config, decode
from corral.convert.renaming import place_of
from corral.errors import CorruptData, Unsupported

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "vocab_size": 300,
}


def keys_of(name, **config):
    architecture = CLASSES[name]
    return architecture.keys(architecture.configured(Config({**SIZES, **config})))


YARN = {"factor": 4.0, "original_max_position_embeddings": 1024}
ROPE = [
    ({"rope_theta": 5e5}, {"rope.freq_base": 5e5}),
    ({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, {"rope.freq_base": 5e5}),
    ({}, {"rope.freq_base": 1e4}),
    ({"partial_rotary_factor": 0.5}, {"rope.dimension_count": 8}),
    (
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope.scaling.type": "linear", "rope.scaling.factor": 2.0},
    ),
    (
        {"rope_scaling": {"rope_type": "yarn", **YARN}},
        {"rope.scaling.type": "yarn", "rope.scaling.original_context_length": 1024},
    ),
]


@pytest.mark.parametrize(("config", "wanted"), ROPE)
def test_positions_are_described_in_both_forms(config, wanted):
    found = keys_of("Qwen2ForCausalLM", **config)
    assert {name: found.get(name) for name in wanted} == wanted


def test_gemma_3_has_two_bases_in_both_forms():
    older = {
        "rope_theta": 1e6,
        "rope_local_base_freq": 2e4,
        "rope_scaling": {"rope_type": "linear", "factor": 8},
    }
    newer = {
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
        }
    }
    scale = {"query_pre_attn_scalar": 256}
    assert keys_of("Gemma3ForCausalLM", **older, **scale) == keys_of("Gemma3ForCausalLM", **newer, **scale)


def test_a_text_network_may_be_described_inside_another():
    inner = keys_of("Gemma3ForConditionalGeneration", text_config={"num_hidden_layers": 6})
    assert (inner["block_count"], inner["attention.head_count"]) == (6, 4)
    assert inner["attention.sliding_window_pattern"] == [True] * 5 + [False]


UNSUPPORTED = [
    ("LlamaForCausalLM", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, 'scaling type "dynamic"'),
    ("Qwen3MoeForCausalLM", {"num_experts": 4, "norm_topk_prob": False}, "do not add up to 1"),
    (
        "Qwen3MoeForCausalLM",
        {"num_experts": 4, "norm_topk_prob": True, "mlp_only_layers": [1]},
        "no experts",
    ),
    ("Gemma2ForCausalLM", {"query_pre_attn_scalar": 99}, "scale of 99"),
    ("BertModel", {"hidden_act": "relu"}, "gelu with absolute positions"),
    ("NomicBertModel", {"moe_every_n_layers": 2}, "with experts"),
]


@pytest.mark.parametrize(("name", "config", "message"), UNSUPPORTED)
def test_what_the_engine_cannot_compute_is_refused(name, config, message):
    with pytest.raises(Unsupported, match=message):
        keys_of(name, **config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_size": None}, 'config.json does not say "hidden_size"'),
        ({"hidden_size": "64"}, '"hidden_size" must be a whole number'),
        ({"rope_scaling": 3}, '"rope_scaling" must be an object'),
        ({"rms_norm_eps": True}, '"rms_norm_eps" must be a number'),
    ],
)
def test_a_value_of_another_kind_is_named(config, message):
    with pytest.raises(CorruptData, match=message):
        keys_of("LlamaForCausalLM", **config)


def test_numbers_that_json_does_not_have_are_read_as_zero():
    found = decode(b'{"a": NaN, "b": [-Infinity, 1], "NaN": "Infinity"}', "config.json")
    assert found == {"a": 0, "b": [0, 1], "NaN": "Infinity"}


@pytest.mark.parametrize("names", [[], [7], ["GPT2LMHeadModel"]])
def test_a_class_that_is_not_known_is_refused(names):
    with pytest.raises(Unsupported, match="architecture"):
        architecture_of(Config({"architectures": names}))


PLACES = [
    (
        "MixtralForCausalLM",
        "model.layers.3.block_sparse_moe.experts.5.w2.weight",
        "blk.3.ffn_down_exps.weight",
    ),
    ("Gemma3ForConditionalGeneration", "language_model.model.norm.weight", "output_norm.weight"),
    ("Gemma3ForConditionalGeneration", "model.language_model.norm.weight", "output_norm.weight"),
    ("BertForMaskedLM", "bert.encoder.layer.0.output.dense.bias", "blk.0.ffn_down.bias"),
]


@pytest.mark.parametrize(("kind", "name", "wanted"), PLACES)
def test_tensors_find_their_place(kind, name, wanted):
    place = place_of(name, CLASSES[kind])
    assert place is not None
    assert place.name == wanted


DROPPED = [
    ("LlamaForCausalLM", "model.layers.0.self_attn.rotary_emb.inv_freq"),
    ("BertModel", "embeddings.position_ids"),
    ("BertForMaskedLM", "cls.predictions.bias"),
    ("Gemma3ForConditionalGeneration", "vision_tower.vision_model.post_layernorm.weight"),
]


@pytest.mark.parametrize(("kind", "name"), DROPPED)
def test_what_holds_no_weights_of_the_text_network_has_no_place(kind, name):
    assert place_of(name, CLASSES[kind]) is None


def test_a_tensor_that_nobody_knows_is_refused():
    with pytest.raises(Unsupported, match=r'tensor "model\.layers\.0\.extra\.weight" has no place'):
        place_of("model.layers.0.extra.weight", CLASSES["LlamaForCausalLM"])
