from __future__ import annotations

import pytest

from corral import hardware
from corral.errors import InvalidInput, NotFound
from corral.native import PACKAGED, Engine, Shelf, in_use, program_in_use, uses_amx
from corral.settings import Settings


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


def add(shelf, name="cpu-1", content=b"#!/bin/sh\n", **more):
    program = shelf.folder.parent / "built"
    program.write_bytes(content)
    program.chmod(0o755)
    engine = Engine(name=name, target="cpu", source="pack 1.0", version="v1", **more)
    shelf.add(engine, program)
    return engine


def test_an_engine_is_kept_with_what_is_known_of_it(shelf):
    engine = add(shelf, features=("AVX2",))
    assert shelf.engines() == [engine]
    assert shelf.program("cpu-1").read_bytes() == b"#!/bin/sh\n"
    assert [path.name for path in shelf.folder.iterdir()] == ["cpu-1"]


def test_a_new_build_takes_the_place_of_the_old_one(shelf):
    add(shelf)
    add(shelf, content=b"new", features=("AVX512",))
    assert shelf.program("cpu-1").read_bytes() == b"new"
    assert [engine.features for engine in shelf.engines()] == [("AVX512",)]
    assert [path.name for path in shelf.folder.iterdir()] == ["cpu-1"]


def test_an_engine_with_amx_is_known_as_such_when_it_is_used(shelf, tmp_path):
    settings = Settings(home=tmp_path)
    add(shelf, features=("AVX512", "AMX_INT8"))
    assert not uses_amx(settings)
    shelf.choose("cpu-1")
    assert uses_amx(settings)


def test_what_is_not_whole_is_no_engine(shelf):
    for name in ("no-record", "no-program", "broken", ".new-cpu-1"):
        (shelf.folder / name).mkdir(parents=True)
    (shelf.folder / "no-record" / "llama-server").touch(mode=0o755)
    add(shelf, "no-program")
    shelf.program("no-program").unlink()
    add(shelf, "broken")
    (shelf.folder / "broken" / "engine.json").write_text("{")
    assert shelf.engines() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".work-1", "/etc", PACKAGED])
def test_a_name_that_leads_elsewhere_is_refused(shelf, name):
    with pytest.raises(InvalidInput):
        shelf.program(name)


def test_an_engine_that_is_not_there_cannot_be_chosen_or_removed(shelf):
    add(shelf)
    for action in (shelf.choose, shelf.remove):
        with pytest.raises(NotFound) as found:
            action("cuda-1")
        assert found.value.hint == "there are: packaged, cpu-1"


def test_the_packaged_engine_is_used_until_another_is_chosen(shelf, tmp_path):
    settings = Settings(home=tmp_path)
    add(shelf)
    assert in_use(settings).program is None
    shelf.choose("cpu-1")
    assert (in_use(settings).name, in_use(settings).program) == ("cpu-1", shelf.program("cpu-1"))
    shelf.choose(PACKAGED)
    assert (in_use(settings).name, in_use(settings).program) == (PACKAGED, None)


def test_the_setting_goes_before_the_choice(shelf, tmp_path):
    add(shelf)
    shelf.choose("cpu-1")
    given = tmp_path / "mine"
    choice = in_use(Settings(home=tmp_path, llama_server=given))
    assert (choice.name, choice.program, choice.fault) == ("llama_server", given, "")


def test_removing_the_chosen_engine_leaves_the_packaged_one(shelf, tmp_path):
    add(shelf)
    shelf.choose("cpu-1")
    assert shelf.remove("cpu-1")
    assert in_use(Settings(home=tmp_path)) == in_use(Settings(home=tmp_path / "other"))
    assert list(shelf.folder.iterdir()) == []


def test_a_chosen_engine_that_has_gone_is_told_and_replaced(shelf, tmp_path, caplog):
    add(shelf)
    shelf.choose("cpu-1")
    shelf.program("cpu-1").unlink()
    choice = in_use(Settings(home=tmp_path))
    assert (choice.program, choice.fault) == (None, "engine 'cpu-1' is not there")
    assert program_in_use(Settings(home=tmp_path)) is None
    assert "engine 'cpu-1' is not there: the packaged engine is used" in caplog.text


def test_a_choice_that_is_no_name_is_a_fault_and_no_crash(shelf, tmp_path):
    shelf.folder.mkdir()
    (shelf.folder / "chosen").write_text("../../bin/sh\n")
    assert in_use(Settings(home=tmp_path)).fault == "engine '../../bin/sh' is not there"


def test_an_engine_for_another_processor_is_not_started(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "cpu_features", lambda: frozenset({"avx2", "fma"}))
    add(shelf, cpu=("avx2", "amx_int8"))
    shelf.choose("cpu-1")
    choice = in_use(Settings(home=tmp_path))
    assert (choice.program, choice.fault) == (None, "engine 'cpu-1' was built for another processor")
    add(shelf, cpu=("avx2",))
    assert in_use(Settings(home=tmp_path)).fault == ""
