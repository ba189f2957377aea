"""Work on weights files, as the server sees it: a child is started, watched and ended."""

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

from corral.convert.job import (
    Convert,
    ConvertAdapter,
    Failed,
    Finished,
    Job,
    Note,
    Progress,
    Quantize,
    Step,
)
from corral.engine import child_environment
from corral.errors import CorralError, CorruptData, CreateError, InvalidInput, StorageError, Unsupported

_LOG_LINES = 20
_ERRORS: Mapping[str, type[CorralError]] = {
    "storage": StorageError,
    "corrupt": CorruptData,
    "unsupported": Unsupported,
    "invalid": InvalidInput,
}
_STEP: msgspec.json.Decoder[Step] = msgspec.json.Decoder(Step)

Steps = AsyncGenerator[Progress | Note | Finished, None]


def quantize(
    source: Path, target: BinaryIO, file_type: str, *, imatrix: Path | None = None, num_threads: int = 0
) -> Steps:
    """Write the model in `source` to the open file `target` as a file of `file_type`, such as `Q4_K_M`.

    `imatrix` is a file that says which weights matter most, as llama.cpp's tool measures it. `num_threads` 0
    means one for each core. Yields steps, the last one Finished; the source file is not changed. Closing the
    generator, or cancelling, ends the child first; what `target` holds is then of no use.
    Raises CorruptData for a source that is broken, StorageError when the disk refuses, Unsupported when the
    engine lacks what it takes, InvalidInput when something is missing, CreateError when the child ends
    otherwise.
    """
    job = Quantize(str(source), file_type, _threads(num_threads), str(imatrix or ""))
    return _work(job, target, "quantization failed: ")


def convert(
    files: Mapping[str, Path], target: BinaryIO, file_type: str = "", *, num_threads: int = 0
) -> Steps:
    """Write the checkpoint in `files` (relative name to path) to `target` as a GGUF file.

    Without a `file_type` the weights keep the precision they have, 32 bits becoming 16. Else as `quantize`.
    """
    return _work(Convert(_texts(files), file_type, _threads(num_threads)), target)


def convert_adapter(files: Mapping[str, Path], base: Path, target: BinaryIO) -> Steps:
    """Write a LoRA adapter, as PEFT or MLX save one, to `target` as a GGUF file for the model `base`.

    `files` maps relative names to paths, among them `adapter_config.json`. Else as `quantize`.
    """
    return _work(ConvertAdapter(_texts(files), str(base)), target)


def _texts(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items()}


def _threads(wanted: int) -> int:
    return wanted or psutil.cpu_count(logical=False) or os.cpu_count() or 1


async def _work(job: Job, target: BinaryIO, prefix: str = "") -> Steps:
    child = await _spawn(target)
    try:
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(job) + b"\n")
        async for step in _steps(child, prefix):
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
        raise StorageError(f"error starting the converter: {error}") from error


async def _steps(child: asyncio.subprocess.Process, prefix: str) -> Steps:
    """What the child says, until it has finished. Raises what it failed with, behind `prefix`."""
    assert child.stderr is not None
    log: deque[str] = deque(maxlen=_LOG_LINES)
    while line := await child.stderr.readline():
        try:
            step = _STEP.decode(line)
        except msgspec.DecodeError:  # a line of the library's own log
            log.append(line.decode("utf-8", "replace").strip())
            continue
        if isinstance(step, Failed):
            raise _ERRORS[step.kind](prefix + step.message)
        yield step
        if isinstance(step, Finished):
            return
    code = await child.wait()
    raise CreateError(f"{prefix}exit status {code}: {' '.join(log)}".rstrip(": "))
