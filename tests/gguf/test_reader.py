import io
import struct
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType, GGUFReader
from gguf.constants import GGML_QUANT_SIZES

from corral.errors import GGUFError, StorageError
from corral.gguf import (
    TENSOR_TYPES,
    ArrayType,
    SkippedArray,
    TensorInfo,
    ValueType,
    is_gguf,
    read_gguf,
    scan_header,
)
from tests.helpers.gguf_files import TENSORS, build_gguf


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def uint32(key: str, value: int) -> bytes:
    return string(key) + struct.pack("<II", 4, value)


def header(*keys: bytes, tensors: tuple[bytes, ...] = (), version: int = 3) -> bytes:
    counts = struct.pack("<IQQ", version, len(tensors), len(keys))
    return b"GGUF" + counts + b"".join(keys) + b"".join(tensors)


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    count = len(shape)
    return string(name) + struct.pack(f"<I{count}QIQ", count, *shape, kind, offset)


def read(data: bytes, *, arrays: bool = True):
    return read_gguf(io.BytesIO(data), arrays=arrays)


def test_facts_of_a_model_are_read(tmp_path: Path):
    gguf = read_gguf(build_gguf(tmp_path / "m.gguf"))
    assert (gguf.version, gguf.architecture, gguf.file_type, gguf.file_type_name) == (3, "llama", 1, "F16")
    assert (gguf.block_count, gguf.context_length, gguf.embedding_length) == (2, 256, 64)
    assert (gguf.head_count, gguf.head_count_kv) == (4, 2)
    assert gguf.parameter_count == 64 * 4 + 3 * 64
    assert gguf.metadata["tokenizer.ggml.tokens"] == ["<s>", "</s>", "a", "b"]
    assert (gguf.kind, gguf.is_split, gguf.chat_template) == ("model", False, None)
    assert gguf.size == (tmp_path / "m.gguf").stat().st_size


def test_the_reference_reader_agrees_about_tensors(tmp_path: Path):
    path = build_gguf(tmp_path / "m.gguf")
    ours = read_gguf(path)
    theirs = {t.name: (tuple(int(n) for n in t.shape), int(t.data_offset)) for t in GGUFReader(path).tensors}
    assert {t.name: (t.shape, ours.data_offset + t.offset) for t in ours.tensors} == theirs


def test_tensor_sizes_agree_with_the_reference_package():
    ours = {number: (kind.block_size, kind.block_bytes) for number, kind in TENSOR_TYPES.items()}
    theirs = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}
    # Q8_1 exists only inside the engine; the package counts its two scales as 32-bit numbers. It is older
    # than the engine, and does not know Q2_0.
    del ours[9], theirs[int(GGMLQuantizationType.Q8_1)], ours[42]
    assert {number: theirs[number] for number in ours} == ours


def test_long_arrays_are_skipped_on_request_and_short_ones_are_not(tmp_path: Path):
    long = {"tokenizer.ggml.tokens": [f"t{n}" for n in range(50_000)], "tokenizer.ggml.scores": [0.5] * 2000}
    path = build_gguf(tmp_path / "m.gguf", metadata={**long, "attention.head_count_kv": [2, 0, 8]})
    gguf = read_gguf(path, arrays=False)
    assert gguf.metadata["tokenizer.ggml.tokens"] == SkippedArray(50_000)
    assert gguf.metadata["tokenizer.ggml.scores"] == SkippedArray(2000)
    assert gguf.head_counts_kv == (2, 0, 8)
    assert gguf.head_count_kv == 2
    full = read_gguf(path)
    assert full.metadata["tokenizer.ggml.tokens"] == long["tokenizer.ggml.tokens"]
    assert gguf.tensors == full.tensors


def test_strings_longer_than_the_buffer_are_read_and_skipped():
    words = ["x" * n for n in (0, 1, 300_000, 5, 262_144, 262_136)]
    items = words + ["y"] * 2000
    key = string("k") + struct.pack("<IIQ", 9, 8, len(items)) + b"".join(map(string, items))
    data = header(key, uint32("after", 7))
    assert read(data).metadata == {"k": items, "after": 7}
    assert read(data, arrays=False).metadata == {"k": SkippedArray(len(items)), "after": 7}


def test_a_scan_stops_before_the_tokenizer(tmp_path: Path):
    path = build_gguf(tmp_path / "m.gguf", metadata={"tokenizer.chat_template": "x"})
    gguf = scan_header(path)
    assert gguf.context_length == 256
    assert gguf.tensors == ()
    assert not any(key.startswith("tokenizer.") for key in gguf.metadata)


