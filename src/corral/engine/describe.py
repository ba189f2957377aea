"""What the engine was built for, asked of a child: native code stays out of this process."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from corral.engine.launch import child_environment
from corral.engine.log import system_features
from corral.errors import LoadError

_LIMIT_S = 20.0
_MISSING = ("error while loading shared libraries", "cannot open shared object file")
_LIBRARIES = "on Debian: apt-get install libgomp1 libstdc++6"
_DEVICE = re.compile(r"  (\w+): (.+?) \(\d+ MiB")
_OTHER_BUILD = "this processor may lack AVX2, which it needs: set CORRAL_LLAMA_SERVER to another build"


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """Version, the features of the processor that it uses, and the accelerators that it sees."""

    version: str
    features: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def describe(llama_server: Path | None = None) -> EngineBuild:
    """The packaged engine, or a native server, which tells its features while it loads. Raises LoadError."""
    if llama_server is not None:
        text = run_engine(llama_server, "--version")
        versions = [line for line in text.splitlines() if line.startswith("version")]
        devices = _devices(run_engine(llama_server, "--list-devices"))
        return EngineBuild(f"llama-server {versions[0] if versions else text[:80]}", (), devices)
    try:
        found = msgspec.json.decode(_run([sys.executable, "-m", "corral.engine.worker", "--describe"]))
    except msgspec.DecodeError as error:
        raise LoadError("the engine says nothing about itself") from error
    return EngineBuild(found["version"], system_features(found["system"]), tuple(found["devices"]))


def run_engine(llama_server: Path, flag: str) -> str:
    """What a native server prints for a flag that only tells something. Raises LoadError."""
    return _run([str(llama_server), flag])


def _devices(text: str) -> tuple[str, ...]:
    """`  CUDA0: NVIDIA H100 (81079 MiB, 80500 MiB free)` below a heading; processors are none."""
    found = (_DEVICE.match(line) for line in text.splitlines())
    return tuple(f"{line[1]} ({line[2]})" for line in found if line and not line[1].startswith("CPU"))


def _run(command: list[str]) -> str:
    """What it prints. Raises LoadError with the last line of its complaint."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=child_environment(), timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadError(str(error)) from error
    if done.returncode == 0:
        return done.stdout if "--describe" in command else done.stdout + done.stderr
    if done.returncode < 0:
        raise LoadError(f"it was ended by signal {-done.returncode}", hint=_OTHER_BUILD)
    reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    raise LoadError(reason, hint=_LIBRARIES if any(text in reason for text in _MISSING) else None)
