import asyncio
import logging

import pytest

from corral.core.options import Options
from corral.errors import LoadError, NotEnoughMemory, RunnerCrashed, RunnerTimeout, UnknownArchitecture
from corral.scheduler import Device, Scheduler
from corral.settings import Settings
from tests.helpers.build_model import MIB, build_model
from tests.helpers.fake_launcher import GIB, FakeLauncher
from tests.helpers.virtual_time import run

AUTOMATIC = Options()


def make(launcher, **settings):
    return Scheduler(Settings(**settings), launcher, machine=launcher.machine, now=lambda: 1000.0)


def scenario(test):
    """Run `test(launcher, scheduler)` on a machine of 16 GiB, and stop everything after it."""

    async def whole():
        launcher = FakeLauncher()
        scheduler = make(launcher)
        await test(launcher, scheduler)
        await scheduler.close()
        assert launcher.living == []

    run(whole())


async def use(scheduler, model, options=AUTOMATIC, **how):
    async with scheduler.lease(model, options, **how) as lease:
        return lease


def test_the_first_request_loads_and_the_second_reuses():
    async def test(launcher, scheduler):
        first = await use(scheduler, build_model("a"))
        second = await use(scheduler, build_model("a"))
        assert first.runner is second.runner
        assert len(launcher.plans) == 1
        assert second.runner.client == "client 1000"

    scenario(test)


def test_a_larger_window_reloads_and_a_request_without_one_never_does():
    async def test(launcher, scheduler):
        model = build_model("a")
        limits = [
            (await use(scheduler, model, options)).num_ctx
            for options in (AUTOMATIC, Options(num_ctx=8192), AUTOMATIC, Options(num_ctx=64))
        ]
        assert limits == [4096, 8192, 8192, 64]
        assert [plan.num_ctx for plan in launcher.plans] == [4096, 8192]
        assert launcher.living == ["a"]
        assert scheduler.loaded()[0].reason == "reload: num_ctx 4096 -> 8192"

    scenario(test)


def test_after_a_crowd_the_next_load_has_more_slots():
    async def test(launcher, scheduler):
        model = build_model("a")

        async def ask():
            async with scheduler.lease(model, AUTOMATIC):
                await asyncio.sleep(1)

        await use(scheduler, model)
        await asyncio.gather(*(ask() for _ in range(6)))
        assert scheduler.unload(model)
        await use(scheduler, model)
        assert [plan.num_slots for plan in launcher.plans] == [4, 8]

    scenario(test)


def test_a_reload_waits_for_running_requests_and_holds_back_later_ones():
    async def test(launcher, scheduler):
        model, order = build_model("a"), []

        async def ask(label, options):
            async with scheduler.lease(model, options):
                order.append(label)

        async with scheduler.lease(model, AUTOMATIC) as running:
            larger = asyncio.create_task(ask("larger", Options(num_ctx=8192)))
            await asyncio.sleep(1)
            later = asyncio.create_task(ask("later", AUTOMATIC))
            await asyncio.sleep(1)
            assert order == []
            assert running.runner.process.alive
        await asyncio.gather(larger, later)
        assert order == ["larger", "later"]
        assert len(launcher.plans) == 2

    scenario(test)


def test_several_models_stay_loaded_while_there_is_room():
    async def test(launcher, scheduler):
        for name in ("a", "b", "c"):
            await use(scheduler, build_model(name))
        assert launcher.living == ["a", "b", "c"]

    scenario(test)


def test_the_least_recently_used_model_makes_room_when_the_limit_is_reached():
    async def test(launcher, scheduler):
        for name in ("a", "b", "c", "a", "d"):
            await use(scheduler, build_model(name))
            await asyncio.sleep(1)
        assert launcher.living == ["a", "c", "d"]

    scenario(test)


def test_a_model_used_often_stays_though_another_was_used_later():
    async def test(launcher, scheduler):
        for name in ("a", "a", "a", "b", "c", "d"):
            await use(scheduler, build_model(name))
            await asyncio.sleep(1)
        assert launcher.living == ["a", "c", "d"]

    scenario(test)


def test_of_busy_models_the_one_with_the_fewest_requests_makes_room():
    async def test(launcher, scheduler):
        a, b, c = (build_model(name, size=6 * GIB) for name in "abc")
        async with scheduler.lease(a, AUTOMATIC), scheduler.lease(a, AUTOMATIC):
            async with scheduler.lease(b, AUTOMATIC):
                waiting = asyncio.create_task(use(scheduler, c))
                await asyncio.sleep(1)
                assert launcher.living == ["a", "b"]
            await waiting
            assert launcher.living == ["a", "c"]

    scenario(test)


