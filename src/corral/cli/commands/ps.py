"""`ps`: the loaded models. Source: cli.md section 11."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.cli.times import parse_moment
from corral.core.units import human_bytes, human_time

_HEADER = ("NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL")


def run(call: Invocation) -> None:
    prefix = call.args[0] if call.args else ""
    # Programs also get what the table has no room for: why a model was loaded, its slots, its process.
    path = "/api/ps?verbose=1" if call.is_set("json") else "/api/ps"
    models = call.client().call("GET", path).get("models") or []
    models = [model for model in models if model["name"].startswith(prefix)]
    if call.is_set("json"):
        print_json({"models": models})
    else:
        now = time.time()
        print_table(_HEADER, [_row(model, now) for model in models])


def _row(model: Mapping[str, Any], now_s: float) -> tuple[str, ...]:
    return (
        model["name"],
        model["digest"][:12],
        human_bytes(model["size"]),
        processor(model["size"], model["size_vram"]),
        str(model.get("context_length", 0)),  # servers of 2024 do not tell
        _until(parse_moment(model["expires_at"]), now_s),
    )


def processor(size: int, on_gpu: int) -> str:
    """Where the bytes of a model are."""
    if on_gpu == 0:
        return "100% CPU"
    if on_gpu == size:
        return "100% GPU"
    if on_gpu > size or size == 0:
        return "Unknown"
    on_cpu = int((size - on_gpu) / size * 100 + 0.5)
    return f"{on_cpu}%/{100 - on_cpu}% CPU/GPU"


def _until(moment_s: float | None, now_s: float) -> str:
    if moment_s is not None and moment_s < now_s:
        return "Stopping..."
    return human_time(moment_s, now_s)
