"""A small project of CMake in the place of llama.cpp: real tools, a real compiler."""

from __future__ import annotations

import dataclasses
import fcntl
import shutil
import subprocess

import pytest

from corral.engine import EngineBuild
from corral.errors import BuildError, DigestMismatch
from corral.native import Plan, Stage, Target, build, built_program, clean, describe_build, target

pytestmark = pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("c++")), reason="needs cmake and a C++ compiler"
)

PROJECT = """
cmake_minimum_required(VERSION 3.14)
project(x CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(llama-server main.cpp)
"""
MAIN = '#include <cstdio>\nint main() { std::puts("version: test"); }\n'


@pytest.fixture
def make_plan(make_source, tmp_path):
    def make(main: str = MAIN) -> Plan:
        root = "vendor/llama.cpp/"
        source, data = make_source({root + "CMakeLists.txt": PROJECT, root + "main.cpp": main})
        archive = tmp_path / "given.tar.gz"
        archive.write_bytes(data)
        return Plan(
            target=Target.CPU, source=source, index="", home=tmp_path / "home", archive=archive, jobs=1
        )

    return make


def test_a_program_is_built_and_its_log_kept(make_plan):
    plan = make_plan()
    stages = list(build(plan))
    assert [stage.text for stage in stages[:2]] == ["unpacking", "configuring"]
    assert {stage.text for stage in stages[2:]} == {"compiling"}
    assert stages[-1].done == stages[-1].total > 0
    assert subprocess.check_output([built_program(plan)]) == b"version: test\n"
    assert "main.cpp" in plan.log.read_text()
    engine = describe_build(plan, 1.0, EngineBuild("v", ("AVX2",)))
    assert (engine.name, engine.source, engine.features) == ("cpu-1.0", "pack 1.0", ("AVX2",))
    assert engine.compiler
    clean(plan)
    assert plan.log.exists()
    assert not plan.work.exists()


def test_what_the_compiler_complains_of_is_told_and_the_next_attempt_goes_on(make_plan):
    plan = make_plan("int main() { return missing_name; }\n")
    with pytest.raises(BuildError, match="missing_name") as found:
        list(build(plan))
    assert found.value.hint == f"the whole log: {plan.log}"
    assert not built_program(plan).exists()
    (plan.work / "source" / "main.cpp").write_text(MAIN)
    assert list(build(plan))[0] == Stage("configuring")  # noqa: RUF015 - all of it must run
    assert built_program(plan).exists()


def test_leaving_early_ends_the_compiler(make_plan):
    plan = make_plan()
    stages = build(plan)
    while next(stages) != Stage("compiling"):
        pass
    stages.close()
    list(build(plan))
    assert built_program(plan).exists()


def test_two_builds_at_a_time_are_refused(make_plan):
    plan = make_plan()
    plan.work.mkdir(parents=True)
    with (plan.work / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BuildError, match="another build is running"):
            next(build(plan))


def test_a_given_package_must_be_the_pinned_one(make_plan):
    plan = make_plan()
    other = dataclasses.replace(plan.source, sha256="0" * 64)
    with pytest.raises(DigestMismatch):
        list(build(dataclasses.replace(plan, source=other)))
    assert plan.archive is not None
    assert plan.archive.exists()


def test_a_missing_tool_is_named_before_anything_is_done(make_plan, monkeypatch, tmp_path):
    monkeypatch.setattr(target, "search_path", lambda: str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    plan = make_plan()
    with pytest.raises(BuildError, match="to build for cpu, this is missing: cmake, a C"):
        next(build(plan))
    assert not plan.home.exists()