def test_a_model_that_does_not_fit_beside_another_takes_its_place(caplog):
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a", size=7 * GIB))
        with caplog.at_level(logging.INFO, "corral.scheduler"):
            await use(scheduler, build_model("b", size=7 * GIB))
        assert launcher.living == ["b"]
        assert "reason=evicted to make room for b:latest" in caplog.text
        await use(scheduler, build_model("a", size=7 * GIB))
        reason = "requested, earlier unloaded: evicted to make room for b:latest"
        assert scheduler.loaded()[0].reason == reason

    scenario(test)


def test_a_busy_model_is_evicted_only_after_its_requests():
    async def test(launcher, scheduler):
        async with scheduler.lease(build_model("a", size=7 * GIB), AUTOMATIC):
            waiting = asyncio.create_task(use(scheduler, build_model("b", size=7 * GIB)))
            await asyncio.sleep(60)
            assert launcher.living == ["a"]
        await waiting
        assert launcher.living == ["b"]

    scenario(test)


def test_a_pinned_model_is_never_evicted_and_the_error_says_so():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a", size=7 * GIB), keep_alive_s=float("inf"))
        with pytest.raises(NotEnoughMemory, match="b:latest requires more memory"):
            await use(scheduler, build_model("b", size=9 * GIB))
        assert launcher.living == ["a"]

    scenario(test)


def test_pinned_models_may_fill_a_limit_that_somebody_set():
    async def whole():
        launcher = FakeLauncher()
        scheduler = make(launcher, max_loaded_models=1)
        await use(scheduler, build_model("a"), keep_alive_s=float("inf"))
        with pytest.raises(NotEnoughMemory, match="these are pinned: a:latest"):
            await use(scheduler, build_model("b"))
        scheduler.unload(build_model("a"))
        await use(scheduler, build_model("b"))
        assert launcher.living == ["b"]
        await scheduler.close()

    run(whole())


def test_pinned_models_do_not_count_where_nobody_set_a_limit():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a"), keep_alive_s=float("inf"))
        for name in ("b", "c", "d"):
            await use(scheduler, build_model(name))
        assert launcher.living == ["a", "b", "c", "d"]

    scenario(test)


def test_unloading_a_busy_pinned_model_lets_others_take_its_place():
    async def test(launcher, scheduler):
        model = build_model("a", size=7 * GIB)
        async with scheduler.lease(model, AUTOMATIC, keep_alive_s=float("inf")):
            scheduler.unload(model)
            waiting = asyncio.create_task(use(scheduler, build_model("b", size=9 * GIB)))
            await asyncio.sleep(1)
        await waiting
        assert launcher.living == ["b"]

    scenario(test)


def test_a_reload_that_can_never_fit_leaves_the_model_as_it_is():
    async def test(launcher, scheduler):
        model = build_model("a", num_blocks=512, context_length=1 << 20)
        await use(scheduler, model)
        with pytest.raises(NotEnoughMemory):
            await use(scheduler, model, Options(num_ctx=100_000))
        assert launcher.living == ["a"]

    scenario(test)


def test_a_load_begins_only_when_the_child_before_it_is_gone():
    async def test(launcher, scheduler):
        launcher.kill_s = 5.0
        await use(scheduler, build_model("a"))
        scheduler.unload(build_model("a"))
        assert (await use(scheduler, build_model("a"))).load_s == pytest.approx(5)

    scenario(test)


def test_models_kept_by_the_default_alone_still_make_room():
    async def whole():
        launcher = FakeLauncher()
        scheduler = make(launcher, keep_alive_s=float("inf"), max_loaded_models=1)
        await use(scheduler, build_model("a"))
        await use(scheduler, build_model("b"))
        assert launcher.living == ["b"]
        await scheduler.close()

    run(whole())


def test_a_model_that_can_never_fit_evicts_nobody():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a"))
        with pytest.raises(NotEnoughMemory, match=r"requires more memory .* is available \(16.0 GiB\)"):
            await use(scheduler, build_model("huge", size=20 * GIB))
        assert launcher.living == ["a"]

    scenario(test)


def test_a_model_that_the_engine_does_not_know_is_told_with_the_way_to_a_newer_one():
    async def test(launcher, scheduler):
        launcher.failures = [UnknownArchitecture("unknown model architecture: 'x'")]
        with pytest.raises(LoadError) as caught:
            await use(scheduler, build_model("a"))
        assert caught.value.message == (
            "unknown model architecture: 'x': this model may be incompatible with your version of Ollama. If "
            "you previously pulled this model, try updating it by running `ollama pull a:latest`"
        )

    scenario(test)


