import asyncio

import pytest

from corral.core.options import Options
from corral.scheduler import Scheduler
from corral.settings import Settings
from tests.helpers.build_model import build_model
from tests.helpers.fake_launcher import FakeLauncher
from tests.helpers.virtual_time import run

FOREVER = float("inf")
EPOCH = 5000.0


def scenario(test, **settings):
    """Run `test(scheduler, use)` in virtual time that starts at EPOCH; `use` makes one short request."""

    async def whole():
        launcher = FakeLauncher()
        loop = asyncio.get_running_loop()
        scheduler = Scheduler(
            Settings(**settings), launcher, machine=launcher.machine, now=lambda: EPOCH + loop.time()
        )

        async def use(keep_alive_s=None, seconds=0.0, name="a"):
            async with scheduler.lease(build_model(name), Options(), keep_alive_s=keep_alive_s):
                await asyncio.sleep(seconds)

        await test(scheduler, use)
        await scheduler.close()

    run(whole())


def names(scheduler):
    return [info.name for info in scheduler.loaded()]


@pytest.mark.parametrize(
    ("setting", "asked", "loaded_for_s"),
    [(300.0, None, 300), (10.0, None, 10), (300.0, 20.0, 20), (10.0, 0.5, 0.5), (0.0, 30.0, 30)],
)
def test_an_idle_model_stays_for_its_keep_alive(setting, asked, loaded_for_s):
    async def test(scheduler, use):
        await use(asked)
        await asyncio.sleep(loaded_for_s * 0.99)
        assert names(scheduler) == ["a:latest"]
        await asyncio.sleep(loaded_for_s * 0.02)
        assert names(scheduler) == []

    scenario(test, keep_alive_s=setting)


@pytest.mark.parametrize(("setting", "asked"), [(300.0, FOREVER), (FOREVER, None), (300.0, -1.0)])
def test_never_means_never(setting, asked):
    async def test(scheduler, use):
        await use(asked)
        await asyncio.sleep(10**6)
        assert [info.expires_at for info in scheduler.loaded()] == [FOREVER]

    scenario(test, keep_alive_s=setting)


@pytest.mark.parametrize(("setting", "asked"), [(300.0, 0.0), (0.0, None)])
def test_a_keep_alive_of_zero_unloads_right_after_the_request(setting, asked):
    async def test(scheduler, use):
        await use(asked)
        assert names(scheduler) == []

    scenario(test, keep_alive_s=setting)


def test_the_clock_stops_during_a_request_and_starts_anew_after_it():
    async def test(scheduler, use):
        await use(10)
        await asyncio.sleep(9)
        await use(seconds=100)
        await asyncio.sleep(9)
        assert names(scheduler) == ["a:latest"]
        await asyncio.sleep(2)
        assert names(scheduler) == []

    scenario(test)


def test_the_last_keep_alive_that_was_given_holds():
    async def test(scheduler, use):
        await use(1000)
        await use(10)
        await use()
        await asyncio.sleep(11)
        assert names(scheduler) == []

    scenario(test)


def test_the_moment_of_expiry_is_written_when_the_model_becomes_idle():
    async def test(scheduler, use):
        first = asyncio.create_task(use(10, seconds=5))
        await asyncio.sleep(2)
        assert scheduler.loaded()[0].expires_at == EPOCH + 2 + 10  # before the first idle moment: from now
        await first
        assert scheduler.loaded()[0].expires_at == EPOCH + 5 + 10
        long = asyncio.create_task(use(seconds=50))
        await asyncio.sleep(40)
        assert scheduler.loaded()[0].expires_at == EPOCH + 5 + 10  # stays, although it has passed
        await long
        assert scheduler.loaded()[0].expires_at == EPOCH + 55 + 10

    scenario(test)


def test_models_are_listed_with_the_latest_expiry_first():
    async def test(scheduler, use):
        await use(100, name="a")
        await use(FOREVER, name="b")
        await use(200, name="c")
        assert names(scheduler) == ["b:latest", "c:latest", "a:latest"]

    scenario(test)


def test_unloading_an_idle_model_takes_effect_at_once():
    async def test(scheduler, use):
        await use(FOREVER)
        assert scheduler.unload(build_model("a")) is True
        assert names(scheduler) == []

    scenario(test)


def test_unloading_what_is_not_loaded_does_nothing():
    async def test(scheduler, use):
        assert scheduler.unload(build_model("a")) is False

    scenario(test)


def test_unloading_a_busy_model_lets_its_requests_finish():
    async def test(scheduler, use):
        busy = asyncio.create_task(use(seconds=10))
        await asyncio.sleep(1)
        assert scheduler.unload(build_model("a")) is True
        assert names(scheduler) == ["a:latest"]
        await busy
        assert names(scheduler) == []

    scenario(test)


def test_a_model_that_is_to_go_still_serves_and_a_positive_keep_alive_revives_it():
    async def test(scheduler, use):
        busy = asyncio.create_task(use(seconds=10))
        await asyncio.sleep(1)
        scheduler.unload(build_model("a"))
        await use(60)
        await busy
        await asyncio.sleep(30)
        assert names(scheduler) == ["a:latest"]

    scenario(test)


def test_names_over_the_same_weights_unload_each_other():
    async def test(scheduler, use):
        await use(name="a")
        assert scheduler.unload(build_model("other", weights="a")) is True

    scenario(test)


@pytest.mark.parametrize(("idle_s", "loads"), [(1.0, 1), (60.0, 2)])
def test_a_runner_that_hangs_is_replaced_when_nobody_has_heard_of_it_for_a_while(idle_s, loads):
    async def whole():
        launcher = FakeLauncher()
        scheduler = Scheduler(Settings(), launcher, machine=launcher.machine)
        for _ in range(2):
            async with scheduler.lease(build_model(), Options()) as lease:
                lease.runner.process.hangs = len(launcher.processes) == 1
            await asyncio.sleep(idle_s)
        assert len(launcher.processes) == loads
        assert launcher.processes[0].alive is (loads == 1)
        await scheduler.close()

    run(whole())


def test_a_request_that_leaves_while_a_runner_is_asked_leaves_its_slot():
    async def whole():
        launcher = FakeLauncher()
        scheduler = Scheduler(Settings(num_parallel=1), launcher, machine=launcher.machine)
        async with scheduler.lease(build_model(), Options()):
            pass
        await asyncio.sleep(60)
        launcher.processes[0].hangs = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await scheduler.lease(build_model(), Options()).__aenter__()
        launcher.processes[0].hangs = False
        async with scheduler.lease(build_model(), Options()) as lease:
            assert lease.runner.in_flight == lease.runner.in_slots == 1
        await scheduler.close()

    run(whole())
