"""What a plan says about memory, beside the measured peak of a process that trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from corral.engine import child_environment
from corral.tune.plan import Run, Sizes, memory_of

# Trains a random network for two steps; says what its plan says and what it took, in bytes.
PROGRAM = """
import json, resource, sys, warnings
from array import array
warnings.simplefilter("ignore")
import torch, transformers
from corral.tune.data import TokenSequence
from corral.tune.plan import Run, Sizes, memory_of, settle
from corral.tune.spec import Options
from corral.tune.train.batches import batch_of
from corral.tune.train.loss import summed_loss
from corral.tune.train.lora import with_adapter

torch.set_num_threads(1)
width, blocks, ffn, vocabulary, length, targets = 384, 6, 1152, 6000, 256, 64
run = Run(on_cuda=False, is_half=False, is_packed=False, checkpointing=sys.argv[1] == "checkpointing",
          rank=16, rows=8, length=length, targets=8 * targets)
config = transformers.LlamaConfig(hidden_size=width, intermediate_size=ffn, num_hidden_layers=blocks,
    num_attention_heads=6, num_key_value_heads=3, vocab_size=vocabulary)
network = transformers.LlamaForCausalLM(config).requires_grad_(False)
matrices = [w for n, w in network.named_parameters() if w.ndim == 2 and "layers" in n]
sizes = Sizes(parameters=sum(w.numel() for w in network.parameters()), packable=0,
    adapted=sum(sum(w.shape) for w in matrices), blocks=blocks, width=width, ffn_width=ffn, heads=6,
    vocabulary=vocabulary, largest_tensor=vocabulary * width, has_scores=False)
model = with_adapter(network, settle(Options(), "balanced", width=width, context_length=length), run).train()
optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad])
row = TokenSequence(array("i", [1] * length), bytes([0] * (length - targets) + [1] * targets), 0)
for _ in range(2):
    summed_loss(model, batch_of([row] * run.rows)).backward()
    optimizer.step()
    optimizer.zero_grad()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"planned": memory_of(sizes, run).total, "peak": peak}))
"""


def test_a_plan_in_halves_is_no_less_than_what_a_gpu_has_taken():
    """An H100, `bench.tuning --size large` in bfloat16: a peak of 28.83 GB, with 10,375 tokens at once."""
    matrix = 2048 * 2048
    sizes = Sizes(
        parameters=16 * 21 * matrix + 512 * 2048,
        packable=16 * 21 * matrix,
        adapted=16 * 27 * 2048 + 16 * 3 * 1024,
        blocks=16,
        width=2048,
        ffn_width=6144,
        heads=32,
        vocabulary=512,
        largest_tensor=3 * matrix,
        has_scores=False,
    )
    run = Run(
        on_cuda=True,
        is_half=True,
        is_packed=False,
        checkpointing=False,
        rank=16,
        rows=16,
        length=648,
        targets=16 * 600,
    )
    assert 28.83e9 < memory_of(sizes, run).total < 33e9


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units")
@pytest.mark.parametrize("way", ["plain", "checkpointing"])
def test_the_plan_is_near_what_training_takes(way: str):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, way],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, **child_environment()},
    )
    found = json.loads(done.stdout)
    assert 0.7 < found["planned"] / found["peak"] < 1.5, found
