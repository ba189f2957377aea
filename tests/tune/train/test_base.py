"""The network in torch: from the served GGUF file."""

from __future__ import annotations

import pytest

from corral.errors import Unsupported
from corral.gguf import read_gguf
from corral.tune.train.networks import NETWORKS
from tests.helpers.gguf_files import build_gguf
from tests.helpers.lora import build_lora

pytestmark = pytest.mark.slow

KINDS = ["llama", "llama3", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "phi3short"]
KINDS += ["olmo2", "olmo3", "command-r", "granite", "smollm3"]


def loaded(weights, *, adapters=()):
    import torch

    from corral.tune.train.base import load_base

    return load_base(weights, adapters, dtype=torch.float32).model


def scores(network, prompt):
    import torch

    with torch.no_grad():
        return network.eval()(torch.tensor([prompt])).logits


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_read_from_its_gguf_file_computes_what_it_did_before(served, checkpoints, kind):
    network, folder, weights = served(kind)
    prompt = checkpoints.prompts(folder)[1]
    expected, found = scores(network, prompt), scores(loaded(weights), prompt)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_every_kind_that_can_be_tuned_is_tried(checkpoints):
    kinds = {NETWORKS[name].model.removesuffix("ForCausalLM") for name in NETWORKS}
    assert kinds <= {checkpoints.KINDS[kind].name for kind in KINDS}


def test_an_architecture_that_cannot_be_tuned_is_named_with_those_that_can(tmp_path):
    from corral.tune.train.networks import network_of

    path = build_gguf(tmp_path / "mamba.gguf", architecture="mamba")
    with pytest.raises(Unsupported, match=r"models of the architecture mamba cannot be tuned") as raised:
        network_of(read_gguf(path))
    assert "qwen3" in (raised.value.hint or "")


def test_a_network_with_experts_is_refused(served):
    _, _, weights = served("mixtral")
    with pytest.raises(Unsupported, match=r"mixtures of experts cannot be tuned"):
        loaded(weights)


def test_adapters_that_the_base_has_are_part_of_it(served, checkpoints, tmp_path):
    network, folder, weights = served("llama")
    adapter = build_lora(tmp_path / "a.gguf", seed=3, width=64)
    prompt = checkpoints.prompts(folder)[0]
    from corral.tune.train.agreement import difference

    tuned = loaded(weights, adapters=[adapter])
    assert (scores(tuned, prompt) - scores(network, prompt)).abs().max() > 0.1
    assert difference(tuned, [prompt], weights, [adapter], 1) < 1e-4
