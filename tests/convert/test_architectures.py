"""Each architecture: a tiny random model of transformers, converted, served, compared number by number.

Weights and cache have 32 bits, so that what differs is the order of sums; the engine's gelu is a table of
16-bit floats, which shows in the models that use it.
"""

from __future__ import annotations

import numpy as np
import pytest

from corral.convert.architectures import CLASSES
from corral.gguf import read_gguf
from tests.helpers.engine_answers import with_engine

pytestmark = pytest.mark.slow

EXACT, BY_TABLE = 1e-5, 1e-3  # largest difference by the largest of the numbers

DECODERS = {
    "llama": EXACT,
    "llama3": EXACT,
    "mistral": EXACT,
    "mixtral": EXACT,
    "qwen2": EXACT,
    "qwen3": EXACT,
    "qwen3moe": EXACT,
    "gemma": BY_TABLE,
    "gemma2": BY_TABLE,
    "gemma3": BY_TABLE,
    "phi3": EXACT,
    "phi3short": EXACT,
    "olmo2": EXACT,
    "olmo3": EXACT,
    "command-r": EXACT,
    "granite": EXACT,
    "smollm3": EXACT,
}
ENCODERS = {"bert": BY_TABLE, "nomic": EXACT}


def wanted(network, prompt):
    """Log-probabilities of what comes after `prompt`, as transformers computes them."""
    import torch

    with torch.no_grad():
        return network(torch.tensor([prompt])).logits[0, -1].log_softmax(-1).numpy()


def difference(found, expected):
    return np.abs(np.array(found) - expected).max() / np.abs(expected).max()


def compare(network, prompts, path, tolerance):
    """Check the served model against `network` for each of `prompts`, lists of tokens."""
    expected = [wanted(network, prompt) for prompt in prompts]
    size = len(expected[0])
    found = with_engine(path, lambda ask: [ask.log_probabilities(p, size) for p in prompts])
    assert [int(np.argmax(one)) for one in found] == [int(np.argmax(one)) for one in expected]
    assert max(map(difference, found, expected)) < tolerance


@pytest.mark.parametrize(("kind", "tolerance"), DECODERS.items(), ids=DECODERS)
def test_a_converted_decoder_gives_the_same_probabilities(checkpoints, converted, tmp_path, kind, tolerance):
    network = checkpoints.make(kind, tmp_path / kind)
    prompts = checkpoints.prompts(tmp_path / kind)
    compare(network, prompts, converted(tmp_path / kind, "F32")[0], tolerance)


def test_long_texts_have_factors_of_their_own(checkpoints, converted, tmp_path):
    """The engine chooses them by the context window, transformers by the text."""
    network = checkpoints.make("phi3long", tmp_path / "phi3long")
    prompts = [prompt for prompt in checkpoints.prompts(tmp_path / "phi3long") if len(prompt) > 32]
    assert prompts
    compare(network, prompts, converted(tmp_path / "phi3long", "F32")[0], EXACT)


@pytest.mark.parametrize(("kind", "tolerance"), ENCODERS.items(), ids=ENCODERS)
def test_a_converted_encoder_gives_the_same_vectors(checkpoints, converted, tmp_path, kind, tolerance):
    import torch

    network = checkpoints.make(kind, tmp_path / kind)
    prompts = checkpoints.prompts(tmp_path / kind)
    path, _ = converted(tmp_path / kind, "F32")
    found = with_engine(path, lambda ask: [ask.embedding(prompt) for prompt in prompts], embedding=True)
    for one, prompt in zip(found, prompts, strict=True):
        with torch.no_grad():
            mean = network(torch.tensor([prompt])).last_hidden_state[0].mean(0)
        assert difference(one, (mean / mean.norm()).numpy()) < tolerance


def test_every_class_is_among_those_compared(checkpoints):
    made = {checkpoints.class_name(kind) for kind in checkpoints.KINDS}
    aliases = {"Gemma3ForConditionalGeneration", "BertForMaskedLM"}  # the same network with more around it
    assert CLASSES.keys() - aliases == made


# Here the engine rounds what it multiplies to 16 bits as well.
@pytest.mark.parametrize("kind", ["llama", "gemma3", "qwen3moe"])
def test_sixteen_bits_stay_sixteen_bits(checkpoints, converted, tmp_path, kind):
    import torch

    network = checkpoints.make(kind, tmp_path / kind, dtype=torch.bfloat16)
    prompts = checkpoints.prompts(tmp_path / kind)
    compare(network, prompts, converted(tmp_path / kind)[0], 2e-2)


def test_a_checkpoint_of_eight_bits_computes_with_its_scales(checkpoints, converted, tmp_path):
    network = checkpoints.make("qwen3", tmp_path / "qwen3")
    checkpoints.shrink(tmp_path / "qwen3", network)
    compare(network, checkpoints.prompts(tmp_path / "qwen3"), converted(tmp_path / "qwen3", "F32")[0], EXACT)


def test_a_checkpoint_of_eight_bits_keeps_eight(checkpoints, converted, tmp_path):
    checkpoints.shrink(tmp_path / "qwen3", checkpoints.make("qwen3", tmp_path / "qwen3"))
    path, _ = converted(tmp_path / "qwen3")
    assert read_gguf(path).file_type_name == "Q8_0"
