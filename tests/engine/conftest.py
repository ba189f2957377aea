from __future__ import annotations

from pathlib import Path

import pytest

MODELS = Path(__file__).parents[1] / "parity" / "models"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def chat_model() -> Path:
    return MODELS / "peer-suite.gguf"


@pytest.fixture(scope="session")
def embedding_model() -> Path:
    return MODELS / "embed-fixture.gguf"