@pytest.mark.parametrize(
    ("number", "data", "value"),
    [
        (0, b"\xff", 255),
        (1, b"\xff", -1),
        (2, b"\xff\xff", 65535),
        (3, b"\xff\xff", -1),
        (4, b"\xff\xff\xff\xff", 4294967295),
        (5, b"\xff\xff\xff\xff", -1),
        (6, struct.pack("<f", 0.5), 0.5),
        (7, b"\x01", True),
        (7, b"\x00", False),
        (8, string("é"), "é"),
        (8, string(b"\xff"), b"\xff"),
        (10, b"\xff" * 8, (1 << 64) - 1),
        (11, b"\xff" * 8, -1),
        (12, struct.pack("<d", 0.1), 0.1),
    ],
)
def test_every_value_type_is_read(number: int, data: bytes, value: object):
    gguf = read(header(string("k") + struct.pack("<I", number) + data))
    assert gguf.metadata["k"] == value
    assert type(gguf.metadata["k"]) is type(value)
    assert gguf.types["k"] is ValueType(number)


def test_a_typed_lookup_takes_no_other_type():
    gguf = read(
        header(
            string("general.architecture") + struct.pack("<I", 8) + string("llama"),
            string("llama.block_count") + struct.pack("<IQ", 10, 4),
            uint32("llama.pooling_type", 0),
        )
    )
    assert gguf.block_count == 0  # stored as u64: the engine refuses that too
    assert gguf.get("block_count", int, -1) == 4
    assert gguf.get("block_count", bool, False) is False
    assert gguf.get("pooling_type", str, "none") == "none"
    assert gguf.has("pooling_type")
    assert not gguf.has("vision.block_count")


def test_the_first_version_counts_in_32_bits_and_ends_strings_with_a_zero():
    name = struct.pack("<I", 21) + b"general.architecture\0"
    value = struct.pack("<II", 8, 6) + b"llama\0"
    entry = struct.pack("<I", 2) + b"t\0" + struct.pack("<IIIIQ", 2, 4, 2, 0, 0)
    data = b"GGUF" + struct.pack("<III", 1, 1, 1) + name + value + entry
    gguf = read(data + bytes(-len(data) % 32 + 32))
    assert gguf.architecture == "llama"
    assert gguf.tensors == (TensorInfo("t", (4, 2), 0, 0),)


@pytest.mark.parametrize("magic", [b"GGUF", b"FUGG"])
def test_big_endian_files_are_read(magic: bytes):
    key = struct.pack(">Q", 1) + b"k" + struct.pack(">IIQHH", 9, 2, 2, 1, 513)
    gguf = read(magic + struct.pack(">IQQ", 3, 0, 1) + key)
    assert (gguf.big_endian, gguf.metadata["k"]) == (True, [1, 513])
    assert gguf.types["k"] == ArrayType(ValueType.UINT16)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "invalid file magic"),
        (b"GG", "invalid file magic"),
        (b"PK\x03\x04" + bytes(40), "invalid file magic"),
        (b"tjgg" + bytes(40), "unsupported model format"),
        (header(version=0), "unsupported model format"),
        (header()[:20], "GGUF file ends early: 8 bytes needed at offset 16, 4 left"),
        (header(string("k") + struct.pack("<I", 13)), "invalid type: 13"),
        (header(string("k") + struct.pack("<IIQ", 9, 99, 1)), "invalid array type: 99"),
        (header(string("k") + struct.pack("<IIQ", 9, 9, 1)), "invalid array type: 9"),
        (
            header(string("k") + struct.pack("<IIQ", 9, 0, 1 << 40)),
            "GGUF array size 1099511627776 exceeds maximum 67108864",
        ),
        (
            header(string("k") + struct.pack("<IIQ", 9, 10, 1 << 20)),
            "GGUF file ends early: 8388608 bytes needed at offset 49, 0 left",
        ),
        (
            header(struct.pack("<Q", 1 << 63) + b"0123456789"),
            "GGUF string length 9223372036854775808 exceeds maximum 16777216",
        ),
        (header(uint32("k", 1), uint32("k", 2)), 'GGUF file has the key "k" twice'),
        (header(uint32(b"\xff", 1)), "GGUF file has a key that is not UTF-8"),
        (header(uint32("general.alignment", 0)), "invalid GGUF alignment: 0"),
        (header(uint32("general.alignment", 24)), "invalid GGUF alignment: 24"),
        (
            header(string("general.alignment") + struct.pack("<IQ", 10, 32)),
            "invalid GGUF alignment: not an unsigned 32-bit number",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0),
            "GGUF file claims 1152921504606846976 tensors and 0 keys: too many",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1000),
            "GGUF file ends early: 13000 bytes needed at offset 24, 0 left",
        ),
        (
            header(tensors=(tensor("t", (1, 1, 1, 1, 1)),)),
            'tensor "t" has 5 dimensions, at most 4 exist',
        ),
        (header(tensors=(tensor("t", (32,), 36),)), 'tensor "t" size overflow: type 36 is unknown'),
        (
            header(tensors=(tensor("t", (33,), 8),)),
            'tensor "t" size overflow: 33 is no multiple of 32, the block size of Q8_0',
        ),
        (header(tensors=(tensor("t", (4, 0)),)), 'tensor "t" size overflow: 0 elements'),
        (
            header(tensors=(tensor("t", (1 << 62, 4)),)),
            'tensor "t" size overflow: 18446744073709551616 elements',
        ),
        (
            header(tensors=(tensor("t", (8,), offset=64),)),
            'tensor "t" offset+size (160) exceeds file size (57)',
        ),
        (
            header(tensors=(tensor("t", (8,)),)) + bytes(38),
            'tensor "t" offset+size (96) exceeds file size (95)',
        ),
        (
            header(tensors=(tensor("t", (1,)), tensor("t", (1,)))) + bytes(64),
            "GGUF file has two tensors of the same name",
        ),
    ],
)
def test_a_malformed_file_is_refused(data: bytes, message: str):
    with pytest.raises(GGUFError) as caught:
        read(data)
    assert caught.value.message == message


