"""What an engine is built for: the processor alone, or a kind of accelerator; and what that needs.

Source of the options: llama.cpp's docs/build.md and CMakeLists.txt of the pinned version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from corral import hardware

_CUDA_PLACES = ("/usr/local/cuda/bin", "/opt/cuda/bin")
_ROCM_PLACES = ("/opt/rocm/bin",)
_INCLUDES = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")
_ASK_S = 10.0


class Target(StrEnum):
    """`METAL` is what a build on a Mac has anyway."""

    CPU = "cpu"
    CUDA = "cuda"
    VULKAN = "vulkan"
    HIP = "hip"
    METAL = "metal"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a build cannot do without, and how it is got."""

    what: str
    get: str


def detect_target() -> Target:
    """The accelerator that this machine has, else the processor. Tools need not be there: `missing` tells."""
    if sys.platform == "darwin":
        return Target.METAL
    if hardware.gpus():
        return Target.CUDA
    if Path("/dev/kfd").exists():  # the kernel's driver for AMD's devices
        return Target.HIP
    if any(Path("/dev/dri").glob("renderD*")) and _find("glslc"):
        return Target.VULKAN
    return Target.CPU


def missing(target: Target) -> list[Need]:
    """What is not on this machine and is needed to build for `target`, with the package that brings it."""
    needs = []
    if not _find("cmake"):
        needs.append(Need("cmake", "apt-get install cmake (or: pip install cmake)"))
    if not (os.environ.get("CXX") or _find("c++") or _find("g++") or _find("clang++")):
        needs.append(Need("a C++ compiler", "apt-get install g++"))
    if not (_find("ninja") or _find("make")):
        needs.append(Need("ninja or make", "apt-get install ninja-build (or: pip install ninja)"))
    return needs + _needs_of(target)


def options(target: Target) -> list[str]:
    """CMake's options. One file without libraries of its own; nothing is fetched while it is built."""
    chosen = {
        "CMAKE_BUILD_TYPE": "Release",
        "BUILD_SHARED_LIBS": "OFF",
        "GGML_NATIVE": "ON",
        "LLAMA_BUILD_TESTS": "OFF",
        "LLAMA_BUILD_EXAMPLES": "OFF",
        "LLAMA_BUILD_APP": "OFF",
        # Corral serves its own pages, and speaks to the engine over a socket in a private folder.
        "LLAMA_BUILD_UI": "OFF",
        "LLAMA_USE_PREBUILT_UI": "OFF",
        "LLAMA_OPENSSL": "OFF",
        "GGML_CCACHE": "OFF",
        # Else the state of a repository around the folder would be taken for its own.
        "LLAMA_BUILD_NUMBER": "0",
        "LLAMA_BUILD_COMMIT": "pinned",
    }
    if target in (Target.CUDA, Target.HIP, Target.VULKAN):
        chosen[f"GGML_{target.upper()}"] = "ON"
    if target is Target.CUDA:
        # Else all that NVIDIA ever made would be compiled for, which takes hours.
        chosen["CMAKE_CUDA_ARCHITECTURES"] = ";".join(_capabilities())
    return [f"-D{name}={value}" for name, value in chosen.items()]


def search_path() -> str:
    """The PATH of a build: ours, and where the makers of accelerators put their compilers."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_CUDA_PLACES, *_ROCM_PLACES])


def _needs_of(target: Target) -> list[Need]:
    needs = []
    if target is Target.CUDA and not (os.environ.get("CUDACXX") or _find("nvcc")):
        needs.append(Need("nvcc (the CUDA toolkit)", "apt-get install nvidia-cuda-toolkit"))
    if target is Target.CUDA and not _capabilities():
        needs.append(
            Need("an NVIDIA device with its driver (nvidia-smi tells of none)", "install its driver")
        )
    if target is Target.HIP and not _find("hipcc"):
        needs.append(Need("hipcc (ROCm)", "apt-get install hipcc libhipblas-dev librocblas-dev"))
    if target is Target.VULKAN:
        if not _find("glslc"):
            needs.append(Need("glslc", "apt-get install glslc"))
        if not _has_header("vulkan/vulkan.h"):
            needs.append(Need("the headers of Vulkan", "apt-get install libvulkan-dev"))
        if not _has_header("spirv/unified1/spirv.hpp"):
            needs.append(Need("the headers of SPIR-V", "apt-get install spirv-headers"))
    if target is Target.METAL and sys.platform != "darwin":
        needs.append(Need("macOS", "build for another target"))
    return needs


def _capabilities() -> list[str]:
    """The compute capabilities of the devices that are here, such as `90`; none without a driver."""
    asked = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = {line.strip().replace(".", "") for line in said.splitlines()}
    return sorted(number for number in found if number.isdecimal())


def _find(program: str) -> str | None:
    return shutil.which(program, path=search_path())


def _has_header(name: str) -> bool:
    roots = [*_INCLUDES, *(os.environ[key] + "/include" for key in ("VULKAN_SDK",) if key in os.environ)]
    return any(Path(root, name).exists() for root in roots)
