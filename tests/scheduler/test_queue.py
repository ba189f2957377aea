import asyncio

import pytest

from corral.core.options import Options
from corral.errors import LoadError, ServerBusy
from corral.scheduler import Scheduler
from corral.settings import Settings
from tests.helpers.build_model import build_model
from tests.helpers.fake_launcher import GIB, FakeLauncher
from tests.helpers.virtual_time import run

AUTOMATIC = Options()


def scenario(test, **settings):
    """Run `test(launcher, scheduler, ask)`; `ask(name)` is a task that leases the model once it can."""

    async def whole():
        launcher = FakeLauncher()
        launcher.gate = asyncio.Event()
        scheduler = Scheduler(Settings(**settings), launcher, machine=launcher.machine)

        async def lease(name, options, size):
            async with scheduler.lease(build_model(name, size=size), options) as held:
                return held

        async def ask(name, options=AUTOMATIC, size=GIB):
            task = asyncio.create_task(lease(name, options, size))
            await asyncio.sleep(0.1)
            return task

        await test(launcher, scheduler, ask)
        await scheduler.close()

    run(whole())


def started(launcher):
    return [plan.weights.name for plan in launcher.plans]


def test_loads_run_one_at_a_time_in_the_order_of_arrival():
    async def test(launcher, scheduler, ask):
        tasks = [await ask(name) for name in ("a", "b", "c")]
        assert started(launcher) == ["a"]
        launcher.gate.set()
        await asyncio.gather(*tasks)
        assert started(launcher) == ["a", "b", "c"]

    scenario(test)


def test_requests_for_the_model_that_loads_share_one_load():
    async def test(launcher, scheduler, ask):
        tasks = [await ask("a") for _ in range(5)]
        launcher.gate.set()
        leases = await asyncio.gather(*tasks)
        assert len({lease.runner.process.pid for lease in leases}) == 1

    scenario(test)


def test_a_loaded_model_answers_while_another_loads():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        await (await ask("a"))
        launcher.gate.clear()
        loading = await ask("b")
        assert (await ask("a")).done()
        assert not loading.done()
        assert scheduler.loading.name == "b:latest"
        assert scheduler.loading.fraction == 0.5
        launcher.gate.set()
        await loading

    scenario(test)


def test_a_full_queue_refuses_and_the_load_that_runs_does_not_count():
    async def test(launcher, scheduler, ask):
        tasks = [await ask(name) for name in ("a", "b", "c", "d")]
        assert scheduler.num_waiting == 3
        with pytest.raises(ServerBusy, match=r"server busy, please try again\.  maximum pending"):
            await tasks[3]
        launcher.gate.set()
        await asyncio.gather(*tasks[:3])

    scenario(test, max_queue=2)


def test_a_cancelled_load_ends_when_nobody_else_waits_for_it():
    async def test(launcher, scheduler, ask):
        task = await ask("a")
        other = await ask("b")
        task.cancel()
        await asyncio.sleep(0.1)
        assert (launcher.cancelled, started(launcher)) == (1, ["a", "b"])
        launcher.gate.set()
        await other
        assert launcher.living == ["b"]

    scenario(test)


def test_a_cancelled_load_goes_on_for_others_who_wait_for_it():
    async def test(launcher, scheduler, ask):
        task = await ask("a")
        other = await ask("a", Options(num_ctx=64))
        task.cancel()
        await asyncio.sleep(0.1)
        assert launcher.cancelled == 0
        launcher.gate.set()
        await other
        assert started(launcher) == ["a"]

    scenario(test)


def test_a_request_that_was_cancelled_in_the_queue_loads_nothing():
    async def test(launcher, scheduler, ask):
        first, second = await ask("a"), await ask("b")
        second.cancel()
        launcher.gate.set()
        await first
        await asyncio.sleep(0.1)
        assert started(launcher) == ["a"]

    scenario(test)


