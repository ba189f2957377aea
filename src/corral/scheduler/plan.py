"""What to launch for a demand: context window, slots, batch, threads, placement. Pure: no I/O, no clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from corral.core.units import human_binary_bytes
from corral.engine import Lookup
from corral.errors import NotEnoughMemory
from corral.scheduler.demand import Demand, limit_context
from corral.scheduler.guessing import RECURRENT_FAMILIES, lookup_for
from corral.scheduler.machine import Machine
from corral.scheduler.memory import (
    GIB,
    LOOKUP_BYTES,
    MIB,
    MemoryNeed,
    can_repack,
    compute_bytes,
    context_bytes,
    repack_bytes,
)
from corral.scheduler.placement import (
    ALONE,
    Placement,
    Room,
    place,
    pool_free,
    total_free,
    uses_devices,
)
from corral.settings import Settings

log = logging.getLogger("corral.scheduler")

# Source of the families, the context tiers, the fractions and the reserve: http-api.md 14, store.md 14.
SINGLE_SLOT_FAMILIES = RECURRENT_FAMILIES | {"mllama", "qwen3vl", "qwen3vlmoe"}
_CONTEXT_TIERS = ((47 * GIB, 262144), (23 * GIB, 32768))
CPU_CONTEXT = 4096
# Mapped weights load faster from a cold disk, and stay in the page cache for the next load.
AUTOMATIC_MMAP = True
_SMALLER_CONTEXTS = (32768, 4096, 2048)
# What a batch takes at most on a CPU; the engine room makes it smaller where there are few threads.
_CPU_BATCH = 512
_MAX_EMBEDDING_BATCH = 2048
# Slots as long as their context windows take no more than this share of the free memory.
_SLOTS = ((8, 0.05), (4, 0.20), (2, 0.20))
_CROWDED_SLOTS = ((8, 0.20), (4, 0.20), (2, 0.20))  # where more than four requests came at a time
MAX_SLOTS = 64  # the engine's own limit
_AUTOMATIC_RUNNERS = 3
_CACHE_SHARE, _MAX_CACHE = 0.10, 8 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan:
    """Everything that a runner is started with. `num_ctx` is the context window of one slot, in tokens.

    `num_gpu` is the number of blocks on devices: -1 as many as fit, 0 none. `devices` are their indices.
    `lookup` and `draft` guess tokens ahead; `exact`: loaded without them for a request that needs it so.
    `batch_automatic`: nobody asked for `num_batch`. `cache_bytes` bounds the prompts kept in memory.
    """

    weights: Path
    adapters: tuple[Path, ...] = ()
    projectors: tuple[Path, ...] = ()
    draft: Path | None = None
    draft_num_predict: int = 0
    lookup: Lookup | None = None
    exact: bool = False
    embedding: bool = False
    reranking: bool = False
    shift: bool = True
    num_ctx: int = CPU_CONTEXT
    num_slots: int = 1
    num_batch: int = _CPU_BATCH
    batch_automatic: bool = True
    num_threads: int = 1
    num_gpu: int = 0
    main_gpu: int | None = None
    devices: tuple[int, ...] = ()
    use_mmap: bool = True
    repack: bool = True
    kv_cache_type: str = ""
    flash_attention: bool | None = None
    cache_bytes: int = 0
    need: MemoryNeed = field(default_factory=MemoryNeed)
    device_bytes: int = 0

    @property
    def guesses(self) -> bool:
        """Whether it guesses tokens ahead."""
        return self.lookup is not None or self.draft is not None

    @property
    def all_on_devices(self) -> bool:
        return bool(self.devices) and self.device_bytes >= self.need.at_load

    @property
    def promised_bytes(self) -> int:
        """Bytes the system counts as free although this runner relies on them.

        Mapped weights are page cache, and the room for kept prompts is filled only later.
        """
        mapped = self.need.weights if self.use_mmap and not self.device_bytes else 0
        return mapped + self.cache_bytes

    @property
    def token_bytes(self) -> int:
        """The keys and values of one token; 0 where nobody knows."""
        return self.need.context // (self.num_ctx * self.num_slots)


@dataclass(frozen=True, slots=True)
class _Shape:
    num_ctx: int
    num_slots: int
    repack: bool


def max_runners(settings: Settings, machine: Machine) -> int:
    """How many models may be loaded at a time."""
    return settings.max_loaded_models or _AUTOMATIC_RUNNERS * max(1, len(machine.devices))


def automatic_context(demand: Demand, settings: Settings, machine: Machine) -> int:
    """The context window of a request that names none: the setting, else by the memory of all devices."""
    wanted = settings.context_length
    if not wanted:
        total = machine.device_total - settings.gpu_overhead * len(machine.devices)
        wanted = next((context for least, context in _CONTEXT_TIERS if total >= least), CPU_CONTEXT)
    return limit_context(demand.model, wanted)


def plan_launch(demand: Demand, room: Room, settings: Settings, *, shrink: bool = False) -> LaunchPlan | None:
    """The best launch that fits in `room`, or None.

    Slots nobody asked for, and the second copy of the weights, are given up before other models must go;
    an automatic context window becomes smaller only with `shrink`: when no other model can go.
    """
    for shape in _shapes(demand, room, settings, shrink):
        plan = _build(demand, shape, room, settings)
        placed = place(plan.need.total, demand, room, settings, partly=room.alone or shrink)
        if placed is not None:
            return _with_cache(_placed(plan, placed), demand, room, settings)
    return None


def plan_smallest(demand: Demand, room: Room, settings: Settings) -> LaunchPlan | None:
    """The launch that takes least memory: for the second attempt after the first ran out of it."""
    *_, shape = _shapes(demand, room, settings, shrink=True)
    plan = _build(demand, shape, room, settings)
    placed = place(plan.need.total, demand, room, settings, partly=True)
    return _placed(plan, placed) if placed is not None else None


def not_enough_memory(demand: Demand, room: Room, settings: Settings) -> NotEnoughMemory:
    """The error that says what was needed, what there is, and what would help."""
    *_, shape = _shapes(demand, room, settings, shrink=True)
    plan = _build(demand, shape, room, settings)
    need, free = plan.need, total_free(room.machine, settings)
    sizes = (
        f"{human_binary_bytes(need.weights + need.extras)} weights, "
        f"{human_binary_bytes(need.context)} context ({plan.num_slots} x {plan.num_ctx} tokens), "
        f"{human_binary_bytes(need.compute)} buffers"
    )
    return NotEnoughMemory(
        f"{demand.name} requires more memory ({human_binary_bytes(need.total)}: {sizes}) "
        f"than is available ({human_binary_bytes(free)})",
        hint=_memory_hint(plan, free),
    )


def _memory_hint(plan: LaunchPlan, free: int) -> str:
    per_token = plan.need.context / (plan.num_ctx * plan.num_slots)
    left = ALONE * free - (plan.need.total - plan.need.context)
    fitting = int(left / per_token / plan.num_slots) // 256 * 256 if per_token else 0
    if fitting >= 256 and plan.num_ctx > 256:
        return f"a num_ctx of at most {fitting} would fit"
    return "unload other programs or use a smaller or more quantized model"


def _shapes(demand: Demand, room: Room, settings: Settings, shrink: bool) -> Iterator[_Shape]:
    """Window, slots and layout to try, the best first."""
    repackable = can_repack(demand.model.network, amx=room.machine.amx) and not uses_devices(
        demand, room.machine
    )
    for num_ctx in _contexts(demand, room, settings, shrink):
        slots = _slot_choices(demand, num_ctx, room, settings)
        yield from (_Shape(num_ctx, count, True) for count in slots)
        if repackable:
            yield _Shape(num_ctx, slots[-1], False)


def _contexts(demand: Demand, room: Room, settings: Settings, shrink: bool) -> list[int]:
    automatic = automatic_context(demand, settings, room.machine)
    if demand.num_ctx is not None:
        # A small window asked for by one request must not cut the next one, which names none and so never
        # reloads: where it costs little, the usual window is loaded and the request keeps its own limit.
        usual = min(automatic, limit_context(demand.model, CPU_CONTEXT))
        widened = usual > demand.num_ctx and _is_cheap(demand, usual, room, settings)
        return [usual, demand.num_ctx] if widened else [demand.num_ctx]
    smaller = [limit_context(demand.model, context) for context in _SMALLER_CONTEXTS if context < automatic]
    return [automatic, *smaller] if shrink else [automatic]


def _is_cheap(demand: Demand, num_ctx: int, room: Room, settings: Settings) -> bool:
    cost = context_bytes(demand.model.network, num_ctx, 1, settings.kv_cache_type)
    return cost <= 0.05 * pool_free(demand, room.machine, settings)


def _slot_choices(demand: Demand, num_ctx: int, room: Room, settings: Settings) -> list[int]:
    """Numbers of slots to try; one number where the setting or the model leaves no choice."""
    if not demand.completes:
        return [1]
    if demand.model.family in SINGLE_SLOT_FAMILIES:
        if settings.num_parallel > 1:
            log.warning("model architecture does not currently support parallel requests: %s", demand.name)
        return [1]
    if settings.num_parallel > 0:
        return [min(settings.num_parallel, MAX_SLOTS)]
    free = pool_free(demand, room.machine, settings)
    one = context_bytes(demand.model.network, num_ctx, 1, settings.kv_cache_type)
    shares = _CROWDED_SLOTS if demand.crowd > 4 else _SLOTS
    most = next((count for count, share in shares if count * one <= share * free), 1)
    return [count for count in (8, 4, 2, 1) if count <= most]


def _build(demand: Demand, shape: _Shape, room: Room, settings: Settings) -> LaunchPlan:
    model, machine = demand.model, room.machine
    on_device = uses_devices(demand, machine)
    plan = LaunchPlan(
        weights=demand.key,
        adapters=model.adapters,
        projectors=model.projectors,
        draft=model.draft if demand.draft_num_predict and not demand.exact else None,
        draft_num_predict=demand.draft_num_predict,
        lookup=lookup_for(demand, settings),
        exact=demand.exact,
        embedding=not demand.completes,
        reranking=model.can("rerank"),
        shift=demand.shift,
        num_ctx=shape.num_ctx,
        num_slots=shape.num_slots,
        num_batch=demand.num_batch or automatic_batch(demand, shape.num_ctx, shape.num_slots, on_device),
        batch_automatic=demand.num_batch is None,
        num_threads=demand.num_threads or machine.cores,
        num_gpu=demand.num_gpu if on_device else 0,
        main_gpu=demand.main_gpu if on_device else None,
        use_mmap=AUTOMATIC_MMAP if demand.use_mmap is None else demand.use_mmap,
        repack=shape.repack,
        kv_cache_type=settings.kv_cache_type,
        flash_attention=settings.flash_attention,
    )
    return replace(plan, need=_predict(demand, plan, machine, on_device))


def _placed(plan: LaunchPlan, placement: Placement) -> LaunchPlan:
    return replace(plan, devices=placement.devices, device_bytes=placement.device_bytes)


def _predict(demand: Demand, plan: LaunchPlan, machine: Machine, on_device: bool) -> MemoryNeed:
    network = demand.model.network
    repacked = plan.repack and not on_device
    return MemoryNeed(
        weights=demand.weights_size,
        extras=demand.extras_size,
        context=context_bytes(network, plan.num_ctx, plan.num_slots, plan.kv_cache_type),
        compute=compute_bytes(network, plan.num_batch) + (LOOKUP_BYTES if plan.lookup else 0),
        repack=repack_bytes(network, demand.weights_size, amx=machine.amx) if repacked else 0,
    )


def automatic_batch(demand: Demand, num_ctx: int, num_slots: int, on_device: bool) -> int:
    """Tokens of a prompt that are read at once, where nobody asked for a number."""
    if not demand.completes:  # a whole input must fit in one batch
        return min(_MAX_EMBEDDING_BATCH, max(num_ctx, 32))
    total = num_ctx * num_slots
    if not on_device or total <= 4096:
        return _CPU_BATCH
    return 1024 if total <= 32768 else 2048


def _with_cache(plan: LaunchPlan, demand: Demand, room: Room, settings: Settings) -> LaunchPlan:
    """Give the runner its part of the budget for kept prompts, at most a quarter of what is left.

    The engine knows no owners of prompts: where they must not be shared it keeps none beyond its slots.
    """
    if plan.embedding or demand.private:
        return plan
    machine = room.machine
    budget = settings.prompt_cache_memory or min(int(_CACHE_SHARE * machine.memory_total), _MAX_CACHE)
    budget //= max_runners(settings, machine)
    left = int(room.usable_share * machine.memory_free) - (plan.need.total - plan.device_bytes)
    cache = max(0, min(budget, left // 4)) // MIB * MIB
    return replace(plan, cache_bytes=cache, need=replace(plan.need, cache=cache))
