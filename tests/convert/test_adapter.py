"""LoRA adapters as PEFT and MLX save them: converted, applied by the engine, compared with PEFT."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from corral.convert import convert_adapter
from corral.errors import CorruptData, Unsupported
from corral.gguf import read_gguf
from tests.convert.conftest import files_in
from tests.helpers.engine_answers import with_engine

pytestmark = [
    pytest.mark.slow,
    # PEFT still asks transformers for it by its old name.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),
]

EXACT, BY_TABLE = 1e-5, 1e-3
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
DENSE = ["gate_proj", "up_proj", "down_proj"]


def adapted(network, folder, modules, *, rank=4, **settings):
    """`network` with a random adapter, which is saved in `folder`."""
    import peft
    import torch

    config = peft.LoraConfig(r=rank, lora_alpha=12, target_modules=modules, **settings)
    torch.manual_seed(1)
    with_adapter = peft.get_peft_model(network, config).eval()
    with torch.no_grad():
        for name, weight in with_adapter.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn_like(weight) * 0.3)
    with_adapter.save_pretrained(folder)
    return with_adapter


def convert(folder, base, target):
    async def run():
        with target.open("wb") as file:
            return [step async for step in convert_adapter(files_in(folder), base, file)]

    asyncio.run(run())
    return target


def log_probabilities(network, prompt):
    import torch

    with torch.no_grad():
        return network(torch.tensor([prompt])).logits[0, -1].log_softmax(-1).numpy()


KINDS = [
    ("llama", ATTENTION + DENSE, EXACT, {}),
    ("mistral", ["q_proj", "v_proj"], EXACT, {"use_rslora": True}),
    ("qwen3", ["q_proj", "k_proj", "down_proj"], EXACT, {"rank_pattern": {"k_proj": 2}}),
    ("gemma2", ATTENTION, BY_TABLE, {}),
    ("phi3", ["qkv_proj", "gate_up_proj"], EXACT, {}),
]


@pytest.mark.parametrize(("kind", "modules", "tolerance", "settings"), KINDS, ids=[row[0] for row in KINDS])
def test_an_adapter_changes_the_model_as_peft_does(
    checkpoints, converted, tmp_path, kind, modules, tolerance, settings
):
    network = checkpoints.make(kind, tmp_path / kind)
    prompt = checkpoints.prompts(tmp_path / kind)[0]
    base, _ = converted(tmp_path / kind, "F32")
    plain = log_probabilities(network, prompt)
    expected = log_probabilities(adapted(network, tmp_path / "lora", modules, **settings), prompt)
    adapter = convert(tmp_path / "lora", base, tmp_path / "lora.gguf")
    found = np.array(
        with_engine(base, lambda ask: ask.log_probabilities(prompt, len(expected)), adapter=adapter)
    )
    assert np.argmax(found) == np.argmax(expected)
    assert np.abs(found - expected).max() / np.abs(expected).max() < tolerance
    assert np.abs(plain - expected).max() > 0.5  # it does change something


@pytest.fixture
def lora(checkpoints, converted, tmp_path):
    """A base in the engine's form and an adapter for it in a folder."""
    network = checkpoints.make("llama", tmp_path / "llama")
    adapted(network, tmp_path / "lora", ["q_proj", "down_proj"])
    return converted(tmp_path / "llama", "F32")[0], tmp_path / "lora"


def tensors_of(path):
    return {tensor.name: (tensor.shape, tensor.type_name) for tensor in read_gguf(path).tensors}


def test_the_adapter_says_what_it_is(lora, tmp_path):
    base, folder = lora
    found = read_gguf(convert(folder, base, tmp_path / "a.gguf"))
    assert {name: found.metadata[name] for name in found.metadata} == {
        "adapter.lora.alpha": 12.0,
        "adapter.type": "lora",
        "general.architecture": "llama",
        "general.file_type": 0,
        "general.type": "adapter",
        "general.version": "v0.2",
    }
    assert found.kind == "adapter"


def as_mlx(folder):
    """The same adapter as MLX saves it: the other way round, with a scale in place of alpha."""
    from safetensors.numpy import load_file, save_file

    target = folder.with_name("mlx")
    target.mkdir()
    renamed = {}
    for name, matrix in load_file(folder / "adapter_model.safetensors").items():
        module, _, side = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".")
        renamed[f"{module}.{side.lower()}"] = np.ascontiguousarray(matrix.T)
    save_file(renamed, target / "adapters.safetensors")
    parameters = {"lora_parameters": {"rank": 4, "scale": 3.0, "dropout": 0.0}}
    (target / "adapter_config.json").write_text(json.dumps(parameters))
    return target


def test_an_adapter_of_mlx_becomes_the_same_file(lora, tmp_path):
    base, folder = lora
    ours = convert(folder, base, tmp_path / "peft.gguf").read_bytes()
    assert convert(as_mlx(folder), base, tmp_path / "mlx.gguf").read_bytes() == ours


def test_an_adapter_for_another_model_is_refused(checkpoints, converted, lora, tmp_path):
    checkpoints.make("mistral", tmp_path / "other")
    base, _ = converted(tmp_path / "other", "F32")
    with pytest.raises(CorruptData, match=r"does not fit the base model's blk\.0\.attn_q\.weight"):
        convert(lora[1], base, tmp_path / "a.gguf")


def test_an_adapter_for_a_model_of_another_kind_is_refused(checkpoints, converted, lora, tmp_path):
    checkpoints.make("nomic", tmp_path / "other")
    base, _ = converted(tmp_path / "other", "F32")
    with pytest.raises(Unsupported, match=r"unsupported architecture"):
        convert(lora[1], base, tmp_path / "a.gguf")
