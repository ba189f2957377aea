"""The verdict: better than the base, or not, and why."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from corral.tune.events import Judged
from corral.tune.judge.ask import Answered

# What a model may forget of the prompts that it passed: new things cost some of the old.
FORGETTING = 0.05
# What the losses of a verdict are measured on.
HELD_OUT, TRAINED = "held-out loss", "loss on trained examples"
_MAX_NAMED = 3


def judge(
    loss_before: float,
    loss_after: float,
    before: Sequence[Answered] = (),
    after: Sequence[Answered] = (),
    *,
    measured: str = HELD_OUT,
) -> Judged:
    """`measured` is what the losses are; `before` and `after` answer the same prompts in the same order.

    Better means: the loss fell, and the number of prompts that pass did not fall by more than 5 % of those
    that the base passed.
    """
    passed_before = sum(answer.passed for answer in before)
    passed_after = sum(answer.passed for answer in after)
    problems = [
        problem for problem in (_loss(measured, loss_before, loss_after), _prompts(before, after)) if problem
    ]
    said = f"{measured} {loss_before:.3f} -> {loss_after:.3f}"
    if before:
        said += f", prompts passed {passed_before} -> {passed_after} of {len(before)}"
    return Judged(
        t=time.time(),
        measured=measured,
        loss_before=loss_before,
        loss_after=loss_after,
        passed_before=passed_before,
        passed_after=passed_after,
        prompts=len(before),
        better=not problems,
        reason="; ".join(problems) or said,
    )


def _loss(measured: str, before: float, after: float) -> str:
    if not math.isfinite(after):
        return f"the {measured} is no number: the training broke down; try a lower learning rate"
    if after >= before:
        return f"the {measured} did not fall ({before:.3f} -> {after:.3f})"
    return ""


def _prompts(before: Sequence[Answered], after: Sequence[Answered]) -> str:
    num_before = sum(answer.passed for answer in before)
    num_after = sum(answer.passed for answer in after)
    if num_after >= num_before - math.floor(num_before * FORGETTING):
        return ""
    lost = [new for old, new in zip(before, after, strict=True) if old.passed and not new.passed]
    named = ", ".join(f"{answer.question!r} ({answer.problem})" for answer in lost[:_MAX_NAMED])
    return f"{len(lost)} prompts that the base passed fail now, such as {named}"
