"""The plan of a job: the fastest way of computing that fits into the memory there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corral.core.units import human_bytes
from corral.errors import NotEnoughMemory
from corral.tune.plan.memory import Memory, Run, Sizes, memory_of
from corral.tune.plan.presets import Settings
from corral.tune.plan.steps import Course, course_of

# More tokens at once make a step no faster.
_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 16384}
# What is left to others: serving goes on, and the estimate is one.
_SHARE = {"cpu": 0.8, "cuda": 0.9}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to compute. `kind` is cpu or cuda, `free` in bytes; `packs`: 4-bit weights work there."""

    kind: str
    name: str
    free: int
    num_threads: int
    packs: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    settings: Settings
    course: Course
    run: Run
    memory: Memory
    machine: Machine

    def options(self) -> dict[str, Any]:
        """Every option as it holds, for people."""
        memory = {f"{part}_bytes": size for part, size in asdict(self.memory).items()}
        return asdict(self.settings) | {
            "micro_batch_size": self.run.rows,
            "gradient_checkpointing": self.run.checkpointing,
            "quantized_base": self.run.is_packed,
            "precision": "bfloat16" if self.run.is_half else "float32",
            "epochs": round(self.course.steps / self.course.steps_per_epoch, 2),
            "eval_every": self.course.eval_every,
            "early_stop": self.course.early_stop,
            "num_threads": self.machine.num_threads,
            "memory": memory,
        }


def make_plan(
    settings: Settings, sizes: Sizes, lengths: Sequence[tuple[int, int]], num_held_out: int, machine: Machine
) -> Plan:
    """`lengths` has the tokens and the trained tokens of each row to train on.

    Raises NotEnoughMemory, with the numbers, where no way of computing fits.
    """
    course = course_of(settings, len(lengths), num_held_out)
    budget = int(machine.free * _SHARE[machine.kind])
    needed = 0
    for run in _ways(settings, sizes, lengths, machine):
        memory = memory_of(sizes, run)
        if memory.total <= budget:
            return Plan(settings, course, run, memory, machine)
        needed = memory.total
    longest = max(length for length, _ in lengths)
    raise NotEnoughMemory(
        f"tuning this model with rows of up to {longest} tokens takes {human_bytes(needed)} at least; "
        f"{human_bytes(machine.free)} of memory are free, of which {human_bytes(budget)} may be used",
        hint="use a smaller model or shorter rows (max_length), or unload models that are not in use",
    )


def _ways(
    settings: Settings, sizes: Sizes, lengths: Sequence[tuple[int, int]], machine: Machine
) -> Iterator[Run]:
    """Ways of computing, the fastest first. Slow is what is computed twice, and halves on a CPU."""
    on_cuda = machine.kind == "cuda"
    packs = machine.packs if settings.quantized_base is None else settings.quantized_base
    longest = max(length for length, _ in lengths)
    most_targets = max(targets for _, targets in lengths)
    free = settings.gradient_checkpointing is None
    for is_half in (True,) if on_cuda else (False, True):
        for checkpointing in (False, True) if free else (bool(settings.gradient_checkpointing),):
            for rows in _sizes_at_once(settings, longest, machine):
                yield Run(
                    on_cuda=on_cuda,
                    is_half=is_half,
                    is_packed=packs,
                    checkpointing=checkpointing,
                    rank=settings.rank,
                    rows=rows,
                    length=longest,
                    targets=rows * most_targets,
                )


def _sizes_at_once(settings: Settings, longest: int, machine: Machine) -> Iterator[int]:
    if settings.micro_batch_size is not None:
        yield min(settings.micro_batch_size, settings.batch_size)
        return
    rows = min(settings.batch_size, max(1, _TOKENS_AT_ONCE[machine.kind] // longest))
    while rows > 1:
        yield rows
        rows //= 2
    yield 1
