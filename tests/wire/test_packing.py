import pytest
import zstandard

from corral.errors import InvalidInput, PackedBodyBroken
from corral.wire.packing import MAX_UNPACKED, unpacked


def test_a_stream_of_several_frames_is_one_body():
    assert unpacked(zstandard.compress(b"{") + zstandard.compress(b"}")) == b"{}"


@pytest.mark.parametrize("data", [b"{}", zstandard.compress(b"{}") + b"rest"])
def test_what_is_no_zstd_is_refused(data):
    with pytest.raises(PackedBodyBroken):
        unpacked(data)


def test_a_small_body_may_not_become_a_huge_one():
    assert len(unpacked(zstandard.compress(bytes(MAX_UNPACKED)))) == MAX_UNPACKED
    with pytest.raises(InvalidInput, match="request body too large"):
        unpacked(zstandard.compress(bytes(MAX_UNPACKED + 1)))


def test_a_frame_that_asks_for_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(PackedBodyBroken):
        unpacked(packer.compress(b"{}") + packer.flush())
