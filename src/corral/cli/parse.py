"""Arguments in, a Parsed value or UsageError out. Rules and texts: cli.md section 2."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corral.cli.spec import COMMANDS, HELP, ROOT, Command, Flag, find_command
from corral.errors import InvalidInput

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)")
_MAX_INT = 2**63

Value = bool | int | float | str | tuple[str, ...]


class UsageError(InvalidInput):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was asked for. `flags` holds only those that were given, the last value of each.

    `extra` are the words after `--`, where the command passes them on to another program.
    """

    command: Command
    args: tuple[str, ...]
    flags: Mapping[str, Value]
    extra: tuple[str, ...] = ()


def parse(words: Sequence[str], program: str) -> Parsed:
    """Find the command, then its flags and arguments. Raises UsageError."""
    command, rest = _split_command(words)
    extra: list[str] = []
    if command.passes_on and "--" in rest:
        end = rest.index("--")
        rest, extra = rest[:end], rest[end + 1 :]
    flags: dict[str, Value] = {}
    args = tuple(_read_flags(rest, (*command.flags, HELP), flags))
    if command is ROOT and args:
        raise UsageError(unknown_command(args[0], program))
    if not flags.get("help") and not flags.get("version"):
        if not flags.get(command.instead):
            _check_count(command, len(args))
        _check_action(command, args, program)
    return Parsed(command, args, flags, tuple(extra))


def _split_command(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The first word that is no flag names the command; flags may stand on both sides of it."""
    for position, word in enumerate(words):
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            command = find_command(word)
            if command is not None:
                return command, [*words[:position], *words[position + 1 :]]
            break
    return ROOT, list(words)


def _read_flags(words: list[str], known: Iterable[Flag], flags: dict[str, Value]) -> list[str]:
    """Fill `flags`, return the words that are none."""
    long = {flag.name: flag for flag in known}
    short = {flag.short: flag for flag in long.values() if flag.short}
    args: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "--":
            return args + rest[::-1]
        if word.startswith("--"):
            _read_long(word, rest, long, flags)
        elif word.startswith("-") and word != "-":
            _read_short(word, rest, short, flags)
        else:
            args.append(word)
    return args


def _read_long(word: str, rest: list[str], known: Mapping[str, Flag], flags: dict[str, Value]) -> None:
    name, equals, value = word[2:].partition("=")
    if not name or name[0] == "-":
        raise UsageError(f"bad flag syntax: {word}")
    flag = known.get(name)
    if flag is None:
        raise UsageError(f"unknown flag: --{name}")
    if not equals:
        value = _value_without_equals(flag, rest, f"flag needs an argument: --{name}")
    _put(flags, flag, value)


def _read_short(word: str, rest: list[str], known: Mapping[str, Flag], flags: dict[str, Value]) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = known.get(letter)
        if flag is None:
            raise UsageError(f"unknown shorthand flag: {letter!r} in {word}")
        if letters.startswith("="):
            value, letters = letters[1:], ""
        elif letters and flag.value_when_bare is None:
            value, letters = letters, ""
        else:
            value = _value_without_equals(flag, rest, f"flag needs an argument: {letter!r} in {word}")
        _put(flags, flag, value)


def _put(flags: dict[str, Value], flag: Flag, text: str) -> None:
    """The last value counts, but for a list, which has all."""
    earlier = flags.get(flag.name, ())
    if flag.kind == "list" and isinstance(earlier, tuple):
        flags[flag.name] = (*earlier, text)
    else:
        flags[flag.name] = _convert(flag, text)


def _value_without_equals(flag: Flag, rest: list[str], message: str) -> str:
    if flag.value_when_bare is not None:
        return flag.value_when_bare
    if not rest:
        raise UsageError(message)
    return rest.pop()


def _convert(flag: Flag, text: str) -> Value:
    if flag.kind == "string":
        return text
    if flag.kind == "bool":
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        cause = f'strconv.ParseBool: parsing "{text}": invalid syntax'
    elif flag.kind == "float":
        number = _float(text)
        if number is not None:
            return number
        cause = f'strconv.ParseFloat: parsing "{text}": invalid syntax'
    else:
        if _INTEGER.fullmatch(text):
            whole = _integer(text)
            if -_MAX_INT <= whole < _MAX_INT:
                return whole
            cause = f'strconv.ParseInt: parsing "{text}": value out of range'
        else:
            cause = f'strconv.ParseInt: parsing "{text}": invalid syntax'
    raise UsageError(f'invalid argument "{text}" for "{flag.label}" flag: {cause}')


def _float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if re.fullmatch(r"[+-]?0[0-7]+", digits):  # a leading zero means octal, as in the reference
        return int(digits, 8)
    return int(digits, 0)


def _check_count(command: Command, count: int) -> None:
    if command.most is not None and count != command.most and command.least == command.most:
        raise UsageError(f"accepts {command.most} arg(s), received {count}")
    if count < command.least:
        raise UsageError(f"requires at least {command.least} arg(s), only received {count}")


def _check_action(command: Command, args: Sequence[str], program: str) -> None:
    names = [name for name, _ in command.actions]
    if names and args[0] not in names and not command.also_other:
        message = f'unknown action "{args[0]}" for "{program} {command.name}"'
        raise UsageError(message, hint=f"use one of: {', '.join(names)}")


def unknown_command(word: str, program: str) -> str:
    """The message for a word that is no command, with the commands that look like it."""
    near = [command.name for command in COMMANDS if not command.hidden and _resembles(word, command.name)]
    message = f'unknown command "{word}" for "{program}"'
    if near:
        message += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near)
    return message


def _resembles(word: str, name: str) -> bool:
    typed = word.lower()
    return name.startswith(typed) or _edit_distance(typed, name) <= 2


def _edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (letter != other))
    return row[-1]
