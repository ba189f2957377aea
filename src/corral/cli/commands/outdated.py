"""`outdated`: which models have a newer version in their registry."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from corral.cli.client import Client
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table

_HEADER = ("NAME", "ID", "STATE")
_STATES = {
    "current": "up to date",
    "outdated": "newer version there",
    "local": "not in the registry",
    "unknown": "could not be asked",
}


def run(call: Invocation) -> None:
    models = compare(call.client(), call.args)
    if call.is_set("json"):
        print_json({"models": models})
        return
    print_table(_HEADER, [(model["name"], model["digest"][:12], _state(model)) for model in models])


def compare(client: Client, names: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What the server found out about these models, or about all."""
    query = urlencode([("model", name) for name in names])
    found: list[dict[str, Any]] = client.call("GET", f"/api/outdated?{query}")["models"]
    return found


def _state(model: dict[str, Any]) -> str:
    state = _STATES.get(model["state"], model["state"])
    return f"{state}: {model['problem']}" if model.get("problem") else state
