from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from corral.hardware import GPU, cores, cpu_features, gpus, memory
from corral.hardware.gpus import parse


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_without_a_control_group_memory_is_the_system_s(tmp_path: Path):
    assert memory(tmp_path).total == psutil.virtual_memory().total


def test_a_control_group_s_limit_counts_and_its_file_pages_are_free(tmp_path: Path):
    limit, used, pages = 512 << 20, 300 << 20, 100 << 20
    files = {"memory_DOT_max": f"{limit}\n", "memory_DOT_current": f"{used}\n"}
    write(tmp_path, **files, memory_DOT_stat=f"anon 1\ninactive_file {pages}\n")
    found = memory(tmp_path)
    assert found.total == limit
    assert found.available == min(limit - used + pages, psutil.virtual_memory().available)


def test_an_unlimited_control_group_changes_nothing(tmp_path: Path):
    write(tmp_path, memory_DOT_max="max\n", memory_DOT_current="5\n", cpu_DOT_max="max 100000\n")
    assert memory(tmp_path).total == psutil.virtual_memory().total
    assert cores(tmp_path) == cores(tmp_path / "nothing")


@pytest.mark.parametrize(("quota", "wanted"), [("50000 100000", 1), ("100000 100000", 1)])
def test_a_share_of_processor_time_limits_the_cores(tmp_path: Path, quota: str, wanted: int):
    assert cores(write(tmp_path, cpu_DOT_max=quota)) == wanted


def test_a_version_1_quota_is_read_too(tmp_path: Path):
    files = {"cpu__cpu.cfs_quota_us": "100000", "cpu__cpu.cfs_period_us": "100000"}
    assert cores(write(tmp_path, **files)) == 1


def test_devices_are_read_from_the_tool_s_table():
    table = "NVIDIA H200, 143771, 143000\nA, B, 10, 5\nbroken line\n"
    assert parse(table) == (GPU("NVIDIA H200", 143771 << 20, 143000 << 20), GPU("A, B", 10 << 20, 5 << 20))


def test_a_machine_without_the_tool_has_no_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "processor\t: 0\nflags\t\t: fpu avx2 amx_int8\n\nprocessor\t: 1\nflags\t: x\n",
            {"fpu", "avx2", "amx_int8"},
        ),
        ("processor : 0\nFeatures : fp asimd sve\n", {"fp", "asimd", "sve"}),
        ("nothing of the kind", set()),
    ],
)
def test_what_the_processor_can_do_is_read_from_the_kernel(tmp_path: Path, text: str, expected: set[str]):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert cpu_features(path) == expected


def test_a_system_that_does_not_tell_has_no_known_features(tmp_path: Path):
    assert cpu_features(tmp_path / "absent") == frozenset()
