"""What is in order on this machine and what is not, with a fix for each finding.

In: the settings. Out: findings, one after the other. Called by `commands.doctor`. Each file looks at one
side: the `program` and its settings, the `server`, the `engine` and the `machine` it runs on, the `models` in
the store. Nothing is changed, and no other machine is asked anything but the server's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from corral.cli.doctor import engine, machine, models, program, server
from corral.cli.doctor.finding import Finding, Level
from corral.settings import Settings

__all__ = ["Finding", "Level", "examine"]


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, as soon as it is made; a check that fails itself is a finding too."""
    for look in (program.look, server.look, engine.look, machine.look, models.look):
        yield from look(settings)
