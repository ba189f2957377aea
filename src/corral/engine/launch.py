"""Starting a child, watching it, ending it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
import psutil

from corral.engine.build import build_of
from corral.engine.client import Client
from corral.engine.log import EngineLog
from corral.engine.oom import SAID, num_oom_kills
from corral.engine.params import LaunchParams, native_arguments
from corral.errors import CorralError, LoadError, NotEnoughMemory, RunnerTimeout, UnknownArchitecture

# What a child may see of our environment: no secrets, no settings of other programs.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_KEPT_PREFIXES = ("CUDA_", "HIP_", "ROCR_", "HSA_", "GGML_", "GPU_", "NVIDIA_", "VK_", "LLAMA_ARG_FIT")
# How long the engine's threads spin at libgomp's barriers before they sleep: docs/performance.md, threads.
OPENMP: Mapping[str, str] = {"GOMP_SPINCOUNT": "1000"}
# The kernel takes 108 bytes for the path of a Unix socket, macOS 104.
_MAX_FOLDER_PATH = 80
_POLL_S = 0.02
# Source: http-api.md 14.3, health.
_PING_S = 10.0
_STATE = b"cmd_child_to_router:state:"
_UNKNOWN = "unknown model architecture"


class Process:
    """A child with its model loaded. `exited` is done once it has ended, for whatever reason.

    `build` tells its engine from others.
    """

    def __init__(self, child: asyncio.subprocess.Process, folder: Path, address: str, build: str) -> None:
        self._child = child
        self._folder = folder
        self.log = EngineLog()
        self.client = Client(address)
        self.address = address
        self.build = build
        self.load_s = 0.0
        self._oom_kills = num_oom_kills()
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.ensure_future(self._read_stderr()), asyncio.ensure_future(self._watch())]

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    @property
    def returncode(self) -> int | None:
        return self._child.returncode

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the child has ended for lack of memory, of the machine or of a device."""
        if self.alive:
            return False
        killed = self.returncode == -signal.SIGKILL and num_oom_kills() > self._oom_kills
        return killed or SAID.search(self.stderr_tail()) is not None

    def stderr_tail(self) -> str:
        return self.log.tail()

    def memory_bytes(self) -> int:
        """What the child occupies now; 0 once it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def device_bytes(self) -> int:
        """What the engine said to have allocated on devices while loading; 0 without any."""
        return self.log.device_bytes()

    @property
    def features(self) -> tuple[str, ...]:
        """What of the processor it uses, as a native server says while it loads."""
        return self.log.features

    async def answers(self) -> bool:
        """Whether the child says something when it is asked: one that is stuck does not."""
        return await self.client.healthy(_PING_S)

    async def kill(self) -> None:
        """End the child now and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await asyncio.wait(self._tasks)

    async def _read_stderr(self) -> None:
        assert self._child.stderr is not None
        while data := await self._child.stderr.read(1 << 16):
            self.log.feed(data)

    async def _watch(self) -> None:
        await self._child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        if not self.exited.done():
            self.exited.set_result(None)


async def start(
    params: LaunchParams,
    *,
    timeout_s: float,
    on_progress: Callable[[float], None] | None = None,
    llama_server: Path | None = None,
    openmp: Mapping[str, str] = MappingProxyType({}),
) -> Process:
    """Start a child and wait until its model is loaded.

    `timeout_s` bounds the time without progress; `on_progress` hears fractions from 0 to 1 where the engine
    tells them. `llama_server` is a native server to use instead of the packaged engine; `openmp` replaces
    what the child's environment tells OpenMP. Cancelling ends the child first. Raises LoadError with the
    engine's reason, NotEnoughMemory, RunnerTimeout.
    """
    params = params.clamped()
    folder = make_folder()
    socket = folder / "engine.sock"
    began = time.monotonic()
    try:
        child = await _spawn(params, socket, llama_server, openmp)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LoadError(f"error starting llama-server: {error}") from error
    except BaseException:  # cancelled: asyncio has ended the child
        shutil.rmtree(folder, ignore_errors=True)
        raise
    process = Process(child, folder, f"unix://{socket}", build_of(llama_server))
    try:
        await _send_start(child, params, socket, native=llama_server is not None)
        await _ready(process, child, timeout_s, on_progress, native=llama_server is not None)
    except BaseException:
        await process.kill()
        raise
    process.log.loaded()
    process.load_s = time.monotonic() - began
    return process


def make_folder() -> Path:
    """For the socket, with a short path and mode 0700: nobody else may speak to the child."""
    return Path(tempfile.mkdtemp(prefix=f"corral-{os.getpid()}-", dir=_folder_root()))


