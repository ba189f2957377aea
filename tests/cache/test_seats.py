import asyncio

import pytest

from corral.cache import Child, Prefix, Realm, SavedStates, Seats, token_blocks
from corral.cache.seats import IDLE_S
from corral.database import Database
from corral.engine import Finish, PrefillProgress
from tests.helpers.fake_engine_slots import FakeEngineSlots

TOKEN_S = 0.005
SYSTEM = list(range(256))


class Place:
    """One engine with saved states; `ask` is a request whose prompt has these tokens."""

    def __init__(self, folder, saved):
        self.engine = FakeEngineSlots(folder)
        self.saved = saved
        self.seats = self.new_seats()

    def new_seats(self, num_slots=2, **values):
        facts = {"stamp": "s", "num_ctx": 4096, "token_bytes": 1, "can_save": True, **values}
        weights = str(self.engine._folder)  # something that is there
        child = Child(weights=weights, num_slots=num_slots, **facts)
        self.engine.calls.clear()
        self.engine.states.clear()
        self.seats = Seats(self.engine, child, self.saved)
        return self.seats

    async def ask(self, tokens, realm=Realm(), **values):  # noqa: B008
        seat = await self.seats.take(Prefix(realm=realm, blocks=token_blocks(tokens), **values))
        self.engine.states[seat.slot] = f"{tokens[-1]}"
        counts = {"prompt_tokens": len(tokens), "cached_tokens": 0, "completion_tokens": 4}
        seat.see(Finish("stop", **counts, prompt_s=len(tokens) * TOKEN_S, decode_s=0.1))
        self.seats.leave(seat)
        return seat.slot

    async def restart(self, **values):
        await self.seats.save(5.0)
        self.new_seats(**values)


def scenario(tmp_path, test):
    async def whole():
        database = Database(tmp_path / "corral.db")
        saved = SavedStates(tmp_path / "states", database)
        saved.make_folder()
        try:
            place = Place(tmp_path / "states", saved)
            await test(place)
        finally:
            await database.close()

    asyncio.run(whole())
    left = sorted(path.suffix for path in (tmp_path / "states").iterdir())
    assert ".part" not in left


def conversation(number, num_tokens=512):
    return [*SYSTEM, *range(1000 * number, 1000 * number + num_tokens - len(SYSTEM))]


def own(number, num_tokens=512):
    """A conversation that shares nothing with others."""
    return list(range(10_000 * number, 10_000 * number + num_tokens))


def test_a_prompt_is_restored_after_a_restart(tmp_path):
    async def test(place):
        await place.ask(own(1))
        await place.restart()
        await place.ask([*own(1), 7])
        assert place.engine.calls == ["restore 0"]
        assert place.saved.counts == {"saved": 1, "restored": 1}

    scenario(tmp_path, test)


@pytest.mark.parametrize("values", [{"stamp": "other"}, {"can_save": False}])
def test_a_child_of_another_stamp_or_one_that_cannot_does_not_restore(tmp_path, values):
    async def test(place):
        await place.ask(own(1))
        await place.restart(**values)
        await place.ask(own(1))
        assert place.engine.calls == []

    scenario(tmp_path, test)


@pytest.mark.parametrize("other", [Realm(owner=2), Realm(scales=(0.5,)), Realm()])
def test_a_prompt_is_restored_for_its_own_realm_alone(tmp_path, other):
    async def test(place):
        await place.ask(own(1), realm=Realm(scales=(1.0,)))
        await place.restart()
        await place.ask(own(1), realm=other)
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_a_slot_has_the_adapters_of_a_prompt_before_that_is_restored(tmp_path):
    async def test(place):
        realm = Realm(scales=(0.5, 1.0))
        await place.ask(own(1), realm=realm)
        await place.restart()
        await place.ask(own(1), realm=realm)
        assert place.engine.calls == ["adapters 0 (0.5, 1.0)", "restore 0"]

    scenario(tmp_path, test)


def test_short_prompts_and_prompts_with_media_are_not_saved(tmp_path):
    async def test(place):
        await place.ask(own(1, 32))
        await place.ask(own(2), has_media=True)
        await place.seats.save(5.0)
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_what_is_saved_already_is_not_saved_again(tmp_path):
    async def test(place):
        await place.ask(own(1))
        await place.seats.save(5.0)
        await place.ask([*own(1), 7])
        await place.seats.save(5.0)
        assert place.engine.calls == ["save 0"]
        await place.ask(own(1, 1024))
        await place.seats.save(5.0)
        assert (place.engine.calls, place.saved.num_states) == (["save 0", "save 0"], 1)

    scenario(tmp_path, test)


def test_a_conversation_keeps_its_slot_and_one_with_the_same_beginning_gets_another(tmp_path):
    async def test(place):
        slots = [await place.ask(conversation(number)) for number in (1, 2, 1, 2)]
        assert slots == [0, 1, 0, 1]

    scenario(tmp_path, test)


def test_a_common_beginning_is_copied_into_the_new_slot(tmp_path):
    async def test(place):
        await place.ask(conversation(1))
        await place.ask(conversation(2))
        assert place.engine.calls == ["save 0", "restore 1"]

    scenario(tmp_path, test)


def test_a_prompt_that_must_leave_its_slot_is_saved_and_comes_back(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1)
        for number in (1, 2, 1):
            await place.ask(own(number))
        assert place.engine.calls == ["save 0", "save 0", "restore 0"]

    scenario(tmp_path, test)


