"""Weights written as a GGUF file with the types wanted: chunk by chunk, several threads at a time.

Runs in the child. Memory is bounded by a few chunks for each thread and by what the source holds at once.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, cast

from corral.convert.imatrix import Importance, no_importance
from corral.convert.job import Finished, Progress
from corral.convert.kernels import InvalidWeights, Kernels
from corral.convert.weights import Weights
from corral.errors import GGUFError
from corral.gguf import FILE_TYPE_NAMES, TensorInfo, ValueType, write_gguf

_CHUNK = 1 << 20  # weights: 4 MB as floats, which still fit into a core's cache
_REPORTS = 500  # at most so many steps of progress for a file
_QUANTIZATION_VERSION = 2  # of the block formats: ggml's GGML_QNT_VERSION


class Writer:
    """Writes one file. `num_threads` work on chunks beside each other; `report` hears how far it is."""

    def __init__(
        self, kernels: Kernels, num_threads: int, out: BinaryIO, report: Callable[[Progress], None]
    ) -> None:
        self._kernels = kernels
        self._num_threads = num_threads
        self._out = out
        self._report = report

    def write(
        self,
        weights: Weights,
        tensors: Sequence[TensorInfo],
        file_type: str = "",
        importance: Importance = no_importance,
    ) -> Finished:
        """Write `weights` with the order and the types of `tensors`, which has the same names.

        `file_type` is what the file then says to be; empty leaves what it says. Raises GGUFError for a source
        that is broken or holds numbers that are none, OSError, and AttributeError when a tensor has a type
        that this engine cannot read.
        """
        header = weights.header
        stored = {tensor.name: tensor for tensor in header.tensors}
        for tensor in tensors:
            if tensor.type != stored[tensor.name].type:
                self._kernels.check_source(stored[tensor.name].type)
        changed = _says(file_type) if file_type else {}
        kept = {key: value for key, value in header.metadata.items() if not key.startswith("split.")}
        kinds = {**header.types, **dict.fromkeys(changed, ValueType.UINT32)}
        hashing = _Hashing(self._out)
        counter = _Counter(header.data_offset, header.size, self._report)
        with ThreadPoolExecutor(self._num_threads) as pool:
            source = _Conversion(weights, self._kernels, pool, 2 * self._num_threads, counter, importance)
            target = cast(BinaryIO, hashing)
            write_gguf(target, {**kept, **changed}, tensors, source.pieces, types=kinds, as_given=True)
        counter.end()
        return Finished(hashing.sha256, hashing.size)


def _says(file_type: str) -> Mapping[str, int]:
    number = next(value for value, name in FILE_TYPE_NAMES.items() if name == file_type)
    return {"general.file_type": number, "general.quantization_version": _QUANTIZATION_VERSION}


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


class _Counter:
    """Counts bytes of the source, and reports now and then."""

    def __init__(self, done: int, total: int, report: Callable[[Progress], None]) -> None:
        self._done = self._reported = done
        self._total = total
        self._report = report

    def add(self, size: int) -> None:
        self._done += size
        if self._done - self._reported >= max(1, self._total // _REPORTS):
            self._reported = self._done
            self._report(Progress(self._done, self._total))

    def end(self) -> None:
        self._report(Progress(self._total, self._total))


class _Conversion:
    """The tensors of weights in their new types, as a source for the writer."""

    def __init__(
        self,
        weights: Weights,
        kernels: Kernels,
        pool: ThreadPoolExecutor,
        ahead: int,
        counter: _Counter,
        importance: Importance,
    ) -> None:
        self._tensors = {tensor.name: tensor for tensor in weights.header.tensors}
        self._read = weights.data
        self._kernels = kernels
        self._pool = pool
        self._ahead = ahead
        self._counter = counter
        self._importance = importance

    def pieces(self, tensor: TensorInfo) -> Iterator[bytes]:
        """The bytes of `tensor`, which has its new type."""
        source = self._tensors[tensor.name]
        if source.type == tensor.type:
            for piece in self._read(source):
                yield piece
                self._counter.add(len(piece))
            return
        try:
            yield from self._converted(source, tensor.type)
        except InvalidWeights as error:
            raise GGUFError(f"tensor '{tensor.name}' has invalid data") from error

    def _converted(self, source: TensorInfo, target: int) -> Iterator[bytes]:
        """Chunks in order, while the threads are at work on the next ones."""
        columns = source.shape[0]
        row = source.num_bytes // (source.num_elements // columns)
        rows = max(1, _CHUNK // columns)
        importance = self._importance(source)
        if importance is not None:  # which may differ from expert to expert: no chunk has rows of two
            rows = _divisor(source.shape[1], rows)
        waiting: deque[tuple[int, Future[bytes]]] = deque()
        for index, chunk in enumerate(_regrouped(self._read(source), row * rows)):
            matters = importance(index * rows) if importance is not None else None
            future = self._pool.submit(self._kernels.convert, chunk, source.type, target, columns, matters)
            waiting.append((len(chunk), future))
            if len(waiting) >= self._ahead:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[int, Future[bytes]]]) -> bytes:
        size, future = waiting.popleft()
        result = future.result()
        self._counter.add(size)
        return result


def _divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is not above `limit`."""
    return next(size for size in range(min(number, limit), 0, -1) if number % size == 0)


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
