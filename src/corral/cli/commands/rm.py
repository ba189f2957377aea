"""`rm`: remove models. Source: cli.md section 14."""

from __future__ import annotations

import sys

from corral.cli.commands.stop import unload
from corral.cli.errors import ServerError
from corral.cli.invocation import Invocation


def run(call: Invocation) -> None:
    client = call.client()
    for name in call.args:
        try:
            unload(client, name)
        except ServerError as error:
            if error.status != 404:  # an unknown name is reported by the delete below
                print(f"Warning: unable to stop model '{name}'", file=sys.stderr)
        client.call("DELETE", "/api/delete", {"name": name})
        print(f"deleted '{name}'")
