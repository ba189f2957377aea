"""`completion SHELL`: the script that teaches a shell our commands, and `__complete`, which it asks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corral.cli.completion import candidates
from corral.cli.invocation import Invocation
from corral.errors import CorralError

_SCRIPTS = Path(__file__).parents[1] / "shells"


def run(call: Invocation) -> None:
    if call.command == "completion":
        print((_SCRIPTS / f"corral.{call.args[0]}").read_text(encoding="utf-8"), end="")
        return
    for value, text in candidates(call.args, lambda: _model_names(call)):
        print(f"{value}\t{text}")


def _model_names(call: Invocation) -> Iterable[str]:
    """None where no server answers: a key that completes must not start one."""
    try:
        return [
            model["name"] for model in call.client(starts=False).call("GET", "/api/tags").get("models") or ()
        ]
    except CorralError:
        return []
