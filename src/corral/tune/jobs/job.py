"""A job as the server keeps it: what was asked for, how far it is, what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from corral.tune.events import Evaluated, Judged, Planned, Stepped
from corral.tune.spec import Device, Format, Options, Preset

# stopped: it has a checkpoint, or has not begun, and can be resumed. draft: trained, and no better than its
# base, so that no model has been made of it.
State = Literal["queued", "running", "stopping", "stopped", "succeeded", "draft", "failed"]
ENDED: frozenset[State] = frozenset({"stopped", "succeeded", "draft", "failed"})
RESUMABLE: frozenset[State] = frozenset({"stopped", "failed"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Files are ids of `Files`; `name` is that of the model to make."""

    base: str
    name: str = ""
    data: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    prompts: str = ""
    format: Format = ""
    preset: Preset = "balanced"
    options: Options = Options()
    learning_rate_multiplier: float = 0.0  # of the preset's; 0: as `options` or the preset say
    device: Device = "auto"
    num_threads: int = 0
    merge: bool = False
    quantize: str = ""
    force: bool = False
    result_file: bool = False  # whether the curves become a file of `Files`


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the job's own, below its folder."""

    role: Literal["data", "validation", "prompts"]
    id: str
    name: str
    path: str
    size: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed; `kind` is a class of errors.py."""

    kind: str
    message: str
    hint: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the events of a job come to; None and 0 where nothing of the kind has happened yet."""

    plan: Planned | None = None
    step: Stepped | None = None
    first_step_at: float = 0.0  # of the run that goes on, as is the number beside it
    first_step: int = 0
    first_eval: Evaluated | None = None
    last_eval: Evaluated | None = None
    checkpoint: int | None = None
    gate: Judged | None = None
    tokens_per_epoch: float = 0.0  # those that are trained on

    @property
    def trained_tokens(self) -> int:
        return round(self.tokens_per_epoch * self.step.epoch) if self.step is not None else 0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds since the epoch, 0 for what has not happened.

    `base_digest` is that of the base's weights. `reason` says why a job is stopped or a draft; `cancelled`:
    stopped for good, as its client said. `model` is the name that was given to the result.
    """

    id: str
    owner: int | None = None
    state: State = "queued"
    wanted: Wanted
    inputs: tuple[Input, ...] = ()
    base_digest: str = ""
    created_at: float
    started_at: float = 0.0
    finished_at: float = 0.0
    reason: str = ""
    cancelled: bool = False
    error: Problem | None = None
    model: str = ""
    card: str = ""  # the training card, and what was trained; relative to the folder
    adapter: str = ""
    merged: str = ""
    result_file: str = ""
    summary: Summary = Summary()
    metadata: dict[str, str] = {}

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED
