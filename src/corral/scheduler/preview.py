"""What loading a model would do, told without loading it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from corral.errors import NotEnoughMemory
from corral.scheduler.demand import MIN_CONTEXT, Demand, limit_context
from corral.scheduler.machine import Machine
from corral.scheduler.memory import CONTEXT_STEP
from corral.scheduler.placement import Room, uses_devices
from corral.scheduler.plan import LaunchPlan, automatic_context, not_enough_memory, plan_launch
from corral.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The launch that a request would cause now; `plan` None and an `error` where there is none.

    `unloads_others`: it fits only when other models go first. `max_ctx` is the longest context window of one
    slot that would fit then, in tokens, 0 where none does. `reasons` are sentences about what was chosen.
    """

    demand: Demand
    machine: Machine
    plan: LaunchPlan | None
    unloads_others: bool
    max_ctx: int
    reasons: tuple[str, ...] = ()
    error: NotEnoughMemory | None = None

    @property
    def blocks_on_devices(self) -> int:
        """Blocks of the network on devices, by the share of bytes; the output counts as one more."""
        if self.plan is None or not self.plan.device_bytes:
            return 0
        blocks = self.demand.model.network.num_blocks + 1
        return min(blocks, blocks * self.plan.device_bytes // max(self.plan.need.at_load, 1))


def preview(demand: Demand, now: Room, emptied: Room, settings: Settings) -> Preview:
    """`now` is the room there is, `emptied` the room when all models that may go are gone."""
    plan = plan_launch(demand, now, settings)
    unloads_others = plan is None and not now.alone
    room = emptied if unloads_others else now
    plan = plan or plan_launch(demand, room, settings) or plan_launch(demand, room, settings, shrink=True)
    return Preview(
        demand=demand,
        machine=room.machine,
        plan=plan,
        unloads_others=plan is not None and unloads_others,
        max_ctx=_longest_context(demand, emptied, settings),
        reasons=tuple(_reasons(demand, plan, room.machine, settings)) if plan is not None else (),
        error=not_enough_memory(demand, room, settings) if plan is None else None,
    )


def _longest_context(demand: Demand, room: Room, settings: Settings) -> int:
    """By halving, in the steps in which the engine counts."""
    single = replace(settings, num_parallel=1)

    def fits(num_ctx: int) -> bool:
        wanted = replace(demand, num_ctx=limit_context(demand.model, num_ctx))
        return plan_launch(wanted, room, single) is not None

    most = demand.model.network.context_length or 1 << 20
    if fits(most):
        return most
    low, high = 0, most // CONTEXT_STEP  # in steps: what fits, and what does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * CONTEXT_STEP) else (low, middle)
    return low * CONTEXT_STEP if low else (MIN_CONTEXT if fits(MIN_CONTEXT) else 0)


def _reasons(demand: Demand, plan: LaunchPlan, machine: Machine, settings: Settings) -> Iterator[str]:
    yield _context_reason(demand, plan, machine, settings)
    if plan.num_slots > 1 and not settings.num_parallel:
        yield f"{plan.num_slots} requests at a time: so many context windows take a small part of the memory"
    elif plan.num_slots == 1 and demand.completes and not settings.num_parallel:
        yield "one request at a time: this kind of model, or the memory, allows no more"
    elif settings.num_parallel:
        yield "requests at a time: as the setting num_parallel says"
    if not machine.devices:
        yield "on the CPU: no device was found that the engine could use"
    elif not uses_devices(demand, machine):
        yield "on the CPU: num_gpu is 0"
    elif not plan.all_on_devices:
        yield "partly on devices: they have too little free memory for all of it"
    if plan.need.repack:
        yield "weights are laid out a second time for the vector units of the CPU, which makes it faster"


def _context_reason(demand: Demand, plan: LaunchPlan, machine: Machine, settings: Settings) -> str:
    trained = demand.model.network.context_length
    text = f"a context window of {plan.num_ctx} tokens: "
    if demand.num_ctx is not None and plan.num_ctx == demand.num_ctx:
        return text + "as asked for, by the request or by the model's num_ctx"
    if demand.num_ctx is not None:
        return text + f"more than the {demand.num_ctx} asked for, because it costs little"
    if plan.num_ctx == trained:
        return text + "all that the model was trained for"
    if plan.num_ctx < automatic_context(demand, settings, machine):
        return text + "smaller than usual, because a larger one does not fit"
    if settings.context_length:
        return text + "as the setting context_length says"
    return text + "the usual one for the memory of the devices here"
