import logging
from dataclasses import replace

import pytest

from corral.core.options import Options
from corral.errors import NotEnoughMemory
from corral.scheduler.demand import make_demand
from corral.scheduler.machine import Device, Machine
from corral.scheduler.memory import GIB, MIB
from corral.scheduler.placement import Room
from corral.scheduler.plan import (
    automatic_context,
    max_runners,
    not_enough_memory,
    plan_launch,
    plan_smallest,
)
from corral.settings import Settings
from tests.helpers.build_model import build_model


def demand_of(options=None, **facts):
    return make_demand(build_model(**facts), options or Options(), given=None, shift=None)


def room_of(free=16 * GIB, *, alone=True, devices=(), cores=4):
    machine = Machine(memory_total=16 * GIB, memory_free=free, cores=cores, devices=devices)
    return Room(machine=machine, alone=alone)


def gpu(free, index=0, **facts):
    return Device(index=index, total=facts.pop("total", free), free=free, **facts)


@pytest.mark.parametrize(
    ("setting", "device_gib", "overhead", "expected"),
    [
        (0, 0, 0, 4096),
        (0, 22, 0, 4096),
        (0, 24, 0, 32768),
        (0, 24, 2 * GIB, 4096),
        (0, 47, 0, 262144),
        (1000, 47, 0, 1000),
        (2, 0, 0, 4),
    ],
)
def test_the_automatic_window_follows_the_setting_or_the_device_memory(
    setting, device_gib, overhead, expected
):
    devices = (gpu(device_gib * GIB),) if device_gib else ()
    settings = Settings(context_length=setting, gpu_overhead=overhead)
    demand = demand_of(context_length=1 << 20)
    assert automatic_context(demand, settings, room_of(devices=devices).machine) == expected


@pytest.mark.parametrize(
    ("free", "facts", "setting", "expected"),
    [
        (16 * GIB, {}, 0, 4),  # four windows of 128 MiB are 3 % of the memory, eight 6 %
        (32 * GIB, {}, 0, 8),
        (3 * GIB, {}, 0, 4),
        (2 * GIB, {}, 0, 2),
        (1 * GIB, {}, 0, 1),
        (16 * GIB, {}, 3, 3),
        (16 * GIB, {"family": "qwen3vl"}, 0, 1),
        (16 * GIB, {"family": "qwen3vl"}, 3, 1),
        (16 * GIB, {"capabilities": ("embedding",)}, 3, 1),
    ],
)
def test_the_number_of_slots_follows_the_free_memory(free, facts, setting, expected):
    plan = plan_launch(demand_of(**facts), room_of(free), Settings(num_parallel=setting))
    assert plan is not None
    assert plan.num_slots == expected


@pytest.mark.parametrize(("crowd", "free", "expected"), [(4, 16, 4), (5, 16, 8), (5, 3, 4), (9, 32, 8)])
def test_where_many_came_at_a_time_there_are_more_slots(crowd, free, expected):
    plan = plan_launch(replace(demand_of(), crowd=crowd), room_of(free * GIB), Settings())
    assert plan is not None
    assert plan.num_slots == expected


def test_a_parallel_setting_that_cannot_be_followed_is_logged(caplog):
    with caplog.at_level(logging.WARNING, "corral.scheduler"):
        plan_launch(demand_of(family="qwen3vl"), room_of(), Settings(num_parallel=3))
    assert "does not currently support parallel requests" in caplog.text


@pytest.mark.parametrize(
    ("options", "facts", "devices", "expected"),
    [
        (Options(), {}, (), 512),
        (Options(num_batch=64), {}, (), 64),
        (Options(num_ctx=8192), {}, (), 512),
        (Options(), {}, (gpu(20 * GIB),), 1024),
        (Options(num_ctx=1024), {"context_length": 1024}, (gpu(20 * GIB),), 512),
        (Options(), {"capabilities": ("embedding",)}, (), 2048),
        (Options(), {"capabilities": ("embedding",), "context_length": 512}, (), 512),
    ],
)
def test_the_batch_follows_the_model_and_the_device(options, facts, devices, expected):
    plan = plan_launch(demand_of(options, **facts), room_of(devices=devices), Settings(num_parallel=2))
    assert plan is not None
    assert plan.num_batch == expected


def test_threads_are_the_physical_cores_unless_asked_for():
    asked = plan_launch(demand_of(Options(num_thread=3)), room_of(cores=6), Settings())
    automatic = plan_launch(demand_of(), room_of(cores=6), Settings())
    assert asked is not None
    assert automatic is not None
    assert (asked.num_threads, automatic.num_threads) == (3, 6)


def test_a_small_window_asked_for_loads_the_usual_one_where_that_costs_little():
    plan = plan_launch(demand_of(Options(num_ctx=64)), room_of(), Settings())
    assert plan is not None
    assert plan.num_ctx == 4096


def test_a_small_window_asked_for_is_taken_literally_where_memory_is_short():
    plan = plan_launch(demand_of(Options(num_ctx=64)), room_of(1 * GIB), Settings())
    assert plan is not None
    assert plan.num_ctx == 64


def test_the_second_copy_of_the_weights_is_given_up_before_other_models_must_go():
    demand = demand_of(size=2000 * MIB, file_type=15)
    rich = plan_launch(demand, room_of(16 * GIB, alone=False), Settings())
    poor = plan_launch(demand, room_of(4 * GIB, alone=False), Settings())
    assert rich is not None
    assert poor is not None
    assert (rich.repack, poor.repack) == (True, False)


