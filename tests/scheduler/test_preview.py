from dataclasses import replace

import pytest

from corral.core.options import Options
from corral.scheduler.memory import GIB
from corral.scheduler.plan import plan_launch
from corral.scheduler.preview import preview
from corral.settings import Settings
from tests.scheduler.test_plan import demand_of, gpu, room_of


def test_a_preview_is_the_launch_that_would_follow():
    demand, room = demand_of(), room_of()
    found = preview(demand, room, room, Settings())
    assert found.plan == plan_launch(demand, room, Settings())
    assert (found.unloads_others, found.error, found.blocks_on_devices) == (False, None, 0)


def test_a_model_that_fits_on_a_device_is_planned_there_whole():
    room = room_of(devices=(gpu(40 * GIB),))
    found = preview(demand_of(size=GIB), room, room, Settings())
    assert found.plan.cache_bytes > 0  # in system memory, whatever is on the device
    assert found.blocks_on_devices == 17
    assert not any("partly" in reason for reason in found.reasons)


def test_the_longest_window_fits_and_the_next_one_does_not():
    demand = demand_of(context_length=1 << 20)
    room = room_of(2 * GIB)
    longest = preview(demand, room, room, Settings()).max_ctx
    single = Settings(num_parallel=1)
    assert plan_launch(replace(demand, num_ctx=longest), room, single) is not None
    assert plan_launch(replace(demand, num_ctx=longest + 256), room, single) is None


def test_a_window_is_never_longer_than_the_model_was_trained_for():
    demand = demand_of(context_length=8192)
    assert preview(demand, room_of(), room_of(), Settings()).max_ctx == 8192


def test_others_are_unloaded_only_where_that_is_needed():
    demand = demand_of(size=4 * GIB)
    full, empty = room_of(GIB, alone=False), room_of(16 * GIB)
    assert preview(demand, full, empty, Settings()).unloads_others
    assert not preview(demand, room_of(alone=False), empty, Settings()).unloads_others


def test_a_model_that_fits_nowhere_says_so_with_its_sizes():
    found = preview(demand_of(size=40 * GIB), room_of(), room_of(), Settings())
    assert (found.plan, found.max_ctx, found.unloads_others) == (None, 0, False)
    assert "requires more memory" in found.error.message


@pytest.mark.parametrize(
    ("options", "settings", "devices", "reason"),
    [
        (
            Options(num_ctx=8000),
            Settings(),
            (),
            "8000 tokens: as asked for",
        ),
        (Options(), Settings(context_length=6000), (), "6000 tokens: as the setting context_length says"),
        (Options(), Settings(), (), "4096 tokens: the usual one for the memory of the devices here"),
        (Options(), Settings(), (), "on the CPU: no device was found that the engine could use"),
        (Options(num_gpu=0), Settings(), (gpu(8 * GIB),), "on the CPU: num_gpu is 0"),
        (Options(), Settings(), (gpu(2 * GIB),), "partly on devices: they have too little free memory"),
        (Options(), Settings(num_parallel=3), (), "requests at a time: as the setting num_parallel says"),
    ],
)
def test_each_choice_has_its_reason(options, settings, devices, reason):
    demand = demand_of(options, context_length=1 << 17, size=4 * GIB)
    room = room_of(devices=devices)
    reasons = preview(demand, room, room, settings).reasons
    assert any(reason in found for found in reasons), reasons
