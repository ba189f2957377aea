"""How the end of a child for lack of memory is told from other ends."""

import pytest

from corral.engine import oom


def test_the_kernel_s_count_of_kills_is_read(tmp_path, monkeypatch):
    (tmp_path / "vmstat").write_text("nr_free_pages 3\noom_kill 17\noom_kill_other 4\n")
    monkeypatch.setattr(oom, "_COUNTERS", tmp_path / "vmstat")
    assert oom.num_oom_kills() == 17


def test_a_system_that_does_not_count_kills_gives_none(tmp_path, monkeypatch):
    monkeypatch.setattr(oom, "_COUNTERS", tmp_path / "none")
    assert oom.num_oom_kills() == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CUDA error: out of memory", True),
        ("ggml_vulkan: ErrorOutOfDeviceMemory", True),
        ("slot update_slots: id 0 | task 3 | kv cache rm", False),
    ],
)
def test_a_device_that_has_no_memory_left_says_so(line, said):
    assert bool(oom.SAID.search(line)) is said
