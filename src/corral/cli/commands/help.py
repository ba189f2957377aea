"""`help [COMMAND]`: the same text as `COMMAND --help`."""

from __future__ import annotations

import sys

from corral.cli.help import help_text, usage_text
from corral.cli.invocation import Invocation
from corral.cli.spec import ROOT, find_command


def run(call: Invocation) -> None:
    command = find_command(call.args[0]) if call.args else ROOT
    if command is None:
        topics = " ".join(f"`{word}`" for word in call.args)
        print(f"Unknown help topic [{topics}]", file=sys.stderr)
        print(usage_text(ROOT, call.program), end="", file=sys.stderr)
    else:
        print(help_text(command, call.program), end="")