@pytest.mark.parametrize("num_steps", range(8))
def test_leaving_around_the_moment_the_load_ends_leaves_no_hold_behind(num_steps):
    async def test(launcher, scheduler, ask):
        task = await ask("a")
        launcher.gate.set()
        for _ in range(num_steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(1)
        assert [info.in_flight for info in scheduler.loaded()] in ([], [0])
        assert scheduler.num_waiting == 0
        await asyncio.sleep(1000)
        assert scheduler.loaded() == []

    scenario(test)


def test_a_failed_load_fails_all_who_waited_for_it_and_nobody_else():
    async def test(launcher, scheduler, ask):
        launcher.failures = [LoadError("bad file")]
        tasks = [await ask("a"), await ask("a"), await ask("b")]
        launcher.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["LoadError", "LoadError", "Lease"]

    scenario(test)


def test_a_withdrawn_wish_to_evict_lets_the_busy_model_go_on():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        model = build_model("a", size=7 * GIB)
        async with scheduler.lease(model, AUTOMATIC):
            evicting = await ask("b", size=7 * GIB)
            held_back = await ask("a", size=7 * GIB)
            assert not held_back.done()
            evicting.cancel()
            await held_back
        assert started(launcher) == ["a"]
        await asyncio.sleep(1000)
        assert scheduler.loaded() == []

    scenario(test)


def test_an_eviction_is_not_delayed_by_requests_that_keep_coming():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        async with scheduler.lease(build_model("a", size=7 * GIB), AUTOMATIC):
            evicting = await ask("b", size=7 * GIB)
            later = await ask("a", size=7 * GIB)
        await asyncio.gather(evicting, later)
        assert started(launcher) == ["a", "b", "a"]

    scenario(test)


def test_an_idle_model_whose_eviction_was_withdrawn_still_expires():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        await (await ask("a", size=7 * GIB))
        async with scheduler.lease(build_model("b", size=2 * GIB), AUTOMATIC):
            launcher.gate.clear()
            evicting = await ask("c", size=7 * GIB)
            evicting.cancel()
        await asyncio.sleep(1000)
        assert scheduler.loaded() == []

    scenario(test)


def test_a_load_ends_when_the_last_who_waited_for_it_leaves():
    async def test(launcher, scheduler, ask):
        first, other, second = await ask("a"), await ask("b"), await ask("a")
        first.cancel()
        await asyncio.sleep(0.1)
        assert launcher.cancelled == 0
        second.cancel()
        await asyncio.sleep(0.1)
        assert launcher.cancelled == 1
        launcher.gate.set()
        await other
        assert launcher.living == ["b"]

    scenario(test)


def test_the_queue_shows_who_waits_for_what_in_the_order_of_their_turns():
    async def test(launcher, scheduler, ask):
        tasks = [await ask(name) for name in ("a", "b", "a")]
        shown = [(waiting.model, waiting.stage, waiting.position) for waiting in scheduler.queue()]
        assert shown == [("a:latest", "load", 1), ("b:latest", "load", 2), ("a:latest", "load", 3)]
        assert scheduler.queue()[0].waited_s == pytest.approx(0.3)
        launcher.gate.set()
        await asyncio.gather(*tasks)
        assert scheduler.queue() == []

    scenario(test)


def test_the_queue_for_slots_is_first_come_first_served():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        async with scheduler.lease(build_model("a", size=GIB), AUTOMATIC):
            tasks = [await ask("a") for _ in range(2)]
            assert [(waiting.stage, waiting.position) for waiting in scheduler.queue()] == [
                ("slot", 1),
                ("slot", 2),
            ]
            tasks[0].cancel()
            await asyncio.sleep(0.1)
            assert [waiting.position for waiting in scheduler.queue()] == [1]
        await tasks[1]
        assert scheduler.queue() == []

    scenario(test, num_parallel=1)


def test_loads_and_unloads_are_counted_with_their_reasons():
    async def test(launcher, scheduler, ask):
        launcher.gate.set()
        await (await ask("a"))
        await (await ask("a", options=Options(num_ctx=8192)))
        launcher.failures.append(LoadError("no"))
        with pytest.raises(LoadError):
            await (await ask("b"))
        scheduler.unload(build_model("a", size=GIB))
        assert scheduler.journal.loads == {("a:latest", "requested"): 1, ("a:latest", "reload"): 1}
        assert scheduler.journal.ends == {("a:latest", "reload"): 1, ("a:latest", "requested"): 1}
        assert scheduler.journal.failures == {("b:latest", "LoadError"): 1}

    scenario(test)
