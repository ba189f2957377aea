"""Each kind of job, done in the child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from corral.convert.adapter import read_adapter
from corral.convert.changing import needs_importance
from corral.convert.checkpoint import Checkpoint
from corral.convert.imatrix import no_importance, read_importance
from corral.convert.job import Convert, ConvertAdapter, Finished, Job, Note, Quantize, Step
from corral.convert.kernels import Kernels
from corral.convert.mix import plan
from corral.convert.model import read_model, unquantized_type
from corral.convert.rewrite import Writer
from corral.convert.weights import Weights
from corral.errors import GGUFError, InvalidInput
from corral.gguf import GGUF, TensorInfo, read_gguf, tensor_data

Say = Callable[[Step], None]


def do(job: Job, kernels: Kernels, out: BinaryIO, say: Say) -> Finished:
    """Raises CorralError, OSError, and AttributeError when the engine lacks a function."""
    if isinstance(job, Quantize):
        return _quantize(job, Writer(kernels, job.num_threads, out, say))
    files = Checkpoint({name: Path(path) for name, path in job.files.items()})
    if isinstance(job, ConvertAdapter):
        weights = read_adapter(files, read_gguf(Path(job.base), arrays=False))
        return Writer(kernels, 1, out, say).write(weights, weights.header.tensors)
    return _convert(files, job, Writer(kernels, job.num_threads, out, say), say)


def _quantize(job: Quantize, writer: Writer) -> Finished:
    path = Path(job.source)
    gguf = read_gguf(path)
    if gguf.big_endian:
        raise GGUFError("big-endian GGUF files cannot be quantized")
    importance = read_importance(Path(job.imatrix)) if job.imatrix else no_importance
    tensors = plan(gguf, job.file_type, has_importance=bool(job.imatrix))
    if not job.imatrix:
        _check_importance(tensors, gguf, job.file_type)
    return writer.write(Weights(gguf, tensor_data(path, gguf)), tensors, job.file_type, importance)


def _convert(files: Checkpoint, job: Convert, writer: Writer, say: Say) -> Finished:
    weights = read_model(files, lambda text: say(Note(text)))
    natural = tuple(replace(tensor, type=unquantized_type(tensor)) for tensor in weights.header.tensors)
    # Weights that came with 8 bits keep about as many.
    file_type = job.file_type or ("Q8_0" if weights.header.has("source_quantization") else "")
    if not file_type:
        return writer.write(weights, natural)
    header = replace(weights.header, tensors=natural)
    tensors = plan(header, file_type)
    _check_importance(tensors, header, file_type)
    return writer.write(weights, tensors, file_type)


def _check_importance(tensors: Sequence[TensorInfo], before: GGUF, file_type: str) -> None:
    """Raises InvalidInput where an importance matrix is needed, which nobody gave."""
    old = {tensor.name: tensor.type for tensor in before.tensors}
    for tensor in tensors:
        if tensor.type != old[tensor.name] and needs_importance(tensor, file_type):
            raise InvalidInput(f"{file_type} needs an importance matrix: corral quantize --imatrix FILE")
