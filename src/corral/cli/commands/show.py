"""`show`: what a model is made of. Source: cli.md section 15."""

from __future__ import annotations

import sys

from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.sections import model_sections

_PARTS = ("license", "modelfile", "parameters", "system", "template")
_WITH_NEWLINE = ("license", "modelfile", "parameters")


def run(call: Invocation) -> None:
    parts = [part for part in _PARTS if call.is_set(part)]
    if len(parts) > 1:
        *most, last = (f"'--{part}'" for part in _PARTS)
        raise CommandError(f"only one of {', '.join(most)}, or {last} can be specified")
    verbose = call.is_set("verbose")
    shown = call.client().call("POST", "/api/show", {"model": call.args[0], "verbose": verbose})
    if "image" in (shown.get("capabilities") or ()):
        raise CommandError("image generation models are not currently supported")
    if parts:
        end = "\n" if parts[0] in _WITH_NEWLINE else ""
        sys.stdout.write(str(shown.get(parts[0], "")) + end)
    elif call.is_set("json"):
        print_json(shown)
    else:
        sys.stdout.write(model_sections(shown, verbose=verbose))
