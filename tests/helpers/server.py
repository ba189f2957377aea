"""A real server process on a free port, with a store and a home of its own."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

MODELS = Path(__file__).parents[1] / "parity" / "models"
SERVE = (sys.executable, "-m", "corral.cli", "serve")
_START_S = 30.0
_STOP_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: Callable[[], bool], *, timeout_s: float = 20.0, message: str = "") -> None:
    """Ask again and again until `what` holds. Raises AssertionError after the time limit."""
    deadline = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(message or f"{what} did not hold within {timeout_s} s")
        time.sleep(0.02)


class ServerProcess:
    """`corral serve`, started by `start` and ended by `stop`; its log is the file `log`."""

    def __init__(
        self, folder: Path, *, env: Mapping[str, str] | None = None, command: Sequence[str] = SERVE
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.models = folder / "models"
        self.log = folder / "server.log"
        self.headers: dict[str, str] = {}  # sent with every request
        self._command = command
        self.env = {
            **os.environ,
            "HOME": str(folder),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(self.models),
            "CORRAL_HOME": str(folder / "corral"),
            **(env or {}),
        }

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> ServerProcess:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        wait_until(self._answers, timeout_s=_START_S, message="the server does not answer")
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"the server ended at once:\n{self.log.read_text()}"
        try:
            return self.request("HEAD", "/")[0] == 200
        except OSError:
            return False

    def children(self) -> list[psutil.Process]:
        """The engine children that live now."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> int:
        """Ask the server to end; returns its exit status. Fails when it leaves a child behind."""
        children = self.children()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server does not end:\n{self.log.read_text()[-4000:]}") from None
        assert_gone(children)
        return status

    def kill(self) -> None:
        """SIGKILL; the children must notice by themselves."""
        self.process.kill()
        self.process.wait()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> tuple[int, bytes]:
        """Status and body of an answer; `body` is sent as it is when it is bytes, else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        with contextlib.closing(connection):
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, data, self.headers | dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def post(self, path: str, body: object, **options: Any) -> Any:
        """The decoded JSON of an answer that must be 200."""
        status, data = self.request("POST", path, body, **options)
        assert status == 200, (status, data)
        return json.loads(data)

    @contextlib.contextmanager
    def stream(self, path: str, body: object) -> Iterator[http.client.HTTPResponse]:
        """An answer whose body is still to be read; leaving the block closes the connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body).encode(), self.headers)
            with connection.getresponse() as answer:
                yield answer

    def create(self, name: str, file: str, **fields: object) -> None:
        """A model of one of the parity suite's GGUF files."""
        from tests.parity.replay import Files  # derives what is not in the folder

        digest = self.upload(Files(MODELS).data(file))
        self.post("/api/create", {"model": name, "files": {file: digest}, "stream": False, **fields})

    def upload(self, data: bytes) -> str:
        """The digest of a blob that is there now."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        status, answer = self.request("POST", f"/api/blobs/{digest}", data)
        assert status in (200, 201), answer
        return digest

    def loaded(self) -> list[str]:
        """The names of the models that `ps` shows."""
        _, data = self.request("GET", "/api/ps")
        return [model["name"] for model in json.loads(data)["models"]]


@contextlib.contextmanager
def serving(folder: Path, **options: Any) -> Iterator[ServerProcess]:
    """A server for the length of a block. After a block that went well it must end with status 0."""
    server = ServerProcess(folder, **options)
    try:
        yield server.start()
    except BaseException:
        end(server)
        raise
    if server.process.poll() is None:
        assert server.stop() == 0, server.log.read_text()[-4000:]


def end(server: ServerProcess) -> None:
    if not hasattr(server, "process"):
        return
    children = server.children()
    server.kill()
    psutil.wait_procs(children, timeout=_STOP_S)


def assert_gone(processes: Sequence[psutil.Process], timeout_s: float = 10.0) -> None:
    """Fails when one of the processes still runs after the time limit; ends it then."""
    _, alive = psutil.wait_procs(list(processes), timeout=timeout_s)
    for process in alive:
        process.kill()
    assert not alive, f"left behind: {alive}"
