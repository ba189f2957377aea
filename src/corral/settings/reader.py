"""Looking settings up: in the environment, then in the file, then the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from corral.settings import kinds
from corral.settings.address import Address
from corral.settings.kinds import Kind
from corral.settings.warn import warn

if TYPE_CHECKING:
    from corral.settings.file import ConfigFile

T = TypeVar("T")
D = TypeVar("D")

# How a value of the file is written in a variable, which is the form that both are read in.
_TEXT_OF: dict[type, Callable[[Any], str]] = {
    str: str.strip,
    int: str,
    bool: lambda on: "true" if on else "false",
    list: ",".join,
}


@dataclass(frozen=True, slots=True)
class Found:
    """Where a setting has its value from; `origin` is a variable, a place in the file, or `default`."""

    name: str
    value: object
    origin: str


def find_variable(env: Mapping[str, str], name: str) -> tuple[str, str]:
    """Name and value of the variable that gives the setting; both empty where none does."""
    for prefix in ("CORRAL_", "OLLAMA_"):
        value = env.get(prefix + name, "").strip().strip("\"'")
        if value:
            return prefix + name, value
    return "", ""


@dataclass(slots=True)
class Reader:
    """Looks settings up by name, and keeps what it `found` in that order."""

    env: Mapping[str, str]
    user: Path  # the home folder of the user
    home: Path  # the folder of Corral
    file: ConfigFile | None = None
    found: list[Found] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        return self._look(name, default, kinds.TEXT)

    def path(self, name: str) -> Path | None:
        return self._look(name, None, kinds.PATH)

    def address(self, name: str) -> Address:
        return self._look(name, Address(), kinds.ADDRESS)

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return self._look(name, default, kinds.WORDS) or default

    def flag(self, name: str) -> bool | None:
        return self._look(name, None, kinds.FLAG)

    def switch(self, name: str) -> bool:
        return self._look(name, False, kinds.FLAG)

    def number(self, name: str, default: int) -> int:
        return self._look(name, default, kinds.NUMBER)

    def size(self, name: str) -> int:
        return self._look(name, 0, kinds.SIZE)

    def seconds(self, name: str, default: float) -> float:
        return self._look(name, default, kinds.SECONDS)

    def limit(self, name: str, default: float) -> float:
        return self._look(name, default, kinds.LIMIT)

    def level(self, name: str) -> int:
        return self._look(name, 0, kinds.LEVEL)

    def table(self, name: str) -> Mapping[str, object]:
        """The table of that name in the file, empty where there is none; its reader checks what is in it."""
        given = {} if self.file is None else self.file.values.get(name, {})
        if not isinstance(given, dict):
            assert self.file is not None
            raise self.file.error(f'"{name}" must be a table: [{name}]', name)
        self.found += [Found(f"{name}.{key}", value, self._place(name, key)) for key, value in given.items()]
        self.tables.append(name)
        return given

    def check(self) -> None:
        """Refuse keys that nobody has looked up. Raises ConfigError."""
        if self.file is not None:
            known = {found.name for found in self.found} - {"home"} | set(self.tables)
            self.file.check_keys(self.file.values, known)

    def _look(self, name: str, default: D, kind: Kind[T]) -> T | D:
        """The value of one setting: of its variable, of the file, or `default`."""
        variable, text = find_variable(self.env, name)
        key = name.lower()
        value: T | D = default
        origin = "default"
        if variable:
            value, origin = self._from_variable(variable, text, default, kind), variable
        elif self.file is not None and key in self.file.values:
            value, origin = self._from_file(self.file, key, kind), self._place(key)
        self.found.append(Found(key, value, origin))
        return value

    def _from_variable(self, variable: str, text: str, default: D, kind: Kind[T]) -> T | D:
        try:
            return kind.read(text)
        except ValueError:
            if kind.lenient is not None:
                return kind.lenient(text)
            warn(f"invalid environment variable, using default: {variable}={text} default={default}")
            return default

    def _from_file(self, file: ConfigFile, key: str, kind: Kind[T]) -> T:
        given = file.values[key]
        try:
            if type(given) not in kind.types:
                raise ValueError(f"{key} is of another type")
            return kind.read(_TEXT_OF[type(given)](given))
        except (ValueError, TypeError) as error:  # TypeError: a list of other things than texts
            raise file.error(f'"{key}" must be {kind.wanted}', key) from error

    def _place(self, *keys: str) -> str:
        assert self.file is not None
        return f"{self.file.path.name}, line {self.file.line(*keys)}"
