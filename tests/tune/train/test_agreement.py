"""Torch beside the engine: rounding is let through, a network that was read wrongly is not."""

from __future__ import annotations

import pytest

from corral.gguf import read_gguf

pytestmark = pytest.mark.slow


def found_and_allowed(checkpoints, folder, weights):
    import torch

    from corral.tune.train.agreement import difference, tolerance
    from corral.tune.train.base import load_base

    base = load_base(weights, [], dtype=torch.float32)
    found = difference(base.model, checkpoints.prompts(folder)[:2], weights, [], 1)
    return found, tolerance(read_gguf(weights), is_half=False)


@pytest.mark.parametrize(
    ("kind", "file_type"), [("llama", "F32"), ("qwen3", "F16"), ("gemma3", "Q8_0"), ("smollm3", "Q4_0")]
)
def test_what_rounding_explains_is_let_through(served, checkpoints, kind, file_type):
    _, folder, weights = served(kind, file_type)
    found, allowed = found_and_allowed(checkpoints, folder, weights)
    assert found < allowed


@pytest.mark.parametrize(
    ("kind", "fault"), [("llama", "in_halves"), ("gemma2", "_offset")], ids=["heads", "norms"]
)
def test_a_network_that_is_read_wrongly_is_noticed(served, checkpoints, monkeypatch, kind, fault):
    from corral.tune.train.tensors import Stored

    wrong = {"in_halves": lambda self, parameter, rows: rows, "_offset": lambda self, parameter: 0.0}
    monkeypatch.setattr(Stored, fault, wrong[fault])
    _, folder, weights = served(kind, "Q4_0")
    found, allowed = found_and_allowed(checkpoints, folder, weights)
    assert found > 2 * allowed
