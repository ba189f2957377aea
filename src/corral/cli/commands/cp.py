"""`cp`: give a model a second name. Source: cli.md section 13."""

from __future__ import annotations

from corral.cli.invocation import Invocation


def run(call: Invocation) -> None:
    source, destination = call.args
    call.client().call("POST", "/api/copy", {"source": source, "destination": destination})
    print(f"copied '{source}' to '{destination}'")
