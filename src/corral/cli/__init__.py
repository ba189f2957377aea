"""The command line: `corral` (and `ollama`, for tutorials written with that word).

In: the words of the command line and the environment. Out: text on stdout and stderr, an exit status.
Called by the entry points of the package. It speaks to the server over HTTP like any other client; `serve`
alone imports the server. `spec` is the table of commands, `commands/` holds one file for each.

Nothing heavy is imported here: each command brings what it needs, so that `list` starts at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's) and return the exit status."""
    try:
        from corral.cli.errors import guard  # after the entry point exists: importing the room stays free
        from corral.cli.main import run_command
    except KeyboardInterrupt:  # so early that `guard` is not there yet
        return 130

    words = list(sys.argv if argv is None else argv)
    return guard(lambda: run_command(words))
