"""How long a run takes: one part of a step is done and timed, nothing is learned by it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from corral.tune.data import TokenSequence
from corral.tune.plan import Plan
from corral.tune.train.batches import batch_of
from corral.tune.train.checkpoints import put_random_state, random_state
from corral.tune.train.half import precision
from corral.tune.train.loss import summed_loss

_FORWARD_SHARE = 0.4  # of the time that a step takes for the same tokens


def seconds_for(
    model: Any, plan: Plan, train: Sequence[TokenSequence], held_out: Sequence[TokenSequence]
) -> float:
    """An estimate for all steps and evaluations of `plan`. The random numbers stay as they were."""
    rate = _tokens_per_s(model, plan, train)
    course, batch_size = plan.course, min(plan.settings.batch_size, len(train))
    trained = course.steps * batch_size * sum(len(row.tokens) for row in train) / len(train)
    looks = 1 + course.steps // course.eval_every
    looked_at = looks * sum(len(row.tokens) for row in held_out) * _FORWARD_SHARE
    return (trained + looked_at) / rate


def _tokens_per_s(model: Any, plan: Plan, train: Sequence[TokenSequence]) -> float:
    """Of a second try: the first one finds kernels and fetches pages."""
    ordered = sorted(train, key=lambda row: len(row.tokens))
    middle = len(ordered) // 2
    rows = ordered[max(0, middle - plan.run.rows // 2) :][: plan.run.rows]
    before = random_state(model.device)
    model.train()
    seconds = 1.0
    for _ in range(2):
        began = time.monotonic()
        with precision(model, is_half=plan.run.is_half):
            summed_loss(model, batch_of(rows).to(model.device)).backward()  # type: ignore[no-untyped-call]
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.monotonic() - began
    model.zero_grad(set_to_none=True)
    put_random_state(before, model.device)
    return sum(len(row.tokens) for row in rows) / max(seconds, 1e-6)
