import asyncio
import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from corral.cache import Prefix, Realm, SavedState, SavedStates, token_blocks
from corral.database import Database

TOKENS = list(range(640))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


class Place:
    """A folder of states and the database beside it; `run` gives a test both, as a server has them."""

    def __init__(self, folder):
        self.folder = folder / "states"
        self.weights = folder / "weights.gguf"
        self.weights.write_bytes(b"weights")
        self._database = folder / "corral.db"

    def run(self, test, **options):
        async def whole():
            database = Database(self._database)
            saved = SavedStates(self.folder, database, **options)
            saved.make_folder()
            try:
                await saved.ready()
                return await test(saved)
            finally:
                await database.close()

        return asyncio.run(whole())

    def state(self, num_tokens=640, **values):
        made = SavedState(
            id="",
            stamp="s",
            weights=str(self.weights),
            realm=Realm(),
            blocks=token_blocks(TOKENS[:num_tokens]),
            num_tokens=num_tokens,
            token_s=0.005,
            size=0,
            digest="",
            used_at=0.0,
        )
        return replace(made, **values)

    @property
    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


async def keep(saved, state, data=b"x" * 1000):
    name = await saved.make_room(len(data))
    if name is None:
        return None
    saved.folder.joinpath(name).write_bytes(data)
    return await saved.add(name, state)


def found(saved, num_tokens=640, stamp="s", realm=Realm()):  # noqa: B008
    best = saved.best(stamp, Prefix(realm=realm, blocks=token_blocks(TOKENS[:num_tokens])))
    return best[1] if best is not None else 0


def test_a_state_is_found_by_the_next_server(place):
    place.run(lambda saved: keep(saved, place.state()))

    async def test(saved):
        state, blocks = saved.best("s", Prefix(blocks=token_blocks(TOKENS)))
        assert blocks == 10
        name = await saved.file_of(state)
        return saved.folder.joinpath(name)

    file = place.run(test)
    assert file.read_bytes() == b"x" * 1000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_other_stamps_and_other_realms_do_not_find_it(place):
    async def test(saved):
        await keep(saved, place.state(realm=Realm(scales=(0.5,))))
        assert found(saved, realm=Realm(scales=(0.5,))) == 10
        assert found(saved) == 0
        assert found(saved, realm=Realm(owner=1, scales=(0.5,))) == 0
        assert found(saved, stamp="other", realm=Realm(scales=(0.5,))) == 0

    place.run(test)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda file: file.write_bytes(b"y" + b"x" * 999), "has other content than was written"),
        (lambda file: os.truncate(file, 500), "has 500 bytes instead of 1000"),
        (lambda file: file.write_bytes(b"x" * 1001), "has 1001 bytes instead of 1000"),
        (lambda file: file.unlink(), "is missing"),
    ],
)
def test_a_damaged_file_is_removed_and_not_used(place, damage, problem, caplog):
    async def test(saved):
        state = await keep(saved, place.state())
        damage(saved.folder / f"{state.id}.state")
        assert await saved.file_of(state) is None
        assert (found(saved), saved.counts["damaged"]) == (0, 1)

    place.run(test)
    assert place.files == []
    assert caplog.messages[-1] == f"a saved prompt is removed: its file {problem}"
    assert place.run(lambda saved: asyncio.sleep(0, found(saved))) == 0


def test_the_budget_holds_and_the_least_recently_used_go(place):
    times = iter(range(100))

    async def test(saved):
        for scale in (1.0, 2.0, 3.0):
            await keep(saved, place.state(realm=Realm(scales=(scale,))))
        first = saved.best("s", Prefix(realm=Realm(scales=(1.0,)), blocks=token_blocks(TOKENS)))[0]
        await saved.restored(first)
        await keep(saved, place.state(realm=Realm(scales=(4.0,))))
        assert [found(saved, realm=Realm(scales=(scale,))) for scale in (1.0, 2.0, 3.0, 4.0)] == [
            10,
            0,
            10,
            10,
        ]
        assert (saved.num_bytes, saved.counts["evicted"]) == (3000, 1)

    place.run(test, limit=3500, now=lambda: next(times))
    assert len(place.files) == 3


