"""Bringing up a server in the background when a command finds none.

Only on this machine, and not on the ports of system services (below 1024): whoever points us at one of
those means a server that somebody else looks after.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from corral.cli.connect import client_host, connect, is_local
from corral.cli.errors import NoServer
from corral.settings import Address, Settings

_POLL_S = 0.05
_LIMIT_S = 10.0
_FIRST_FREE_PORT = 1024
_WINDOWS_FLAGS = 0x208  # no window, and a process group of its own
_SECRETS = ("CORRAL_API_KEY", "OLLAMA_API_KEY")


def start_in_background(settings: Settings, program: str) -> bool:
    """Start `serve` and wait until it answers; False where that is not ours to do. Raises NoServer."""
    address = settings.address
    local = is_local(client_host(address.host))
    if not local or address.scheme != "http" or address.port < _FIRST_FREE_PORT:
        return False
    log = settings.log_file
    print(f"starting the {program} server in the background (log: {_shown(log)})", file=sys.stderr)
    sys.stderr.flush()
    _wait(_spawn(log), address, program, log)
    return True


def answers(address: Address) -> bool:
    """Whether a server answers HEAD / at the address."""
    try:
        connection, target = connect(address, f"{address.path}/")
    except OSError:
        return False
    try:
        connection.request("HEAD", target, None, {"Connection": "close"})
        return connection.answer("HEAD").status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _spawn(log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    # A session of its own: Ctrl-C in this terminal, or its closing, must not reach the server.
    flags = _WINDOWS_FLAGS if sys.platform == "win32" else 0
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "corral.cli", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=Path.home(),
            start_new_session=True,
            creationflags=flags,
        )


def _wait(child: subprocess.Popen[bytes], address: Address, program: str, log: Path) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not answers(address):
        if child.poll() is not None or time.monotonic() > deadline:
            if answers(address):  # another process was faster, and ours gave way to it
                break
            what = "it ended at once" if child.poll() is not None else f"no answer within {_LIMIT_S:.0f} s"
            raise NoServer(
                f"could not start the {program} server in the background: {what}",
                hint=f"see {_shown(log)}, or run '{program} serve' to watch it start",
            )
        time.sleep(_POLL_S)
    # The server outlives us on purpose; without this, Python warns of a child left running.
    child.returncode = 0


def _shown(path: Path) -> str:
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except ValueError:
        return str(path)
