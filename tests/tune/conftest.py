from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corral.core.model import Model
from corral.library import Library
from corral.settings import Settings
from corral.store import Store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
async def pocket(store_folder: Path) -> Model:
    """The packaged model, which the engine renders for."""
    return await Library(Store(store_folder), Settings(models=store_folder)).resolve("pocket")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes rows as JSON lines, or a text or bytes as they are; gives the path."""

    def write(name: str, content: Any) -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        return str(path)

    return write