def sweep_folders() -> None:
    """Remove what servers left behind that were killed: folders of processes that are gone."""
    for folder in Path(_folder_root()).glob("corral-*-*"):
        owner = folder.name.split("-")[1]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _folder_root() -> str:
    root = tempfile.gettempdir()
    return root if len(root) < _MAX_FOLDER_PATH else "/tmp"


async def _spawn(
    params: LaunchParams, socket: Path, llama_server: Path | None, openmp: Mapping[str, str]
) -> asyncio.subprocess.Process:
    words = [sys.executable, "-m", "corral.engine.worker"]
    if llama_server is not None:
        words = [
            sys.executable,
            "-m",
            "corral.engine.guard",
            str(llama_server),
            *native_arguments(params, socket),
        ]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *words,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env={**child_environment(), **openmp},
        cwd=socket.parent,
        # Ctrl-C in our terminal is ours to handle: answers in flight would end as crashes.
        start_new_session=True,
    )


def child_environment() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    # The child must find this very package, however it was put on our path.
    kept["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    # Progress on stdout, and an end at the end of stdin, from the engine's own code.
    # A native server reads settings here that older builds do not know as arguments.
    settings = {"LLAMA_SERVER_ROUTER_PORT": "1", "LLAMA_ARG_CACHE_IDLE_SLOTS": "off"}
    return {**kept, **OPENMP, **settings}


async def _send_start(
    child: asyncio.subprocess.Process, params: LaunchParams, socket: Path, *, native: bool
) -> None:
    assert child.stdin is not None
    if native:
        return
    child.stdin.write(msgspec.json.encode({"params": params, "socket": str(socket)}) + b"\n")
    with contextlib.suppress(ConnectionError):  # an early end is reported by whoever waits for it
        await child.stdin.drain()


async def _ready(
    process: Process,
    child: asyncio.subprocess.Process,
    timeout_s: float,
    on_progress: Callable[[float], None] | None,
    *,
    native: bool,
) -> None:
    """Wait for the child's word, or for a native server's /health."""
    assert child.stdout is not None
    polling = asyncio.ensure_future(_poll_health(process)) if native else None
    limit = timeout_s if timeout_s != float("inf") else None
    try:
        while True:
            reading = asyncio.ensure_future(child.stdout.readline())
            waiting = {reading, polling} if polling else {reading}
            done, _ = await asyncio.wait(waiting, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if polling is not None and polling in done:
                reading.cancel()
                break
            if reading not in done:
                reading.cancel()
                last = process.stderr_tail().rpartition("\n")[2]
                raise RunnerTimeout(f"timed out waiting for llama-server to start - {last}")
            if await _heard(process, reading.result(), on_progress):
                break
    finally:
        if polling is not None:
            polling.cancel()
    process._tasks.append(asyncio.ensure_future(_drain(child.stdout)))


async def _heard(process: Process, line: bytes, on_progress: Callable[[float], None] | None) -> bool:
    """Whether a line of the child says that it is ready. Raises LoadError when it says the contrary."""
    if not line or line.startswith(b"failed "):
        raise await _load_error(process, line.removeprefix(b"failed ").decode("utf-8", "replace").strip())
    if _STATE in line:
        _report(line.partition(_STATE)[2], on_progress)
    return line.startswith(b"ready ")


def _report(state: bytes, on_progress: Callable[[float], None] | None) -> None:
    try:
        payload = msgspec.json.decode(state).get("payload") or {}
        value = float(payload.get("value", 0.0))
    except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
        return
    if on_progress is not None:
        on_progress(min(max(value, 0.0), 1.0))


async def _poll_health(process: Process) -> None:
    while not (process.alive and await process.client.healthy(1.0)):  # noqa: ASYNC110 - another process
        await asyncio.sleep(_POLL_S)


async def _drain(stream: asyncio.StreamReader) -> None:
    """What a child prints later is not wanted, but must be read, or it would block."""
    while await stream.read(1 << 16):
        pass


async def _load_error(process: Process, said: str) -> CorralError:
    """The error of a child that could not load, with the engine's own reason from its log."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.shield(process.exited)
            await asyncio.wait(process._tasks[:1])
    reason = process.log.reason()
    code = process.returncode
    if reason and (code is None or code >= 0):
        return UnknownArchitecture(reason) if reason.startswith(_UNKNOWN) else LoadError(reason)
    if said and not said.startswith("Failed to init server"):
        return LoadError(said)
    if code == -signal.SIGKILL:  # not sent by us: that is how the kernel ends what takes too much memory
        message = f"llama-server reported out-of-memory during startup: {reason or said}"
        return NotEnoughMemory(message.rstrip(": "), hint="use a smaller context window or a smaller model")
    exit_text = (
        f"signal: {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"
    )
    return LoadError(f"llama-server process has terminated: {exit_text}: {reason or said}".rstrip(": "))
