"""A registry of one model, as quick as Python allows: the kernel copies the file to the socket.

`python -m bench.file_registry FILE PORT`. `bench/quick` is sent at full speed, `bench/paced` at
the speed of a network. Ranges are understood, as storage hosts do.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from corral.core.digests import Digest
from corral.core.manifest import MEDIA_CONFIG, MEDIA_MODEL, Layer, Manifest
from corral.store import file_digest

PACE = 125_000_000  # bytes a second: a network of 1 Gbit/s
_PIECE = 4 * 1024**2
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONFIG = json.dumps({"model_format": "gguf"}).encode()


class Pace:
    """Shares out so many bytes a second among all connections."""

    def __init__(self, bytes_per_s: int) -> None:
        self._bytes_per_s = bytes_per_s
        self._next_at = 0.0
        self._lock = threading.Lock()

    def wait(self, num_bytes: int) -> None:
        with self._lock:
            now = time.monotonic()
            self._next_at = max(self._next_at, now) + num_bytes / self._bytes_per_s
            pause_s = self._next_at - now
        time.sleep(pause_s)


class FileRegistry(ThreadingHTTPServer):
    """Serves the file at `path`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.path = path
        self.size = path.stat().st_size
        weights = Layer(MEDIA_MODEL, str(file_digest(path)), self.size)
        config = Layer(MEDIA_CONFIG, str(Digest.of(_CONFIG)), len(_CONFIG))
        self.manifest = Manifest(config=config, layers=(weights,))
        self.pace = Pace(PACE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileRegistry

    def do_GET(self) -> None:
        if "/manifests/" in self.path:
            self._send(self.server.manifest.encode())
        elif self.path.endswith(self.server.manifest.config.digest):
            self._send(_CONFIG)
        elif self.path.endswith(self.server.manifest.layers[0].digest):
            self._send_file()
        else:
            self._send(b"", status=404)

    def _send(self, data: bytes, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_file(self) -> None:
        size, start = self.server.size, 0
        stop = size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked:
            start, stop = int(asked[1]), min(int(asked[2] or size) + 1, size)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.wfile.flush()
        try:
            self._copy(start, stop)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _copy(self, start: int, stop: int) -> None:
        is_paced = "/paced/" in self.path
        with self.server.path.open("rb") as file:
            while start < stop:
                length = min(_PIECE // (16 if is_paced else 1), stop - start)
                if is_paced:
                    self.server.pace.wait(length)
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, length)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    os.nice(10)  # a real registry runs on a machine of its own
    FileRegistry(Path(sys.argv[1]), int(sys.argv[2])).serve_forever(0.05)
