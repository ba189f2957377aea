import pytest

from corral.core.model import Network
from corral.scheduler.memory import MIB, MemoryNeed, compute_bytes, context_bytes, repack_bytes

# The network that the measured sizes were taken with: 28 blocks, 8 heads of 128 for keys and values.
MEASURED = Network(
    num_blocks=28,
    embedding_length=1024,
    num_heads=16,
    num_kv_heads=8,
    key_length=128,
    value_length=128,
    parameter_count=474_000_000,
    file_type=15,
)


def test_the_predicted_context_cache_is_the_measured_one():
    measured = (1221 - 549) * 10**6  # between windows of 8192 and 2048 tokens
    predicted = context_bytes(MEASURED, 8192, 1) - context_bytes(MEASURED, 2048, 1)
    assert predicted == pytest.approx(measured, rel=0.06)


@pytest.mark.parametrize(
    ("kv_cache_type", "share"), [("", 1.0), ("f16", 1.0), ("f32", 2.0), ("q8_0", 34 / 64), ("q4_0", 18 / 64)]
)
def test_the_type_of_the_context_cache_sets_its_size(kv_cache_type, share):
    assert context_bytes(MEASURED, 4096, 2, kv_cache_type) == int(context_bytes(MEASURED, 4096, 2) * share)


def test_a_window_takes_whole_steps_of_the_engine():
    assert context_bytes(MEASURED, 64, 1) == context_bytes(MEASURED, 256, 1)


def test_head_size_is_derived_where_the_header_does_not_say():
    network = Network(num_blocks=1, embedding_length=64, num_heads=2, num_kv_heads=1)
    assert context_bytes(network, 256, 1) == 2 * 1 * 32 * 256 * 2


@pytest.mark.parametrize(("file_type", "expected"), [(15, 75), (2, 75), (7, 0), (1, 0), (None, 0)])
def test_only_some_types_of_weights_are_laid_out_twice(file_type, expected):
    assert repack_bytes(Network(file_type=file_type), 100, amx=False) == expected


@pytest.mark.parametrize(("file_type", "expected"), [(15, 100), (7, 100), (18, 100), (25, 75), (1, 0)])
def test_for_amx_more_types_are_laid_out_twice(file_type, expected):
    assert repack_bytes(Network(file_type=file_type), 100, amx=True) == expected


def test_an_unknown_network_still_gets_room_for_its_buffers():
    assert compute_bytes(Network(), 512) > 300 * MIB


def test_the_total_is_the_sum_of_all_purposes():
    assert MemoryNeed(weights=1, extras=2, context=4, compute=8, repack=16, cache=32).total == 63
