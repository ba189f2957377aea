"""Real files through the real child."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest
import xllamacpp.xllamacpp as native

from corral.convert import FILE_TYPES, Finished, Progress, quantize
from corral.convert.job import Quantize
from corral.convert.kernels import InvalidWeights, Kernels
from corral.convert.work import do
from corral.errors import CorruptData, CreateError, InvalidInput, StorageError
from corral.gguf import FILE_TYPE_NAMES, TensorInfo, read_gguf, tensor_data, write_gguf

F32, F16, Q8_0, Q4_K, Q6_K, BF16 = 0, 1, 8, 12, 14, 30
SHAPE = (256, 3)
LEAP = (256, 40_000)  # weights for several chunks and some time in Q4_K


def ramp(count, start=0):
    """Numbers between -1 and 1 that 16-bit floats hold exactly."""
    return [((start + index) % 257 - 128) / 128 for index in range(count)]


def build(path, *, value=None, shape=SHAPE, file_type=1, name="blk.0.ffn_up.weight", noise=False, **keys):
    """A model with a norm in F32 and a matrix in F16; every number is `value` where one is given."""
    tensors = (TensorInfo(name, shape, F16), TensorInfo("output_norm.weight", (256,), F32))
    metadata = {"general.architecture": "llama", "general.file_type": file_type, "block_count": 1, **keys}

    def weights(tensor):
        count = tensor.num_elements
        numbers = ramp(256) * (count // 256) if value is None else [value] * count
        if noise:
            numbers = np.random.default_rng(0).normal(size=count)
        yield struct.pack(f"<{count}{'f' if tensor.type == F32 else 'e'}", *numbers)

    with path.open("wb") as file:
        write_gguf(file, metadata, tensors, weights)
    return path


def run(source, target, file_type, imatrix=None):
    """The steps of a whole quantization."""

    async def collect():
        with target.open("wb") as file:
            steps = quantize(source, file, file_type, imatrix=imatrix, num_threads=2)
            return [step async for step in steps]

    return asyncio.run(collect())


def data_of(path, name):
    gguf = read_gguf(path)
    tensor = next(tensor for tensor in gguf.tensors if tensor.name == name)
    return b"".join(tensor_data(path, gguf)(tensor))


def test_the_new_file_says_what_it_is(tmp_path):
    run(build(tmp_path / "a.gguf", note="kept"), tmp_path / "b.gguf", "Q4_K_M")
    found = read_gguf(tmp_path / "b.gguf")
    assert (found.file_type, found.value("general.quantization_version")) == (15, 2)
    assert found.value("note") == "kept"
    assert {tensor.name: tensor.type for tensor in found.tensors} == {
        "blk.0.ffn_up.weight": Q4_K,
        "output_norm.weight": F32,
    }


def test_steps_end_with_the_digest_of_what_was_written(tmp_path):
    source, target = build(tmp_path / "a.gguf"), tmp_path / "b.gguf"
    *steps, last = run(source, target, "Q8_0")
    data = target.read_bytes()
    assert last == Finished(hashlib.sha256(data).hexdigest(), len(data))
    size = source.stat().st_size
    assert steps[-1] == Progress(size, size)
    assert [step.completed for step in steps] == sorted(step.completed for step in steps)


def importance(folder):
    """An importance matrix for what `build` makes: of 32 columns the first 8 matter most."""
    name = b"blk.0.ffn_up.weight"
    numbers = struct.pack("<256f", *([1000.0] * 8 + [0.001] * 24) * 8)
    path = folder / "imatrix.dat"
    path.write_bytes(struct.pack("<ii", 1, len(name)) + name + struct.pack("<ii", 1, 256) + numbers)
    return path


# The tables of the types with one bit alone take ten seconds.
@pytest.mark.slow
@pytest.mark.parametrize("file_type", [name for name in FILE_TYPES if not name.startswith("IQ1")])
def test_every_type_is_written_and_named(tmp_path, kernels, file_type):
    job = Quantize(str(build(tmp_path / "a.gguf")), file_type, 1, str(importance(tmp_path)))
    with (tmp_path / "b.gguf").open("wb") as out:  # in this process: some types have tables that take seconds
        do(job, kernels, out, lambda step: None)
    found = read_gguf(tmp_path / "b.gguf")
    assert FILE_TYPE_NAMES[found.file_type] == file_type
    matrix = next(tensor for tensor in found.tensors if tensor.name == "blk.0.ffn_up.weight")
    assert matrix.type_name == ("Q8_0" if file_type == "MXFP4_MOE" else FILE_TYPES[file_type])


def test_a_type_that_needs_an_importance_matrix_asks_for_it(tmp_path):
    with pytest.raises(InvalidInput, match="IQ2_XXS needs an importance matrix"):
        run(build(tmp_path / "a.gguf"), tmp_path / "b.gguf", "IQ2_XXS")


def test_columns_that_matter_are_nearer_with_an_importance_matrix(tmp_path, kernels):
    """Of the squared error of Q4_K: the share in the columns that matter."""
    source = build(tmp_path / "a.gguf", shape=(256, 64), noise=True)
    shares = []
    for imatrix in (None, importance(tmp_path)):
        run(source, tmp_path / "b.gguf", "Q4_K_S", imatrix)
        packed = data_of(tmp_path / "b.gguf", "blk.0.ffn_up.weight")
        found = np.frombuffer(kernels.convert(packed, Q4_K, F32, 256), np.float32).reshape(64, 256)
        exact = np.frombuffer(data_of(source, "blk.0.ffn_up.weight"), np.float16).reshape(64, 256)
        error = (found - exact) ** 2
        shares.append(error.reshape(-1, 32)[:, :8].sum() / error.sum())
    assert shares[1] < shares[0] * 0.9


@pytest.mark.parametrize("file_type", ["F32", "BF16"])
def test_plain_types_there_and_back_lose_nothing(tmp_path, file_type):
    source = build(tmp_path / "a.gguf")
    run(source, tmp_path / "b.gguf", file_type)
    run(tmp_path / "b.gguf", tmp_path / "c.gguf", "F16")
    name = "blk.0.ffn_up.weight"
    assert data_of(tmp_path / "c.gguf", name) == data_of(source, name)


def test_tensors_that_do_not_change_are_copied(tmp_path):
    source = build(tmp_path / "a.gguf", name="mm.0.weight")
    run(source, tmp_path / "b.gguf", "Q8_0")
    for name in ("mm.0.weight", "output_norm.weight"):
        assert data_of(tmp_path / "b.gguf", name) == data_of(source, name)


def test_a_tensor_of_many_chunks_keeps_its_order(tmp_path):
    source = build(tmp_path / "a.gguf", shape=(256, 9000))
    run(source, tmp_path / "b.gguf", "Q8_0")
    row = data_of(tmp_path / "b.gguf", "blk.0.ffn_up.weight")[: 256 // 32 * 34]
    assert data_of(tmp_path / "b.gguf", "blk.0.ffn_up.weight") == row * 9000


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(tmp_path, value):
    with pytest.raises(CorruptData, match=r"tensor 'blk\.0\.ffn_up\.weight' has invalid data"):
        run(build(tmp_path / "a.gguf", value=value), tmp_path / "b.gguf", "Q4_K_M")


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    source = build(tmp_path / "a.gguf")
    source.write_bytes(source.read_bytes()[:-600])
    with pytest.raises(CorruptData, match="exceeds file size"):
        run(source, tmp_path / "b.gguf", "Q8_0")


def test_a_file_that_is_not_there_is_an_error_of_the_disk(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        run(tmp_path / "none.gguf", tmp_path / "b.gguf", "Q8_0")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a device that is always full")
def test_a_full_disk_is_an_error_of_the_disk(tmp_path):
    async def write():
        with FULL.open("wb", buffering=0) as full:  # noqa: ASYNC230 - a device
            async for _ in quantize(build(tmp_path / "a.gguf"), full, "Q8_0"):
                pass

    with pytest.raises(StorageError, match="no space left on device"):
        asyncio.run(write())


def children():
    return [child.pid for child in psutil.Process().children(recursive=True)]


def test_leaving_early_ends_the_child(tmp_path):
    source = build(tmp_path / "a.gguf", shape=LEAP)

    async def leave():
        with (tmp_path / "b.gguf").open("wb") as file:
            async with aclosing(quantize(source, file, "Q4_K_M", num_threads=1)) as steps:
                return await anext(steps), children()

    step, during = asyncio.run(leave())
    assert (type(step), len(during)) == (Progress, 1)
    assert children() == []


def test_a_child_that_is_killed_is_an_error(tmp_path):
    source = build(tmp_path / "a.gguf", shape=LEAP)

    async def kill():
        with (tmp_path / "b.gguf").open("wb") as file:
            async for _ in quantize(source, file, "Q4_K_M", num_threads=1):
                for pid in children():
                    psutil.Process(pid).kill()

    with pytest.raises(CreateError, match="exit status -9"):
        asyncio.run(kill())


@pytest.fixture(scope="module")
def kernels():
    return Kernels(Path(native.__file__))


NEAR = [(Q8_0, 0.01), (Q4_K, 0.1), (Q6_K, 0.04), (BF16, 0.0), (F16, 0.0)]


@pytest.mark.parametrize(("kind", "error"), NEAR)
def test_quantized_numbers_are_near_the_first(kernels, kind, error):
    numbers = ramp(512)
    packed = kernels.convert(struct.pack("<512f", *numbers), F32, kind, 256)
    back = struct.unpack("<512f", kernels.convert(packed, kind, F32, 256))
    assert max(abs(a - b) for a, b in zip(numbers, back, strict=True)) <= error


def test_the_kernels_refuse_numbers_that_are_none(kernels):
    with pytest.raises(InvalidWeights):
        kernels.convert(struct.pack("<256f", *[float("nan")] * 256), F32, Q8_0, 256)
