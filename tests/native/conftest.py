from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from corral.native import Source


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


MakeSource = Callable[[dict[str, str]], tuple[Source, bytes]]


@pytest.fixture
def make_source() -> MakeSource:
    """A source package with these files in the place of llama.cpp's."""

    def make(files: dict[str, str]) -> tuple[Source, bytes]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, text in files.items():
                entry = tarfile.TarInfo(f"pack-1.0/{name}")
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
        data = buffer.getvalue()
        return Source(
            "pack", "1.0", "pack-1.0.tar.gz", sha256(data).hexdigest(), "pack-1.0/vendor/llama.cpp"
        ), data

    return make


@pytest.fixture
def weights() -> Path:
    return Path(__file__).parents[1] / "parity" / "models" / "peer-suite.gguf"
