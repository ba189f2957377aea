"""How many steps, when to look at the held-out rows, and how large each step is."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, pi

from corral.tune.plan.presets import Settings

# With fewer held-out rows than this the loss on them says more about which rows were drawn than about the
# model.
FEW_ROWS = 10
_LOOKS = 10  # evaluations in a run, the first step's not counted
_LAST_SHARE = 0.1  # of the learning rate is left at the end


@dataclass(frozen=True, slots=True)
class Course:
    """`eval_every` is in steps. `early_stop` is 0 where the held-out rows are too few to decide by."""

    steps: int
    steps_per_epoch: int
    eval_every: int
    early_stop: int


def course_of(settings: Settings, num_rows: int, num_held_out: int) -> Course:
    per_epoch = ceil(num_rows / settings.batch_size)
    steps = max(ceil(settings.epochs * per_epoch), settings.min_steps, 1)
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps)
    early_stop = settings.early_stop if num_held_out >= FEW_ROWS else 0
    return Course(steps, per_epoch, max(1, ceil(steps / _LOOKS)), early_stop)


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """Of the step of that number, from 0: a short rise, then half a cosine down to a tenth."""
    warmup = max(1, round(settings.warmup_ratio * steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    share = _LAST_SHARE + (1 - _LAST_SHARE) * (1 + cos(pi * progress)) / 2
    return settings.learning_rate * share
