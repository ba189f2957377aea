import msgspec
import pytest

from corral.cache import stamp
from corral.engine import Adapter, LaunchParams

PARAMS = LaunchParams(model="/store/sha256-aa", num_ctx=4096)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "/store/sha256-bb"},
        {"num_ctx": 8192},
        {"kv_cache_type": "q8_0"},
        {"flash_attention": True},
        {"gpu_layers": -1},
        {"adapters": (Adapter(path="/store/sha256-cc"),)},
        {"adapters": (Adapter(path="/store/sha256-cc", scale=0.5),)},
        {"projector": "/store/sha256-dd"},
    ],
)
def test_what_a_state_depends_on_changes_the_stamp(change):
    assert stamp(msgspec.structs.replace(PARAMS, **change), "b1") != stamp(PARAMS, "b1")


@pytest.mark.parametrize(
    "change", [{"num_slots": 4}, {"num_threads": 3}, {"cache_mib": 5}, {"num_batch": 64}]
)
def test_what_it_does_not_depend_on_leaves_it_as_it_is(change):
    assert stamp(msgspec.structs.replace(PARAMS, **change), "b1") == stamp(PARAMS, "b1")


def test_another_build_of_the_engine_has_another_stamp():
    assert stamp(PARAMS, "b1") != stamp(PARAMS, "b2")


def test_a_file_that_is_no_blob_is_known_by_what_changes_when_it_is_written(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"one")
    before = stamp(LaunchParams(model=str(file)), "b1")
    file.write_bytes(b"two and more")
    assert stamp(LaunchParams(model=str(file)), "b1") != before
