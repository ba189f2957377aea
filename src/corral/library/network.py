"""From the header of a weights file to the facts that the rest of the program asks for.

Headers are kept: blobs never change, and a chat, a `show` and a list ask for the same ones again.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from corral.core.model import Network
from corral.gguf import FILE_TYPE_NAMES, GGUF, read_gguf

_KEPT_HEADERS = 32
# Source: the pooling types of llama.cpp.
_POOLING_RANK = 4


class Headers:
    """Headers of blobs without their long arrays, the latest few; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, GGUF] = OrderedDict()
        self._lock = Lock()

    def read(self, path: Path) -> GGUF:
        """Raises GGUFError or StorageError."""
        with self._lock:
            found = self._kept.get(path)
            if found is not None:
                self._kept.move_to_end(path)
                return found
        header = read_gguf(path, arrays=False)
        with self._lock:
            self._kept[path] = header
            while len(self._kept) > _KEPT_HEADERS:
                self._kept.popitem(last=False)
        return header

    def forget(self, path: Path) -> None:
        with self._lock:
            self._kept.pop(path, None)


def network_of(header: GGUF) -> Network:
    """The facts of one weights file."""
    return Network(
        architecture=header.architecture,
        parameter_count=header.parameter_count,
        file_type=header.file_type,
        num_blocks=header.block_count,
        context_length=header.context_length,
        embedding_length=header.embedding_length,
        num_heads=header.head_count,
        num_kv_heads=header.head_count_kv,
        key_length=header.uint("attention.key_length"),
        value_length=header.uint("attention.value_length"),
        chat_template=header.chat_template or "",
        is_embedding=header.has("pooling_type"),
        is_reranker=header.uint("pooling_type") == _POOLING_RANK,
        has_vision=header.has("vision.block_count"),
        has_audio=header.has("audio.block_count"),
        add_bos=_flag(header, "tokenizer.ggml.add_bos_token"),
        add_eos=_flag(header, "tokenizer.ggml.add_eos_token"),
        normalize_embeddings=_flag(header, "normalize_embeddings"),
        tokenizer=header.get("tokenizer.ggml.model", str, ""),
        file_size=header.size,
    )


def file_type_name(network: Network) -> str:
    """`Q4_K_M`, or `unknown`."""
    return FILE_TYPE_NAMES.get(-1 if network.file_type is None else network.file_type, "unknown")


def _flag(header: GGUF, key: str) -> bool | None:
    value = header.value(key)
    return value if isinstance(value, bool) else None
