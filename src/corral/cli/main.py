"""From the words of a command line to the command's function."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from corral.cli.help import help_text
from corral.cli.parse import Parsed, parse
from corral.cli.spec import ROOT

PROGRAMS = ("corral", "ollama")


def run_command(words: Sequence[str]) -> int:
    """`words[0]` is the program. Raises CorralError and OSError: `errors.guard` stands around this."""
    _open_streams()
    _speak_utf8()
    program = program_name(words[0] if words else "")
    parsed = parse(words[1:], program)
    if parsed.flags.get("help") or (parsed.command is ROOT and not parsed.flags.get("version")):
        print(help_text(parsed.command, program), end="")
        return 0
    return _dispatch(parsed, program)


def program_name(path: str) -> str:
    """What messages call us: the name of an entry point, `corral` for everything else."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".exe")
    return name if name in PROGRAMS else PROGRAMS[0]


def _dispatch(parsed: Parsed, program: str) -> int:
    # Not needed for help and for errors on the command line.
    from corral.cli.invocation import Invocation
    from corral.settings import read_settings

    name = "version" if parsed.command is ROOT else parsed.command.module
    module = importlib.import_module(f"corral.cli.commands.{name}")
    call = Invocation(
        program, parsed.command.name, parsed.args, parsed.flags, read_settings(), extra=parsed.extra
    )
    return int(module.run(call) or 0)


def _open_streams() -> None:
    """Whoever closed an output of ours (`>&-`) wants to see nothing of it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # to the end


def _speak_utf8() -> None:
    """Model names and answers are UTF-8, whatever the locale of the terminal says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="replace")
