"""The description of our server for the service manager of this system, as text. Pure.

Sources: systemd.service(5), systemd.exec(5); launchd.plist(5).
"""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LABEL = "corral"


@dataclass(frozen=True, slots=True)
class Service:
    """What is run, with which variables, and where launchd writes what it prints."""

    command: Sequence[str]
    env: Mapping[str, str]
    log: Path


def systemd_unit(service: Service) -> bytes:
    """A unit of the user's own manager; what the server prints goes to the journal."""
    variables = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in sorted(service.env.items()))
    text = f"""\
[Unit]
Description=Corral: language models on this machine
After=network-online.target

[Service]
ExecStart={" ".join(_quoted(word) for word in service.command)}
{variables}Restart=on-failure
RestartSec=3
# Models in memory are ended by the server itself, which needs a moment for each.
TimeoutStopSec=30

[Install]
WantedBy=default.target
"""
    return text.encode()


def launchd_agent(service: Service) -> bytes:
    """A property list for ~/Library/LaunchAgents."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(service.command),
            "EnvironmentVariables": dict(service.env),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "StandardOutPath": str(service.log),
            "StandardErrorPath": str(service.log),
        }
    )


def _quoted(word: str) -> str:
    """One word of a unit file: percent signs and dollars would be replaced, quotes and backslashes end it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word or "=" in word else word
