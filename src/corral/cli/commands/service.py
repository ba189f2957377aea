"""`service install`: have the user's service manager start the server at login, and again after a crash."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.service import LABEL, Service, launchd_agent, systemd_unit
from corral.settings import explain_settings


def run(call: Invocation) -> int:
    manager = _launchd() if sys.platform == "darwin" else _systemd()
    text = manager.describe(_service(call))
    match call.args[0]:
        case "show":
            print(text.decode(), end="")
        case "install":
            manager.install(text)
        case "uninstall":
            manager.uninstall()
        case "status":
            _need(manager.status[0])
            return subprocess.run(manager.status, check=False).returncode
    return 0


def _service(call: Invocation) -> Service:
    """The server with the variables that are set here, less those that are for people at a prompt."""
    env = {
        setting.origin: os.environ[setting.origin]
        for setting in explain_settings()[1]
        if setting.origin in os.environ and setting.name not in ("api_key", "editor", "nohistory")
    }
    log = call.settings.home / "logs" / "server.log"
    return Service([sys.executable, "-m", "corral.cli", "serve"], env, log)


class _Manager:
    """One service manager: the file that it reads, and the commands that make it do so."""

    def __init__(
        self,
        path: Path,
        describe: Callable[[Service], bytes],
        *,
        load: Sequence[Sequence[str]],
        unload: Sequence[Sequence[str]],
        status: Sequence[str],
    ) -> None:
        self.path = path
        self.describe = describe
        self.load = load
        self.unload = unload
        self.status = status

    def install(self, text: bytes) -> None:
        """Write the file and load it; where that fails, the file goes again. Raises CommandError."""
        _need(self.load[0][0])
        before = self.path.read_bytes() if self.path.exists() else None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(text)
        print(f"wrote {self.path}")
        try:
            for command in self.load:
                _do(command)
        except CommandError:
            if before is None:
                self.path.unlink()
            else:
                self.path.write_bytes(before)
            raise
        print("the server now starts at login, and again after a crash")

    def uninstall(self) -> None:
        """Stop the service and remove its file. Raises CommandError."""
        if not self.path.exists():
            raise CommandError(f"no service is installed: {self.path} does not exist")
        _need(self.unload[0][0])
        for command in self.unload:
            _do(command)
        self.path.unlink()
        print(f"removed {self.path}")


def _systemd() -> _Manager:
    unit = f"{LABEL}.service"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    control = ("systemctl", "--user")
    return _Manager(
        config / "systemd" / "user" / unit,
        systemd_unit,
        load=((*control, "daemon-reload"), (*control, "enable", "--now", unit)),
        unload=((*control, "disable", "--now", unit),),
        status=(*control, "status", "--no-pager", unit),
    )


def _launchd() -> _Manager:
    path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    domain = f"gui/{os.getuid()}" if hasattr(os, "getuid") else "gui"
    return _Manager(
        path,
        launchd_agent,
        load=(("launchctl", "bootstrap", domain, str(path)),),
        unload=(("launchctl", "bootout", f"{domain}/{LABEL}"),),
        status=("launchctl", "print", f"{domain}/{LABEL}"),
    )


def _need(program: str) -> None:
    if shutil.which(program) is None:
        hint = "'service show' prints what a service manager needs to know"
        raise CommandError(f"{program} is not on this machine, so it cannot start services", hint=hint)


def _do(command: Sequence[str]) -> None:
    print(f"running {shlex.join(command)}", flush=True)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip() or f"status {done.returncode}"
        raise CommandError(f"{shlex.join(command)} failed: {reason}")
