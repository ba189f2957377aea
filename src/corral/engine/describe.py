"""What the engine was built for, asked of a child: native code stays out of this process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from corral.engine.launch import child_environment
from corral.errors import LoadError

_LIMIT_S = 20.0
_MISSING = ("error while loading shared libraries", "cannot open shared object file")
_LIBRARIES = "on Debian: apt-get install libgomp1 libstdc++6"
_OTHER_BUILD = "this processor may lack AVX2, which it needs: set CORRAL_LLAMA_SERVER to another build"


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """Version, the features of the processor that it uses, and the accelerators that it sees."""

    version: str
    features: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def describe(llama_server: Path | None = None) -> EngineBuild:
    """The packaged engine, or a native server, which tells only its version. Raises LoadError."""
    if llama_server is not None:
        text = _run([str(llama_server), "--version"])
        versions = [line for line in text.splitlines() if line.startswith("version")]
        return EngineBuild(f"llama-server {versions[0] if versions else text[:80]}")
    try:
        found = msgspec.json.decode(_run([sys.executable, "-m", "corral.engine.worker", "--describe"]))
    except msgspec.DecodeError as error:
        raise LoadError("the engine says nothing about itself") from error
    return EngineBuild(found["version"], _features(found["system"]), tuple(found["devices"]))


def _features(system: str) -> tuple[str, ...]:
    """`CPU : AVX2 = 1 | FMA = 1 | NEON = 0` as the names of what is on."""
    pairs = (part.rpartition(":")[2].split("=") for part in system.split("|") if "=" in part)
    return tuple(name.strip() for name, value in pairs if value.strip() == "1")


def _run(command: list[str]) -> str:
    """What it prints. Raises LoadError with the last line of its complaint."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=child_environment(), timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadError(str(error)) from error
    if done.returncode == 0:
        return done.stdout + done.stderr if "--version" in command else done.stdout
    if done.returncode < 0:
        raise LoadError(f"it was ended by signal {-done.returncode}", hint=_OTHER_BUILD)
    reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    raise LoadError(reason, hint=_LIBRARIES if any(text in reason for text in _MISSING) else None)
