"""The child of a job: started, listened to, asked to stop, ended."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from corral.engine import child_environment
from corral.errors import StorageError
from corral.tune.events import Event
from corral.tune.spec import Spec

WORKER = "corral.tune.worker"
# A report on the data is one line, with three rows as they are rendered.
_MAX_LINE = 64 << 20
_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
# Nothing is fetched: what a job needs is in its folder and in the store.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


class Child:
    """A worker that has its spec. It ends at the end of its stdin, so it never outlives us."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def events(self) -> AsyncIterator[Event]:
        """What the child says, until its end."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            with contextlib.suppress(msgspec.DecodeError):  # a library that prints
                yield _EVENT.decode(line)

    def stop(self) -> None:
        """Ask it to write a checkpoint and to end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> int:
        """End it now, if it has not ended; its exit status."""
        self.kill()
        return await self._process.wait()

    async def wait(self) -> int:
        return await self._process.wait()


async def start(spec: Spec, log: Path) -> Child:
    """A child that works on `spec`; what it prints on stderr goes to the end of `log`.

    Raises StorageError when no process can be started.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WORKER),
                stdin=pipe,
                stdout=pipe,
                stderr=errors,
                env=child_environment() | _OFFLINE,
                limit=_MAX_LINE,
                start_new_session=True,  # Ctrl-C at the server's terminal is for the server, which asks us
            )
    except OSError as error:
        raise StorageError(f"error starting the trainer: {error}") from error
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(spec) + b"\n")
    with contextlib.suppress(ConnectionError):  # an early end is reported by whoever listens
        await process.stdin.drain()
    return Child(process)
