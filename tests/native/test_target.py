from __future__ import annotations

import pytest

from corral import hardware
from corral.hardware import GPU
from corral.native import Target, detect_target, missing, target
from corral.native.target import options
from tests.helpers.native_program import write_program


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any tool; names of tools are added by touching them."""
    for name in ("CXX", "CUDACXX", "VULKAN_SDK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(target, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(target, "_INCLUDES", (str(tmp_path),))
    monkeypatch.setattr(target.sys, "platform", "linux")

    def add(*names: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch(mode=0o755)

    return add


def test_each_missing_tool_is_named_with_its_package(bare):
    found = {need.what: need.get for need in missing(Target.CPU)}
    assert list(found) == ["cmake", "a C++ compiler", "ninja or make"]
    assert found["a C++ compiler"] == "apt-get install g++"


@pytest.mark.parametrize(
    ("kind", "tools"),
    [
        (Target.CPU, ()),
        (Target.HIP, ("hipcc",)),
        (Target.VULKAN, ("glslc", "vulkan/vulkan.h", "spirv/unified1/spirv.hpp")),
    ],
)
def test_each_target_needs_its_own_tools_and_no_others(bare, kind, tools):
    bare("cmake", "g++", "make")
    assert len(missing(kind)) == len(tools)
    bare(*tools)
    assert missing(kind) == []


def test_a_build_for_nvidia_needs_a_device_and_is_for_those_that_are_there(bare, monkeypatch):
    bare("cmake", "g++", "make", "nvcc")
    monkeypatch.setattr(target, "_capabilities", list)
    assert [need.what for need in missing(Target.CUDA)] == [
        "an NVIDIA device with its driver (nvidia-smi tells of none)"
    ]
    monkeypatch.setattr(target, "_capabilities", lambda: ["80", "90"])
    assert missing(Target.CUDA) == []
    assert "-DCMAKE_CUDA_ARCHITECTURES=80;90" in options(Target.CUDA)


def test_the_driver_tells_which_devices_there_are(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert target._capabilities() == []
    write_program(tmp_path / "nvidia-smi", 'echo "9.0"; echo "8.6"; echo "9.0"')
    assert target._capabilities() == ["86", "90"]


def test_a_compiler_that_the_environment_names_is_enough(bare, monkeypatch):
    bare("cmake", "ninja")
    monkeypatch.setenv("CXX", "/opt/clang/clang++")
    assert missing(Target.CPU) == []


def test_nothing_is_fetched_by_a_build():
    for kind in (Target.CPU, Target.CUDA, Target.VULKAN):
        assert {"-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_BUILD_UI=OFF"} <= set(options(kind))


def test_an_accelerator_is_switched_on_for_its_target_alone():
    assert "-DGGML_VULKAN=ON" in options(Target.VULKAN)
    assert not any("VULKAN" in option or "CUDA" in option for option in options(Target.CPU))


@pytest.mark.skipif(target.sys.platform != "linux", reason="a Mac has another target")
def test_the_target_follows_from_the_devices(monkeypatch):
    monkeypatch.setattr(hardware, "gpus", lambda: (GPU("Card", 8, 8),))
    assert detect_target() is Target.CUDA
