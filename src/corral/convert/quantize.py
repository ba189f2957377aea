"""Quantizing a weights file, as the server sees it: a child is started, watched and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
import psutil

from corral.convert.job import Failed, Finished, Job, Progress, Step
from corral.engine import child_environment
from corral.errors import CorralError, CorruptData, CreateError, StorageError, Unsupported

_LOG_LINES = 20
_ERRORS: Mapping[str, type[CorralError]] = {
    "storage": StorageError,
    "corrupt": CorruptData,
    "unsupported": Unsupported,
}
_STEP: msgspec.json.Decoder[Step] = msgspec.json.Decoder(Step)


async def quantize(
    source: Path, target: BinaryIO, file_type: str, *, num_threads: int = 0
) -> AsyncGenerator[Progress | Finished, None]:
    """Write the model in `source` to the open file `target` as a file of `file_type`, such as `Q4_K_M`.

    Yields steps, the last one Finished; the source file is not changed. `num_threads` 0 means one for each
    core. Closing the generator, or cancelling, ends the child first; what `target` holds is then of no use.
    Raises CorruptData for a source that is broken, StorageError when the disk refuses, Unsupported when the
    engine lacks what it takes, CreateError when the child ends otherwise.
    """
    child = await _spawn(target)
    try:
        assert child.stdin is not None
        threads = num_threads or psutil.cpu_count(logical=False) or os.cpu_count() or 1
        child.stdin.write(msgspec.json.encode(Job(str(source), file_type, threads)) + b"\n")
        async for step in _steps(child):
            yield step
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())


async def _spawn(target: BinaryIO) -> asyncio.subprocess.Process:
    """Raises StorageError when no process can be started."""
    pipe = asyncio.subprocess.PIPE
    words = (sys.executable, "-m", "corral.convert.worker")
    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=target.fileno(), stderr=pipe, env=child_environment()
        )
    except OSError as error:
        raise StorageError(f"error starting the quantizer: {error}") from error


async def _steps(child: asyncio.subprocess.Process) -> AsyncGenerator[Progress | Finished, None]:
    """What the child says, until it has finished. Raises what it failed with."""
    assert child.stderr is not None
    log: deque[str] = deque(maxlen=_LOG_LINES)
    while line := await child.stderr.readline():
        try:
            step = _STEP.decode(line)
        except msgspec.DecodeError:  # a line of the library's own log
            log.append(line.decode("utf-8", "replace").strip())
            continue
        if isinstance(step, Failed):
            raise _ERRORS[step.kind](f"quantization failed: {step.message}")
        yield step
        if isinstance(step, Finished):
            return
    code = await child.wait()
    raise CreateError(f"quantization failed: exit status {code}: {' '.join(log)}".rstrip(": "))