def test_a_failed_load_is_tried_afresh_by_the_next_request():
    async def test(launcher, scheduler):
        launcher.failures = [LoadError("bad file"), RunnerTimeout("too slow")]
        with pytest.raises(LoadError, match="bad file"):
            await use(scheduler, build_model("a"))
        with pytest.raises(RunnerTimeout):
            await use(scheduler, build_model("a"))
        await use(scheduler, build_model("a"))
        assert launcher.living == ["a"]

    scenario(test)


def test_running_out_of_memory_while_loading_is_tried_again_smaller():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("b"))
        launcher.failures = [NotEnoughMemory("killed")]
        lease = await use(scheduler, build_model("a"))
        assert (lease.num_ctx, lease.runner.num_slots) == (2048, 1)
        assert launcher.living == ["a"]

    scenario(test)


@pytest.mark.parametrize(("others", "num_launches"), [(["b"], 3), ([], 1)])
def test_a_load_that_cannot_be_smaller_is_tried_again_only_after_evicting(others, num_launches):
    async def whole():
        launcher = FakeLauncher()
        scheduler = make(launcher, num_parallel=1)
        for name in others:
            await use(scheduler, build_model(name))
        launcher.failures = [NotEnoughMemory("killed"), NotEnoughMemory("killed")]
        with pytest.raises(NotEnoughMemory):
            await use(scheduler, build_model("a"), Options(num_ctx=8192))
        assert (len(launcher.plans), launcher.living) == (num_launches, [])
        await scheduler.close()

    run(whole())


def test_running_out_of_memory_twice_is_the_requests_error():
    async def test(launcher, scheduler):
        launcher.failures = [NotEnoughMemory("killed"), NotEnoughMemory("killed again")]
        with pytest.raises(NotEnoughMemory, match="again"):
            await use(scheduler, build_model("a"))
        assert len(launcher.plans) == 2

    scenario(test)


def test_a_crashed_runner_is_replaced_by_the_next_request():
    async def test(launcher, scheduler):
        async with scheduler.lease(build_model("a"), AUTOMATIC):
            launcher.processes[0].crash()
            await asyncio.sleep(0)
            assert scheduler.loaded() == []
        await use(scheduler, build_model("a"))
        assert scheduler.loaded()[0].reason == "requested, earlier unloaded: its process ended unexpectedly"

    scenario(test)


def test_when_memory_runs_out_in_one_runner_the_others_go_as_soon_as_they_are_idle():
    async def test(launcher, scheduler):
        for name in ("a", "b"):
            await use(scheduler, build_model(name), keep_alive_s=-1)
        async with scheduler.lease(build_model("c"), AUTOMATIC):
            launcher.processes[0].starve()
            await asyncio.sleep(0.1)
            assert launcher.living == ["c"]
        await asyncio.sleep(0.1)
        assert launcher.living == []

    scenario(test)


def test_the_others_stay_when_a_runner_crashes_for_another_reason():
    async def test(launcher, scheduler):
        for name in ("a", "b"):
            await use(scheduler, build_model(name))
        launcher.processes[0].crash()
        await asyncio.sleep(0.1)
        assert launcher.living == ["b"]

    scenario(test)


def test_a_runner_that_has_just_crashed_is_not_reused():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a"))
        launcher.processes[0].crash()
        assert (await use(scheduler, build_model("a"))).runner.process.pid == 1001

    scenario(test)


def test_a_runner_that_failed_a_request_is_given_up_although_its_child_lives():
    async def test(launcher, scheduler):
        with pytest.raises(RunnerCrashed):
            async with scheduler.lease(build_model("a"), AUTOMATIC):
                raise RunnerCrashed("gone")
        async with scheduler.lease(build_model("a"), AUTOMATIC) as lease:
            scheduler.discard(lease.runner)
            scheduler.discard(lease.runner)
        lease = await use(scheduler, build_model("a"))
        assert (lease.runner.process.pid, launcher.living) == (1002, ["a"])
        assert scheduler.loaded()[0].reason == "requested, earlier unloaded: its connection broke"

    scenario(test)


def test_requests_that_waited_for_a_slot_of_a_crashed_runner_get_another():
    async def test(launcher, scheduler):
        model = build_model("a", family="qwen3vl")
        async with scheduler.lease(model, AUTOMATIC):
            waiting = [asyncio.create_task(use(scheduler, model)) for _ in range(3)]
            await asyncio.sleep(1)
            launcher.processes[0].crash()
            leases = await asyncio.gather(*waiting)
        assert {lease.runner.process.pid for lease in leases} == {1001}

    scenario(test)


def test_a_runner_that_ends_as_soon_as_it_is_loaded_is_not_started_for_ever():
    async def test(launcher, scheduler):
        launch = launcher.launch

        async def launch_and_crash(*args):
            process = await launch(*args)
            process.crash()
            return process

        launcher.launch = launch_and_crash
        with pytest.raises(RunnerCrashed):
            await use(scheduler, build_model("a"))
        assert len(launcher.plans) == 3

    scenario(test)


