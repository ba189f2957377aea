"""The configuration file, `config.toml` in Corral's own folder: read whole, or refused with one clear error.

Imported only where there is such a file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from corral.errors import ConfigError

_HEADER = re.compile(r"\s*\[\[?(?P<path>.+?)\]\]?\s*(#.*)?$")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The values of a file as TOML has them, and the text to find their lines in."""

    path: Path
    values: Mapping[str, object]
    text: str

    def error(self, problem: str, *keys: str, hint: str | None = None) -> ConfigError:
        """The error about the value at `keys`, a table's name before its key."""
        return ConfigError(self.path, problem, line=self.line(*keys), hint=hint)

    def line(self, *keys: str) -> int | None:
        """The line, from 1, where the value or the table at `keys` begins."""
        return next((number for number, path in _paths(self.text) if path == keys), None)

    def check_keys(self, table: Mapping[str, object], known: Collection[str], *above: str) -> None:
        """Refuse keys of `table`, which stands at `above`, that nobody reads. Raises ConfigError."""
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else f"known keys: {', '.join(sorted(known))}"
                raise self.error(f'unknown key "{key}"', *above, key, hint=hint)


def read_config(path: Path) -> ConfigFile | None:
    """The file at `path`, None where there is none. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
        return ConfigFile(path, tomllib.loads(text), text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, "is not UTF-8 text", line=line) from error
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from error


def _syntax_error(path: Path, text: str, message: str) -> ConfigError:
    """`tomllib` ends its messages with the place: "(at line 3, column 8)" or "(at end of document)"."""
    problem, _, place = message.partition(" (at ")
    found = re.search(r"line (\d+)", place)
    line = int(found[1]) if found else text.count("\n") + 1
    # The error is found where a statement ends, which may be after its line break.
    key = next((keys[-1] for number, keys in _paths(text) if number == line and keys), None)
    about = f'"{key}": ' if key else ""
    problem = problem[:1].lower() + problem[1:]
    return ConfigError(path, about + problem, line=line, hint="values of text need quotes; see toml.io")


def _paths(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and key path of everything that looks like a header of a table or the start of a value."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            table = _keys(header["path"])
            yield number, table
        elif "=" in line:
            yield number, (*table, *_keys(line.partition("=")[0]))


def _keys(text: str) -> tuple[str, ...]:
    """The parts of a dotted key, without their quotes."""
    try:
        value: object = tomllib.loads(f"{text}=0")
    except tomllib.TOMLDecodeError:
        return (text.strip(),)
    keys = []
    while isinstance(value, dict):
        key, value = next(iter(value.items()))
        keys.append(key)
    return tuple(keys)
