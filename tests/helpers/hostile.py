"""GGUF files that lie: made from a good one by changing a number or cutting it."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

GOOD = Path(__file__).parents[1] / "parity" / "models" / "peer-suite.gguf"
_U64_MAX = 2**64 - 1


@functools.cache
def good() -> bytes:
    return GOOD.read_bytes()


def with_number(key: str, value: int) -> bytes:
    """The good file with another value of a 32-bit metadata key."""
    data = good()
    name = key.encode()
    at = data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name)
    (kind,) = struct.unpack_from("<I", data, at)
    assert kind == 4, f"{key} is no 32-bit number"
    return data[: at + 4] + struct.pack("<I", value) + data[at + 8 :]


def header(*, version: int = 3, tensors: int = 0, pairs: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + rest


def _text(length: int, data: bytes) -> bytes:
    return struct.pack("<Q", length) + data


def _architecture() -> bytes:
    return _text(20, b"general.architecture") + struct.pack("<I", 8) + _text(5, b"llama")


def _tensor(*, dimensions: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<{len(dimensions)}Q", *dimensions)
    return _text(1, b"t") + struct.pack("<I", len(dimensions)) + sizes + struct.pack("<IQ", kind, offset)


def hostile_files() -> dict[str, bytes]:
    """What is wrong, and a file of which that is true."""
    return {
        "empty": b"",
        "magic alone": b"GGUF",
        "no version": header(version=0),
        "cut in the metadata": good()[:1000],
        "cut in the tensor table": good()[: good().index(b"blk.0.attn_q.weight") + 4],
        "cut in the tensors": good()[:-4096],
        "more tensors than bytes": header(tensors=_U64_MAX),
        "more pairs than bytes": header(pairs=_U64_MAX),
        "a key longer than the file": header(pairs=1, rest=_text(2**62, b"key")),
        "a text longer than the file": header(
            pairs=1, rest=_text(3, b"key") + struct.pack("<I", 8) + _text(2**40, b"x")
        ),
        "an array longer than the file": header(
            pairs=1, rest=_text(3, b"key") + struct.pack("<IIQ", 9, 4, 2**61)
        ),
        "arrays within arrays": header(
            pairs=1, rest=_text(3, b"key") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 2000
        ),
        "an unknown kind of value": header(pairs=1, rest=_text(3, b"key") + struct.pack("<I", 77)),
        "a tensor beyond the file": header(tensors=1, pairs=1, rest=_architecture() + _tensor(offset=2**50)),
        "a tensor of more numbers than there are": header(
            tensors=1, pairs=1, rest=_architecture() + _tensor(dimensions=(2**63, 2**63))
        ),
        "a tensor of too many dimensions": header(
            tensors=1, pairs=1, rest=_architecture() + _tensor(dimensions=(1,) * 200)
        ),
        "an unknown kind of tensor": header(tensors=1, pairs=1, rest=_architecture() + _tensor(kind=12345)),
    }
