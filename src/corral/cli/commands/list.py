"""`list`: the models of the store, the newest first. Source: cli.md section 10."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from corral.cli.client import Client
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.cli.times import parse_moment
from corral.core.units import human_bytes, human_time

_HEADER = ("NAME", "ID", "SIZE", "MODIFIED")


def run(call: Invocation) -> None:
    prefix = call.args[0] if call.args else ""
    models = find_models(call.client(), prefix)
    if call.is_set("json"):
        print_json({"models": models})
    else:
        print_models(models)


def find_models(client: Client, prefix: str) -> list[dict[str, Any]]:
    """The models whose names begin with `prefix`, in any case."""
    found = client.call("GET", "/api/tags").get("models") or []
    return [model for model in found if model["name"].lower().startswith(prefix.lower())]


def print_models(models: list[dict[str, Any]]) -> None:
    now = time.time()
    print_table(_HEADER, [_row(model, now) for model in models])


def _row(model: Mapping[str, Any], now_s: float) -> tuple[str, ...]:
    return (
        model["name"],
        model["digest"][:12],
        "-" if model.get("remote_model") else human_bytes(model["size"]),
        human_time(parse_moment(model["modified_at"]), now_s),
    )