def test_what_is_larger_than_the_budget_is_not_kept(place):
    async def test(saved):
        await keep(saved, place.state())
        assert await keep(saved, place.state(realm=Realm(scales=(2.0,))), b"x" * 5000) is None
        assert found(saved) == 10

    place.run(test, limit=3500)
    assert len(place.files) == 1


def test_a_file_that_turns_out_too_large_goes_at_once(place):
    async def test(saved):
        name = await saved.make_room(10)
        saved.folder.joinpath(name).write_bytes(b"x" * 5000)
        assert await saved.add(name, place.state()) is None

    place.run(test, limit=3500)
    assert place.files == []


def test_a_longer_prompt_replaces_its_own_beginning_and_nothing_else(place):
    async def test(saved):
        await keep(saved, place.state(320))
        await keep(saved, place.state(320, stamp="other"))
        await keep(saved, place.state(640))
        assert (saved.num_states, found(saved), found(saved, stamp="other")) == (2, 10, 5)

    place.run(test)


def test_a_state_that_goes_while_it_is_restored_does_not_come_back_and_is_not_called_damaged(place):
    async def test(saved):
        first = await keep(saved, place.state(320))
        await keep(saved, place.state(640))
        assert await saved.file_of(first) is None
        await saved.restored(first)  # whose file was read just before
        assert (saved.num_states, saved.counts["damaged"]) == (1, 0)

    place.run(test)


def test_states_of_models_that_are_gone_are_removed_at_the_next_start(place):
    place.run(lambda saved: keep(saved, place.state()))
    place.weights.unlink()
    assert place.run(lambda saved: asyncio.sleep(0, saved.num_states)) == 0
    assert place.files == []


def test_pruning_removes_those_of_models_that_are_gone_or_all(place):
    async def test(saved):
        await keep(saved, place.state())
        assert await saved.prune() == 0
        place.weights.unlink()
        assert await saved.prune() == 1000
        assert await keep(saved, place.state()) is None  # nor is one saved that comes late
        place.weights.write_bytes(b"weights")
        await keep(saved, place.state())
        assert await saved.prune(everything=True) == 1000

    place.run(test)
    assert place.files == []


def test_what_killed_servers_left_is_removed_at_the_next_start(place):
    place.run(lambda saved: keep(saved, place.state()))
    (whole,) = place.files
    nobody = 4_194_305  # above what the kernel hands out
    same = os.getpid()  # as in a container, where each server may have the number of the one before
    other = os.getppid()
    for name in (f"{nobody}-ab.part", "00.state", f"{same}-cd.part", f"{other}-ef.part"):
        place.folder.joinpath(name).write_bytes(b"x")
    os.utime(place.folder / "00.state", (0, 0))
    place.run(lambda saved: asyncio.sleep(0))
    assert place.files == sorted([whole, f"{other}-ef.part"])


def test_what_cannot_be_removed_holds_nobody_up(place, monkeypatch):
    place.run(lambda saved: keep(saved, place.state()))
    place.folder.joinpath(f"{os.getpid()}-ab.part").write_bytes(b"x")

    def refuse(path, missing_ok=False):
        raise OSError(errno.EROFS, "read-only file system")

    async def test(saved):
        saved.discard("1-ab.part")
        await saved.prune(everything=True)
        assert saved.num_states == 0

    monkeypatch.setattr(Path, "unlink", refuse)
    place.run(test)


def test_a_folder_that_cannot_be_made_is_no_reason_not_to_load(place, caplog):
    place.folder.write_bytes(b"a file in its place")
    saved = SavedStates(place.folder, None)
    assert saved.make_folder() is False
    assert caplog.messages[-1].startswith("prompts cannot be saved: ")


def test_closing_removes_what_children_were_still_writing(place):
    async def test(saved):
        name = await saved.make_room(10)
        saved.folder.joinpath(name).write_bytes(b"half of")
        saved.close()

    place.run(test)
    assert place.files == []
