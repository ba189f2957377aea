"""What may stand at the end of a command line: for the completion of shells. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from corral.cli.spec import COMMANDS, HELP, ROOT, Command, Flag, find_command

Candidate = tuple[str, str]  # a word, and its help, which may be empty
_NAMES_A_MODEL = ("MODEL", "SOURCE", "[PREFIX]")


def candidates(words: Sequence[str], models: Callable[[], Iterable[str]]) -> list[Candidate]:
    """Candidates for the last of `words`, which stand after the program; none where a file may follow.

    `models` is asked only where the name of a model may stand.
    """
    *before, word = words or [""]
    command = next((found for typed in before if (found := find_command(typed))), ROOT)
    return [
        (value, text) for value, text in _choices(command, before, word, models) if value.startswith(word)
    ]


def _choices(
    command: Command, before: Sequence[str], word: str, models: Callable[[], Iterable[str]]
) -> Iterator[Candidate]:
    flags = (*command.flags, Flag(HELP.name, "Show the help", short=HELP.short))
    if word.startswith("-"):
        yield from ((f"--{flag.name}", flag.help) for flag in flags)
    elif command is ROOT:
        typed_one = any(not typed.startswith("-") for typed in before)
        yield from () if typed_one else _commands()
    elif not before or not _needs_value(before[-1], flags):
        given = [typed for typed in before if not typed.startswith("-")][1:]
        yield from _arguments(command, given, models)


def _needs_value(typed: str, flags: Iterable[Flag]) -> bool:
    return any(
        typed in (f"--{flag.name}", f"-{flag.short}") for flag in flags if flag.value_when_bare is None
    )


def _arguments(
    command: Command, given: Sequence[str], models: Callable[[], Iterable[str]]
) -> Iterator[Candidate]:
    if command.actions:
        yield from command.actions if not given else ()
        if command.also_other and not given:
            yield from ((name, "") for name in models())
    elif command.name == "help":
        yield from _commands()
    elif command.usage.startswith(_NAMES_A_MODEL) and (not given or command.usage.endswith("...]")):
        yield from ((name, "") for name in models())


def _commands() -> Iterator[Candidate]:
    return ((command.name, command.summary) for command in COMMANDS if not command.hidden)