def test_a_string_that_claims_more_than_the_file_holds_is_refused_when_skipped():
    items = string("a") * 1999 + struct.pack("<Q", 1000) + b"short"
    data = header(string("k") + struct.pack("<IIQ", 9, 8, 2000) + items)
    with pytest.raises(GGUFError, match="GGUF file ends early"):
        read(data, arrays=False)
    with pytest.raises(GGUFError, match="GGUF file ends early"):
        read(data)


@pytest.mark.parametrize(
    ("architecture", "metadata", "kind"),
    [
        ("llama", {}, "model"),
        ("llama", {"general.type": "adapter"}, "adapter"),
        ("clip", {"general.type": "mmproj"}, "projector"),
        ("clip", {"general.type": "projector"}, "projector"),
        ("clip", {"has_vision_encoder": True}, "projector"),
        ("clip", {"has_audio_encoder": True}, "projector"),
        ("clip", {"has_vision_encoder": False}, "model"),
        ("gemma3", {"vision.block_count": 3}, "projector"),
        ("gemma3", {"vision.block_count": 3, "block_count": 2}, "model"),
    ],
)
def test_the_kind_of_a_file_follows_from_its_keys(tmp_path: Path, architecture, metadata, kind):
    path = build_gguf(tmp_path / "m.gguf", architecture=architecture, metadata=metadata)
    assert read_gguf(path).kind == kind


def test_a_shard_is_known_by_keys_at_top_level():
    entries = [("split.no", 1), ("split.count", 3)]
    gguf = read(header(*(string(key) + struct.pack("<IH", 2, value) for key, value in entries)))
    assert (gguf.is_split, gguf.split_no, gguf.split_count) == (True, 1, 3)


def test_embedded_projector_tensors_are_seen(tmp_path: Path):
    tensors = (*TENSORS, TensorInfo("v.patch_embd.weight", (4,), 0))
    assert read_gguf(build_gguf(tmp_path / "a.gguf", tensors=tensors)).has_extra_tensors
    assert not read_gguf(build_gguf(tmp_path / "b.gguf")).has_extra_tensors


def test_a_file_that_cannot_be_opened_is_a_storage_error(tmp_path: Path):
    with pytest.raises(StorageError) as caught:
        read_gguf(tmp_path / "absent")
    assert caught.value.message == f"open {tmp_path / 'absent'}: no such file or directory"
    with pytest.raises(StorageError):
        read_gguf(tmp_path)


def test_the_magic_tells_a_gguf_file(tmp_path: Path):
    (tmp_path / "text").write_text("GGU")
    assert is_gguf(build_gguf(tmp_path / "m.bin"))
    assert not is_gguf(tmp_path / "text")
    assert not is_gguf(tmp_path / "absent")
