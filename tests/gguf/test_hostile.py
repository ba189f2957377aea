"""Whatever bytes come, reading ends quickly and with no other error than GGUFError."""

import io
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from corral.errors import GGUFError
from corral.gguf import TensorInfo, read_gguf, scan_header, write_gguf


def valid_file() -> bytes:
    out = io.BytesIO()
    metadata = {
        "general.architecture": "llama",
        "block_count": 2,
        "rope": 0.5,
        "flags": [True, False],
        "heads": [1, 2, 3],
        "tokenizer.ggml.tokens": ["a", "bc", ""] * 400,
        "tokenizer.chat_template": "{{ x }}",
    }
    tensors = [TensorInfo("blk.0.w", (32, 2), 8), TensorInfo("out", (4,), 0)]
    write_gguf(out, metadata, tensors, lambda tensor: [bytes(tensor.num_bytes)])
    return out.getvalue()


VALID = valid_file()
# Most of the file is vocabulary: aim at the parts around it as well as anywhere.
position = st.one_of(
    st.integers(0, 400), st.integers(len(VALID) - 400, len(VALID) - 1), st.integers(0, len(VALID) - 1)
)
patch = st.tuples(position, st.binary(min_size=1, max_size=9))


@settings(max_examples=400, deadline=1000)
@given(patches=st.lists(patch, max_size=4), length=st.one_of(st.just(len(VALID)), position))
def test_a_damaged_file_raises_nothing_but_gguf_errors(patches, length):
    data = bytearray(VALID)
    for start, piece in patches:
        data[start : start + len(piece)] = piece
    for read in (read_gguf, scan_header, lambda file: read_gguf(file, arrays=False)):
        with suppress(GGUFError):
            read(io.BytesIO(bytes(data[:length])))


@settings(max_examples=200, deadline=1000)
@given(st.binary(max_size=200))
def test_any_bytes_behind_the_magic_raise_nothing_but_gguf_errors(data):
    with suppress(GGUFError):
        read_gguf(io.BytesIO(b"GGUF\3\0\0\0" + data))
