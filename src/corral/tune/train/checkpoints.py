"""Where a run stands, on disk: whole or not there. One that was killed goes on as if it had not been."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from corral.errors import CorruptData, InvalidInput, StorageError
from corral.tune.train.lora import Numbers

_NAME = re.compile(r"step-(\d+)\.pt")
_LITTLE = 1 << 20  # bytes of room: a disk is full


@dataclass(slots=True)
class State:
    """All that a run is: `step` steps are done, the random numbers are those before the next one.

    `identity` names what the run belongs to. The curves have (step, loss); `stale` counts evaluations since
    the best one; `seconds` is the time of training so far.
    """

    identity: str
    step: int = 0
    adapter: Numbers = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    random: Numbers = field(default_factory=dict)
    losses: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = float("inf")
    best_adapter: Numbers = field(default_factory=dict)
    stale: int = 0
    seconds: float = 0.0
    trained_before: float | None = None  # the base's loss on examples to train on


def save(folder: Path, state: State) -> None:
    """Keep `state` in place of what was kept before. Raises StorageError."""
    target = folder / f"step-{state.step:07}.pt"
    new = target.with_suffix(".new")
    values = {name: getattr(state, name) for name in State.__slots__}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            torch.save(values, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)
    except (OSError, RuntimeError) as error:
        reason = _reason(error, folder)
        with suppress(OSError):
            new.unlink()  # half of a state is of no use, and others need the room
        raise StorageError(f"the checkpoint {target} cannot be written: {reason}") from error
    # Older ones, and what a child that was killed left unfinished.
    for path in [*_kept(folder), *folder.glob("step-*.new")]:
        if path != target:
            with suppress(OSError):
                path.unlink()


def _reason(error: OSError | RuntimeError, folder: Path) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    # All that torch says of a full disk is where in its own source it noticed.
    return "no space left on device" if shutil.disk_usage(folder).free < _LITTLE else str(error)


def load(folder: Path, identity: str) -> State | None:
    """The newest state, if there is one. Raises InvalidInput when it is of something else, CorruptData."""
    newest = max(_kept(folder), default=None)
    if newest is None:
        return None
    try:
        state = State(**torch.load(newest, map_location="cpu", weights_only=True))
    except Exception as error:  # unpickling raises whatever the bytes lead to
        raise CorruptData(
            f"the checkpoint {newest} cannot be read: {error}", hint="remove it to begin again"
        ) from error
    if state.identity != identity:
        raise InvalidInput(
            f"the checkpoint {newest.name} belongs to other data, options or another base",
            hint="start a new job",
        )
    return state


def random_state(device: torch.device) -> Numbers:
    found = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(device)
    return found


def put_random_state(numbers: Numbers, device: torch.device) -> None:
    if numbers:
        torch.set_rng_state(numbers["cpu"])
    if "cuda" in numbers and device.type == "cuda":
        torch.cuda.set_rng_state(numbers["cuda"], device)


def _kept(folder: Path) -> list[Path]:
    return [path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)]
