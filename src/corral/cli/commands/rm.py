"""`rm`: remove models. Source: cli.md section 14."""

from __future__ import annotations

import sys

from corral.cli.client import Client
from corral.cli.commands.stop import unload
from corral.cli.errors import ServerError
from corral.cli.invocation import Invocation
from corral.core.units import human_bytes


def run(call: Invocation) -> None:
    client = call.client()
    for name in call.args:
        _remove(client, name)
    if call.is_set("prune"):
        prompts = call.is_set("prompts")
        freed = client.call("POST", "/api/prune?prompts=1" if prompts else "/api/prune")["freed"]
        more = " and of saved prompts" if prompts else ""
        print(f"removed {human_bytes(freed)} of old files that no model needs{more}")


def _remove(client: Client, name: str) -> None:
    try:
        unload(client, name)
    except ServerError as error:
        if error.status != 404:  # an unknown name is reported by the delete below
            print(f"Warning: unable to stop model '{name}'", file=sys.stderr)
    client.call("DELETE", "/api/delete", {"name": name})
    print(f"deleted '{name}'")
