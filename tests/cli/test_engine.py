from __future__ import annotations

import json

import pytest

from corral.cli.commands import engine as command
from corral.engine import EngineBuild
from corral.errors import BuildError
from corral.native import Engine, Outcome, Shelf, Stage
from tests.helpers.native_program import write_program


@pytest.fixture(autouse=True)
def described(monkeypatch):
    monkeypatch.setattr(command, "describe", lambda program: EngineBuild("llama.cpp b1", ("AVX2", "OPENMP")))


@pytest.fixture
def shelf(tmp_path):
    """Where the commands keep engines, with one that was built."""
    shelf = Shelf(tmp_path / ".corral")
    engine = Engine(
        name="cpu-1", target="cpu", source="pack 1", version="llama-server version: 9", built_at=1.0
    )
    shelf.add(engine, write_program(tmp_path / "built", "exit 0"))
    return shelf


def names(corral):
    found = json.loads(corral("engine", "list", "--json").out)
    return {engine["name"]: engine["used"] for engine in found["engines"]}


def test_an_engine_is_used_until_another_is(corral, shelf):
    assert names(corral) == {"packaged": True, "cpu-1": False}
    outcome = corral("engine", "use", "cpu-1")
    assert outcome.out == "engine 'cpu-1' is used for every model that is loaded from now on: it is chosen\n"
    assert names(corral) == {"packaged": False, "cpu-1": True}
    corral("engine", "use", "packaged")
    assert names(corral) == {"packaged": True, "cpu-1": False}


def test_the_list_says_what_is_used_and_why(corral, shelf, monkeypatch):
    rows = corral("engine", "list").out.splitlines()
    assert rows[0].split() == ["NAME", "VERSION", "FEATURES", "DEVICES", "BUILT", "USED"]
    assert rows[1].split()[:6] == ["packaged", "llama.cpp", "b1", "AVX2", "-", "-"]
    monkeypatch.setenv("CORRAL_LLAMA_SERVER", "/usr/bin/true")
    found = json.loads(corral("engine", "list", "--json").out)
    assert found["used"]["why"] == "the setting llama_server names it"
    assert found["engines"][1]["path"] == "/usr/bin/true"


def test_a_choice_that_a_setting_overrides_is_told(corral, shelf, monkeypatch):
    monkeypatch.setenv("CORRAL_LLAMA_SERVER", "/usr/bin/true")
    assert corral("engine", "use", "cpu-1").out.startswith("engine 'llama_server' is used")


def test_an_engine_is_removed_and_the_packaged_one_takes_over(corral, shelf):
    corral("engine", "use", "cpu-1")
    assert corral("engine", "rm", "cpu-1").out == "removed engine 'cpu-1'; the packaged one is used now\n"
    assert names(corral) == {"packaged": True}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("use", "cuda-9"), "there is no engine 'cuda-9'"),
        (("rm", "packaged"), "'packaged' is no name of a built engine"),
        (("use",), "usage: corral engine use NAME"),
        (("list", "x"), "usage: corral engine list"),
        (("build", "--cpu", "--cuda"), "one of these at a time: --cpu, --cuda"),
        (("build", "--cpu", "--jobs", "0"), "--jobs must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused_with_one_error(corral, shelf, words, error):
    outcome = corral("engine", *words)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines()[0] == f"Error: {error}"


@pytest.fixture
def scripted_build(monkeypatch, tmp_path):
    """A build that takes no time; the checks end as the test says."""
    outcomes: list[Outcome] = []
    plans = []

    def build(plan):
        plans.append(plan)
        plan.log.parent.mkdir(parents=True)
        plan.log.write_text("-- The CXX compiler identification is GNU 12\n")
        yield Stage("downloading x", 5, 10, in_bytes=True)
        yield Stage("downloading x", 10, 10, in_bytes=True)
        yield Stage("compiling")
        yield Stage("compiling", 2, 2)

    async def check(program, weights):
        for outcome in outcomes:
            yield outcome

    async def probe(program, weights):
        return EngineBuild("llama-server version: 9", ("AVX512",), ())

    monkeypatch.setattr(command, "build", build)
    monkeypatch.setattr(command, "built_program", lambda plan: write_program(tmp_path / "program", "exit 0"))
    monkeypatch.setattr(command, "check", check)
    monkeypatch.setattr(command, "probe", probe)
    return outcomes, plans


def test_what_was_built_and_checked_is_used(corral, scripted_build):
    outcomes, _ = scripted_build
    outcomes += [Outcome("loads a model"), Outcome("writes the same answers")]
    outcome = corral("engine", "build", "--cpu")
    assert outcome.status == 0
    assert "it passed 2 checks" in outcome.out
    assert names(corral) == {"packaged": False, "cpu-0.3.36": True}
    found = json.loads(corral("engine", "list", "--json").out)["engines"][1]
    assert (found["features"], found["compiler"]) == (["AVX512"], "GNU 12")


def test_what_fails_a_check_is_neither_kept_nor_used(corral, scripted_build):
    outcomes, _ = scripted_build
    outcomes += [Outcome("loads a model"), Outcome("writes the same answers", '"no" instead of "yes"')]
    outcome = corral("engine", "build", "--cpu")
    assert outcome.status == 1
    assert 'FAILED  writes the same answers: "no" instead of "yes"' in outcome.out
    assert "is not used" in outcome.err
    assert names(corral) == {"packaged": True}


def test_a_build_can_be_kept_for_later(corral, scripted_build):
    scripted_build[0].append(Outcome("loads a model"))
    assert "corral engine use cpu-0.3.36" in corral("engine", "build", "--cpu", "--no-use").out
    assert names(corral) == {"packaged": True, "cpu-0.3.36": False}


def test_the_source_comes_from_where_it_is_told_to(corral, scripted_build, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.test/simple")
    corral("engine", "build", "--cpu", "--jobs", "3", "--source", "pack.tar.gz")
    (plan,) = scripted_build[1]
    assert (plan.index, plan.jobs, plan.archive.name) == ("https://mirror.test/simple", 3, "pack.tar.gz")


def test_a_missing_tool_is_one_error_with_its_package(corral, monkeypatch):
    def build(plan):
        raise BuildError("to build for cpu, this is missing: cmake", hint="apt-get install cmake")
        yield

    monkeypatch.setattr(command, "build", build)
    outcome = corral("engine", "build", "--cpu")
    assert outcome.err.endswith(
        "Error: to build for cpu, this is missing: cmake\nhint: apt-get install cmake\n"
    )


def test_checks_are_told_one_by_one_and_by_the_status(corral, scripted_build):
    scripted_build[0].extend([Outcome("a"), Outcome("b", "wrong")])
    outcome = corral("engine", "check")
    assert (outcome.status, outcome.out) == (1, "ok      a\nFAILED  b: wrong\n")
    found = json.loads(corral("engine", "check", "packaged", "--json").out)
    assert (found["name"], found["passed"]) == ("packaged", False)
