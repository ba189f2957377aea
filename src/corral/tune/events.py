"""What the child of a job says: JSON lines on stdout and in `events.jsonl`. `t`: seconds since the epoch."""

from __future__ import annotations

from typing import Any

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    t: float = 0.0


class DataRead(_Event, frozen=True, kw_only=True, tag="data"):
    """The report on the examples, as `data.report` makes it."""

    report: dict[str, Any]


class Planned(_Event, frozen=True, kw_only=True, tag="plan"):
    """What will be done: device, steps, bytes of memory, seconds, and every option as it holds."""

    device: str
    steps: int
    memory_bytes: int
    duration_s: float
    options: dict[str, Any]


class Stepped(_Event, frozen=True, kw_only=True, tag="step"):
    """One optimizer step. `loss` is the mean over the trained tokens of its batch, in nats."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    tokens_per_s: float


class Evaluated(_Event, frozen=True, kw_only=True, tag="eval"):
    """Loss on the held-out examples, if there are any. Step 0 is the base as it came."""

    step: int
    loss: float


class Saved(_Event, frozen=True, kw_only=True, tag="checkpoint"):
    step: int


class Note(_Event, frozen=True, kw_only=True, tag="note"):
    """Something the user should know: what was chosen and why, or that a checkpoint is resumed."""

    text: str


class Judged(_Event, frozen=True, kw_only=True, tag="gate"):
    """The result beside the base: `measured` says what the losses are, `better` whether it gets its name."""

    measured: str = "held-out loss"
    loss_before: float
    loss_after: float
    passed_before: int
    passed_after: int
    prompts: int
    better: bool
    reason: str


class Done(_Event, frozen=True, kw_only=True, tag="done"):
    """The child has finished. Paths are relative to the job's folder; empty where there is none."""

    adapter: str
    merged: str
    card: str


class Failed(_Event, frozen=True, kw_only=True, tag="failed"):
    """Nothing more will come. `kind` is the class of errors.py to raise."""

    kind: str
    message: str
    hint: str = ""


Event = DataRead | Planned | Stepped | Evaluated | Saved | Note | Judged | Done | Failed