def test_a_prompt_that_the_engine_keeps_in_memory_is_not_written(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1, memory_tokens=10_000)
        for number in (1, 2, 1):
            await place.ask(own(number))
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_a_slot_of_another_realm_is_emptied_first(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1)
        await place.ask(own(1, 128), realm=Realm(owner=1))
        await place.ask(own(1, 128), realm=Realm(owner=2))
        assert place.engine.calls[-1] == "erase 0"

    scenario(tmp_path, test)


def test_with_two_realms_the_memory_of_the_engine_is_never_asked(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1, memory_tokens=10_000, can_save=False)
        await place.ask(own(1), realm=Realm(owner=1))
        await place.ask(own(2), realm=Realm(owner=2))
        await place.ask([*own(2), 7], realm=Realm(owner=2))  # goes on: the engine does not look
        await place.ask(own(3), realm=Realm(owner=2))
        assert place.engine.calls == ["erase 0", "erase 0"]

    scenario(tmp_path, test)


def test_a_file_that_the_engine_refuses_is_removed_and_the_prompt_is_computed(tmp_path):
    async def test(place):
        await place.ask(own(1))
        await place.restart()
        place.engine.fails = True
        await place.ask(own(1))
        assert place.engine.calls == ["restore 0", "erase 0"]
        assert (place.saved.num_states, place.saved.counts["refused"]) == (0, 1)

    scenario(tmp_path, test)


def test_a_save_that_fails_leaves_nothing_and_harms_nobody(tmp_path):
    async def test(place):
        await place.ask(own(1))
        place.engine.fails = True
        await place.seats.save(5.0)
        assert place.saved.num_states == 0
        assert await place.ask(own(1)) == 0

    scenario(tmp_path, test)


def test_saving_ends_with_its_time(tmp_path):
    async def test(place):
        async def hang(slot, name):
            await asyncio.sleep(60)

        await place.ask(own(1))
        place.engine.save_slot = hang
        async with asyncio.timeout(10):
            await place.seats.save(0.05)

    scenario(tmp_path, test)


def test_what_would_take_longer_than_there_is_time_for_is_not_begun(tmp_path):
    async def test(place):
        place.new_seats(token_bytes=1_000_000)  # half a gigabyte
        place.seats._token_s = 1.0
        await place.ask(own(1))
        await place.seats.save(0.5)
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_after_the_end_of_the_child_nothing_is_saved_any_more(tmp_path, monkeypatch):
    monkeypatch.setattr("corral.cache.seats.IDLE_S", 0.0)

    async def test(place):
        seat = await place.seats.take(Prefix(blocks=token_blocks(own(1))))
        place.seats.close()
        place.seats.leave(seat)
        await asyncio.sleep(0.02)
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_what_the_engine_has_in_memory_is_known_as_prompts_come_and_go(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1, memory_tokens=1200)
        for number, in_memory in ((1, []), (2, [1]), (1, [2]), (3, [2, 1]), (4, [1, 3])):
            await place.ask(own(number))
            expected = [token_blocks(own(other)) for other in in_memory]
            assert [content.blocks for content in place.seats._in_memory] == expected

    scenario(tmp_path, test)


def test_a_request_that_was_left_midway_is_known_as_far_as_it_was_read(tmp_path):
    async def test(place):
        seat = await place.seats.take(Prefix(blocks=token_blocks(own(1))))
        seat.see(PrefillProgress(512, 0, 256))
        place.seats.leave(seat)
        await place.ask(own(2))
        assert await place.ask(own(1, 256)) == 0
        await place.seats.save(5.0)

    scenario(tmp_path, test)


def test_an_answer_that_outgrew_its_window_leaves_nothing_to_save(tmp_path):
    async def test(place):
        place.new_seats(num_ctx=512)
        await place.ask(own(1))
        await place.seats.save(5.0)
        assert place.engine.calls == []

    scenario(tmp_path, test)


def test_a_request_that_leaves_during_its_restore_leaves_a_slot_that_is_emptied(tmp_path):
    async def test(place):
        async def hang(slot, name):
            await asyncio.sleep(60)

        place.new_seats(num_slots=1)
        await place.ask(own(1))
        await place.restart(num_slots=1)
        whole, place.engine.restore_slot = place.engine.restore_slot, hang
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(place.ask(own(1)), 0.2)
        place.engine.restore_slot = whole
        place.engine.calls.clear()
        await place.ask(own(2))
        assert place.engine.calls == ["erase 0"]

    scenario(tmp_path, test)


def test_a_request_waits_while_all_slots_are_taken(tmp_path):
    async def test(place):
        place.new_seats(num_slots=1)
        seat = await place.seats.take(Prefix())
        second = asyncio.create_task(place.seats.take(Prefix()))
        await asyncio.sleep(0.01)
        assert not second.done()
        place.seats.leave(seat)
        assert (await second).slot == 0

    scenario(tmp_path, test)


def test_in_idle_time_long_prompts_are_saved(tmp_path, monkeypatch):
    assert IDLE_S >= 5  # not after every answer of a chat
    monkeypatch.setattr("corral.cache.seats.IDLE_S", 0.01)

    async def test(place):
        await place.ask(own(1))
        async with asyncio.timeout(10):
            while place.saved.num_states == 0:  # noqa: ASYNC110 - a file of another thread
                await asyncio.sleep(0.01)

    scenario(tmp_path, test)
