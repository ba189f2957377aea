"""Building an engine: source, configuration, compiler. What was interrupted is gone on with."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from corral import hardware
from corral.engine import EngineBuild
from corral.errors import BuildError, StorageError
from corral.native.shelf import PROGRAM, Engine, Shelf
from corral.native.source import Source, check_digest, download, unpack
from corral.native.target import Need, Target, missing, options, search_path

_MEMORY_PER_JOB = 1_200_000_000  # bytes that a compiler takes for the largest files
_NICENESS = "10"
# "[12/206] Building CXX object ..." of ninja, "[ 12%] Building CXX object ..." of make.
_NINJA, _MAKE = re.compile(rb"^\[(\d+)/(\d+)\]"), re.compile(rb"^\[ *(\d+)%\]")
_COMPLAINT = re.compile(
    r"\berror\b|Error:|CMake Error|FAILED|undefined reference|Could NOT find", re.IGNORECASE
)
_COMPILER = re.compile(r"The CXX compiler identification is (.+)")
_SHOWN_LINES = 6


@dataclass(frozen=True, slots=True)
class Stage:
    """What is being done, and how far it is: `done` of `total` in bytes or steps; both 0: nobody knows."""

    text: str
    done: int = 0
    total: int = 0
    in_bytes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One build. `archive` is a source package that the user has; None: it is downloaded from `index`."""

    target: Target
    source: Source
    index: str
    home: Path
    archive: Path | None = None
    jobs: int = 0

    @property
    def name(self) -> str:
        return f"{self.target}-{self.source.version}"

    @property
    def work(self) -> Path:
        """Where it is built; kept after a failure, so that the next attempt goes on there."""
        return Shelf(self.home).folder / f".work-{self.source.sha256[:12]}"

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"engine-{self.name}.log"


def build(plan: Plan) -> Iterator[Stage]:
    """Build the program; at the end it is at `built_program(plan)`, not checked and not yet on the shelf.

    Raises BuildError with what is missing or what the compiler said, and the errors of `download`.
    """
    needs = missing(plan.target)
    if needs:
        what = ", ".join(need.what for need in needs)
        raise BuildError(
            f"to build for {plan.target}, this is missing: {what}", hint=_hint(plan.target, needs)
        )
    _make_folders(plan)
    with _only_one(plan), plan.log.open("wb") as log:
        yield from _get_source(plan)
        yield Stage("configuring")
        _configure(plan, log)
        yield from _compile(plan, log)


def built_program(plan: Plan) -> Path:
    return _build_folder(plan) / "bin" / PROGRAM


def describe_build(plan: Plan, seconds: float, found: EngineBuild) -> Engine:
    """The record of a program that has passed its checks, and says `found` of itself."""
    compiler = _COMPILER.search(plan.log.read_text(encoding="utf-8", errors="replace"))
    return Engine(
        name=plan.name,
        target=plan.target,
        source=f"{plan.source.package} {plan.source.version}",
        version=found.version,
        compiler=compiler[1].strip() if compiler else "",
        options=tuple(options(plan.target)),
        features=found.features,
        devices=found.devices,
        cpu=tuple(sorted(hardware.cpu_features())),
        built_at=time.time(),
        seconds=round(seconds, 1),
    )


def clean(plan: Plan) -> None:
    """Remove the source and what was compiled, a gigabyte or more."""
    shutil.rmtree(plan.work, ignore_errors=True)


def _hint(target: Target, needs: Iterable[Need]) -> str:
    gets = "; ".join(need.get for need in needs)
    return gets if target is Target.CPU else f"{gets}; or build for the processor alone with --cpu"


def _make_folders(plan: Plan) -> None:
    try:
        for folder in (plan.work, plan.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{error.filename} cannot be made: {error.strerror}") from error


@contextlib.contextmanager
def _only_one(plan: Plan) -> Iterator[None]:
    """Two builds in one folder would spoil each other. The lock ends with the process, however it ends."""
    with (plan.work / "lock").open("wb") as lock:
        if sys.platform != "win32":
            import fcntl  # exists on POSIX alone

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BuildError(f"another build is running in {plan.work}") from error
        yield


def _get_source(plan: Plan) -> Iterator[Stage]:
    if _tree(plan).exists():
        return
    archive = plan.work / plan.source.file
    if plan.archive is not None:
        _take_over(plan.archive, archive)
        check_digest(archive, plan.source)
    else:
        for done, total in download(plan.source, plan.index, archive):
            yield Stage(f"downloading {plan.source.file}", done, total, in_bytes=True)
    yield Stage("unpacking")
    unpack(archive, plan.source, _tree(plan))
    archive.unlink()


def _take_over(given: Path, archive: Path) -> None:
    try:
        shutil.copyfile(given, archive)
    except OSError as error:
        raise StorageError(f"{given} cannot be read: {error.strerror}") from error


def _tree(plan: Plan) -> Path:
    return plan.work / "source"


def _build_folder(plan: Plan) -> Path:
    return plan.work / f"build-{plan.target}"


def _configure(plan: Plan, log: IO[bytes]) -> None:
    words = ["cmake", "-S", str(_tree(plan)), "-B", str(_build_folder(plan)), *options(plan.target)]
    if shutil.which("ninja", path=search_path()) and not (_build_folder(plan) / "CMakeCache.txt").exists():
        words += ["-G", "Ninja"]
    for _ in _run(words, plan, log):
        pass


def _compile(plan: Plan, log: IO[bytes]) -> Iterator[Stage]:
    jobs = plan.jobs or _num_jobs()
    words = ["cmake", "--build", str(_build_folder(plan)), "--target", PROGRAM, "--parallel", str(jobs)]
    yield Stage("compiling")
    for line in _run(words, plan, log):
        if found := _NINJA.match(line):
            yield Stage("compiling", int(found[1]), int(found[2]))
        elif found := _MAKE.match(line):
            yield Stage("compiling", int(found[1]), 100)


def _num_jobs() -> int:
    return max(1, min(os.cpu_count() or 1, hardware.memory().available // _MEMORY_PER_JOB))


def _run(words: list[str], plan: Plan, log: IO[bytes]) -> Iterator[bytes]:
    """The lines that a program prints, each also in the log. Raises BuildError where it fails.

    Leaving early ends it: a compiler must not go on behind the back of whoever pressed Ctrl-C.
    """
    # The guard becomes the program, and dies with us.
    guarded = [sys.executable, "-m", "corral.engine.guard", *_gently(words)]
    env = {**os.environ, "PATH": search_path()}
    log.write(f"$ {' '.join(words)}\n".encode())
    child = subprocess.Popen(
        guarded, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            log.write(line)
            log.flush()
            yield line
        status = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
        child.stdout.close()
        log.flush()
    if status:
        raise BuildError(_complaint(plan), hint=f"the whole log: {plan.log}")


def _gently(words: list[str]) -> list[str]:
    """Models that are in use meanwhile come first. The guard has no search path: programs are named whole."""
    program = shutil.which(words[0], path=search_path()) or words[0]
    nice = shutil.which("nice")
    return [nice, "-n", _NICENESS, program, *words[1:]] if nice else [program, *words[1:]]


def _complaint(plan: Plan) -> str:
    """The first lines of the log that look like the cause, else its last ones."""
    lines = plan.log.read_text(encoding="utf-8", errors="replace").splitlines()
    faults = [line.strip() for line in lines if _COMPLAINT.search(line) and not line.startswith("$ ")]
    shown = faults[:_SHOWN_LINES] or [line.strip() for line in lines[-_SHOWN_LINES:]]
    return "the build failed:\n  " + "\n  ".join(shown)
