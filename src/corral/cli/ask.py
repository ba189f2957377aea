"""Questions to a person at a terminal. They go to stderr: stdout is for what a command prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from corral.cli.errors import CommandError
from corral.cli.terminal import input_is_terminal, is_terminal


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return input_is_terminal() and is_terminal(sys.stderr)


def confirm(question: str) -> bool:
    """Yes or no; Enter alone means yes."""
    return _read(f"{question} [Y/n] ").strip().lower() in ("", "y", "yes")


def choose(question: str, choices: Sequence[str]) -> int:
    """The index of the choice whose number was typed; Enter alone means the first. Raises CommandError."""
    for number, choice in enumerate(choices, 1):
        print(f"  {number}) {choice}", file=sys.stderr)
    while True:
        typed = _read(f"{question} [1] ").strip() or "1"
        if typed.isdecimal() and 1 <= int(typed) <= len(choices):
            return int(typed) - 1
        print(f"Type a number from 1 to {len(choices)}.", file=sys.stderr)


def _read(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise CommandError("nothing was chosen")
    return line