def test_a_hundred_clients_share_the_slots_first_come_first_served():
    async def test(launcher, scheduler):
        running, most, order = 0, 0, []

        async def client(number):
            nonlocal running, most
            async with scheduler.lease(build_model("a"), AUTOMATIC):
                order.append(number)
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.1)
                running -= 1

        await asyncio.gather(*(client(number) for number in range(100)))
        assert (most, len(launcher.plans)) == (8, 1)
        assert order == list(range(100))

    scenario(test)


def test_a_request_that_waits_for_a_slot_leaves_at_once_when_cancelled():
    async def test(launcher, scheduler):
        model = build_model("a", family="qwen3vl")
        await use(scheduler, model)
        async with scheduler.lease(model, AUTOMATIC):
            waiting = asyncio.create_task(use(scheduler, model))
            await asyncio.sleep(1)
            assert scheduler.loaded()[0].waiting == 1
            waiting.cancel()
            await asyncio.wait({waiting})
            assert (scheduler.loaded()[0].waiting, scheduler.loaded()[0].in_flight) == (0, 1)

    scenario(test)


def test_a_lease_tells_how_long_it_waited():
    async def test(launcher, scheduler):
        launcher.gate = asyncio.Event()
        model = build_model("a", family="qwen3vl")
        first = scheduler.lease(model, AUTOMATIC)
        entering = asyncio.create_task(first.__aenter__())
        await asyncio.sleep(3)
        launcher.gate.set()
        assert (await entering).load_s == pytest.approx(3)
        second = asyncio.create_task(use(scheduler, model))
        await asyncio.sleep(2)
        await first.__aexit__(None, None, None)
        assert ((await second).load_s, (await second).wait_s) == (pytest.approx(0), pytest.approx(2))

    scenario(test)


def test_loaded_models_are_listed_with_what_they_take():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a"), keep_alive_s=60)
        async with scheduler.lease(build_model("B", size=50 * MIB), Options(num_ctx=512), keep_alive_s=90):
            shown = scheduler.loaded()
        assert [info.name for info in shown] == ["B:latest", "a:latest"]
        info = shown[0]
        assert (info.digest, info.num_ctx, info.max_ctx, info.num_slots) == ("digest-of-B", 512, 4096, 4)
        assert (info.in_flight, info.waiting, info.pid, info.reason) == (1, 0, 1001, "requested")
        need = launcher.plans[1].need
        assert (info.size, info.size_vram) == (need.total - need.cache, 0)

    scenario(test)


def test_closing_right_after_a_cancelled_load_waits_for_its_end():
    async def test(launcher, scheduler):
        launcher.gate, launcher.kill_s = asyncio.Event(), 2.0
        task = asyncio.create_task(use(scheduler, build_model("a")))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait({task})
        await scheduler.close()
        assert launcher.cancelled == 1

    scenario(test)


def test_closing_stops_children_and_refuses_what_waits():
    async def test(launcher, scheduler):
        await use(scheduler, build_model("a"))
        launcher.gate = asyncio.Event()
        waiting = asyncio.create_task(use(scheduler, build_model("b")))
        await asyncio.sleep(1)
        await scheduler.close()
        with pytest.raises(Exception, match="request canceled"):
            await waiting
        assert (launcher.living, launcher.cancelled) == ([], 1)

    scenario(test)


def test_a_model_that_is_whole_on_a_device_is_shown_so_though_it_took_less_than_predicted():
    async def whole():
        launcher = FakeLauncher(devices=(Device(index=0, total=8 * GIB, free=8 * GIB),))
        scheduler = make(launcher)
        await use(scheduler, build_model("a"))
        launcher.processes[0].measured_device_bytes = 70 * MIB
        info = scheduler.loaded()[0]
        assert (info.size, info.size_vram) == (70 * MIB, 70 * MIB)
        await scheduler.close()

    run(whole())


def test_device_memory_is_given_time_to_be_reported_free_after_an_eviction():
    async def whole():
        launcher = FakeLauncher(devices=(Device(index=0, total=8 * GIB, free=8 * GIB),))
        scheduler = make(launcher, max_loaded_models=1)
        await use(scheduler, build_model("a"))
        info = scheduler.loaded()[0]
        assert info.size == info.size_vram == launcher.plans[0].device_bytes
        lease = await use(scheduler, build_model("b"))  # this driver never reports it: waits no longer
        assert lease.load_s == pytest.approx(5, abs=0.2)
        await scheduler.close()

    run(whole())
