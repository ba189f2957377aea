from __future__ import annotations

import asyncio
from pathlib import Path
from types import ModuleType

import pytest

from corral.convert import Note, convert


@pytest.fixture(scope="session")
def checkpoints() -> ModuleType:
    """tests.helpers.checkpoints, which takes seconds to import: only where a test really needs it."""
    from tests.helpers import checkpoints

    return checkpoints


def files_in(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def converted(tmp_path: Path):
    """Converts a folder in the real child: the new file and what the user was told."""

    def run(folder: Path, file_type: str = "") -> tuple[Path, list[str]]:
        target = tmp_path / f"{folder.name}.gguf"

        async def collect() -> list[str]:
            with target.open("wb") as file:
                steps = [step async for step in convert(files_in(folder), file, file_type, num_threads=1)]
            return [step.text for step in steps if isinstance(step, Note)]

        return target, asyncio.run(collect())

    return run
