"""What a child is started with: the one typed list of engine parameters that Corral sets.

It crosses the process border as one JSON line. Values out of range are brought into it here: some of them
abort or hang the engine (no threads, no batch, no slots).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

MAX_SLOTS = 64
MAX_THREADS = 512
MAX_BATCH = 8192
# The engine looks for a client that left, and lets others decode, once per batch; on a CPU 2048 may take
# a minute. Down to 64 tokens a smaller batch costs no processor time (measured with 0.5B weights on one core:
# 32 s for 1,536 tokens at 512, 256, 128 and 64), while 32 takes twice that.
MIN_CPU_BATCH, MAX_CPU_BATCH, CPU_BATCH_PER_THREAD = 64, 512, 32
KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")


class Adapter(msgspec.Struct, frozen=True):
    """A LoRA adapter and the strength it is applied with."""

    path: str
    scale: float = 1.0


class Lookup(msgspec.Struct, frozen=True):
    """Guessing from what was written: where the last `match` tokens stand in the text, what followed there.

    At least `least` and at most `most` tokens are guessed at a time, and all checked in one batch.
    """

    match: int
    least: int
    most: int


class LaunchParams(msgspec.Struct, frozen=True, kw_only=True):
    """`num_ctx` is the context window of one slot in tokens; `gpu_layers` -1 means as many as fit.

    `cache_mib` bounds the prompts kept in memory after their slot moved on. `state_folder` is where states of
    slots are saved; empty: in the folder of the socket. None means the engine's choice.
    """

    model: str
    num_ctx: int = 4096
    num_slots: int = 1
    num_batch: int = 512
    num_threads: int = 1
    gpu_layers: int = 0
    main_gpu: int | None = None
    use_mmap: bool = True
    repack: bool = True
    adapters: tuple[Adapter, ...] = ()
    projector: str | None = None
    draft: str | None = None
    draft_num_predict: int = 0
    lookup: Lookup | None = None
    embedding: bool = False
    reranking: bool = False  # an embedding model whose head gives scores
    context_shift: bool = True
    prefill: bool = True  # an answer that ends a conversation is gone on with, not closed like the others
    kv_cache_type: str = ""
    flash_attention: bool | None = None
    cache_mib: int = 0
    state_folder: str = ""

    def clamped(self) -> LaunchParams:
        """The same with every number in the range that the engine survives."""
        num_slots = _between(1, self.num_slots, MAX_SLOTS)
        return msgspec.structs.replace(
            self,
            num_ctx=max(self.num_ctx, 4),
            num_slots=num_slots,
            # The engine ends itself where a batch has no room for a token of every slot.
            num_batch=_between(num_slots, self.num_batch, MAX_BATCH),
            num_threads=_between(1, self.num_threads, MAX_THREADS),
            gpu_layers=_between(-1, self.gpu_layers, 10_000),
            draft_num_predict=_between(0, self.draft_num_predict, 64),
            kv_cache_type=self.kv_cache_type if self.kv_cache_type in KV_TYPES else "",
            cache_mib=max(self.cache_mib, 0),
        )


def batch_for(params: LaunchParams, *, has_gpu: bool) -> int:
    """Tokens of a prompt between two looks at the world. An input to embed must fit in one batch."""
    if has_gpu or params.embedding:
        return params.num_batch
    most = _between(MIN_CPU_BATCH, CPU_BATCH_PER_THREAD * params.num_threads, MAX_CPU_BATCH)
    return min(params.num_batch, most)


def guesses_for(params: LaunchParams, batch: int, wanted: int) -> int:
    """`wanted`, or as many tokens as can be guessed at a time: the engine ends itself where the guesses of
    all slots have no room in one batch."""
    return max(0, min(wanted, batch // params.num_slots - 1))


def native_arguments(params: LaunchParams, socket: Path) -> list[str]:
    """The same parameters as the command line of a native `llama-server`."""
    words: list[str] = ["--model", params.model, "--host", str(socket), "--log-verbosity", "4"]
    # Whether such a binary has a GPU is not known here: without layers for one it certainly has none.
    batch = batch_for(params, has_gpu=params.gpu_layers != 0)
    numbers = {
        "--ctx-size": params.num_ctx * params.num_slots,
        "--parallel": params.num_slots,
        "--batch-size": batch,
        "--ubatch-size": batch,
        "--threads": params.num_threads,
        "--threads-batch": params.num_threads,
        "--cache-ram": params.cache_mib,
    }
    for flag, value in numbers.items():
        words += [flag, str(value)]
    if params.gpu_layers == 0:  # else a GPU build still computes long prompts there
        words += ["--device", "none"]
    if params.gpu_layers >= 0:
        words += ["--n-gpu-layers", str(params.gpu_layers)]
    if params.main_gpu is not None:
        words += ["--split-mode", "none", "--main-gpu", str(params.main_gpu)]
    if not params.use_mmap:
        words += ["--load-mode", "none"]
    if not params.repack:
        words.append("--no-repack")
    if params.adapters:
        words += ["--lora-scaled", ",".join(f"{adapter.path}:{adapter.scale}" for adapter in params.adapters)]
    if params.projector:
        words += ["--mmproj", params.projector]
    words += _guessing_arguments(params, batch)
    if params.embedding:
        words.append("--reranking" if params.reranking else "--embeddings")
    words.append("--context-shift" if params.context_shift else "--no-context-shift")
    if params.kv_cache_type:
        words += ["--cache-type-k", params.kv_cache_type, "--cache-type-v", params.kv_cache_type]
    if params.flash_attention is not None:
        words += ["--flash-attn", "on" if params.flash_attention else "off"]
    if not params.prefill:
        words.append("--no-prefill-assistant")
    words += ["--slot-save-path", states_at(params, socket)]
    return [*words, "--jinja", "--no-warmup", "--no-ui", "--no-kv-unified"]


def states_at(params: LaunchParams, socket: Path) -> str:
    """Where the engine writes states of slots; it puts the name of a file right behind."""
    return str(params.state_folder or socket.parent) + os.sep


def _guessing_arguments(params: LaunchParams, batch: int) -> list[str]:
    kinds, words = [], []
    if params.lookup:
        most = guesses_for(params, batch, params.lookup.most)
        kinds.append("ngram-mod")
        numbers = {"match": params.lookup.match, "min": min(params.lookup.least, most), "max": most}
        for name, value in numbers.items():
            words += [f"--spec-ngram-mod-n-{name}", str(value)]
    if params.draft:
        most = guesses_for(params, batch, params.draft_num_predict)
        kinds.append("draft-simple")
        words += ["--spec-draft-model", params.draft, "--spec-draft-n-max", str(most)]
    return ["--spec-type", ",".join(kinds), *words] if kinds else []


def _between(low: int, value: int, high: int) -> int:
    return min(max(value, low), high)
