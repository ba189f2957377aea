from pathlib import Path

import pytest

from corral.core.options import Options
from corral.scheduler.demand import make_demand
from corral.scheduler.machine import Device, Machine
from corral.scheduler.memory import GIB
from corral.scheduler.placement import Room
from corral.scheduler.plan import plan_launch
from corral.scheduler.reuse import difference, effective_context
from corral.settings import Settings
from tests.helpers.build_model import build_model

CPU = Machine(memory_total=16 * GIB, memory_free=16 * GIB, cores=4)
GPU = Machine(
    memory_total=16 * GIB,
    memory_free=16 * GIB,
    cores=4,
    devices=(Device(index=0, total=8 * GIB, free=8 * GIB), Device(index=1, total=8 * GIB, free=8 * GIB)),
)


def demand_of(options, *, shift=None, **facts):
    return make_demand(build_model(**facts), options, given=None, shift=shift)


def plan_of(demand, machine=CPU):
    plan = plan_launch(demand, Room(machine=machine), Settings(context_length=4096))
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("loaded", "wanted", "machine", "expected"),
    [
        ({}, {}, CPU, None),
        ({"num_ctx": 8192}, {}, CPU, None),
        ({"num_ctx": 8192}, {"num_ctx": 64}, CPU, None),
        ({"num_ctx": 64}, {}, CPU, None),
        ({}, {"num_ctx": 8192}, CPU, "num_ctx 4096 -> 8192"),
        ({}, {"num_ctx": 4096}, CPU, None),
        ({"num_ctx": 8192}, {"num_ctx": 10**9}, CPU, None),  # capped to the training context
        ({}, {"num_batch": 512}, CPU, None),
        ({}, {"num_batch": 64}, CPU, "num_batch 512 -> 64"),
        ({"num_batch": 64}, {}, CPU, "num_batch 64 -> 512"),
        ({}, {"num_thread": 4}, CPU, None),
        ({}, {"num_thread": 2}, CPU, "num_thread 4 -> 2"),
        ({"num_thread": 2}, {}, CPU, "num_thread 2 -> 4"),
        ({}, {"use_mmap": True}, CPU, None),
        ({}, {"use_mmap": False}, CPU, "use_mmap True -> False"),
        ({"use_mmap": False}, {}, CPU, "use_mmap False -> True"),
        ({}, {"draft_num_predict": 2}, CPU, "draft_num_predict automatic -> 2"),
        ({}, {"draft_num_predict": 0}, CPU, "draft_num_predict automatic -> 0"),
        ({"draft_num_predict": 0}, {}, CPU, None),
        ({"draft_num_predict": 0}, {"draft_num_predict": 2}, CPU, "draft_num_predict 0 -> 2"),
        ({}, {"num_gpu": 0}, CPU, None),
        ({}, {"num_gpu": 99, "main_gpu": 1}, CPU, None),
        ({"num_gpu": 5}, {}, GPU, None),
        ({"num_gpu": 5}, {"num_gpu": 6}, GPU, "num_gpu 5 -> 6"),
        ({"num_gpu": 0}, {"num_gpu": 6}, GPU, "num_gpu 0 -> 6"),
        ({}, {"num_gpu": 0}, GPU, "num_gpu -1 -> 0"),
        ({}, {"main_gpu": 1}, GPU, "main_gpu None -> 1"),
        ({}, {"temperature": 0.0, "seed": 1, "num_predict": 5, "stop": ("x",)}, GPU, None),
    ],
)
def test_only_differences_that_the_engine_cannot_serve_reload(loaded, wanted, machine, expected):
    plan = plan_of(demand_of(Options(**loaded)), machine)
    assert difference(plan, demand_of(Options(**wanted)), machine) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"name": "b", "weights": "a"}, None),
        ({"shift": False}, "shift True -> False"),
        ({"name": "b"}, "weights a -> b"),
    ],
)
def test_names_over_the_same_weights_share_a_runner(facts, expected):
    plan = plan_of(demand_of(Options(), name="a"))
    assert difference(plan, demand_of(Options(), **facts), CPU) == expected


@pytest.mark.parametrize(
    ("loaded", "wanted", "expected"),
    [
        ({}, {"exact": True}, "speculation on -> off"),
        ({"exact": True}, {}, None),
        ({"exact": True}, {"exact": True}, None),
        ({"guessing_pays": False}, {"exact": True}, None),
        ({"guessing_pays": False}, {}, None),
        ({}, {"apart": True}, "speculation on -> off, as several API keys use the model"),
        ({"apart": True}, {"apart": True}, None),
        ({"exact": True}, {"apart": True}, None),
    ],
)
def test_who_must_not_get_guesses_has_a_runner_without_them_and_that_one_serves_all(loaded, wanted, expected):
    given = {"given": None, "shift": None}
    plan = plan_of(make_demand(build_model(), Options(), **given, **loaded))
    assert difference(plan, make_demand(build_model(), Options(), **given, **wanted), CPU) == expected


@pytest.mark.parametrize("kind", ["adapters", "projectors"])
def test_other_adapters_or_projectors_reload(tmp_path, kind):
    extra = tmp_path / "extra"
    extra.write_bytes(b"1")
    plan = plan_of(demand_of(Options()))
    demand = demand_of(Options(), **{kind: (Path(extra),)})
    assert difference(plan, demand, CPU) == f"{kind} none -> extra"


@pytest.mark.parametrize(("asked", "expected"), [(None, 8192), (64, 64), (8192, 8192), (9000, 8192)])
def test_a_request_gets_its_own_limit_within_the_runners_window(asked, expected):
    plan = plan_of(demand_of(Options(num_ctx=8192)))
    assert effective_context(plan, demand_of(Options(num_ctx=asked))) == expected
