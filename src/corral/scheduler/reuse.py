"""May a loaded runner serve a request, or must the model be loaded again? Pure. Source: http-api.md 14.3."""

from __future__ import annotations

from collections.abc import Iterator

from corral.scheduler.demand import AUTOMATIC_GUESSES, Demand
from corral.scheduler.machine import Machine
from corral.scheduler.plan import AUTOMATIC_MMAP, LaunchPlan, automatic_batch


def difference(plan: LaunchPlan, demand: Demand, machine: Machine) -> str | None:
    """Why a runner launched with `plan` cannot serve `demand`, in words; None where it can.

    A request without `num_ctx` takes any window, one with it takes any window that is large enough.
    """
    if plan.weights != demand.key:
        return f"weights {plan.weights.name} -> {demand.key.name}"
    for name, loaded, wanted in _compared(plan, demand, machine):
        if loaded != wanted:
            return f"{name} {_text(loaded)} -> {_text(wanted)}"
    if demand.num_ctx is not None and demand.num_ctx > plan.num_ctx:
        return f"num_ctx {plan.num_ctx} -> {demand.num_ctx}"
    return None


def effective_context(plan: LaunchPlan, demand: Demand) -> int:
    """The context window that this request gets: its own wish, within the runner's."""
    return plan.num_ctx if demand.num_ctx is None else min(demand.num_ctx, plan.num_ctx)


def _compared(plan: LaunchPlan, demand: Demand, machine: Machine) -> Iterator[tuple[str, object, object]]:
    """Names, loaded values and wanted values of all that must be equal."""
    yield "adapters", plan.adapters, demand.model.adapters
    yield "projectors", plan.projectors, demand.model.projectors
    yield "shift", plan.shift, demand.shift
    if demand.exact:
        yield "speculation", "on" if plan.guesses else "off", "off"
    elif demand.apart and plan.lookup:
        yield "speculation", "on", "off, as several API keys use the model"
    elif _guessing_matters(plan, demand):
        yield "draft_num_predict", _guesses(plan.draft_num_predict), _guesses(demand.draft_num_predict)
    yield "num_thread", plan.num_threads, demand.num_threads or machine.cores
    yield "use_mmap", plan.use_mmap, AUTOMATIC_MMAP if demand.use_mmap is None else demand.use_mmap
    if machine.devices:  # without them neither has an effect
        yield "main_gpu", plan.main_gpu, demand.main_gpu if plan.num_gpu != 0 else None
        if demand.num_gpu >= 0:
            yield "num_gpu", plan.num_gpu, demand.num_gpu
    if demand.num_batch is not None:
        yield "num_batch", plan.num_batch, demand.num_batch
    elif not plan.batch_automatic:
        usual = automatic_batch(demand, plan.num_ctx, plan.num_slots, bool(plan.devices))
        yield "num_batch", plan.num_batch, usual


def _guessing_matters(plan: LaunchPlan, demand: Demand) -> bool:
    """A runner without guesses serves whoever does not ask for a number of them: it is only slower."""
    return not plan.exact and (plan.guesses or demand.draft_num_predict > 0)


def _guesses(number: int) -> int | str:
    return "automatic" if number == AUTOMATIC_GUESSES else number


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(item, "name", item)) for item in value) or "none"
    return str(value)
