"""What a state depends on besides its tokens, as one text: only a child with the same stamp can read it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from corral.engine import LaunchParams


def stamp(params: LaunchParams, engine: str) -> str:
    """The stamp of a child that is started with `params`; `engine` tells one build from another."""
    facts = [
        engine,
        _identity(params.model),
        params.num_ctx,
        params.kv_cache_type,
        params.flash_attention,
        params.gpu_layers,
        params.main_gpu,
        [(_identity(adapter.path), adapter.scale) for adapter in params.adapters],
        _identity(params.projector) if params.projector else "",
    ]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]


def _identity(path: str) -> str:
    """The digest in the name of a blob; of any other file what changes when it is written."""
    file = Path(path)
    if file.name.startswith("sha256-"):
        return file.name
    try:
        found = file.stat()
    except OSError:
        return path
    return f"{file.resolve()} {found.st_size} {found.st_mtime_ns}"
