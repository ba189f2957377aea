import asyncio

from corral.core.options import Options
from corral.errors import ModelNotFound
from corral.scheduler import Scheduler
from corral.serving.preload import Preloads
from corral.settings import Settings
from tests.helpers.build_model import build_model
from tests.helpers.fake_launcher import GIB, FakeLauncher
from tests.helpers.virtual_time import run


class Shelf:
    async def resolve(self, text):
        if text == "missing":
            raise ModelNotFound(text)
        return build_model(text, size=4 * GIB)


def scenario(test, *names, memory=16 * GIB):
    """Run `test(scheduler, preloads, loaded)` in virtual time; `loaded` gives the names that are loaded."""

    async def whole():
        launcher = FakeLauncher(memory=memory)
        scheduler = Scheduler(Settings(), launcher, machine=launcher.machine)
        preloads = Preloads(Shelf(), scheduler, names)
        await test(scheduler, preloads, lambda: sorted(info.name for info in scheduler.loaded()))
        await preloads.close()
        await scheduler.close()

    run(whole())


async def use(scheduler, name, keep_alive_s=None):
    async with scheduler.lease(await Shelf().resolve(name), Options(), keep_alive_s=keep_alive_s):
        await asyncio.sleep(1)


def test_models_of_the_list_are_loaded_at_the_start_and_stay():
    async def test(scheduler, preloads, loaded):
        preloads.begin()
        await asyncio.sleep(10**4)
        assert loaded() == ["a:latest", "b:latest"]
        assert not any(info.pinned for info in scheduler.loaded())

    scenario(test, "a", "missing", "b")


def test_one_that_made_room_comes_back_when_there_is_room_and_ends_nobody_for_that():
    async def test(scheduler, preloads, loaded):
        preloads.begin()
        await asyncio.sleep(1)
        await use(scheduler, "big", keep_alive_s=100)
        await asyncio.sleep(50)
        assert loaded() == ["big:latest"]
        await asyncio.sleep(100)
        assert loaded() == ["a:latest"]

    scenario(test, "a", memory=7 * GIB)


def test_one_that_somebody_unloaded_stays_away_until_it_is_asked_for():
    async def test(scheduler, preloads, loaded):
        preloads.begin()
        await asyncio.sleep(1)
        scheduler.unload(await Shelf().resolve("a"))
        await asyncio.sleep(1000)
        assert loaded() == []

    scenario(test, "a")


def test_the_next_model_of_a_client_is_loaded_and_what_is_idle_makes_room():
    async def test(scheduler, preloads, loaded):
        await use(scheduler, "a")
        preloads.next(["missing", "b"])
        await asyncio.sleep(1)
        assert loaded() == ["b:latest"]

    scenario(test, memory=7 * GIB)


def test_a_pinned_model_survives_what_is_preloaded():
    async def test(scheduler, preloads, loaded):
        await use(scheduler, "a", keep_alive_s=-1)
        preloads.next(["b"])
        await asyncio.sleep(1)
        assert loaded() == ["a:latest"]

    scenario(test, memory=7 * GIB)
