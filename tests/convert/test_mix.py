"""Which tensor gets which type. Source: llama.cpp's quantizer, modelfile.md section 7."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corral.convert.changing import is_converted, needs_importance
from corral.convert.file_types import FILE_TYPES
from corral.convert.mix import plan
from corral.gguf import GGUF, TENSOR_TYPES, TensorInfo, ValueType
from tests.helpers.mixes import Described, header_of, merged

RECORDED = json.loads((Path(__file__).parent / "vectors" / "mixes.json").read_text(encoding="utf-8"))

F32, F16 = 0, 1


def model(*tensors, architecture="llama", **counts):
    """A header with these tensors, all F16; `counts` are keys of the architecture."""
    keys = {"block_count": 8, "attention.head_count": 8, "attention.head_count_kv": 8}
    keys |= {name.replace("__", "."): value for name, value in counts.items()}
    numbers = {f"{architecture}.{key}": value for key, value in keys.items()}
    return GGUF(
        version=3,
        metadata={"general.architecture": architecture, **numbers},
        types=dict.fromkeys(numbers, ValueType.UINT32),
        tensors=tuple(tensors),
    )


def types_of(gguf, file_type):
    return {tensor.name: tensor.type_name for tensor in plan(gguf, file_type)}


def matrix(name, columns=256, kind=F16):
    return TensorInfo(name, (columns, 4), kind)


def layers(name, count):
    return [matrix(f"blk.{index}.{name}") for index in range(count)]


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("blk.0.attn_q.weight", (256, 4), True),
        ("blk.0.ffn_up_exps.weight", (256, 4, 8), True),
        ("token_embd.weight", (256, 4), True),
        ("output_norm.weight", (256,), False),
        ("output_norm.weight", (256, 4), False),
        ("blk.0.attn_q.weight", (256, 1), False),
        ("blk.0.attn_q.bias", (256, 4), False),
        ("blk.0.ffn_gate_inp.weight", (256, 4), False),
        ("blk.0.ssm_conv1d.weight", (256, 4), False),
        ("blk.0.time_mix_w1.weight", (256, 4), False),
        ("position_embd.weight", (256, 4), False),
        ("token_types.weight", (256, 4), False),
        ("blk.0.altup_proj.weight", (256, 4), False),
    ],
)
def test_only_large_matrices_change_their_type(name, shape, wanted):
    assert is_converted(TensorInfo(name, shape, F16)) is wanted


@pytest.mark.parametrize("file_type", ["F32", "F16", "BF16", "Q8_0"])
def test_plain_types_are_the_same_everywhere(file_type):
    tensors = [matrix("output.weight"), matrix("token_embd.weight"), *layers("attn_v.weight", 2)]
    assert set(types_of(model(*tensors), file_type).values()) == {file_type}


@pytest.mark.parametrize(
    ("file_type", "part", "wanted"),
    [
        ("Q4_K_M", "attn_v.weight", "Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K"),
        ("Q4_K_M", "attn_qkv.weight", "Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K"),
        ("Q4_K_M", "ffn_down.weight", "Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K"),
        ("Q4_K_M", "ffn_up.weight", "Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K"),
        ("Q4_K_S", "attn_v.weight", "Q5_K Q5_K Q5_K Q5_K Q4_K Q4_K Q4_K Q4_K"),
        ("Q4_K_S", "ffn_down.weight", "Q5_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K"),
        ("Q4_K_S", "attn_output.weight", "Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K Q4_K"),
    ],
)
def test_layers_that_matter_get_more_bits(file_type, part, wanted):
    found = types_of(model(*layers(part, 8)), file_type)
    assert [found[f"blk.{index}.{part}"] for index in range(8)] == wanted.split()


def test_layers_are_counted_by_number_and_not_by_name():
    found = types_of(model(*layers("ffn_down.weight", 16), block_count=16), "Q4_K_S")
    assert [name for name, kind in found.items() if kind == "Q5_K"] == [
        "blk.0.ffn_down.weight",
        "blk.1.ffn_down.weight",
    ]


@pytest.mark.parametrize("architecture", ["llama", "falcon"])
def test_the_output_is_finer(architecture):
    found = types_of(
        model(matrix("output.weight"), matrix("token_embd.weight"), architecture=architecture), "Q4_K_M"
    )
    finer = {"llama": "Q6_K", "falcon": "Q8_0"}[architecture]
    assert found == {"output.weight": finer, "token_embd.weight": "Q4_K"}


def test_embeddings_that_are_the_output_too_are_as_fine():
    assert types_of(model(matrix("token_embd.weight")), "Q4_K_S") == {"token_embd.weight": "Q6_K"}


def test_eight_experts_share_attention_that_is_finer():
    parts = ("attn_v.weight", "attn_k.weight", "attn_q.weight", "attn_output.weight")
    tensors = [matrix(f"blk.3.{part}") for part in parts]
    found = types_of(model(*tensors, expert_count=8), "Q4_K_M")
    assert [found[f"blk.3.{part}"] for part in parts] == ["Q8_0", "Q8_0", "Q4_K", "Q5_K"]


def test_values_that_eight_heads_share_are_finer():
    gguf = model(*layers("attn_v.weight", 80), block_count=80, attention__head_count_kv=1)
    assert set(types_of(gguf, "Q4_K_M").values()) == {"Q6_K", "Q5_K"}


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [(256, "Q4_K"), (96, "Q5_0"), (33, "F16")],
)
def test_rows_that_are_no_whole_blocks_get_another_type(columns, wanted):
    assert types_of(model(matrix("a.b.weight"[2:], columns)), "Q4_K_M") == {"b.weight": wanted}


EXCEPTIONS = [
    ("qwen35", "blk.4.nextn.eh_proj.weight", "Q8_0"),
    ("qwen35moe", "blk.4.nextn.eh_proj.weight", "Q8_0"),
    ("gemma3n", "per_layer_token_embd.weight", "F16"),
    ("deepseek2", "blk.0.attn_k_b.weight", "Q8_0"),
    ("deepseek2", "blk.0.attn_kv_a_mqa.weight", "Q8_0"),
    ("glm4", "token_embd.weight", "F16"),
    ("glm4", "blk.0.attn_output.weight", "Q4_K"),
    ("llama", "blk.0.attn_k_b.weight", "Q4_K"),
]


@pytest.mark.parametrize(("architecture", "name", "wanted"), EXCEPTIONS)
def test_architectures_have_their_exceptions(architecture, name, wanted):
    assert types_of(model(matrix(name), architecture=architecture), "Q4_K_M") == {name: wanted}


def test_exceptions_belong_to_the_four_bit_mixes():
    name = "per_layer_token_embd.weight"
    assert types_of(model(matrix(name), architecture="gemma3n"), "Q8_0") == {name: "Q8_0"}


def test_embedded_parts_come_last_and_stay_as_they_are():
    gguf = model(matrix("mm.0.weight"), matrix("v.blk.0.attn_v.weight", kind=F32), matrix("output.weight"))
    planned = [(tensor.name, TENSOR_TYPES[tensor.type].name) for tensor in plan(gguf, "Q8_0")]
    assert planned == [("output.weight", "Q8_0"), ("mm.0.weight", "F16"), ("v.blk.0.attn_v.weight", "F32")]


@pytest.mark.parametrize("name", RECORDED)
def test_every_mix_is_the_one_that_llama_cpp_makes(name):
    """Recorded from llama.cpp's own quantizer: vectors/record.py."""
    recorded = RECORDED[name]
    header = header_of(Described.from_json(recorded))
    for file_type, types in recorded["types"].items():
        planned = merged(plan(header, file_type, has_importance=recorded["importance"]))
        assert (file_type, planned) == (file_type, types)


def test_the_types_that_need_an_importance_matrix_are_those_of_llama_cpp():
    header = header_of(Described.from_json(RECORDED["llama"]))
    refused = FILE_TYPES.keys() - RECORDED["llama"]["types"].keys()
    ours = {kind for kind in FILE_TYPES if any(needs_importance(t, kind) for t in plan(header, kind))}
    assert ours == refused
