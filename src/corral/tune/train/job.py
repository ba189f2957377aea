"""A whole job, from prepared rows to a judged adapter. The order of its steps is the order of this file."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import torch

from corral.convert import convert_adapter
from corral.core.model import Model
from corral.errors import CorruptData, Unsupported
from corral.gguf import read_gguf
from corral.native import program_in_use
from corral.tune.data import Prepared
from corral.tune.events import Done, Event, Judged, Note, Planned
from corral.tune.judge import HELD_OUT, TRAINED, Answered, ask_prompts, judge, read_checks
from corral.tune.plan import FEW_ROWS, Plan, Settings, make_plan, sizes_of
from corral.tune.spec import Spec
from corral.tune.stopping import Stopping
from corral.tune.train.agreement import difference, tolerance
from corral.tune.train.base import Base, load_base
from corral.tune.train.card import Agreement, Results, write_card
from corral.tune.train.half import precision
from corral.tune.train.lora import save_adapter, with_adapter
from corral.tune.train.loss import mean_loss
from corral.tune.train.machine import machine_for
from corral.tune.train.merge import check_file_type, write_merged, write_quantized
from corral.tune.train.networks import network_of
from corral.tune.train.packing import pack
from corral.tune.train.speed import seconds_for
from corral.tune.train.trainer import Trainer

ADAPTER, MERGED, CARD = "adapter.gguf", "merged.gguf", "card.json"
_NUM_COMPARED = 3  # rows that torch and the engine are both asked about
_NUM_TRAINED = 64  # rows whose loss says whether anything was learned
# What a packed base computes is further from the served model; an adapter may move it so many times as far.
_DRIFT = 3.0


@dataclass(frozen=True, slots=True)
class Job:
    spec: Spec
    model: Model
    settings: Settings
    data: Prepared
    say: Callable[[Event], None]
    stopping: Stopping
    began: float  # seconds since the epoch

    @property
    def folder(self) -> Path:
        return Path(self.spec.folder)

    @property
    def weights(self) -> Path:
        assert self.model.weights is not None  # `prepare` has refused such a model
        return self.model.weights

    @property
    def compared(self) -> list[list[int]]:
        return [list(row.tokens) for row in self.data.train[:_NUM_COMPARED]]


def run(job: Job) -> None:
    """All of the job, or its plan alone. Raises CorralError, and Stopped when it is asked to end."""
    check_file_type(job.spec.quantize)
    plan = _plan(job)
    torch.set_num_threads(plan.machine.num_threads)
    loading = time.time()
    base, agreed = _base(job, plan)
    loading = time.time() - loading
    model = with_adapter(base.model, plan.settings, plan.run)
    # The way back into the engine takes about as long as the way out of it did.
    seconds = seconds_for(model, plan, job.data.train, job.data.held_out) + loading
    job.say(
        Planned(
            device=plan.machine.name,
            steps=plan.course.steps,
            memory_bytes=plan.memory.total,
            duration_s=seconds + time.time() - job.began,
            options=plan.options(),
        )
    )
    if job.spec.mode == "plan":
        job.say(Done(adapter="", merged="", card=""))
        return
    _train(job, Base(model, base.stored), plan, agreed)


def _plan(job: Job) -> Plan:
    """Before anything is loaded. Raises NotEnoughMemory, Unsupported."""
    header = read_gguf(job.weights, arrays=False)
    network_of(header)
    lengths = [(len(row.tokens), row.num_trained) for row in job.data.train]
    return make_plan(job.settings, sizes_of(header), lengths, len(job.data.held_out), machine_for(job.spec))


def _base(job: Job, plan: Plan) -> tuple[Base, Agreement]:
    """The network where it will be trained, and how far it is from what is served."""
    dtype = torch.bfloat16 if plan.run.is_half else torch.float32
    base = load_base(job.weights, job.model.adapters, dtype=dtype)
    limit = tolerance(base.stored.gguf, is_half=plan.run.is_half)
    found = _difference(job, plan, base.model, [])
    if found > limit:
        raise Unsupported(
            f"torch and the engine disagree about this model by {found:.3g}; {limit:g} can be rounding",
            hint="training it would make it worse; another version of transformers may read it rightly",
        )
    device = torch.device(plan.machine.kind)
    if not plan.run.is_packed:
        return Base(base.model.to(device), base.stored), Agreement(limit, found, found)
    model = pack(base.model, device)
    return Base(model, base.stored), Agreement(limit, found, _difference(job, plan, model, []))


def _difference(job: Job, plan: Plan, model: Any, more: Sequence[Path]) -> float:
    adapters = [*job.model.adapters, *more]
    with precision(model, is_half=plan.run.is_half):
        return difference(
            model,
            job.compared,
            job.weights,
            adapters,
            plan.machine.num_threads,
            llama_server=program_in_use(job.spec.settings),
        )


def _train(job: Job, base: Base, plan: Plan, agreed: Agreement) -> None:
    trainer = Trainer(
        base.model,
        plan,
        job.data.train,
        job.data.held_out,
        job.folder / "checkpoints",
        identity=_identity(job, plan),
        say=job.say,
        should_stop=lambda: job.stopping.asked,
    )
    # Asked anew after a stop: to ask the base is quick, and the answers need no place in a checkpoint.
    passed = _answers(job, plan, None)
    trained_before = trainer.state.trained_before
    if trained_before is None:
        trained_before = trainer.state.trained_before = _trained_loss(job, plan, base.model)
    job.stopping.gently = True
    state = trainer.run()
    job.stopping.gently = False
    _export(job, base)
    agreed = _verified(job, plan, base, agreed)
    held_out = (state.held_out[0][1], _held_out_loss(job, plan, base.model)) if state.held_out else None
    trained = trained_before, _trained_loss(job, plan, base.model)
    judged = _judged(job, held_out, trained, passed, _answers(job, plan, job.folder / ADAPTER))
    merged = _merged(job, base, plan) if job.spec.merge else ""
    write_card(
        job.folder / CARD,
        job.spec,
        job.model,
        job.data,
        plan,
        Results(state=state, judged=judged, trained=trained, agreement=agreed, merged=merged),
    )
    job.say(judged)
    job.say(Done(adapter=ADAPTER, merged=merged, card=CARD))


def _identity(job: Job, plan: Plan) -> str:
    """Of what a state belongs to: the same rows, options and base, on the same kind of device.

    How many rows are computed at once depends on the memory that is free just then, and changes no result.
    """
    parts: list[Any] = [job.data.digest, job.weights.name, [path.name for path in job.model.adapters]]
    parts += [plan.settings, plan.run.is_packed, plan.course, plan.machine.kind]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _held_out_loss(job: Job, plan: Plan, model: Any) -> float:
    with precision(model, is_half=plan.run.is_half):
        return mean_loss(model, job.data.held_out, plan.run.rows)


def _trained_loss(job: Job, plan: Plan, model: Any) -> float:
    with precision(model, is_half=plan.run.is_half):
        return mean_loss(model, job.data.train[:_NUM_TRAINED], plan.run.rows)


def _answers(job: Job, plan: Plan, adapter: Path | None) -> tuple[Answered, ...]:
    if not job.spec.prompts:
        return ()
    checks = read_checks(Path(job.spec.prompts))
    threads = plan.machine.num_threads
    return asyncio.run(
        ask_prompts(checks, job.model, job.spec.settings, adapter=adapter, num_threads=threads)
    )


def _export(job: Job, base: Base) -> None:
    """The adapter as the engine reads it, and beside it as PEFT does."""
    files = save_adapter(base.model, job.folder / "peft")

    async def write() -> None:
        new = job.folder / f"{ADAPTER}.new"
        with new.open("wb") as file:
            async for _ in convert_adapter(files, base.stored.path, file):
                pass
        new.replace(job.folder / ADAPTER)

    asyncio.run(write())


def _verified(job: Job, plan: Plan, base: Base, agreed: Agreement) -> Agreement:
    """Raises CorruptData when the engine computes something else with the adapter than torch does."""
    found = _difference(job, plan, base.model, [job.folder / ADAPTER])
    limit = max(agreed.limit, _DRIFT * agreed.computed)
    if found > limit:
        raise CorruptData(
            f"the engine and torch disagree about the tuned model by {found:.3g}, "
            f"of which {limit:.3g} can be rounding: the adapter was not kept"
        )
    return replace(agreed, tuned=found)


def _judged(
    job: Job,
    held_out: tuple[float, float] | None,
    trained: tuple[float, float],
    before: tuple[Answered, ...],
    after: tuple[Answered, ...],
) -> Judged:
    """A handful of held-out rows, each perhaps about something that only it tells, must get worse as the
    model learns the others by heart. Then the trained rows decide: what failed has not learned these either.
    So they do where none is held out.
    """
    if held_out is None:
        return judge(*trained, before, after, measured=TRAINED)
    count = len(job.data.held_out)
    if count >= FEW_ROWS:
        return judge(*held_out, before, after)
    few = f"{count} held-out ones are" if count > 1 else "one that is held out is"
    judged = judge(*trained, before, after, measured=f"{TRAINED} ({few} too few to judge by)")
    losses = {"measured": HELD_OUT, "loss_before": held_out[0], "loss_after": held_out[1]}
    return msgspec.structs.replace(judged, **losses)


def _merged(job: Job, base: Base, plan: Plan) -> str:
    """The name of the file with the whole model."""
    whole, target = job.folder / f"{MERGED}.new", job.folder / MERGED
    write_merged(base.stored, [*job.model.adapters, job.folder / ADAPTER], whole)
    if job.spec.quantize:
        packed = job.folder / f"{MERGED}.packed"
        asyncio.run(write_quantized(whole, packed, job.spec.quantize, plan.machine.num_threads))
        whole.unlink()
        whole = packed
    whole.replace(target)
    job.say(Note(text=f"the merged model has {target.stat().st_size} bytes"))
    return MERGED
