"""`POST /api/plan`: what loading a model would take, told without loading it. Our own addition to the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.api.replies import json_response
from corral.api.shapes import PlanIn
from corral.core.options import resolve_options
from corral.errors import InvalidInput
from corral.library import Library
from corral.scheduler import Preview, Scheduler
from corral.wire import decode_json, read_body


class PlanRoutes:
    """The endpoint that looks ahead."""

    def __init__(self, library: Library, scheduler: Scheduler) -> None:
        self._library = library
        self._scheduler = scheduler

    async def plan(self, request: Request) -> Response:
        body = decode_json(await read_body(request), PlanIn)
        if not body.model.strip():
            raise InvalidInput("model is required")
        model = await self._library.resolve(body.model)
        options = resolve_options(model.parameters, body.options)
        loaded = any(info.model.weights == model.weights for info in self._scheduler.loaded())
        return json_response(
            {"model": body.model, "loaded": loaded} | _shown(self._scheduler.preview(model, options))
        )


def _shown(preview: Preview) -> dict[str, Any]:
    network = preview.demand.model.network
    out: dict[str, Any] = {
        "fits": preview.plan is not None,
        "unloads_others": preview.unloads_others,
        "trained_num_ctx": network.context_length,
        "max_num_ctx": preview.max_ctx,
        "blocks": network.num_blocks,
        "blocks_on_devices": preview.blocks_on_devices,
        "reasons": list(preview.reasons),
        "places": list(_places(preview)),
    }
    if preview.error is not None:
        out |= {"error": preview.error.message, "hint": preview.error.hint or ""}
    if preview.plan is not None:
        plan, need = preview.plan, preview.plan.need
        names = ("weights", "extras", "context", "compute", "repack", "cache", "total")
        out |= {
            "num_ctx": plan.num_ctx,
            "slots": plan.num_slots,
            "threads": plan.num_threads,
            "batch": plan.num_batch,
            "memory": {name: getattr(need, name) for name in names},
        }
    return out


def _places(preview: Preview) -> Iterator[dict[str, Any]]:
    """Bytes of each memory: in all, free, and taken by this load; devices share their part evenly."""
    machine, plan = preview.machine, preview.plan
    on_devices = plan.device_bytes if plan is not None else 0
    total = plan.need.total if plan is not None else 0
    yield {
        "name": "system",
        "total": machine.memory_total,
        "free": machine.memory_free,
        "takes": total - on_devices,
    }
    for device in machine.devices:
        used = plan is not None and device.index in plan.devices
        takes = on_devices // len(plan.devices) if plan is not None and used else 0
        yield {"name": device.name, "total": device.total, "free": device.free, "takes": takes}
