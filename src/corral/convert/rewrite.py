"""A GGUF file written again with other tensor types: chunk by chunk, several threads at a time.

Runs in the child. Memory is bounded by a few chunks for each thread, whatever the size of the model.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

from corral.convert.job import Finished, Job, Progress
from corral.convert.kernels import InvalidWeights, Kernels
from corral.convert.mix import plan
from corral.errors import GGUFError
from corral.gguf import FILE_TYPE_NAMES, GGUF, TensorInfo, ValueType, read_gguf, tensor_data, write_gguf

_CHUNK = 1 << 20  # weights: 4 MB as floats, which still fit into a core's cache
_REPORTS = 500  # at most so many steps of progress for a file
_QUANTIZATION_VERSION = 2  # of the block formats: ggml's GGML_QNT_VERSION


def rewrite(job: Job, out: BinaryIO, kernels: Kernels, report: Callable[[Progress], None]) -> Finished:
    """Write the model `job.source` to `out` as a file of type `job.file_type`.

    Raises GGUFError for a file that is broken or holds numbers that are none, OSError, and AttributeError
    when a tensor has a type that this engine cannot read.
    """
    path = Path(job.source)
    gguf = read_gguf(path)
    if gguf.big_endian:
        raise GGUFError("big-endian GGUF files cannot be quantized")
    tensors = plan(gguf, job.file_type)
    types = {tensor.name: tensor.type for tensor in gguf.tensors}
    for tensor in tensors:
        if tensor.type != types[tensor.name]:
            kernels.check_source(types[tensor.name])
    number = next(value for value, name in FILE_TYPE_NAMES.items() if name == job.file_type)
    changed = {"general.file_type": number, "general.quantization_version": _QUANTIZATION_VERSION}
    kept = {key: value for key, value in gguf.metadata.items() if not key.startswith("split.")}
    kinds = {**gguf.types, **dict.fromkeys(changed, ValueType.UINT32)}
    hashing = _Hashing(out)
    with ThreadPoolExecutor(job.num_threads) as pool:
        source = _Conversion(path, gguf, kernels, pool, job.num_threads, report)
        target = cast(BinaryIO, hashing)
        write_gguf(target, {**kept, **changed}, tensors, source.pieces, types=kinds, as_given=True)
    report(Progress(gguf.size))
    return Finished(hashing.sha256, hashing.size)


class _Hashing:
    """Passes bytes on to a file, and knows their digest and number."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self._out.write(data)


class _Conversion:
    """The tensors of a file in their new types, as a source for the writer."""

    def __init__(
        self,
        path: Path,
        gguf: GGUF,
        kernels: Kernels,
        pool: ThreadPoolExecutor,
        num_threads: int,
        report: Callable[[Progress], None],
    ) -> None:
        self._tensors = {tensor.name: tensor for tensor in gguf.tensors}
        self._read = tensor_data(path, gguf)
        self._kernels = kernels
        self._pool = pool
        self._ahead = 2 * num_threads
        self._report = report
        self._done = self._reported = gguf.data_offset
        self._step = max(1, gguf.size // _REPORTS)

    def pieces(self, tensor: TensorInfo) -> Iterator[bytes]:
        """The bytes of `tensor`, which has its new type."""
        source = self._tensors[tensor.name]
        if source.type == tensor.type:
            for piece in self._read(source):
                yield piece
                self._count(len(piece))
            return
        try:
            yield from self._converted(source, tensor.type)
        except InvalidWeights as error:
            raise GGUFError(f"tensor '{tensor.name}' has invalid data") from error

    def _converted(self, source: TensorInfo, target: int) -> Iterator[bytes]:
        """Chunks in order, while the threads are at work on the next ones."""
        columns = source.shape[0]
        row = source.num_bytes // (source.num_elements // columns)
        waiting: deque[tuple[int, Future[bytes]]] = deque()
        for chunk in _regrouped(self._read(source), row * max(1, _CHUNK // columns)):
            future = self._pool.submit(self._kernels.convert, chunk, source.type, target, columns)
            waiting.append((len(chunk), future))
            if len(waiting) >= self._ahead:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[int, Future[bytes]]]) -> bytes:
        size, future = waiting.popleft()
        result = future.result()
        self._count(size)
        return result

    def _count(self, size: int) -> None:
        self._done += size
        if self._done - self._reported >= self._step:
            self._reported = self._done
            self._report(Progress(self._done))


def _regrouped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of `size`, the last one shorter."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= size:
            yield bytes(memoryview(buffer)[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
