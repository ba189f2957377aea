"""How wrong a network is about the tokens that it shall learn, and about no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from corral.tune.data import TokenSequence
from corral.tune.train.batches import Batch, micro_batches


def summed_loss(model: Any, batch: Batch) -> torch.Tensor:
    """In nats, added up over the batch's targets."""
    return functional.cross_entropy(wanted_logits(model, batch).float(), batch.targets, reduction="sum")


def wanted_logits(model: Any, batch: Batch) -> torch.Tensor:
    """(number of wanted, vocabulary): for the other positions, most of them, no logits are computed."""
    with _only(model, batch.wanted):
        logits: torch.Tensor = model(input_ids=batch.tokens, use_cache=False).logits
    return logits


@contextmanager
def _only(model: Any, wanted: torch.Tensor) -> Iterator[None]:
    """The output layer gets the wanted positions in one row. What comes behind it looks at each by itself."""
    output = model.get_output_embeddings()
    hook = output.register_forward_pre_hook(lambda _, inputs: (inputs[0][wanted], *inputs[1:]))
    try:
        yield
    finally:
        hook.remove()


def mean_loss(model: Any, rows: Sequence[TokenSequence], size: int) -> float:
    """Over all trained tokens of `rows`, without dropout; 0 where there are none."""
    total, count = 0.0, 0
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in micro_batches(rows, size):
            total += float(summed_loss(model, batch.to(model.device)))
            count += len(batch.targets)
    model.train(was_training)
    return total / max(count, 1)
