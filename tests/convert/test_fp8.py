"""Checkpoints of 8-bit floats, one scale for each block of a matrix."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from corral.convert.config import Config
from corral.convert.fp8 import _VALUES, decoded, source_keys
from corral.convert.numbers import floats_of
from corral.convert.safetensors import read_table
from corral.errors import CorruptData, Unsupported

BLOCKS = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [2, 4]}}
CODES = bytes(range(0x20, 0x20 + 24))  # small positive numbers, 4 rows of 6


def tensors(folder, *, scale=(2, 2), name="w.weight_scale_inv", dtype="F8_E4M3"):
    count = scale[0] * scale[1]
    table = {
        "w.weight": {"dtype": dtype, "shape": [4, 6], "data_offsets": [0, 24]},
        name: {"dtype": "F32", "shape": list(scale), "data_offsets": [24, 24 + 4 * count]},
    }
    header = json.dumps(table).encode()
    data = struct.pack("<Q", len(header)) + header + CODES + struct.pack(f"<{count}f", *range(1, count + 1))
    (folder / "m").write_bytes(data)
    return {tensor.name: tensor for tensor in read_table(folder / "m", "m")}


def test_all_codes_mean_what_torch_means_by_them():
    torch = pytest.importorskip("torch")
    theirs = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float().numpy()
    np.testing.assert_array_equal(_VALUES, theirs)


def test_each_block_has_its_scale(tmp_path):
    found = decoded(tensors(tmp_path), Config(BLOCKS))
    assert found.keys() == {"w.weight"}
    numbers = floats_of(found["w.weight"].read(), found["w.weight"].dtype)
    plain = _VALUES[np.frombuffer(CODES, np.uint8)].reshape(4, 6)
    scales = np.array([[1, 1, 1, 1, 2, 2]] * 2 + [[3, 3, 3, 3, 4, 4]] * 2, np.float32)
    np.testing.assert_allclose(numbers, plain * scales, rtol=2**-8)


def test_the_new_file_says_where_it_came_from(tmp_path):
    assert source_keys(tensors(tmp_path)) == {
        "source_quantization": "hf_fp8",
        "source_fp8_tensors": ["w.weight"],
    }


@pytest.mark.parametrize(
    ("config", "made", "kind", "message"),
    [
        ({}, {}, CorruptData, 'missing fp8 block size metadata for tensor "w.weight"'),
        (BLOCKS, {"name": "other"}, CorruptData, 'missing fp8 scale companion for tensor "w.weight"'),
        (BLOCKS, {"scale": (1, 2)}, CorruptData, "unexpected fp8 scale shape"),
        (BLOCKS, {"dtype": "F8_E5M2"}, Unsupported, "unsupported fp8 source"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, config, made, kind, message):
    with pytest.raises(kind, match=message):
        decoded(tensors(tmp_path, **made), Config(config))


def test_one_block_size_is_enough_for_a_checkpoint(tmp_path):
    other = {"quant_method": "fp8", "weight_block_size": [8, 8]}
    with pytest.raises(CorruptData, match="multiple fp8 block sizes"):
        decoded(tensors(tmp_path), Config({**BLOCKS, "text_config": {"quantization_config": other}}))
