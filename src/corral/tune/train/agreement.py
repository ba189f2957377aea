"""Whether torch and the engine compute the same, asked before training and of the finished adapter.

A network that was read wrongly would learn to undo the fault, and the served model would have another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from corral import engine
from corral.engine import Adapter, LaunchParams
from corral.gguf import GGUF

_START_S = 600.0
_LIKELIEST = 50
_MAX_TOKENS = 200
# The engine rounds what goes into a product with packed weights to 8 bits, with others to 16; torch does
# not. Random networks, which round worst, differ by 0.003 (F16), 0.03 (BF16), 0.12 (Q8_0, Q4_0); networks
# whose heads or norms are read wrongly by 0.8 and more.
_TOLERANCES = {"F32": 0.01, "F16": 0.03, "BF16": 0.1}
_PACKED_TOLERANCE = 0.3
_HALF_TOLERANCE = 0.15  # where torch computes in bfloat16


def tolerance(gguf: GGUF, *, is_half: bool) -> float:
    """The largest difference that rounding explains, by the type that most weights have."""
    sizes: dict[str, int] = {}
    for tensor in gguf.tensors:
        sizes[tensor.type_name] = sizes.get(tensor.type_name, 0) + tensor.num_elements
    own = _TOLERANCES.get(max(sizes, key=sizes.__getitem__), _PACKED_TOLERANCE)
    return max(own, _HALF_TOLERANCE) if is_half else own


def difference(
    model: Any,
    prompts: Sequence[Sequence[int]],
    weights: Path,
    adapters: Sequence[Path],
    num_threads: int,
    *,
    llama_server: Path | None = None,
) -> float:
    """The largest difference of the log-probabilities of the engine's likeliest next tokens, relative to the
    largest of them, over all `prompts`. `llama_server` is a native server to ask instead of the packaged
    engine. Raises LoadError and its kin when the engine does not take the model.
    """
    cut = [list(prompt[:_MAX_TOKENS]) for prompt in prompts]
    served = asyncio.run(_served(cut, weights, adapters, num_threads, llama_server))
    worst = 0.0
    model.eval()
    for prompt, likely in zip(cut, served, strict=True):
        with torch.no_grad():
            rows = torch.tensor([prompt], device=model.device)
            logits = model(input_ids=rows, logits_to_keep=1).logits[0, -1]
        ours = logits.float().log_softmax(-1).cpu()
        gap = max(abs(float(ours[token]) - theirs) for token, theirs in likely.items())
        worst = max(worst, gap / max(abs(theirs) for theirs in likely.values()))
    return worst


async def _served(
    prompts: Sequence[list[int]],
    weights: Path,
    adapters: Sequence[Path],
    num_threads: int,
    llama_server: Path | None,
) -> list[dict[int, float]]:
    params = LaunchParams(
        model=str(weights),
        num_ctx=max(map(len, prompts)) + 8,
        num_threads=num_threads,
        adapters=tuple(Adapter(str(path)) for path in adapters),
        kv_cache_type="f32",
        flash_attention=False,
    )
    process = await engine.start(params, timeout_s=_START_S, llama_server=llama_server)
    try:
        return [await process.client.likeliest(prompt, _LIKELIEST) for prompt in prompts]
    finally:
        await process.kill()
