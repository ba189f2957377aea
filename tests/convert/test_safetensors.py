"""Files are taken for hostile: every lie about sizes and places is one clear error."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from corral.convert.checkpoint import Checkpoint
from corral.convert.numbers import as_bf16, read_floats
from corral.convert.safetensors import read_table
from corral.errors import CorruptData, InvalidInput


def write(path, table, data=b"", *, length=None):
    header = table if isinstance(table, bytes) else json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_tensors_are_found_where_the_table_says(tmp_path):
    table = {"__metadata__": {"format": "pt"}, "b": entry(shape=(2, 1)), "a": entry("U8", (3,), (8, 11))}
    found = {
        t.name: t for t in read_table(write(tmp_path / "m", table, struct.pack("<2f3B", 1, 2, 3, 4, 5)), "m")
    }
    assert read_floats(found["b"]).tolist() == [[1.0], [2.0]]
    assert found["a"].read().tolist() == [3, 4, 5]


HOSTILE = [
    (b"", None, "header does not fit"),
    (b"{}", 1 << 60, "header does not fit"),
    (b"{}", 100, "header does not fit"),
    (b"[1]", None, "header is no object"),
    (b"{", None, "header is not JSON"),
    (b"[" * 100_000, None, "header is not JSON"),
    ({"a": []}, None, "malformed"),
    ({"a": entry(dtype=3)}, None, "malformed"),
    ({"a": entry(shape=(-2,))}, None, "malformed"),
    ({"a": entry(shape=(True, 2))}, None, "malformed"),
    ({"a": entry(shape=(3,))}, None, "malformed"),
    ({"a": entry(shape=(0, 1 << 62), offsets=(0, 0))}, None, "has no elements"),
    ({"a": entry(shape=(1 << 62, 1 << 62))}, None, "malformed"),
    ({"a": entry(offsets=(0, 8, 9))}, None, "malformed"),
    ({"a": entry(offsets=(8, 0))}, None, "outside of the file"),
    ({"a": entry(shape=(4,), offsets=(0, 16))}, None, "outside of the file"),
    ({"a": entry(offsets=(1 << 62, (1 << 62) + 8))}, None, "outside of the file"),
]


@pytest.mark.parametrize(("table", "length", "message"), HOSTILE)
def test_a_file_that_lies_is_refused(tmp_path, table, length, message):
    path = write(tmp_path / "m", table, bytes(8) if table else b"", length=length)
    if not table:
        path.write_bytes(b"\1\2")
    with pytest.raises(CorruptData, match=message):
        read_table(path, "m")


def test_a_name_in_two_files_is_refused(tmp_path):
    files = {f"{name}.safetensors": write(tmp_path / name, {"t": entry()}, bytes(8)) for name in "ab"}
    with pytest.raises(CorruptData, match="duplicate tensor name 't'"):
        Checkpoint(files).tensors()


def test_a_part_that_is_missing_is_named(tmp_path):
    index = tmp_path / "index"
    index.write_text(json.dumps({"weight_map": {"t": "1.safetensors", "u": "2.safetensors"}}))
    part = write(tmp_path / "1", {"t": entry()}, bytes(8))
    with pytest.raises(InvalidInput, match=r"open 2\.safetensors: no such file"):
        Checkpoint({"1.safetensors": part, "model.safetensors.index.json": index}).tensors()


def test_a_file_that_shrinks_is_noticed(tmp_path):
    path = write(tmp_path / "m", {"a": entry()}, bytes(8))
    (tensor,) = read_table(path, "m")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptData, match="became shorter"):
        tensor.read()


@pytest.mark.parametrize(
    ("number", "rounded"), [(1.0, 1.0), (1.00390625, 1.0), (1.01171875, 1.015625), (-0.3, -0.30078125)]
)
def test_halves_of_floats_are_rounded_to_the_nearest_even(number, rounded):
    bits = as_bf16(np.array([number], np.float32)).astype(np.uint32) << 16
    assert bits.view(np.float32).tolist() == [rounded]
