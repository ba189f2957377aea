"""The way from a launch plan to the engine room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corral.engine import Adapter, LaunchParams, Process, start
from corral.scheduler.memory import MIB
from corral.scheduler.plan import LaunchPlan


class EngineLauncher:
    """Starts real children. `find_server` is asked before each; it names a native server, or None."""

    def __init__(self, find_server: Callable[[], Path | None] = lambda: None) -> None:
        self._find_server = find_server

    async def launch(
        self, plan: LaunchPlan, timeout_s: float, on_progress: Callable[[float], None]
    ) -> Process:
        return await start(
            launch_params(plan),
            timeout_s=timeout_s,
            on_progress=on_progress,
            llama_server=self._find_server(),
        )


def launch_params(plan: LaunchPlan) -> LaunchParams:
    """The engine's parameters of `plan`. The engine takes one projector: the first."""
    return LaunchParams(
        model=str(plan.weights),
        num_ctx=plan.num_ctx,
        num_slots=plan.num_slots,
        num_batch=plan.num_batch,
        num_threads=plan.num_threads,
        gpu_layers=plan.num_gpu,
        main_gpu=_only_device(plan),
        use_mmap=plan.use_mmap,
        repack=plan.repack,
        adapters=tuple(Adapter(path=str(path)) for path in plan.adapters),
        projector=str(plan.projectors[0]) if plan.projectors else None,
        draft=str(plan.draft) if plan.draft else None,
        draft_num_predict=plan.draft_num_predict,
        embedding=plan.embedding,
        reranking=plan.reranking,
        context_shift=plan.shift,
        kv_cache_type=plan.kv_cache_type,
        flash_attention=plan.flash_attention,
        cache_mib=plan.cache_bytes // MIB,
    )


def _only_device(plan: LaunchPlan) -> int | None:
    """The device that all goes to; None lets the engine spread over several."""
    if plan.main_gpu is not None:
        return plan.main_gpu
    return plan.devices[0] if len(plan.devices) == 1 else None
