"""What a runner is started with: the one value that crosses the border to the child process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from corral.errors import InvalidInput

KV_CACHE_TYPES = frozenset({"f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"})
MAX_INT32 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter file and how strongly it acts (1.0 = as trained)."""

    path: Path
    scale: float = 1.0


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchParams:
    """How to load one model.

    `context_window` is in tokens per slot. `batch` is how many prompt tokens are computed between two
    looks at the world: progress and cancellation have its granularity, on a CPU it is kept at 512 or
    less. `gpu_layers` -1 lets the engine fit what it can. `repack` trades memory for decoding speed.
    Numbers outside the engine's range are moved into it, as some of them abort the child
    (threads or batch 0) or hang it (slots 0). Raises InvalidInput for an unknown `kv_cache_type`.
    """

    model: Path
    context_window: int = 4096
    num_slots: int = 1
    batch: int = 512
    threads: int = field(default_factory=_usable_cores)
    gpu_layers: int = -1
    main_gpu: int | None = None
    use_mmap: bool | None = None
    adapters: tuple[Adapter, ...] = ()
    projectors: tuple[Path, ...] = ()
    draft: Path | None = None
    draft_num_predict: int = 4
    embedding: bool = False
    kv_cache_type: str = "f16"
    flash_attention: bool | None = None
    context_shift: bool = True
    cache_ram_mib: int = 256
    repack: bool = True

    def __post_init__(self) -> None:
        if self.kv_cache_type not in KV_CACHE_TYPES:
            raise InvalidInput(
                f'unknown K/V cache type "{self.kv_cache_type}"',
                hint=f"one of {', '.join(sorted(KV_CACHE_TYPES))}",
            )
        self._clamp("num_slots", 1, 256)
        self._clamp("context_window", 4, MAX_INT32 // self.num_slots)
        self._clamp("batch", 1, 1 << 20)
        self._clamp("threads", 1, 512)
        self._clamp("gpu_layers", -1, 1 << 16)
        self._clamp("draft_num_predict", 0, 64)
        self._clamp("cache_ram_mib", 0, MAX_INT32)

    def _clamp(self, name: str, lowest: int, highest: int) -> None:
        object.__setattr__(self, name, min(max(getattr(self, name), lowest), highest))


@dataclass(frozen=True, slots=True)
class Launch:
    """The line that a worker reads: the parameters, and where to listen.

    `listen` is the path of a Unix socket, or an IP address; with the latter the port is free to choose and
    every request must carry `api_key`.
    """

    params: LaunchParams
    listen: str
    api_key: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a runner listens: `unix_path`, or `host` and `port` with the `api_key` it wants."""

    unix_path: str = ""
    host: str = ""
    port: int = 0
    api_key: str = ""


def encode_launch(launch: Launch) -> bytes:
    return msgspec.json.encode(launch, enc_hook=_encode_path) + b"\n"


def decode_launch(line: bytes) -> Launch:
    return msgspec.json.decode(line, type=Launch, dec_hook=_decode_path)


def _encode_path(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))  # the protocol of enc_hook for a type it does not know


def _decode_path(kind: type, value: Any) -> Path:
    if issubclass(kind, Path):
        return Path(value)
    raise NotImplementedError(kind)
