"""How the vectors of an encoder's tokens become one: what sentence-transformers writes beside a model."""

from __future__ import annotations

import json

from corral.convert.checkpoint import Checkpoint
from corral.errors import CorruptData
from corral.gguf import Value

_MEAN, _CLS = 1, 2
_MODES = {"pooling_mode_mean_tokens": _MEAN, "pooling_mode_cls_token": _CLS}


def pooling_keys(checkpoint: Checkpoint) -> dict[str, Value]:
    """`pooling_type` and `normalize_embeddings`, without the architecture's prefix.

    A model without `modules.json` gets the mean, normalized, as most encoders are used. Raises CorruptData.
    """
    data = checkpoint.read("modules.json")
    if data is None:
        return {"pooling_type": _MEAN, "normalize_embeddings": True}
    kinds = dict(_modules(data))
    folder = kinds.get("Pooling")
    pooling = checkpoint.config(f"{folder}/config.json") if folder else None
    mode = next(
        (mode for name, mode in _MODES.items() if pooling and pooling.flag(name, default=False)), _MEAN
    )
    return {"pooling_type": mode, "normalize_embeddings": "Normalize" in kinds}


def _modules(data: bytes) -> list[tuple[str, str]]:
    """Class and folder of each step, in order."""
    try:
        steps = json.loads(data)
        return [(step["type"].rpartition(".")[2], step.get("path", "")) for step in steps]
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise CorruptData("parse modules.json: not a list of modules") from error
