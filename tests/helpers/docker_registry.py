"""Debian's docker-registry as a process of its own on loopback, and a slow road to it."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import free_port, wait_until

USER, PASSWORD = "mira", "correct horse"
# What `htpasswd -nbB mira "correct horse"` prints; making one needs a package that nothing else here needs.
HTPASSWD = "mira:$2b$04$CWT5Nl5N58U3TfdKZBBTIeWVMbkz08h039sq3Y.HBwCkVjOUmPFSG\n"

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: only-for-tests}}
"""
_AUTH = "auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"


@contextlib.contextmanager
def docker_registry(folder: Path, *, with_password: bool = False) -> Iterator[str]:
    """A running registry with its data in `folder`; yields `host:port`. Skips where it is not installed."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed: pushing to a real registry is NOT tested")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = (_CONFIG + (_AUTH if with_password else "")).format(folder=folder, port=port)
    (folder / "config.yml").write_text(config)
    (folder / "htpasswd").write_text(HTPASSWD)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: _answers(port), message="docker-registry does not answer")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
    except OSError:
        return False


class SlowRoad:
    """A relay in front of `host:port` that lets through so many bytes a second each way, and counts them."""

    def __init__(self, target: str, bytes_per_s: int) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self.bytes_per_s = bytes_per_s
        self.num_down = 0
        self.num_up = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._next_at = 0.0

    def __enter__(self) -> SlowRoad:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                threading.Thread(target=self._pump, args=(client, server, "num_up"), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, "num_down"), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, counter: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(64 * 1024):
                self._wait(len(data))
                target.sendall(data)
                setattr(self, counter, getattr(self, counter) + len(data))
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _wait(self, num_bytes: int) -> None:
        with self._lock:
            now = time.monotonic()
            self._next_at = max(self._next_at, now) + num_bytes / self.bytes_per_s
            pause_s = self._next_at - now
        time.sleep(pause_s)
