"""What a command gets: its arguments, its flags, the settings, and a client on first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corral.cli.client import PATIENCE_S, SHORT_PATIENCE_S, Client
from corral.cli.parse import Value
from corral.settings import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a command; `program` is the name that the user called us by."""

    program: str
    command: str
    args: tuple[str, ...]
    flags: Mapping[str, Value]
    settings: Settings
    extra: tuple[str, ...] = ()

    def is_set(self, flag: str) -> bool:
        """Whether a boolean flag is on."""
        return bool(self.flags.get(flag))

    def text(self, flag: str) -> str:
        """The value of a text flag; empty when it was not given."""
        return str(self.flags.get(flag, ""))

    def texts(self, flag: str) -> tuple[str, ...]:
        """The values of a flag that may be given several times."""
        found = self.flags.get(flag, ())
        assert isinstance(found, tuple)
        return found

    def number(self, flag: str) -> int:
        found = self.flags.get(flag, 0)
        assert isinstance(found, int)
        return found

    def client(self, *, starts: bool = True) -> Client:
        """A client, which starts the server when none answers at an address of this machine."""
        settings = self.settings
        return Client(
            settings.address,
            program=self.program,
            api_key=settings.api_key,
            when_refused=(lambda: _start(settings, self.program)) if starts else None,
            patience_s=PATIENCE_S if starts else SHORT_PATIENCE_S,
        )


def _start(settings: Settings, program: str) -> bool:
    from corral.cli.start import start_in_background  # rarely needed, and subprocess takes its time

    return start_in_background(settings, program)
