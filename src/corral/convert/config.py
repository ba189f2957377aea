"""The JSON that describes a checkpoint (`config.json` and its kin), asked for typed values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from corral.errors import CorruptData


def decode(data: bytes, label: str) -> dict[str, Any]:
    """An object of JSON; `NaN` and infinities are read as 0. Raises CorruptData."""
    try:
        # Python's writers put words where JSON has no number; they mean that nothing useful is known.
        values = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: 0)
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"parse {label}: {error}") from error
    if not isinstance(values, dict):
        raise CorruptData(f"parse {label}: not an object")
    return values


class Config:
    """Typed look-ups: the first of several names that is there and not null, else the default.

    Every method raises CorruptData for a value of another type, and for one that is missing without a
    default.
    """

    def __init__(self, values: Mapping[str, Any], label: str = "config.json") -> None:
        self.values = values
        self._label = label

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def whole(self, *names: str, default: int | None = None) -> int:
        value = self._find(names, default)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise self._wrong(names, "a whole number")
        return value

    def count(self, *names: str, default: int | None = None) -> int:
        """A whole number above 0."""
        value = self.whole(*names, default=default)
        if value < 1:
            raise self._wrong(names, "above 0")
        return value

    def number(self, *names: str, default: float | None = None) -> float:
        value = self._find(names, default)
        if type(value) not in (int, float):
            raise self._wrong(names, "a number")
        return float(value)

    def flag(self, *names: str, default: bool | None = None) -> bool:
        value = self._find(names, default)
        if type(value) is not bool:
            raise self._wrong(names, "true or false")
        return value

    def text(self, *names: str, default: str | None = None) -> str:
        value = self._find(names, default)
        if type(value) is not str:
            raise self._wrong(names, "a text")
        return value

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is missing."""
        value = self._find((name,), [])
        if type(value) is not list:
            raise self._wrong((name,), "a list")
        return value

    def section(self, name: str) -> Config:
        """An object inside; an empty one when it is missing."""
        value = self._find((name,), {})
        if type(value) is not dict:
            raise self._wrong((name,), "an object")
        return Config(value, self._label)

    def over(self, defaults: Mapping[str, Any]) -> Config:
        """The same, with `defaults` where nothing is said."""
        said = {name: value for name, value in self.values.items() if value is not None}
        return Config({**defaults, **said}, self._label)

    def _find(self, names: tuple[str, ...], default: Any) -> Any:
        for name in names:
            if (value := self.values.get(name)) is not None:
                return value
        if default is None:
            raise CorruptData(f'{self._label} does not say "{names[0]}"')
        return default

    def _wrong(self, names: tuple[str, ...], wanted: str) -> CorruptData:
        return CorruptData(f'{self._label}: "{names[0]}" must be {wanted}')
