"""What a child writes to stderr: the last of it, its reason for a failure, the memory it took."""

from __future__ import annotations

import re

_TAIL_BYTES = 16 * 1024
_TAIL_LINES = 60
_MIB = 1 << 20

# "0.00.019.311 I load_tensors:        CUDA0 model buffer size =   812.51 MiB"
_BUFFER = re.compile(r"(\S+)\s+(?:model|KV|RS|compute|output) buffer size\s*=\s*([\d.]+) MiB")
# "0.00.004.082 E llama_model_load: error loading model: unknown architecture"
_ERROR = re.compile(r"^(?:[\d.]+ )?E (.*)$")
# "... system_info: n_threads = 2 / 2 | CPU : SSE3 = 1 | AVX2 = 1 | OPENMP = 1 |"
_SYSTEM = b"system_info: "
_CAUSE = "error loading model: "
_VAGUE = "failed to load model"


class EngineLog:
    """Is fed bytes as they come. Lines are looked at only while the model loads: later each would cost time
    in every request, so they are merely kept."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._partial = b""
        self._loading = True
        self._devices: dict[str, int] = {}
        self.features: tuple[str, ...] = ()

    def feed(self, data: bytes) -> None:
        self._tail += data
        if len(self._tail) > 2 * _TAIL_BYTES:
            del self._tail[:-_TAIL_BYTES]
        if self._loading:
            *lines, self._partial = (self._partial + data).split(b"\n")
            for line in lines:
                self._count_buffer(line)
                self._note_features(line)

    def loaded(self) -> None:
        self._loading = False

    def tail(self) -> str:
        text = self._tail[-_TAIL_BYTES:].decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def device_bytes(self) -> int:
        """What the engine allocated on devices other than the CPU; "CUDA_Host" is memory of the system."""
        return sum(
            size for name, size in self._devices.items() if not name.startswith("CPU") and "_Host" not in name
        )

    def reason(self) -> str:
        """Why loading failed, in the engine's words, or an empty text."""
        errors = [found[1].strip() for line in self.tail().splitlines() if (found := _ERROR.match(line))]
        for error in errors:
            _, found_cause, cause = error.partition(_CAUSE)
            if found_cause and _VAGUE not in cause:
                return cause
        # The first error is the cause; later ones are those who passed it on.
        return re.sub(r"^(?:\w+ +)?[\w~()]+: ", "", errors[0]) if errors else ""

    def _note_features(self, line: bytes) -> None:
        _, found, system = line.partition(_SYSTEM)
        if found:
            self.features = system_features(system.decode("utf-8", "replace"))

    def _count_buffer(self, line: bytes) -> None:
        if b" buffer size" in line and (found := _BUFFER.search(line.decode("utf-8", "replace"))):
            self._devices[found[1]] = self._devices.get(found[1], 0) + int(float(found[2]) * _MIB)


def system_features(system: str) -> tuple[str, ...]:
    """`CPU : AVX2 = 1 | FMA = 1 | NEON = 0` as the names of what is on."""
    pairs = (part.rpartition(":")[2].split("=") for part in system.split("|") if "=" in part)
    return tuple(pair[0].strip() for pair in pairs if pair[-1].strip() == "1")
