"""Taking over a large file of the user's own: `corral create` beside hashing the same file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bench import measure
from bench.measure import Sample, Samples
from bench.servers import Admin
from corral.gguf import TensorInfo, Value, write_gguf

_MODEL = "bench-import"
_HASH = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"
_COLUMNS, _F16 = 4096, 1
_PIECE = 1 << 20


def create_figure(
    admin: Admin, folder: Path, environment: Mapping[str, str], *, size: int, rounds: int
) -> Samples:
    """Seconds of `corral create` from a file of `size` bytes beside the store, and of hashing that file."""
    path = _write(folder / "large.gguf", size)
    modelfile = folder / "Modelfile"
    modelfile.write_text(f"FROM {path}\n")
    commands = {
        "engine": ["-c", _HASH, str(path)],
        "corral": ["-m", "corral.cli", "create", _MODEL, "-f", str(modelfile)],
    }
    found: dict[str, list[float]] = {side: [] for side in commands}
    measure.command_s(commands["engine"], environment)  # the file is in memory from now on
    for side in measure.in_turn(list(commands), rounds):
        found[side].append(measure.command_s(commands[side], environment))
        if side == "corral":
            admin.delete(_MODEL)
    path.unlink()
    return {side: Sample(tuple(values)) for side, values in found.items()}


def _write(path: Path, size: int) -> Path:
    """A GGUF with one tensor of some noise: nothing in it is a hole that a file system could leave out."""
    tensor = TensorInfo("token_embd.weight", (_COLUMNS, size // 2 // _COLUMNS), _F16)
    noise = os.urandom(_PIECE)

    def pieces(tensor: TensorInfo) -> list[bytes]:
        whole, rest = divmod(tensor.num_bytes, _PIECE)
        return [noise] * whole + [noise[:rest]]

    metadata: dict[str, Value] = {"general.architecture": "llama", "general.file_type": 1, "block_count": 1}
    with path.open("wb") as file:
        write_gguf(file, metadata, [tensor], pieces)
        file.flush()
        os.fsync(file.fileno())  # else the first create waits until it is on the disk
    return path
