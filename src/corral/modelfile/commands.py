"""A Modelfile as values: its commands in order, and what they say together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from corral.errors import ModelfileError
from corral.modelfile.parameters import Parameters, read_parameters

_SEMVER = re.compile(
    r"v?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){0,2}"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One instruction: `name` in lower case, `args` its value without quotes, `line` from 1.

    `key` is the name of a parameter or the role of a message, else empty.
    """

    name: str
    args: str
    line: int = 0
    key: str = ""


@dataclass(frozen=True)
class Modelfile:
    """The commands of a Modelfile. Where an instruction that counts once is repeated, the last wins."""

    commands: tuple[Command, ...]

    @property
    def from_(self) -> str:
        """The base: a model name, or a path; see `froms` for several local files."""
        return self._last("from") or ""

    @property
    def froms(self) -> tuple[str, ...]:
        return self._all("from")

    @property
    def adapters(self) -> tuple[str, ...]:
        return self._all("adapter")

    @property
    def drafts(self) -> tuple[str, ...]:
        return self._all("draft")

    @property
    def template(self) -> str | None:
        return self._last("template")

    @property
    def system(self) -> str | None:
        return self._last("system")

    @property
    def renderer(self) -> str | None:
        return self._last("renderer")

    @property
    def parser(self) -> str | None:
        return self._last("parser")

    @property
    def licenses(self) -> tuple[str, ...]:
        return self._all("license")

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """Pairs of role and text."""
        return tuple((command.key, command.args) for command in self.commands if command.name == "message")

    @cached_property
    def parameters(self) -> Parameters:
        """Typed values and warnings. Raises InvalidOption: unknown name, or a value that does not fit."""
        return read_parameters((c.key, c.args) for c in self.commands if c.name == "parameter")

    @property
    def requires(self) -> str | None:
        """The lowest version of the server, without a leading `v`. Raises ModelfileError if it is none."""
        version = self._last("requires")
        if version is None:
            return None
        if not _SEMVER.fullmatch(version):
            raise ModelfileError("requires must be a valid semver (e.g. 0.14.0)")
        return version.removeprefix("v")

    def _all(self, name: str) -> tuple[str, ...]:
        return tuple(command.args for command in self.commands if command.name == name)

    def _last(self, name: str) -> str | None:
        return next(reversed(self._all(name)), None)
