"""Models made of checkpoints: what clients read meanwhile, and what is in the store afterwards."""

from __future__ import annotations

import json

import pytest

from corral.core.digests import Digest
from corral.errors import CreateError
from corral.gguf import read_gguf
from tests.helpers.plain_checkpoint import TEMPLATE, WIDTH, checkpoint, safetensors

pytestmark = pytest.mark.slow


def upload(shelf, files):
    return {name: str(shelf.store.blobs.add_bytes(data)) for name, data in files.items()}


def weights_of(shelf):
    layer = shelf.resolve("made").manifest.layers[0]
    return read_gguf(shelf.store.blobs.path(Digest.parse(layer.digest)))


def test_a_checkpoint_becomes_a_model(shelf):
    steps = shelf.create("made", files=upload(shelf, checkpoint()))
    assert list(dict.fromkeys(steps)) == [
        "converting model",
        "verifying conversion",
        "creating new layer",
        "writing manifest",
        "success",
    ]
    model = shelf.resolve("made")
    assert (model.config.model_family, model.config.file_type) == ("llama", "F16")
    assert model.network.chat_template == TEMPLATE


ASKED = [("q8_0", "Q8_0", "Q8_0"), ("q4_k_m", "Q4_K_M", "Q8_0"), ("f32", "unknown", "F32")]


@pytest.mark.parametrize(("asked", "level", "kind"), ASKED)
def test_a_checkpoint_is_quantized_on_the_way(shelf, asked, level, kind):
    shelf.create("made", files=upload(shelf, checkpoint()), quantize=asked)
    header = weights_of(shelf)
    assert {tensor.name: tensor.type_name for tensor in header.tensors}["output.weight"] == kind
    assert shelf.run(shelf.library.show("made")).details.quantization_level == level


def config(**changes):
    return checkpoint(**changes)["config.json"]


ENDLESS = {"rope_type": "llama3", "partial_rotary_factor": 1e300}
SECOND_NORM = safetensors({"model.layers.1.input_layernorm.weight": ((WIDTH,), 1.0)})
REFUSED = [
    ({"config.json": None}, "open config.json: no such file or directory"),
    ({"config.json": b'{"architectures": ["OPTForCausalLM"]}'}, 'unsupported architecture "OPTForCausalLM"'),
    ({"config.json": b"{}"}, "unknown architecture"),
    ({"config.json": b"{"}, "parse config.json: "),
    ({"config.json": config(num_attention_heads=0)}, 'config.json: "num_attention_heads" must be above 0'),
    ({"config.json": config(num_hidden_layers=2)}, "the checkpoint has no tensor for blk.1."),
    ({"config.json": config(num_hidden_layers=0)}, 'config.json: "num_hidden_layers" must be above 0'),
    ({"more.safetensors": SECOND_NORM}, "the checkpoint has more than the 1 blocks of config.json"),
    ({"config.json": config(rope_parameters=ENDLESS)}, "cannot be converted: "),
    ({"tokenizer.json": None}, "unknown tokenizer format"),
    ({"model.safetensors": b"\xff" * 20}, "model.safetensors is no safetensors file"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_checkpoint_that_cannot_be_read_makes_no_model(shelf, changes, message):
    files = {name: data for name, data in {**checkpoint(), **changes}.items() if data is not None}
    with pytest.raises(CreateError) as caught:
        shelf.create("made", files=upload(shelf, files))
    assert caught.value.message.startswith(message)
    assert shelf.names == []
    assert [path.name for path in shelf.store.blobs.directory.iterdir() if len(path.name) != 71] == []


def adapter(rank=2, **config):
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
    matrices = {f"{name}A.weight": ((rank, WIDTH), 0.5), f"{name}B.weight": ((WIDTH, rank), 0.5)}
    settings = {"lora_alpha": 8, "peft_type": "LORA", **config}
    return {
        "adapter_model.safetensors": safetensors(matrices),
        "adapter_config.json": json.dumps(settings).encode(),
    }


def test_an_adapter_becomes_a_layer_of_its_own(shelf):
    shelf.create("base", files=upload(shelf, checkpoint()))
    steps = shelf.create("made", source="base", adapters=upload(shelf, adapter()))
    assert "converting adapter" in steps
    header = read_gguf(shelf.resolve("made").adapters[0])
    assert header.metadata["adapter.lora.alpha"] == 8.0
    assert {tensor.name: tensor.shape for tensor in header.tensors} == {
        "blk.0.attn_q.weight.lora_a": (WIDTH, 2),
        "blk.0.attn_q.weight.lora_b": (2, WIDTH),
    }


def test_adapters_in_folders_become_a_layer_each(shelf):
    shelf.create("base", files=upload(shelf, checkpoint()))
    files = {
        f"{name}/{file}": data for name in ("two", "three") for file, data in adapter(rank=len(name)).items()
    }
    shelf.create("made", source="base", adapters=upload(shelf, files))
    assert len(shelf.resolve("made").adapters) == 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_dora": True}, "adapters with use_dora are not supported"),
        ({"lora_alpha": None}, 'adapter_config.json does not say "lora_alpha"'),
    ],
)
def test_an_adapter_that_cannot_be_applied_makes_no_model(shelf, config, message):
    shelf.create("base", files=upload(shelf, checkpoint()))
    with pytest.raises(CreateError) as caught:
        shelf.create("made", source="base", adapters=upload(shelf, adapter(**config)))
    assert (caught.value.message, shelf.names) == (message, ["base:latest"])
