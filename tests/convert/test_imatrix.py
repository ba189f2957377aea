"""Importance matrices in both of llama.cpp's forms."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from corral.convert.imatrix import read_importance
from corral.errors import CorruptData
from corral.gguf import TensorInfo, write_gguf

F32 = 0
MATRIX = TensorInfo("blk.0.attn_q.weight", (4, 6), F32)
EXPERTS = TensorInfo("blk.0.ffn_up_exps.weight", (4, 6, 2), F32)


def records(path, *entries):
    """The older form: name, number of calls, sums."""
    data = struct.pack("<i", len(entries))
    for name, calls, sums in entries:
        data += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, len(sums))
        data += struct.pack(f"<{len(sums)}f", *sums)
    path.write_bytes(data)
    return path


def gguf(path, name, sums, counts):
    """The newer form: a row of sums for each matrix of a stack, and how often each was used."""
    columns, rows = len(sums) // len(counts), len(counts)
    numbers = {f"{name}.in_sum2": sums, f"{name}.counts": counts}
    tensors = [
        TensorInfo(f"{name}.counts", (1, rows), F32),
        TensorInfo(f"{name}.in_sum2", (columns, rows), F32),
    ]
    with path.open("wb") as file:
        metadata = {"general.architecture": "imatrix", "general.type": "imatrix"}
        write_gguf(file, metadata, tensors, lambda t: [np.array(numbers[t.name], np.float32).tobytes()])
    return path


def row(path, tensor, number):
    of_row = read_importance(path)(tensor)
    return None if of_row is None else np.frombuffer(of_row(number), np.float32).tolist()


def test_records_hold_means(tmp_path):
    path = records(tmp_path / "m.dat", (MATRIX.name, 2, [2, 4, 6, 8]))
    assert [row(path, MATRIX, number) for number in (0, 5)] == [[1, 2, 3, 4]] * 2


def test_sums_are_divided_by_counts_for_each_expert(tmp_path):
    path = gguf(tmp_path / "m.gguf", EXPERTS.name, [2, 4, 6, 8, 0, 0, 0, 0], [2, 0])
    assert row(path, EXPERTS, 5) == [1, 2, 3, 4]
    assert row(path, EXPERTS, 6) == [1, 1, 1, 1]  # never used: all matter equally


def test_a_tensor_that_was_not_measured_has_none(tmp_path):
    assert row(records(tmp_path / "m.dat", ("other", 1, [1.0])), MATRIX, 0) is None


BROKEN = [
    (b"", "no importance matrix"),
    (struct.pack("<i", 0), "no importance matrix"),
    (struct.pack("<i", -1), "no importance matrix"),
    (struct.pack("<ii", 1, 100) + b"x", "no importance matrix"),
    (struct.pack("<ii", 1, 1) + b"x" + struct.pack("<iif", 1, 1, float("nan")), "numbers that are none"),
]


@pytest.mark.parametrize(("data", "message"), BROKEN)
def test_a_file_that_is_none_is_refused(tmp_path, data, message):
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(CorruptData, match=message):
        read_importance(tmp_path / "m")


def test_one_for_another_model_is_refused(tmp_path):
    path = records(tmp_path / "m.dat", (MATRIX.name, 1, [1.0, 2.0]))
    with pytest.raises(CorruptData, match=r"does not fit the tensor blk\.0\.attn_q\.weight"):
        read_importance(path)(MATRIX)
