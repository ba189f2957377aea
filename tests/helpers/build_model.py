"""Models for tests of rooms that only read their facts: no file is behind them."""

from __future__ import annotations

from pathlib import Path

from corral.core.manifest import Manifest, ModelConfig
from corral.core.model import Model, Network
from corral.core.names import ModelName

MIB = 1 << 20


def build_model(
    name: str = "a",
    *,
    weights: str | None = None,
    size: int = 100 * MIB,
    family: str = "llama",
    capabilities: tuple[str, ...] = ("completion",),
    context_length: int = 8192,
    num_blocks: int = 16,
    file_type: int = 1,
    adapters: tuple[Path, ...] = (),
    projectors: tuple[Path, ...] = (),
    draft: Path | None = None,
) -> Model:
    """A model whose context cache takes 2 KiB a token and block: 32 KiB a token with 16 blocks."""
    network = Network(
        architecture=family,
        parameter_count=100_000_000,
        file_type=file_type,
        num_blocks=num_blocks,
        context_length=context_length,
        embedding_length=1024,
        num_heads=16,
        num_kv_heads=8,
        file_size=size,
    )
    return Model(
        name=ModelName.parse(name),
        digest=f"digest-of-{name}",
        manifest=Manifest(),
        config=ModelConfig(model_family=family),
        size=size,
        modified_at=0.0,
        weights=Path("/blobs") / (weights or name),
        adapters=adapters,
        projectors=projectors,
        draft=draft,
        network=network,
        capabilities=capabilities,
    )
