"""The way from a launch plan to the engine room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from corral.cache import Child, SavedStates, Seats, stamp
from corral.engine import Adapter, LaunchParams, Process, start
from corral.scheduler.memory import MIB
from corral.scheduler.plan import LaunchPlan
from corral.scheduler.process import LoadedProcess


class EngineLauncher:
    """Starts real children. `find_server` is asked before each; it names a native server, or None.

    `saved` are the states of slots that children save and restore.
    """

    def __init__(
        self, find_server: Callable[[], Path | None] = lambda: None, saved: SavedStates | None = None
    ) -> None:
        self._find_server = find_server
        self._saved = saved

    async def launch(
        self, plan: LaunchPlan, timeout_s: float, on_progress: Callable[[float], None]
    ) -> Process:
        return await start(
            self._params(plan),
            timeout_s=timeout_s,
            on_progress=on_progress,
            llama_server=self._find_server(),
        )

    def seats(self, plan: LaunchPlan, process: LoadedProcess) -> Seats:
        return Seats(process.client, self._child(plan, process), self._saved)

    def _params(self, plan: LaunchPlan) -> LaunchParams:
        params = launch_params(plan)
        if self._saved is None or not self._saved.make_folder():
            return params
        return msgspec.structs.replace(params, state_folder=str(self._saved.folder))

    def _child(self, plan: LaunchPlan, process: LoadedProcess) -> Child:
        token_bytes = plan.token_bytes
        return Child(
            stamp=stamp(launch_params(plan), process.build),
            weights=str(plan.weights),
            num_slots=plan.num_slots,
            num_ctx=plan.num_ctx,
            token_bytes=token_bytes,
            memory_tokens=plan.cache_bytes // token_bytes if token_bytes else 0,
            # What a draft model holds is in no file.
            can_save=not plan.embedding and plan.draft is None,
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
        draft_num_predict=plan.draft_num_predict if plan.draft else 0,
        lookup=plan.lookup,
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
