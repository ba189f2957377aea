"""What is compared: a bare engine child, Corral's server on a store of its own, and any server by its URL."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from bench.models import BenchModel
from bench.streams import Address
from corral import hardware
from corral.engine import LaunchParams, Process, start

NUM_SLOTS = 8
NUM_CTX = 1024  # of one slot, in tokens
_START_TIMEOUT_S = 60.0
_UNLOAD_TIMEOUT_S = 20.0
_POLL_S = 0.02
_OURS = ("CORRAL_", "OLLAMA_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Target:
    """Something that answers. `native`: in the engine's own dialect; `pid` 0: not on this machine."""

    name: str
    address: Address
    native: bool = False
    pid: int = 0


def launch_params(model: BenchModel) -> LaunchParams:
    """What Corral's server starts its child with under `server_environment`."""
    return LaunchParams(
        model=str(model.path), num_ctx=NUM_CTX, num_slots=NUM_SLOTS, num_threads=hardware.cores()
    )


def engine_target(process: Process) -> Target:
    return Target("engine", Address(process.address.removeprefix("unix://")), native=True, pid=process.pid)


@asynccontextmanager
async def bare_engine(model: BenchModel) -> AsyncIterator[Target]:
    """A child with `model` loaded, ended at the end."""
    async with started(launch_params(model)) as process:
        yield engine_target(process)


@asynccontextmanager
async def started(params: LaunchParams, openmp: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A child of these parameters, ended at the end; `openmp` as in `engine.start`."""
    process = await start(params, timeout_s=_START_TIMEOUT_S, openmp=openmp or {})
    try:
        yield process
    finally:
        await process.kill()


def server_environment(folder: Path, port: int) -> dict[str, str]:
    """Our environment without its settings; store, keys and home lie in `folder`.

    Without the wish to keep no bytecode, too: an installed program has its own.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {
        "HOME": str(folder),
        "CORRAL_HOST": f"127.0.0.1:{port}",
        "CORRAL_MODELS": str(folder / "models"),
        "CORRAL_NUM_PARALLEL": str(NUM_SLOTS),
        "CORRAL_CONTEXT_LENGTH": str(NUM_CTX),
        "CORRAL_KEEP_ALIVE": "-1",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }


@contextmanager
def corral_server(folder: Path, **settings: str) -> Iterator[tuple[Target, Mapping[str, str]]]:
    """`corral serve` on a free port, and the environment that its command line needs to find it.

    `settings` are variables that it gets besides, or in place of the usual ones.
    """
    port = _free_port()
    environment = server_environment(folder, port) | settings
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "corral.cli", "serve"], env=environment, stdout=log, stderr=log, cwd=folder
        )
        try:
            _wait_until_ready(port, child, folder / "server.log")
            yield Target("corral", Address(port=port), pid=child.pid), environment
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="corral-bench-") as name:
        yield Path(name)


def url_target(url: str) -> Target:
    """The server at `url`, with its process where it runs on this machine and may be seen."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    host, port = parts.hostname or "127.0.0.1", parts.port or 11434
    return Target("against", Address(host=host, port=port), pid=_listener(port) if _is_local(host) else 0)


def _is_local(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _listener(port: int) -> int:
    with contextlib.suppress(psutil.AccessDenied):
        for entry in psutil.net_connections("tcp"):
            if entry.status == psutil.CONN_LISTEN and entry.laddr and entry.laddr.port == port:
                return entry.pid or 0
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _START_TIMEOUT_S
    while child.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/api/version", timeout=5)
            return
        time.sleep(_POLL_S)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


class Admin:
    """Management of models on a server of the API: create, unload, delete."""

    def __init__(self, target: Target) -> None:
        url = f"http://{target.address.host}:{target.address.port}"
        self._http = httpx.Client(base_url=url, timeout=600, trust_env=False)

    def create(self, name: str, model: BenchModel, **more: str) -> None:
        """Upload the weights and create a model from them; `more` are further fields of the request."""
        with model.path.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
            if self._http.head(f"/api/blobs/{digest}").status_code != 200:
                file.seek(0)
                self._http.post(f"/api/blobs/{digest}", content=file).raise_for_status()
        body = {"model": name, "files": {model.path.name: digest}, "stream": False, **more}
        self._http.post("/api/create", json=body).raise_for_status()

    def delete(self, name: str) -> None:
        self._http.request("DELETE", "/api/delete", json={"model": name}).raise_for_status()

    async def unload(self, name: str) -> None:
        """Ask for it, and wait until the model is gone."""
        body = {"model": name, "keep_alive": 0, "stream": False}
        self._http.post("/api/generate", json=body).raise_for_status()
        limit = time.monotonic() + _UNLOAD_TIMEOUT_S
        while self.loaded(name) and time.monotonic() < limit:  # noqa: ASYNC110 - another process
            await asyncio.sleep(_POLL_S)

    def loaded(self, name: str) -> bool:
        models = self._http.get("/api/ps").raise_for_status().json()["models"]
        return any(model["name"].partition(":")[0] == name for model in models)

    def close(self) -> None:
        self._http.close()
