from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from corral.convert import convert


@pytest.fixture(scope="session")
def checkpoints() -> ModuleType:
    """tests.helpers.checkpoints, which takes seconds to import: only where a test really needs it."""
    from tests.helpers import checkpoints

    return checkpoints


@pytest.fixture
def served(checkpoints: ModuleType, tmp_path: Path) -> Callable[..., tuple[Any, Path, Path]]:
    """A tiny network of a kind with random weights: in torch, as a checkpoint folder, as a GGUF file."""

    def make(kind: str, file_type: str = "F32", seed: int = 0) -> tuple[Any, Path, Path]:
        folder, weights = tmp_path / f"{kind}-{seed}", tmp_path / f"{kind}-{seed}-{file_type}.gguf"
        network = checkpoints.make(kind, folder, seed=seed)
        files = {path.name: path for path in folder.iterdir()}

        async def run() -> None:
            with weights.open("wb") as file:
                async for _ in convert(files, file, file_type, num_threads=1):
                    pass

        asyncio.run(run())
        return network, folder, weights

    return make