def test_a_copy_for_amx_is_counted_and_given_up_where_it_does_not_fit():
    demand = demand_of(size=2000 * MIB, file_type=7)
    plans = [
        plan_launch(demand, Room(machine=replace(room_of(memory, alone=False).machine, amx=True)), Settings())
        for memory in (16 * GIB, 4 * GIB)
    ]
    assert [(plan.repack, plan.need.repack) for plan in plans if plan] == [(True, 2000 * MIB), (False, 0)]


def test_an_automatic_window_becomes_smaller_only_when_told_to():
    demand = demand_of(num_blocks=128)  # 256 KiB a token: 1 GiB for the usual window
    room = room_of(1200 * MIB)
    shrunk = plan_launch(demand, room, Settings(), shrink=True)
    assert plan_launch(demand, room, Settings()) is None
    assert shrunk is not None
    assert shrunk.num_ctx == 2048


def test_a_window_asked_for_is_never_made_smaller():
    demand = demand_of(Options(num_ctx=8192), num_blocks=128)
    assert plan_launch(demand, room_of(1200 * MIB), Settings(), shrink=True) is None


def test_the_error_gives_sizes_and_says_what_would_fit():
    demand = demand_of(Options(num_ctx=8192), num_blocks=128)
    error = not_enough_memory(demand, room_of(1200 * MIB), Settings())
    assert isinstance(error, NotEnoughMemory)
    assert "2.0 GiB context (1 x 8192 tokens)" in error.message
    assert "available (1.2 GiB)" in error.message
    assert error.hint == "a num_ctx of at most 2816 would fit"


def test_beside_other_models_a_fifth_of_the_memory_stays_free():
    demand = demand_of(size=1600 * MIB, num_blocks=1)
    free = 2 * GIB
    assert plan_launch(demand, room_of(free, alone=True), Settings()) is not None
    assert plan_launch(demand, room_of(free, alone=False), Settings()) is None


def test_the_room_for_kept_prompts_is_part_of_the_predicted_memory():
    plan = plan_launch(demand_of(), room_of(), Settings(max_loaded_models=2))
    assert plan is not None
    assert plan.cache_bytes == plan.need.cache == 819 * MIB  # half of a tenth of 16 GiB
    assert plan.promised_bytes == plan.need.weights + plan.cache_bytes


def test_a_setting_bounds_the_memory_for_kept_prompts_of_all_models_together():
    plan = plan_launch(demand_of(), room_of(), Settings(max_loaded_models=2, prompt_cache_memory=100 * MIB))
    assert plan is not None
    assert plan.cache_bytes == 50 * MIB


def test_embedding_models_keep_no_prompts():
    plan = plan_launch(demand_of(capabilities=("embedding",)), room_of(), Settings())
    assert plan is not None
    assert (plan.cache_bytes, plan.embedding) == (0, True)


@pytest.mark.parametrize(
    ("options", "settings", "expected"),
    [
        (Options(), Settings(), (1,)),
        (Options(main_gpu=0), Settings(), (0,)),
        (Options(), Settings(sched_spread=True), (1, 0, 2)),
        (Options(num_gpu=0), Settings(), ()),
    ],
)
def test_one_device_that_holds_all_is_preferred(options, settings, expected):
    devices = (gpu(8 * GIB, 0), gpu(12 * GIB, 1), gpu(14 * GIB, 2, integrated=True))
    plan = plan_launch(demand_of(options), room_of(devices=devices), settings)
    assert plan is not None
    assert plan.devices == expected


def test_a_model_too_large_for_one_device_is_spread():
    devices = (gpu(8 * GIB, 0), gpu(8 * GIB, 1))
    plan = plan_launch(demand_of(size=9 * GIB), room_of(devices=devices), Settings())
    assert plan is not None
    assert (plan.devices, plan.device_bytes) == ((0, 1), plan.need.total - plan.cache_bytes)


def test_a_model_too_large_for_all_devices_is_split_only_when_no_other_can_go():
    demand = demand_of(size=8 * GIB)
    room = room_of(alone=False, devices=(gpu(4 * GIB),))
    split = plan_launch(demand, room, Settings(), shrink=True)
    assert plan_launch(demand, room, Settings()) is None
    assert split is not None
    assert 0 < split.device_bytes < split.need.total


def test_blocks_asked_for_go_to_the_device_and_the_rest_stays():
    room = room_of(alone=False, devices=(gpu(4 * GIB),))
    plan = plan_launch(demand_of(Options(num_gpu=8), size=2 * GIB), room, Settings())
    assert plan is not None
    assert plan.num_gpu == 8
    assert plan.device_bytes == (plan.need.total - plan.cache_bytes) * 8 // 17


def test_the_second_attempt_after_running_out_of_memory_takes_least():
    plan = plan_smallest(demand_of(file_type=15), room_of(), Settings())
    assert plan is not None
    assert (plan.num_ctx, plan.num_slots, plan.repack, plan.cache_bytes) == (2048, 1, False, 0)


@pytest.mark.parametrize(("setting", "num_devices", "expected"), [(0, 0, 3), (0, 1, 3), (0, 2, 6), (5, 2, 5)])
def test_three_models_a_device_may_be_loaded_unless_a_setting_says_otherwise(setting, num_devices, expected):
    devices = tuple(gpu(GIB, index) for index in range(num_devices))
    assert max_runners(Settings(max_loaded_models=setting), room_of(devices=devices).machine) == expected
