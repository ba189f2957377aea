import io
from pathlib import Path

import pytest

from corral.errors import GGUFError
from corral.gguf import ArrayType, TensorInfo, ValueType, read_gguf, tensor_data, write_gguf
from tests.helpers.gguf_files import build_gguf

ARCHITECTURE = {"general.architecture": "llama"}


def written(metadata, tensors=(), **kwargs):
    out = io.BytesIO()
    write_gguf(out, metadata, tensors, lambda tensor: [b"\1" * tensor.num_bytes], **kwargs)
    return out.getvalue()


def test_keys_are_prefixed_and_sorted():
    keys = {"tokenizer.x": 1, "block_count": 2, **ARCHITECTURE, "adapter.type": "lora", "llama.a": 3}
    gguf = read_gguf(io.BytesIO(written(keys)))
    names = ["adapter.type", "general.architecture", "llama.a", "llama.block_count", "tokenizer.x"]
    assert list(gguf.metadata) == names


def test_tensors_are_sorted_by_block_then_name_and_aligned():
    names = ["output.weight", "blk.10.b", "blk.2.b", "blk.2.a", "a.weight"]
    tensors = [TensorInfo(name, (3,), 0) for name in names]
    gguf = read_gguf(io.BytesIO(written(ARCHITECTURE, tensors)))
    assert [tensor.name for tensor in gguf.tensors] == [
        "blk.2.a",
        "blk.2.b",
        "blk.10.b",
        "a.weight",
        "output.weight",
    ]
    assert [tensor.offset for tensor in gguf.tensors] == [0, 32, 64, 96, 128]
    assert gguf.size == gguf.data_offset + 5 * 32


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, ValueType.BOOL),
        (7, ValueType.UINT32),
        (-7, ValueType.INT32),
        (1 << 40, ValueType.UINT64),
        (-(1 << 40), ValueType.INT64),
        (0.5, ValueType.FLOAT32),
        ("é", ValueType.STRING),
        (b"\xff", ValueType.STRING),
        ([1, 2], ArrayType(ValueType.UINT32)),
        ([1, -2], ArrayType(ValueType.INT32)),
        ([1, -(1 << 40)], ArrayType(ValueType.INT64)),
        ([1, 0.5], ArrayType(ValueType.FLOAT32)),
        ([True, False], ArrayType(ValueType.BOOL)),
        (["a", b"\xff"], ArrayType(ValueType.STRING)),
        ([], ArrayType(ValueType.STRING)),
    ],
)
def test_a_type_is_chosen_by_value(value, kind):
    gguf = read_gguf(io.BytesIO(written({**ARCHITECTURE, "k": value})))
    assert gguf.value("k") == value
    assert gguf.types["llama.k"] == kind


def test_given_types_win():
    types = {"k": ValueType.INT64, "list": ArrayType(ValueType.UINT8)}
    gguf = read_gguf(io.BytesIO(written({**ARCHITECTURE, "k": 1, "list": [1]}, types=types)))
    assert (gguf.types["llama.k"], gguf.types["llama.list"]) == (types["k"], types["list"])


def test_a_copy_as_given_is_the_same_file(tmp_path: Path):
    source = build_gguf(tmp_path / "m.gguf", metadata={"odd.key": [0.5], "general.alignment": 64})
    gguf = read_gguf(source)
    out = io.BytesIO()
    data = tensor_data(source, gguf)
    write_gguf(out, gguf.metadata, gguf.tensors, data, types=gguf.types, as_given=True)
    assert out.getvalue() == source.read_bytes()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "architecture not set"),
        ({**ARCHITECTURE, "a": 1, "llama.a": 2}, "two metadata keys have the same name once prefixed"),
        ({**ARCHITECTURE, "a": 1 << 64}, 'the value of "llama.a" does not fit its type'),
        ({**ARCHITECTURE, "a": ["x", 1]}, 'the value of "llama.a" does not fit its type'),
        ({**ARCHITECTURE, "a": "\ud800"}, 'the value of "llama.a" does not fit its type'),
        ({**ARCHITECTURE, "a": 1e300}, 'the value of "llama.a" does not fit its type'),
        ({**ARCHITECTURE, "general.alignment": 3}, "invalid GGUF alignment: 3"),
    ],
)
def test_what_no_file_can_hold_is_refused(metadata, message):
    with pytest.raises(GGUFError) as caught:
        written(metadata)
    assert caught.value.message == message


def test_a_source_that_gives_too_little_is_refused():
    with pytest.raises(GGUFError, match='tensor "t" has 3 bytes, expected 16'):
        write_gguf(io.BytesIO(), ARCHITECTURE, [TensorInfo("t", (4,), 0)], lambda _: [b"abc"])
