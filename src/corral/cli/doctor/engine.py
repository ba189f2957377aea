"""The engine: can it be loaded, what was it built for, and does that use this machine?"""

from __future__ import annotations

import os
from collections.abc import Iterator

from corral import hardware
from corral.cli.doctor.finding import Finding, ok, problem, warning
from corral.engine import EngineBuild, describe
from corral.errors import LoadError
from corral.native import PACKAGED, Choice, in_use
from corral.settings import Settings


def look(settings: Settings) -> Iterator[Finding]:
    choice = in_use(settings)
    native = choice.program
    if choice.fault:
        fix = "build it again: corral engine build; or: corral engine use packaged"
        yield problem("engine", f"{choice.fault}: the packaged one is used", fix)
    if native is not None and not os.access(native, os.X_OK):
        fix = "correct llama_server (CORRAL_LLAMA_SERVER), or unset it for the packaged engine"
        yield problem("engine", f"{native} is no program that can be run", fix)
        return
    try:
        build = describe(native)
    except LoadError as error:
        again = "install corral again: pip install --force-reinstall corral"
        fix = error.hint or (_other(choice) if native else again)
        yield problem("engine", f"it cannot be started: {error}", fix)
        return
    yield ok("engine", f"{build.version}" + (f" ({choice.name}: {native})" if native else ", packaged"))
    features = build.features or choice.features
    if features:
        yield ok("engine", f"built for {', '.join(features)}")
    yield from _devices(settings, build)


def _devices(settings: Settings, build: EngineBuild) -> Iterator[Finding]:
    for name in build.devices:
        yield ok("device", name)
    gpus = [gpu.name for gpu in hardware.gpus()]
    if gpus and not build.devices and settings.llama_server is None:
        fix = "corral engine build; or set CORRAL_LLAMA_SERVER to a llama-server that was built for it"
        yield warning("device", f"{', '.join(gpus)} is not used: the engine in use is for CPUs", fix)


def _other(choice: Choice) -> str:
    if choice.name == "llama_server":
        return f"correct CORRAL_LLAMA_SERVER: {choice.program}"
    return f"build it again, or use another: corral engine use {PACKAGED}"
